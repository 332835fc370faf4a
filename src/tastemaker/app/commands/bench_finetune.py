"""`tastemaker bench finetune`: training speed beside a plain loop."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table


def finetune(
    tokens: Annotated[int, typer.Option("--tokens", min=16, help="Longest dialogue.")] = 512,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Torch threads; the cores by default.")
    ] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Write a results file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tokens per second of full and LoRA fine-tuning of SmolLM2, beside a plain loop of transformers that
    pads and computes logits at every place.

    Example: tastemaker bench finetune
    """
    import torch

    from tastemaker.learning.bench import DIALOGUES, bench
    from tastemaker.llm.models import cpu_threads

    started = time.monotonic()
    count = threads or cpu_threads()
    torch.set_num_threads(count)
    rows = []
    with err.status("timing"):
        for row in bench(tokens):
            rows.append(row)
    protocol = (
        f"SmolLM2-135M; steps of {DIALOGUES} dialogues of random tokens, the last eighth learnt; AdamW; "
        f"second step; {count} threads; reference: transformers, padded, logits at every place; padding is "
        "not counted"
    )
    keep_results(results, rows, protocol=protocol, seeds=[0], started=started)
    if as_json:
        print_json({"rows": rows})
        return
    print_table(rows, "Fine-tuning", protocol)
