"""`tastemaker bench learning`: a round of step-grained learning, timed part by part."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from tastemaker.app.commands.learning_settings import nested
from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table


def learning(
    model: Annotated[str, typer.Option("--model", help="Local model.")] = "local:smollm2",
    engine: Annotated[str, typer.Option("--engine", help="torch or openvino.")] = "openvino",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Another setting of the training, key=value.")
    ] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Write a results file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tries a second, updates beside fine-tuning of the same dialogues, and the share of time in each part.

    Example: tastemaker bench learning --set tasks_per_round=8 --set rollouts.samples=4
    """
    from tastemaker.config import validated
    from tastemaker.learning.bench_stepwise import bench
    from tastemaker.learning.stepwise_config import StepwiseConfig
    from tastemaker.llm.models import cpu_threads, parse_local

    started = time.monotonic()
    given = {"model": model, "engine": engine, "epochs": 1, "value_rounds": 0, **nested(settings)}
    config = validated(StepwiseConfig, given, "bench learning")
    parse_local(config.model)
    rows = []
    with err.status("timing"):
        for row in bench(config, cpu_threads()):
            rows.append(row)
    protocol = (
        f"{config.model}, {config.method}; a round of {config.tasks_per_round} ×"
        f" {config.rollouts.samples} tries and one pass of updates, the second timed; {cpu_threads()} threads"
    )
    keep_results(results, rows, protocol=protocol, seeds=[config.seed], started=started)
    if as_json:
        print_json({"rows": rows})
        return
    for row in rows:
        print_table([row], str(row["what"]), protocol if row is rows[-1] else "")
