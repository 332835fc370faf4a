"""`tastemaker bench NAME`: ours and a plain reference, timed in one run, with the ratio."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.commands import (
    bench_agents,
    bench_finetune,
    bench_index,
    bench_learning,
    bench_verification,
)
from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table

app = typer.Typer(help="Time our parts beside a plain reference.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Time our parts beside a plain reference."""


ResultsOption = Annotated[Path | None, typer.Option("--results", help="Write the table as a results file.")]


@app.command("llm")
def llm(results: ResultsOption = None, as_json: JsonOption = False) -> None:
    """Prefill and decode speed of the local model's back ends at batch 1 and 16, beside transformers.

    Example: tastemaker bench llm
    """
    from tastemaker.llm.bench import OUTPUT_TOKENS, PROMPT_TOKENS, bench
    from tastemaker.llm.models import cpu_threads

    started = time.monotonic()
    rows = bench()
    protocol = (
        f"SmolLM2-135M, prompts of {PROMPT_TOKENS} tokens, {OUTPUT_TOKENS} written, {cpu_threads()} threads; "
        "reference: generate of transformers, float32"
    )
    report("Local language model", rows, protocol, started, results, as_json)


@app.command("retrieval")
def retrieval(
    data: Annotated[
        str,
        typer.Option("--data", help="Data sets, separated by commas; the first also at other batch sizes."),
    ] = "ml-100k",
    threads: Annotated[int, typer.Option("--threads", min=1, help="Torch threads.")] = 1,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Training steps and full-ranking evaluation beside the plain way of doing the same.

    Example: tastemaker bench retrieval --data ml-100k,gowalla
    """
    import torch

    from tastemaker.data import registry
    from tastemaker.data.splits import by_ratio
    from tastemaker.retrieval.bench import SIZE, bench

    started = time.monotonic()
    splits = [by_ratio(registry.load(name)) for name in data.split(",")]
    torch.set_num_threads(threads)
    rows = []
    with err.status("timing"):
        for row in bench(splits):
            rows.append(row)
    protocol = (
        f"{splits[0].protocol}; embeddings of length {SIZE}; torch threads: {threads}; reference: the "
        "released step (all pairs by autograd, dense Adam of torch); cpu-seconds"
    )
    report("Retrieval", rows, protocol, started, results, as_json)


@app.command("worlds")
def worlds(
    names: Annotated[str, typer.Option("--world", help="Worlds, separated by commas.")] = "coat",
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Steps of simulated users, and training in a world, beside one user at a time.

    Example: tastemaker bench worlds --world coat,ml-1m
    """
    import torch

    from tastemaker.policies import bench as training
    from tastemaker.simulation import bench as stepping
    from tastemaker.simulation.scenarios import scenario

    started = time.monotonic()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    with err.status("") as status:
        for name in names.split(","):
            status.update(f"{name} …")
            chosen = scenario(name)
            rows += [*stepping.bench(chosen), *training.bench(chosen)]
    protocol = (
        f"random items, FreeB, windows of {stepping.WINDOW}; size: users at a time; reference: one user "
        "after another, for training by the same network; cpu-seconds, 1 thread, seed 0"
    )
    report("Worlds", rows, protocol, started, results, as_json)


def report(
    title: str,
    rows: list[dict[str, Any]],
    protocol: str,
    started: float,
    results: Path | None,
    as_json: bool,
) -> None:
    """Print a benchmark's rows, and keep them where a results file is asked for."""
    keep_results(results, rows, protocol=protocol, seeds=[0], started=started)
    if as_json:
        print_json({"rows": rows})
        return
    print_table(rows, title, protocol)


app.command("index")(bench_index.index)
app.command("agents")(bench_agents.agents)
app.command("finetune")(bench_finetune.finetune)
app.command("learning")(bench_learning.learning)
app.command("verification")(bench_verification.verification)
