"""`tastemaker bench NAME`: ours and a plain reference, timed in one run, with the ratio."""

from __future__ import annotations

import typer

from tastemaker.app.console import JsonOption, print_json, print_table

app = typer.Typer(help="Time our parts beside a plain reference.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Time our parts beside a plain reference."""


@app.command("llm")
def llm(as_json: JsonOption = False) -> None:
    """Prefill and decode speed of the local model's back ends at batch 1 and 16, beside transformers.

    Example: tastemaker bench llm
    """
    from tastemaker.llm.bench import OUTPUT_TOKENS, PROMPT_TOKENS, bench
    from tastemaker.llm.models import cpu_threads

    rows = bench()
    if as_json:
        print_json({"rows": rows})
        return
    caption = (
        f"SmolLM2-135M, prompts of {PROMPT_TOKENS} tokens, {OUTPUT_TOKENS} written, {cpu_threads()} threads. "
        "Reference: transformers' generate, float32."
    )
    print_table(rows, "Local language model", caption)
