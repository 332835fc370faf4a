"""What commands share: where they write, how they show a table, JSON or progress, and settings as text.

Results go to standard output, progress and messages to standard error, so that `--json` can be piped.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tastemaker.errors import InputError

if TYPE_CHECKING:
    from rich.progress import Progress

_WIDTH = 140
"""Columns where the output is not a terminal."""

out = Console(width=None if sys.stdout.isatty() else _WIDTH)
err = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def read_settings(pairs: Sequence[str] | None) -> dict[str, str]:
    """`--set key=value` texts as a mapping; the model's config turns the values into numbers."""
    found: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InputError(f"--set {pair!r}: write key=value, for example --set gamma=1")
        found[key] = value
    return found


def progress_bar() -> Progress:
    """A bar on standard error while it is open; nothing where that is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def print_json(value: Any) -> None:
    """Print one JSON document to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def cell(value: Any) -> str:
    """One table cell: four decimals for floats, `mean [low, high]` for intervals, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, Mapping) and {"mean", "low", "high"} <= value.keys():
        return f"{value['mean']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def keep_results(
    path: Path | None,
    rows: Sequence[Mapping[str, Any]],
    *,
    protocol: str,
    seeds: Sequence[int],
    started: float,
) -> None:
    """Write the results file of this command, where one is asked for; `started` is the `time.monotonic()` of
    its beginning.
    """
    from tastemaker.runs import write_results

    if path is not None:
        command = shlex.join(["tastemaker", *sys.argv[1:]])
        seconds = time.monotonic() - started
        write_results(path, command=command, seeds=seeds, seconds=seconds, protocol=protocol, rows=rows)


def print_table(rows: Sequence[Mapping[str, Any]], title: str = "", caption: str = "") -> None:
    """Print rows as a table; columns are the keys in the order in which they first appear.

    Titles and models' words come from outside, so no text is read as markup.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(
        title=escape(title) or None,
        caption=escape(caption) or None,
        title_justify="left",
        caption_justify="left",
    )
    for column in columns:
        text = all(isinstance(row.get(column), str) for row in rows)
        table.add_column(column, justify="left" if text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell(row.get(column))) for column in columns))
    out.print(table)
