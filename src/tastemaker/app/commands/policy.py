"""`tastemaker policy`: train policies in simulated worlds, measure them, compare them all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.console import (
    JsonOption,
    err,
    keep_results,
    out,
    print_json,
    print_table,
    progress_bar,
    read_settings,
)
from tastemaker.errors import InputError

app = typer.Typer(help="Long-term policies: train, evaluate, compare.", no_args_is_help=True)

WorldOption = Annotated[
    str, typer.Option("--world", help="The world; `tastemaker world list` shows the names.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Starts the training, and draws in evaluation.")]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="A setting, key=value; may be repeated. user_model.key and reward.key are the user model's and "
        "the training reward's.",
    ),
]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the policies and baselines.

    Example: tastemaker policy list
    """
    from tastemaker.policies import baselines, registry

    rows: list[dict[str, Any]] = [
        {"policy": name, "kind": "baseline", "learns from": "–", "what": what}
        for name, what in baselines.NAMES.items()
    ]
    for name, entry in registry.LEARNED.items():
        kind = registry.policy_type(name)
        what = " ".join((kind.__doc__ or "").partition(". ")[0].split()).rstrip(".")
        if entry.reward != "base":
            what = f"{kind.name} with the training reward {entry.reward}"
        rows.append({"policy": name, "kind": entry.kind, "learns from": kind.learns_from, "what": what})
    if as_json:
        for row in rows:
            if row["kind"] != "baseline":
                row["settings"] = registry.config(row["policy"], {}).model_dump(mode="json")
        print_json(rows)
        return
    print_table(rows, caption="--json shows the settings, too.")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="The policy; `tastemaker policy list` shows the names.")],
    world: WorldOption,
    settings: SettingsOption = None,
    seed: SeedOption = 0,
    folder: Annotated[
        Path | None,
        typer.Option("--run", help="Folder for config, metrics and checkpoint; by default the cache."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a policy and show what it truly earns.

    An interrupted training goes on from its last checkpoint when the same command is given again.

    Example: tastemaker policy train a2c --world coat --set epochs=20 --run runs/a2c
    """
    from tastemaker.policies import evaluation, training
    from tastemaker.policies.evaluation import Judge

    scenario = _scenario(world)
    config = training.PolicyRun.of(name, scenario, {"seed": seed, **read_settings(settings)})
    home = config.home if folder is None else folder
    with _progress() as tell:
        found = training.train(Judge(scenario), config, home, lambda row: tell(name, seed, row))
    rows = [{"mode": mode, "policy": name, **measures} for mode, measures in found.evaluations.items()]
    said = evaluation.protocol(scenario, list(found.evaluations), 1)
    if as_json:
        result = {"protocol": said, "run": str(home), "train_seconds": found.seconds, "rows": rows}
        print_json({**result, "config": config.model_dump(mode="json")})
        return
    print_table(rows, title=f"{name} on {world}", caption=f"{said}; trained in {found.seconds:.1f} s")
    if folder is not None:
        err.print(f"The run is in {folder}.")


@app.command()
def evaluate(
    what: Annotated[
        str, typer.Argument(metavar="RUN|NAME", help="A run folder, a baseline, or a policy trained before.")
    ],
    world: WorldOption,
    mode: Annotated[
        list[str] | None,
        typer.Option(
            "--mode", help="FreeB, NX_0 or NX_X with X turns; may be repeated. By default all three."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Sessions of every user.")] = 1,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure a policy in the true world, with bootstrap intervals over users.

    Example: tastemaker policy evaluate oracle --world coat --mode FreeB --mode NX_30
    """
    from tastemaker.policies import evaluation, training
    from tastemaker.simulation.world import Mode

    modes = [Mode.parse(name) for name in mode or ()]
    scenario = _scenario(world)
    modes = modes or [Mode.parse(name) for name in training.fitting(scenario)]
    judge = evaluation.Judge(scenario)
    rows: list[dict[str, Any]] = []
    with err.status(f"playing in {world}"):
        policies = training.find(what, scenario, modes, seed)
        for one, policy in zip(modes, policies, strict=True):
            measured = judge.evaluate(policy, one.name, rounds=rounds, seed=seed)
            rows.append({"mode": one.name, "policy": policy.name, **measured.intervals()})
    said = evaluation.protocol(scenario, [one.name for one in modes], rounds)
    if as_json:
        print_json({"protocol": said, "rows": rows})
        return
    print_table(
        rows, title=f"{what} on {world}", caption=f"{said}; mean and 95% bootstrap interval over users"
    )


@app.command()
def compare(
    world: WorldOption,
    policies: Annotated[
        str | None,
        typer.Option(help="Only these, separated by commas; the baselines stand beside them always."),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--train", help="Train and measure now, instead of printing what is stored.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="With --train: how many seeds, from 0.")] = 3,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="With --train: a setting of all the policies, key=value, or of one, NAME.key=value; "
            "may be repeated.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--runs", help="With --train: keep the run folders here; by default the cache."),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="The results file: written with --train, else read (results/policies-WORLD.json)."),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(help="Also draw learning curves and reward against coverage into this folder."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the tables of all policies and baselines on a world: the stored ones, or with --train new ones.

    An interrupted --train goes on where it was when the same command is given again.

    Example: tastemaker policy compare --world coat

    Example: tastemaker policy compare --world coat --train --policies a2c,dqn --set a2c.epochs=40
    """
    from tastemaker.policies import compare as comparison
    from tastemaker.policies import plots as pictures

    names = None if policies is None else [name.strip() for name in policies.split(",")]
    if measure:
        found = _measure(world, names, seeds, read_settings(settings), folder, results)
    elif folder is not None or settings:
        raise InputError("--runs and --set belong to --train")
    else:
        found = comparison.read(results or Path("results") / f"policies-{world}.json", names)
    if plots is not None:
        pictures.plot_coverage(found.rows, plots / f"policies-{world}-coverage.png")
        if any(row.get("curve") for row in found.rows):
            pictures.plot_curves(found.rows, plots / f"policies-{world}-curves.png")
    if as_json:
        print_json({"protocol": found.protocol, "rows": found.rows})
        return
    _print_comparison(world, found.rows, found.protocol)


def _measure(
    world: str,
    names: Sequence[str] | None,
    seeds: int,
    settings: Mapping[str, str],
    folder: Path | None,
    results: Path | None,
) -> Any:
    from tastemaker.policies import baselines, registry
    from tastemaker.policies.compare import compare

    for name in names or ():
        registry.check_name(name)
    learned = [name for name in names or registry.LEARNED if name not in baselines.NAMES]
    started = time.monotonic()
    scenario = _scenario(world)
    with _progress() as tell:
        found = compare(
            scenario, learned, seeds=range(seeds), settings=settings, folder=folder, on_epoch=tell
        )
    keep_results(results, found.rows, protocol=found.protocol, seeds=range(seeds), started=started)
    return found


def _print_comparison(world: str, rows: Sequence[Mapping[str, Any]], protocol: str) -> None:
    """One table a mode, the best reward first."""
    from tastemaker.policies.evaluation import METRICS

    modes = list(dict.fromkeys(row["mode"] for row in rows))
    for mode in modes:
        own = sorted(
            (row for row in rows if row["mode"] == mode), key=lambda row: -float(row["reward"]["mean"])
        )
        shown = [
            {
                "policy": row["policy"],
                "kind": row["kind"],
                **{metric: _brief(row[metric], metric) for metric in METRICS},
                "train s": f"{row['train_seconds']:.0f}" if "train_seconds" in row else "–",
            }
            for row in own
        ]
        print_table(shown, title=f"Policies on {world}, {mode}")
    out.print(protocol, highlight=False, markup=False)


def _brief(value: Mapping[str, float], metric: str) -> str:
    """A mean, and half its interval where a table has room for it."""
    digits = 2 if metric in ("reward", "length", "gain", "novelty") else 3
    text = f"{value['mean']:.{digits}f}"
    if metric in ("reward", "gain", "coverage") and value["high"] > value["low"]:
        text += f" ±{(value['high'] - value['low']) / 2:.{digits}f}"
    return text


def _scenario(world: str) -> Any:
    from tastemaker.simulation.scenarios import scenario

    with err.status(f"building the world {world}"):
        return scenario(world)


@contextmanager
def _progress() -> Iterator[Any]:
    """Gives a function that shows one row of a training as a bar on standard error."""
    with progress_bar() as progress:
        tasks: dict[tuple[str, int], Any] = {}
        truth: dict[tuple[str, int], str] = {}

        def tell(name: str, seed: int, row: Mapping[str, Any]) -> None:
            key = name, seed
            if key not in tasks:
                for done in tasks.values():
                    progress.remove_task(done)
                tasks.clear()
                tasks[key] = progress.add_task(name)
            if "true_reward" in row:
                truth[key] = f", truly earns {row['true_reward']:.1f} in {row['true_length']:.1f} turns"
            progress.update(
                tasks[key],
                completed=row["epoch"],
                total=row["epochs"],
                description=f"{name}, seed {seed}: loss {row['loss']:.4f}{truth.get(key, '')}",
            )

        yield tell
