"""`tastemaker retrieval`: train one model, or measure several on the same split."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, print_json, print_table
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.data.splits import Split
    from tastemaker.retrieval.base import Retriever
    from tastemaker.retrieval.evaluator import Evaluation

app = typer.Typer(help="Retrieval models: train one, measure several.", no_args_is_help=True)

DataOption = Annotated[str, typer.Option("--data", help="Name of a data set.")]
SplitOption = Annotated[str, typer.Option("--split", help="How to split: ratio, last or time.")]


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="popularity, bias, itemknn, ease, bpr or directau.")],
    data: DataOption,
    split: SplitOption = "ratio",
    seed: Annotated[int, typer.Option(min=0, help="Draws the split and starts the model.")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the model, key=value; may be repeated.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--run", help="Folder for config, metrics, checkpoint and model; by default the cache."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit a model on the train part and show how it does on the valid part.

    An interrupted training goes on from its last whole epoch when the same command is given again.

    Example: tastemaker retrieval train directau --data ml-100k --set gamma=1 --set epochs=50 --run runs/au
    """
    from tastemaker.data import registry as datasets
    from tastemaker.data.splits import make_split
    from tastemaker.retrieval import registry
    from tastemaker.retrieval.evaluator import evaluate

    overrides = _settings(settings or [])
    if "seed" in registry.model_type(name).config_type.model_fields:
        overrides.setdefault("seed", str(seed))
    registry.create(name, **overrides)
    parts = make_split(datasets.load(data), split, seed)
    with _progress() as tell:

        def on_epoch(row: Mapping[str, Any]) -> None:
            tell(name, seed, row)

        if folder is None:
            model = registry.fit_cached(name, parts, on_epoch=on_epoch, **overrides)
        else:
            model = _in_run_folder(folder, name, parts, overrides, on_epoch)
    _show_fit(model, evaluate(model, parts, "valid"), as_json)


@app.command()
def evaluate(
    names: Annotated[
        list[str], typer.Argument(help="Models: popularity, bias, itemknn, ease, bpr, directau.")
    ],
    data: DataOption,
    split: SplitOption = "ratio",
    k: Annotated[str, typer.Option("--k", help="Lengths of the lists, separated by commas.")] = "10,20",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0: each a split and a fit.")] = 1,
    warm: Annotated[bool, typer.Option("--warm", help="Only users who have training interactions.")] = False,
    results: Annotated[Path | None, typer.Option(help="Also write the rows to this JSON file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure models on the test part by full ranking, with bootstrap intervals over users.

    Each is fitted with its defaults on the train part, or taken from the cache.

    Example: tastemaker retrieval evaluate popularity ease directau --data ml-100k --k 10,20
    """
    from tastemaker import runs
    from tastemaker.data import registry as datasets
    from tastemaker.retrieval.comparison import compare
    from tastemaker.retrieval.registry import model_type

    ks = _lengths(k)
    for name in names:
        model_type(name)
    started = time.perf_counter()
    with _progress() as tell:
        found = compare(
            names,
            datasets.load(data),
            split=split,
            seeds=range(seeds),
            ks=ks,
            only_warm=warm,
            on_epoch=tell,
        )
    if results is not None:
        runs.write_results(
            results,
            command=shlex.join(["tastemaker", *sys.argv[1:]]),
            seeds=range(seeds),
            seconds=time.perf_counter() - started,
            protocol=found.protocol,
            rows=found.rows,
        )
    if as_json:
        print_json({"protocol": found.protocol, "rows": found.rows})
        return
    columns = ["model"]
    for length in ks:
        columns += [f"recall@{length}", f"ndcg@{length}"]
    columns.append(f"coverage@{ks[-1]}")
    shown = [{column: row[column] for column in columns} for row in found.rows]
    n = found.rows[0]["n"]
    caption = f"{found.protocol}; n = {n:,} users; mean and 95% bootstrap interval over users"
    print_table(shown, title=f"Retrieval on {data}", caption=caption)


def _settings(pairs: list[str]) -> dict[str, Any]:
    """`key=value` texts as a mapping; the model's config turns the values into numbers."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InputError(f"--set {pair!r}: write key=value, for example --set gamma=1")
        found[key] = value
    return found


def _lengths(text: str) -> list[int]:
    """`10,20` as ascending list lengths."""
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise InputError(
            f"--k {text!r}: write list lengths from 1 up, separated by commas, for example 10,20"
        )
    return found


def _in_run_folder(
    folder: Path, name: str, split: Split, overrides: dict[str, Any], on_epoch: Any
) -> Retriever[Any]:
    """Fit in a run folder, go on with what was begun there, or load what is finished there."""
    from pydantic import BaseModel, ConfigDict

    from tastemaker.retrieval import registry
    from tastemaker.runs import Run

    class TrainingRun(BaseModel):
        model_config = ConfigDict(frozen=True, extra="forbid")
        model: str
        data: str
        protocol: str
        settings: dict[str, Any]

    model = registry.create(name, **overrides)
    config = TrainingRun(
        model=name,
        data=split.train.name,
        protocol=split.protocol,
        settings=model.config.model_dump(mode="json"),
    )
    run = Run.open(folder, config)
    if run.finished:
        return type(model).load(folder / "model", split.train)

    def log(row: Mapping[str, Any]) -> None:
        run.log(row)
        on_epoch(row)

    model.fit(split.train, split.valid, folder=run.checkpoints, on_epoch=log)
    model.save(folder / "model")
    run.finish({"fit_seconds": model.fit_seconds})
    return model


def _show_fit(model: Retriever[Any], measured: Evaluation, as_json: bool) -> None:
    row = {
        "data": measured.data,
        "model": model.name,
        "n": measured.n,
        **measured.intervals(),
        **measured.coverage,
        "fit_seconds": model.fit_seconds,
        "config": model.config.model_dump(mode="json"),
    }
    if as_json:
        print_json({"protocol": measured.protocol, "row": row})
        return
    settings = ", ".join(f"{key}={value}" for key, value in row["config"].items()) or "none"
    columns = ("model", "recall@10", "ndcg@10", "recall@20", "ndcg@20", "coverage@20", "fit_seconds")
    caption = f"{measured.protocol}; n = {measured.n:,} users; settings: {settings}"
    print_table(
        [{column: row[column] for column in columns}], title=f"Fitted on {measured.data}", caption=caption
    )


@contextmanager
def _progress() -> Iterator[Any]:
    """Gives a function that shows one row of a training as a bar on standard error."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        tasks: dict[tuple[str, int], Any] = {}

        def tell(name: str, seed: int, row: Mapping[str, Any]) -> None:
            if (name, seed) not in tasks:
                for done in tasks.values():
                    progress.stop_task(done)
                tasks[name, seed] = progress.add_task(name)
            value = f" ndcg@20 {row['ndcg@20']:.4f} (best at {row['best']})" if "ndcg@20" in row else ""
            progress.update(
                tasks[name, seed],
                completed=row["epoch"],
                total=row["epochs"],
                description=f"{name}, seed {seed}: loss {row['loss']:.4f}{value}",
            )

        yield tell
