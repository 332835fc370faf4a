"""`tastemaker benchmark`: outside judges of a model's tool calls."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table, progress_bar
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.benchmarks.bfcl import BfclConfig
    from tastemaker.records import Trajectory

app = typer.Typer(help="Outside judges of a model's tool calls.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Outside judges of a model's tool calls."""


@app.command()
def bfcl(
    model: Annotated[
        str,
        typer.Option(
            "--model", help="Language model, such as local:smollm2; gold answers rightly, with no model."
        ),
    ],
    categories: Annotated[
        str | None, typer.Option("--categories", help="Names, separated by commas; all 13 by default.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Rows of each category, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of that draw.")] = 0,
    decoding: Annotated[
        str,
        typer.Option(
            "--decoding", help="free, or constrained to words or calls that fit (local models only)."
        ),
    ] = "free",
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Run folder; a run that was cut off goes on (default: one in runs/)."),
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="Write the figures to this JSON file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the single-turn rows of the Berkeley Function Calling Leaderboard, judged by its own checker.

    Example: tastemaker benchmark bfcl --model local:smollm2 --limit 20 --categories simple_python,irrelevance
    """
    from tastemaker.benchmarks.bfcl import BfclConfig, figures
    from tastemaker.config import validated

    started = time.monotonic()
    if decoding not in ("free", "constrained"):
        raise InputError(f"--decoding is {decoding!r}; give free or constrained")
    settings: dict[str, Any] = {"model": model, "limit": limit, "seed": seed, "decoding": decoding}
    if categories is not None:
        settings["categories"] = tuple(name.strip() for name in categories.split(","))
    config = validated(BfclConfig, settings, "benchmark bfcl")
    trajectories = ask(config, run)
    rows = figures(config, trajectories)
    keep_results(results, rows, protocol=config.protocol, seeds=[seed], started=started)
    if as_json:
        print_json({"protocol": config.protocol, "rows": rows})
    else:
        shown = [{k: v for k, v in row.items() if k not in ("model", "decoding")} for row in rows]
        print_table(shown, title=f"BFCL: {model}", caption=config.protocol)
    down = [t.error for t in trajectories if t.outcome.kind == "failed"]
    if down:
        told = f"[yellow]{len(down)} rows got no answer[/]; the same command asks them again."
        err.print(f"{told} The last one: ", end="")
        err.print(down[-1] or "", markup=False, highlight=False, soft_wrap=True)


def ask(config: BfclConfig, folder: Path | None) -> list[Trajectory]:
    """Ask what is not answered yet, with a progress bar."""
    import asyncio
    import hashlib

    from tastemaker.benchmarks.bfcl import GOLD, rows_of, run_all
    from tastemaker.benchmarks.journal import Journal
    from tastemaker.llm.models import fetch_weights, resolve
    from tastemaker.runs import Run

    rows = rows_of(config)
    model = None if config.model == GOLD else resolve(config.model)
    if folder is None:
        key = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:8]
        folder = Path("runs") / f"bfcl-{key}"
    fetch_weights(config.model)
    opened = Run.open(folder, config)
    journal = Journal(opened.trajectories)
    with progress_bar() as progress:
        bar = progress.add_task(
            "BFCL", total=len(rows), completed=sum(row.id in journal.done for row in rows)
        )
        found = asyncio.run(run_all(config, model, journal, on_done=lambda trajectory: progress.advance(bar)))
    if not opened.finished and all(t.outcome.kind != "failed" for t in found):
        opened.finish({"rows": len(found)})
    err.print(f"trajectories: {journal.path}", markup=False, highlight=False, soft_wrap=True)
    return found
