"""`tastemaker synthesize guided` and `complexity`: dialogues of the right hardness, and how hard a set is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, print_json, print_table, progress_bar
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.synthesis.complexity.guidance import Band


def guided(
    pool: Annotated[Path, typer.Option("--pool", help="The pool of APIs.")],
    model: Annotated[str, typer.Option("--model", help="The local model to be tuned.")],
    tuned: Annotated[
        str | None,
        typer.Option("--tuned", help="That model after a little tuning, for the band's upper end."),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=1, help="Dialogues in the set.")] = 500,
    prior: Annotated[int, typer.Option("--prior", min=5, help="Dialogues to estimate the band from.")] = 60,
    target: Annotated[Path, typer.Option("--out", help="The set, JSON Lines.")] = Path("guided.jsonl"),
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make dialogues whose loss under a model lies in the band that is worth learning: what is too easy is
    made harder, what is too hard easier. The same command goes on with a set that was interrupted.

    Example: tastemaker synthesize guided --pool apis.jsonl --model local:smollm2 --out guided.jsonl
    """
    from tastemaker.learning.losses import local_losses
    from tastemaker.synthesis.api import read_apis
    from tastemaker.synthesis.blocks import fingerprint
    from tastemaker.synthesis.complexity.guidance import estimate_band
    from tastemaker.synthesis.complexity.guided_set import GuidedConfig, build_guided, prior_set
    from tastemaker.synthesis.dialogues.scenes import SceneConfig, Scenes

    config = GuidedConfig(model=model, tuned=tuned, size=size, prior=prior, seed=seed)
    mark = fingerprint(pool)
    scenes = Scenes(list(read_apis(pool)), SceneConfig(seed=seed))
    evaluate = local_losses(model)

    def band() -> Band:
        samples = prior_set(config, scenes.with_knobs)
        with err.status("estimating the band"):
            after = local_losses(tuned)(samples) if tuned else None
            return estimate_band(evaluate(samples), _right(model, samples), after)

    with progress_bar() as bar:
        task = bar.add_task("dialogues", total=size)
        card = build_guided(
            config,
            mark,
            scenes.with_knobs,
            evaluate,
            band,
            target,
            lambda done, wanted: bar.update(task, completed=done, total=wanted),
        )
    if as_json:
        print_json({"out": str(target), "card": card})
        return
    found = card["band"]
    row = {
        "set": target.name,
        "dialogues": card["statistics"]["dialogues"],
        "band": f"{found['low']:.3f} to {found['high']:.3f}",
        "in the band": card["in the band"],
    }
    print_table([row], caption=found["why"])


def complexity(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Dialogues: JSON Lines or Parquet.")],
    model: Annotated[
        str | None, typer.Option("--model", help="A local model, whose loss on each dialogue is measured.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Dialogues to look at, the first ones.")] = 200,
    charts: Annotated[Path | None, typer.Option("--charts", help="A folder for charts.")] = None,
    pool: Annotated[Path | None, typer.Option("--pool", help="A pool of APIs, to chart as well.")] = None,
    as_json: JsonOption = False,
) -> None:
    """How hard a set of dialogues is, by kind: tools offered, calls, distance of the words, a model's loss.

    Example: tastemaker synthesize complexity dialogues.jsonl --model local:smollm2 --charts charts
    """
    from itertools import islice

    from tastemaker.synthesis.complexity.proxy import features, proxy
    from tastemaker.synthesis.dialogues.files import readable

    samples = list(islice(readable(file), limit))
    if not samples:
        raise InputError(f"{file} holds no dialogue")
    losses: list[float | None] = [None] * len(samples)
    if model is not None:
        from tastemaker.learning.losses import local_losses

        evaluate = local_losses(model)
        with progress_bar() as bar:
            for place in bar.track(range(0, len(samples), 8), description="dialogues"):
                losses[place : place + 8] = evaluate(samples[place : place + 8])
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for sample, loss in zip(samples, losses, strict=True):
        found = features(sample)
        by_kind.setdefault(str(sample.task.inputs.get("kind", sample.task.kind)), []).append(
            {
                "tools offered": found.candidates,
                "calls": found.used,
                "distance": found.distance,
                "values": found.values,
                "complexity": proxy(sample),
                **({"loss": loss} if loss is not None else {}),
            }
        )
    rows = [
        {
            "kind": kind,
            "dialogues": len(each),
            **{name: sum(one[name] for one in each) / len(each) for name in each[0]},
        }
        for kind, each in by_kind.items()
    ]
    if charts is not None:
        _draw(charts, samples, losses, pool)
    if as_json:
        print_json({"file": str(file), "model": model, "kinds": rows})
    else:
        caption = f"means of the first {len(samples)} dialogues; loss in nats per token of the assistant"
        print_table(rows, caption=caption)


def _right(model: str, samples: list[Any]) -> list[bool]:
    """Which of the prior set the model gets right by itself."""
    import asyncio

    from tastemaker.llm.models import resolve
    from tastemaker.synthesis.dialogues.roles import Roles
    from tastemaker.synthesis.dialogues.staging import RolesConfig

    return asyncio.run(Roles(resolve(model), RolesConfig()).answers_right(samples))


def _draw(folder: Path, samples: list[Any], losses: list[float | None], pool: Path | None) -> None:
    from tastemaker.synthesis.api import read_apis
    from tastemaker.synthesis.complexity.charts import Measured, plot_features, plot_losses, plot_pool
    from tastemaker.synthesis.complexity.proxy import features

    folder.mkdir(parents=True, exist_ok=True)
    measured = [
        Measured(str(sample.task.inputs.get("kind", sample.task.kind)), loss, features(sample))
        for sample, loss in zip(samples, losses, strict=True)
        if loss is not None
    ]
    if measured:
        plot_losses(measured, folder / "losses.png")
        plot_features(measured, folder / "features.png")
    if pool is not None:
        plot_pool(read_apis(pool), folder / "pool.png")
