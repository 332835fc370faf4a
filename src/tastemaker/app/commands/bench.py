"""`tastemaker bench NAME`: ours and a plain reference, timed in one run, with the ratio."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from tastemaker.app.console import JsonOption, print_json, print_table

app = typer.Typer(help="Time our parts beside a plain reference.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Time our parts beside a plain reference."""


@app.command("llm")
def llm(
    results: Annotated[
        Path | None, typer.Option("--results", help="Write the table as a results file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prefill and decode speed of the local model's back ends at batch 1 and 16, beside transformers.

    Example: tastemaker bench llm
    """
    from tastemaker.llm.bench import OUTPUT_TOKENS, PROMPT_TOKENS, bench
    from tastemaker.llm.models import cpu_threads
    from tastemaker.runs import write_results

    started = time.monotonic()
    rows = bench()
    protocol = (
        f"SmolLM2-135M, prompts of {PROMPT_TOKENS} tokens, {OUTPUT_TOKENS} written, {cpu_threads()} threads; "
        "reference: generate of transformers, float32"
    )
    if results is not None:
        write_results(
            results,
            command=shlex.join(["tastemaker", *sys.argv[1:]]),
            seeds=[0],
            seconds=time.monotonic() - started,
            protocol=protocol,
            rows=rows,
        )
    if as_json:
        print_json({"rows": rows})
        return
    print_table(rows, "Local language model", protocol)
