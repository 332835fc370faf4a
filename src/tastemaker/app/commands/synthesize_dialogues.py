"""`tastemaker synthesize dialogues`, `verify`, `export` and `card`: sets of dialogues about a pool's APIs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tastemaker.app.console import JsonOption, cell, err, out, print_json, print_table, progress_bar
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.synthesis.dialogues.generate import Rewriter

_SMALL_POOL = 2_000
"""APIs of the pool that is made where none is given."""

FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Dialogues: our JSON Lines or Parquet, or a ShareGPT JSON list."),
]


def dialogues(
    pool: Annotated[
        Path | None,
        typer.Option("--pool", help="The pool of APIs; default: a small one is made beside the set."),
    ] = None,
    size: Annotated[
        int, typer.Option("--size", min=1, max=100_000_000, help="Dialogues in the set.")
    ] = 20_000,
    target: Annotated[
        Path, typer.Option("--out", help="The set: JSON Lines, or Parquet by its suffix.")
    ] = Path("dialogues.jsonl"),
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    kinds: Annotated[
        str | None, typer.Option("--kinds", help="Weights of the kinds, such as single=3,parallel=1.")
    ] = None,
    complexity: Annotated[
        str, typer.Option("--complexity", help="How hard: low, medium, high or mixed.")
    ] = "mixed",
    nested: Annotated[
        bool,
        typer.Option("--nested/--no-nested", help="With arguments that hold objects and lists of lists."),
    ] = True,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Leave out what the rules reject.")
    ] = True,
    model: Annotated[
        str, typer.Option("--model", help="Let this model say the dialogues in its own words.")
    ] = "none",
    play: Annotated[
        bool, typer.Option("--play", help="Let --model play user, assistant and tools, not the user alone.")
    ] = False,
    workers: Annotated[
        str | None, typer.Option("--workers", help="Processes, one a core by default; ray for a cluster.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a set of dialogues with tool calls, verified, without duplicates, with a data card beside it. The
    same command goes on with a set that was interrupted.

    Example: tastemaker synthesize dialogues --pool apis.jsonl --size 20000 --out dialogues.jsonl --seed 0
    """
    from tastemaker.config import validated
    from tastemaker.synthesis.dialogues.generate import DialogueConfig, build_dialogues, load_scenes
    from tastemaker.synthesis.dialogues.scenes import SceneConfig

    settings: dict[str, Any] = {"seed": seed, "complexity": complexity, "nested": nested}
    if kinds is not None:
        settings["mix"] = _weights(kinds)
    scenes = validated(SceneConfig, settings, "dialogues")
    count = _workers(workers)
    rewriter = _rewriter(model, play)
    if pool is None:
        pool = _small_pool(target, seed, count)
    if target.exists():
        err.print(f"{target} is finished already", highlight=False, markup=False)
    with progress_bar() as bar:
        task = bar.add_task("dialogues", total=size)
        card = build_dialogues(
            DialogueConfig(size=size, verify=verify),
            scenes,
            pool,
            target,
            load=load_scenes,
            rewriter=rewriter,
            workers=count,
            progress=lambda done, wanted: bar.update(task, completed=done, total=wanted),
        )
    card = _with_contamination(target, card)
    _show_card(target, card, as_json)


def verify(
    file: FileArgument,
    target: Annotated[
        Path | None,
        typer.Option("--out", help="Write the accepted ones there, the others to <out>.rejected.jsonl."),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="jsonl, parquet or sharegpt; default: as the file looks.")
    ] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Put back names and types that a conversion lost.")
    ] = False,
    experts: Annotated[
        bool, typer.Option("--experts", help="Reject what the experts are sure of without a model, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check dialogues with the fourteen rules: how many each of them rejects, with the first such place.

    Example: tastemaker synthesize verify dialogues.jsonl --out good.jsonl --experts
    """
    from tastemaker.synthesis.blocks import fingerprint, finished
    from tastemaker.synthesis.dialogues.card import statistics, write_card
    from tastemaker.synthesis.dialogues.checking import check
    from tastemaker.synthesis.dialogues.files import readable

    settings = {"source": file.name, "fingerprint": fingerprint(file), "mend": mend, "experts": experts}
    if target is not None and (known := finished(target, {"settings": settings})):
        err.print(f"{target} is finished already", highlight=False, markup=False)
        _show_card(target, known, as_json)
        return
    with progress_bar() as bar:
        task = bar.add_task("dialogues", total=None)
        found = check(
            file,
            target,
            form=_form(form),
            mend=mend,
            experts=experts,
            progress=lambda done: bar.update(task, completed=done),
        )
    if target is not None:
        rejected = {
            "dialogues": found.dialogues - found.accepted,
            "by rule": dict(found.rejected.most_common()),
        }
        write_card(
            target, {"settings": settings, "rejected": rejected, "statistics": statistics(readable(target))}
        )
    rows = found.rows()
    if as_json:
        print_json({"dialogues": found.dialogues, "accepted": found.accepted, "rules": rows})
        return
    share = f"{found.accepted / found.dialogues:.1%}" if found.dialogues else "none"
    print_table(rows, caption=f"{found.accepted:,} of {found.dialogues:,} dialogues accepted ({share})")


def export(
    file: FileArgument,
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    to: Annotated[str, typer.Option("--to", help="sharegpt, openai, chat, parquet or jsonl.")],
    as_json: JsonOption = False,
) -> None:
    """Write dialogues in a form that other programs train on; what the form cannot carry is left out.

    Example: tastemaker synthesize export dialogues.jsonl --to sharegpt sharegpt.json
    """
    from tastemaker.synthesis.dialogues.files import export, readable

    if target.exists():
        raise InputError(f"{target} is there already; remove it, or choose another name")
    if not target.parent.is_dir():
        raise InputError(f"{target.parent}: no such folder")
    with progress_bar() as bar:
        task = bar.add_task("dialogues", total=None)

        def counted() -> Any:
            for dialogue in readable(file):
                bar.advance(task)
                yield dialogue

        written, left_out = export(counted(), to, target)
    if as_json:
        print_json({"out": str(target), "written": written, "left out": dict(left_out.most_common())})
        return
    out.print(f"{target}: {written:,} dialogues", highlight=False, markup=False)
    for why, times in left_out.most_common(5):
        err.print(f"left out {times:,}: {why}", highlight=False, markup=False)


def card(file: FileArgument, as_json: JsonOption = False) -> None:
    """Count what a set of dialogues holds and write its data card beside it, with what the card says already.

    Example: tastemaker synthesize card dialogues.jsonl
    """
    from tastemaker.synthesis.blocks import card_of, read_card
    from tastemaker.synthesis.dialogues.card import statistics, write_card
    from tastemaker.synthesis.dialogues.files import readable

    figures = statistics(readable(file))
    known = read_card(card_of(file)) if card_of(file).exists() else {}
    whole = {**known, "statistics": figures}
    write_card(file, whole)
    _show_card(file, _with_contamination(file, whole), as_json)


def _weights(text: str) -> dict[str, float]:
    from tastemaker.synthesis.dialogues.scenes import KINDS

    weights = {}
    for part in map(str.strip, text.split(",")):
        kind, equals, weight = part.partition("=")
        if kind not in KINDS:
            raise InputError(f"--kinds {part!r}: no such kind; there is: {', '.join(KINDS)}")
        try:
            weights[kind] = float(weight) if equals else 1.0
        except ValueError:
            raise InputError(f"--kinds {part!r}: write kind=weight, for example single=3") from None
    if not all(0 <= weight < float("inf") for weight in weights.values()) or not sum(weights.values()):
        raise InputError(f"--kinds {text}: weights are 0 or more, and one of them is more")
    return weights


def _workers(text: str | None) -> int | Literal["ray"] | None:
    if text is None or text == "ray":
        return "ray" if text else None
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise InputError(f"--workers {text!r}: a number of processes from 1 up, or ray")


def _form(text: str | None) -> Literal["jsonl", "parquet", "sharegpt"] | None:
    match text:
        case None | "jsonl" | "parquet" | "sharegpt":
            return text
        case _:
            raise InputError(f"--format {text!r}: jsonl, parquet or sharegpt")


def _rewriter(model: str, play: bool) -> Rewriter | None:
    if model == "none":
        if play:
            raise InputError("--play: name the model that plays, with --model")
        return None
    from tastemaker.llm.models import resolve
    from tastemaker.synthesis.dialogues.roles import Roles
    from tastemaker.synthesis.dialogues.staging import RolesConfig

    return Roles(resolve(model), RolesConfig(how="play" if play else "rewrite"))


def _small_pool(target: Path, seed: int, workers: int | Literal["ray"] | None) -> Path:
    from tastemaker.synthesis.pool import PoolConfig, build_pool

    pool = target.with_name(f"{target.stem}.apis.jsonl")
    with progress_bar() as bar:
        task = bar.add_task("APIs", total=_SMALL_POOL)
        build_pool(
            PoolConfig(size=_SMALL_POOL, seed=seed),
            pool,
            workers=None if workers == "ray" else workers,
            progress=lambda done, wanted: bar.update(task, completed=done, total=wanted),
        )
    return pool


def _with_contamination(file: Path, card: dict[str, Any]) -> dict[str, Any]:
    """The card with what the set shares with BFCL, where BFCL's package is installed and it is not known."""
    from tastemaker.benchmarks.bfcl_data import is_installed

    if "contamination" in card or not is_installed():
        return card
    from tastemaker.benchmarks.contamination import overlap
    from tastemaker.synthesis.dialogues.card import write_card
    from tastemaker.synthesis.dialogues.files import readable

    found = overlap(trajectories=readable(file))
    whole = {**card, "contamination": {kind: dataclasses.asdict(each) for kind, each in found.items()}}
    write_card(file, whole)
    return whole


def _show_card(file: Path, card: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({"out": str(file), "card": card})
        return
    figures = card["statistics"]
    total = max(1, figures["dialogues"])
    rows = [
        {"kind": kind, "dialogues": number, "share": f"{number / total:.1%}"}
        for kind, number in figures["kinds"].items()
    ]
    means = ", ".join(
        f"{cell(figures[key]['mean'])} {key}" for key in ("tools offered", "calls", "turns", "tokens")
    )
    rejected = card.get("rejected", {}).get("by rule", {})
    told = ", ".join(f"{rule} {number:,}" for rule, number in rejected.items()) or "none"
    print_table(
        rows,
        title=f"{file.name}: {figures['dialogues']:,} dialogues, {figures['domains']:,} domains",
        caption=f"on average {means}; rejected: {told}; the card: {file.name}.card.md",
    )
