"""`tastemaker retrieval`: train one model, or measure several on the same split."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.commands import use
from tastemaker.app.commands.geometry import geometry as show_geometry
from tastemaker.app.commands.tune import tune
from tastemaker.app.console import (
    JsonOption,
    keep_results,
    print_json,
    print_table,
    progress_bar,
    read_settings,
)
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.data.splits import Split
    from tastemaker.retrieval.base import Retriever
    from tastemaker.retrieval.evaluator import Evaluation
    from tastemaker.retrieval.recipes import Recipe

app = typer.Typer(help="Retrieval models: train one, measure several.", no_args_is_help=True)

DataOption = Annotated[str, typer.Option("--data", help="Name of a data set.")]
SplitOption = Annotated[
    str, typer.Option("--split", help="How to split: ratio, last, time, or official where there is one.")
]
ModelNames = "See `tastemaker retrieval models` for the names."


@app.command()
def train(
    name: Annotated[str, typer.Argument(help=f"The model. {ModelNames}")],
    data: DataOption,
    split: SplitOption = "ratio",
    seed: Annotated[int, typer.Option(min=0, help="Draws the split and starts the model.")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the model, key=value; may be repeated.")
    ] = None,
    geometry: Annotated[
        bool, typer.Option("--geometry", help="Measure alignment and uniformity after each epoch.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--run", help="Folder for config, metrics, checkpoint and model; by default the cache."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit a model on the train part and show how it does on the valid part (on test, if there is none).

    An interrupted training goes on from its last whole epoch when the same command is given again. Several
    processes train one embedding model: torchrun --nproc-per-node 2 -m -- tastemaker retrieval train …

    Example: tastemaker retrieval train directau --data ml-100k --set gamma=1 --set epochs=50 --run runs/au
    """
    from tastemaker.data.registry import split_of
    from tastemaker.retrieval import registry
    from tastemaker.retrieval.evaluator import evaluate
    from tastemaker.retrieval.torchrun import in_turn, joined

    overrides: dict[str, Any] = {**registry.seed_of(name, seed), **read_settings(settings)}
    if geometry:
        overrides["geometry"] = True
    asked = registry.create(name, **overrides)
    _check_train(asked, folder)
    with joined() as first:
        parts = in_turn(lambda: split_of(data, split, seed))
        if first:
            model = _fit(asked, parts, (split, seed), overrides, folder)
        else:
            asked.fit(parts.train, parts.valid)
    if first:
        _show_fit(model, evaluate(model, parts, "valid" if len(parts.valid) else "test"), as_json)


@app.command()
def evaluate(
    names: Annotated[list[str], typer.Argument(help=f"Models to measure. {ModelNames}")],
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
    from tastemaker.retrieval.recipes import Recipe

    recipes = [Recipe(name, name) for name in names]
    _compare(recipes, data, split, seeds, _lengths(k), warm, results, as_json)


@app.command()
def reproduce(
    name: Annotated[str, typer.Argument(help="beauty, gowalla or gowalla-official.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only the recipe of this name; may be repeated.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0: each a split and a fit.")] = 3,
    results: Annotated[Path | None, typer.Option(help="Also write the rows to this JSON file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit models with the settings that suit a data set, and measure them beside published figures.

    An interrupted run goes on where it was when the same command is given again.

    Example: tastemaker retrieval reproduce beauty --seeds 1 --only directau
    """
    from tastemaker.retrieval.recipes import reproduction

    known = reproduction(name)
    recipes = [recipe for recipe in known.recipes if not only or recipe.name in only]
    missing = set(only or ()) - {recipe.name for recipe in recipes}
    if missing:
        there = ", ".join(recipe.name for recipe in known.recipes)
        raise InputError(f"{name} has no recipe {missing.pop()!r}; there are {there}")
    _compare(recipes, known.data, known.split, seeds, [20, 50], False, results, as_json)


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the models with their settings.

    Example: tastemaker retrieval models
    """
    from tastemaker.retrieval import registry
    from tastemaker.retrieval.embedding import EmbeddingConfig

    common = EmbeddingConfig().model_dump(mode="json")
    rows: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    for name in registry.names():
        kind = registry.model_type(name)
        config = kind().config
        settings = config.model_dump(mode="json")
        what = " ".join((kind.__doc__ or "").partition(".")[0].split())
        rows.append({"model": name, "what": what, "settings": settings})
        if isinstance(config, EmbeddingConfig):
            own = {key: value for key, value in settings.items() if (key, value) not in common.items()}
            told = f"{_defaults(own)} *"
        else:
            told = _defaults(settings) or "none"
        shown.append({"model": name, "what": what, "settings": told})
    if as_json:
        print_json(rows)
        return
    caption = f"* and, where nothing else is said: {_defaults(common)}"
    print_table(shown, title="Retrieval models and the defaults of their settings", caption=caption)


def _defaults(settings: Mapping[str, Any]) -> str:
    """As they would be written after `--set`."""
    return ", ".join(
        f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in settings.items()
    )


def _compare(
    recipes: list[Recipe],
    data: str,
    split: str,
    seeds: int,
    ks: list[int],
    warm: bool,
    results: Path | None,
    as_json: bool,
) -> None:
    """Measure models on the splits of several seeds, print them, and keep them if asked to."""
    from tastemaker.data.registry import split_of
    from tastemaker.retrieval.comparison import compare
    from tastemaker.retrieval.registry import create

    for recipe in recipes:
        create(recipe.model, **recipe.settings)
    started = time.monotonic()
    parts = [split_of(data, split, seed) for seed in range(seeds)]
    with _progress() as tell:
        found = compare(recipes, parts, seeds=range(seeds), ks=ks, only_warm=warm, on_epoch=tell)
    keep_results(results, found.rows, protocol=found.protocol, seeds=range(seeds), started=started)
    if as_json:
        print_json({"protocol": found.protocol, "rows": found.rows})
        return
    columns = ["model"]
    for length in ks:
        columns += [f"recall@{length}", f"ndcg@{length}"]
    published = [column for row in found.rows for column in row if column.startswith("published")]
    columns += [f"coverage@{ks[-1]}", *dict.fromkeys(published), "fit_seconds"]
    shown = [{column: row.get(column) for column in columns} for row in found.rows]
    n = found.rows[0]["n"]
    caption = f"{found.protocol}; n = {n:,} users; mean and 95% bootstrap interval over users"
    print_table(shown, title=f"Retrieval on {data}", caption=caption)


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


def _check_train(model: Retriever[Any], folder: Path | None) -> None:
    """Refuse what torchrun, or the cache, does not serve."""
    from tastemaker.retrieval.embedding import EmbeddingConfig
    from tastemaker.retrieval.torchrun import several

    embedding = isinstance(model.config, EmbeddingConfig)
    if several() and not embedding:
        raise InputError(f"{model.name} is fitted by one process alone; leave out torchrun")
    if embedding and model.config.start_from and folder is None:
        raise InputError("start_from: what it names may change, so the cache cannot serve; add --run FOLDER")


def _fit(
    model: Retriever[Any],
    split: Split,
    drawn: tuple[str, int],
    overrides: dict[str, Any],
    folder: Path | None,
) -> Retriever[Any]:
    """Fit in a run folder, or in the cache, and show how it goes."""
    from tastemaker.retrieval import registry, trained

    with _progress() as tell:

        def on_epoch(row: Mapping[str, Any]) -> None:
            tell(model.name, drawn[1], row)

        if folder is None:
            return registry.fit_cached(model.name, split, on_epoch=on_epoch, **overrides)
        return trained.fit(model, folder, split, trained.TrainingRun.of(model, split, *drawn), on_epoch)


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
    with progress_bar() as progress:
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


app.command()(tune)
app.command("geometry")(show_geometry)
for command in (use.export, use.similar, use.index):
    app.command()(command)
