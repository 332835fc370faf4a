"""`tastemaker retrieval tune`: search a model's settings on the valid part."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import (
    JsonOption,
    cell,
    err,
    out,
    print_json,
    print_table,
    progress_bar,
    read_settings,
)
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.retrieval.tuning import Trial

_SHOWN = 5
"""Rows of the table of the best."""


def tune(
    name: Annotated[str, typer.Argument(help="The model; `tastemaker retrieval models` lists them.")],
    data: Annotated[str, typer.Option("--data", help="Name of a data set.")],
    folder: Annotated[
        Path, typer.Option("--run", help="Folder of the search; it is gone on with from there.")
    ],
    split: Annotated[str, typer.Option("--split", help="How to split: ratio, last or time.")] = "ratio",
    seed: Annotated[
        int, typer.Option(min=0, help="Draws the split and the settings, and starts the model.")
    ] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the model to begin with, key=value; may be repeated."),
    ] = None,
    specs: Annotated[
        list[str] | None,
        typer.Option(
            "--search",
            help="A setting to search: key=low:high, key=low:high:log or key=a,b,c; may be repeated.",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, the model's defaults included.")] = 20,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="No trial begins later than so many seconds from the start.")
    ] = None,
    metric: Annotated[str, typer.Option(help="What to raise on the valid part, NAME@K.")] = "ndcg@20",
    as_json: JsonOption = False,
) -> None:
    """Search a model's settings on the valid part; the test part is never looked at.

    Trial 0 has the defaults. The same command goes on with a search that was ended, also with more --trials.

    Example: tastemaker retrieval tune directau --data ml-100k --search gamma=0.1:5:log --run runs/tune-au
    """
    from tastemaker.data import registry as datasets
    from tastemaker.data.splits import make_split
    from tastemaker.retrieval import tuning
    from tastemaker.retrieval.registry import model_type
    from tastemaker.retrieval.tuning_plot import plot
    from tastemaker.runs import Run, write_whole

    begin = read_settings(settings)
    if find_spec("optuna") is None:
        raise InputError("tuning needs Optuna: pip install 'tastemaker[tune]'")
    model_type(name)
    parts = make_split(datasets.load(data), split, seed)
    search = tuning.plan(name, parts, specs or (), begin, metric=metric, seed=seed)
    run = Run.open(folder, search)
    with _progress(trials, metric) as (on_epoch, on_trial):
        found = tuning.tune(
            search, parts, run, trials=trials, timeout=timeout, on_epoch=on_epoch, on_trial=on_trial
        )
    best = tuning.best_first(found)
    shares = tuning.importance(search, found)
    picture = run.plots / "tuning.png"
    plot(search, found, picture)
    words = ["tastemaker", "retrieval", "train", name, "--data", data, "--split", split, "--seed", str(seed)]
    for key, value in (begin | best[0].settings).items():
        words += ["--set", f"{key}={value}"]
    command = shlex.join(words)
    protocol = f"{search.protocol}; valid part; full ranking, train masked"
    lines = [protocol, _counts(found, trials), _gain(found[0], best[0], metric)]
    if len(shares) > 1:
        lines.append("importance: " + ", ".join(f"{key} {share:.0%}" for key, share in shares.items()))
    rows = [_row(trial, metric) for trial in best[:_SHOWN]]
    title = f"Best settings of {name} on {data}"
    report = [f"# {title}", *lines, _markdown(rows), "Train with the best:", f"    {command}"]
    write_whole(run.report, "\n\n".join(report) + "\n")
    if as_json:
        print_json(
            {
                "protocol": protocol,
                "metric": metric,
                "best": best[0].model_dump(mode="json"),
                "trials": [trial.model_dump(mode="json") for trial in found],
                "importance": shares,
                "plot": str(picture),
                "command": command,
            }
        )
        return
    print_table(rows, title=title)
    failed = [{**_shown(trial), "error": trial.error} for trial in found if trial.state == "failed"]
    if failed:
        print_table(failed, title="Failed")
    for line in (*lines, command):
        out.print(line, highlight=False, soft_wrap=True, markup=False)
    err.print(f"plot: {picture}", highlight=False, soft_wrap=True, markup=False)


def _shown(trial: Trial) -> dict[str, Any]:
    """Number and settings, which may be too small for four decimals."""
    return {
        "trial": trial.number,
        **{
            key: f"{value:.4g}" if isinstance(value, float) else value
            for key, value in trial.settings.items()
        },
    }


def _row(trial: Trial, metric: str) -> dict[str, Any]:
    return {**_shown(trial), metric: trial.value, "epochs": trial.epochs, "seconds": f"{trial.seconds:.1f}"}


def _counts(found: Sequence[Trial], wanted: int) -> str:
    states = [trial.state for trial in found]
    text = f"{len(found)} trials: " + ", ".join(
        f"{states.count(state)} {state}" for state in ("done", "pruned", "failed")
    )
    missing = wanted - len(found)
    return text + (f"; {missing} fewer than asked for" if missing > 0 else "")


def _gain(default: Trial, best: Trial, metric: str) -> str:
    """What the search brought over the settings that it began with."""
    highest = best.value or 0.0
    if default.value is None:
        return f"{metric} {highest:.4f}; the settings begun with failed"
    gain = highest - default.value
    share = f" ({gain / default.value:+.1%})" if default.value > 0 else ""
    return f"{metric} {highest:.4f}, {default.value:.4f} with the settings begun with: {gain:+.4f}{share}"


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    table = [
        list(rows[0]),
        ["---"] * len(rows[0]),
        *([cell(value) for value in row.values()] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in table)


@contextmanager
def _progress(trials: int, metric: str) -> Iterator[tuple[Any, Any]]:
    """Gives a function for each epoch and one for each trial, which show a bar on standard error."""
    with progress_bar() as progress:
        task = progress.add_task("trial 0", total=trials)
        best = ""
        highest = float("-inf")

        def on_epoch(number: int, row: Mapping[str, Any]) -> None:
            value = f", ndcg@20 {row['ndcg@20']:.4f}" if "ndcg@20" in row else ""
            epoch = f"epoch {row['epoch']} of {row['epochs']}"
            progress.update(task, completed=number, description=f"trial {number}: {epoch}{value}{best}")

        def on_trial(trial: Trial) -> None:
            nonlocal best, highest
            if trial.value is not None and trial.value > highest:
                highest = trial.value
                best = f"; best {metric} {highest:.4f} (trial {trial.number})"
            ended = f"trial {trial.number} {trial.state}{best}"
            progress.update(task, completed=trial.number + 1, description=ended)

        yield on_epoch, on_trial
