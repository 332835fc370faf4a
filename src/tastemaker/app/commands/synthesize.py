"""`tastemaker synthesize`: tool-use data that is made, not collected."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.commands import synthesize_complexity, synthesize_dialogues
from tastemaker.app.console import JsonOption, keep_results, print_json, print_table, progress_bar

app = typer.Typer(help="Make tool-use data: APIs, dialogues, checks.", no_args_is_help=True)

_SHARES = ("nested", "parallel", "dependent", "multi-type")


@app.command()
def apis(
    out: Annotated[Path, typer.Option("--out", help="The pool, a JSON Lines file.")] = Path("apis.jsonl"),
    size: Annotated[int, typer.Option("--size", min=1, max=10_000_000, help="APIs in the pool.")] = 30_000,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    sources: Annotated[
        list[Path] | None,
        typer.Option("--from", help="API documents to learn from: OpenAPI, MCP, tool lists, Markdown."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Let this model write some of the APIs, too.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; one a core by default.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="Write the figures as a results file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a pool of distinct APIs by evolution from a context tree. The same command goes on with a pool
    that was interrupted.

    Example: tastemaker synthesize apis --size 30000 --out apis.jsonl --seed 0
    """
    from tastemaker.synthesis.pool import PoolConfig, build_pool
    from tastemaker.synthesis.statistics import TOOLACE
    from tastemaker.synthesis.writer import ModelWriter, Writer
    from tastemaker.tools.importers import read

    started = time.monotonic()
    documents = [document for path in sources or () for document in read(path)]
    writer: Writer | None = None
    if model is not None:
        from tastemaker.llm.models import resolve

        writer = ModelWriter(resolve(model))
    with progress_bar() as bar:
        task = bar.add_task("APIs", total=size)

        def progress(done: int, wanted: int) -> None:
            bar.update(task, completed=done, total=wanted)

        card = build_pool(
            PoolConfig(size=size, seed=seed),
            out,
            documents=documents,
            writer=writer,
            workers=workers,
            progress=progress,
        )
    figures = card["statistics"]
    row: dict[str, Any] = {"pool": out.name, **{k: v for k, v in figures.items() if not isinstance(v, dict)}}
    protocol = (
        f"seed {seed}, {'rules alone' if model is None else f'rules and {model}'}; shares of APIs, 0 to 1"
    )
    keep_results(results, [row, TOOLACE], protocol=protocol, seeds=[seed], started=started)
    if as_json:
        print_json({"out": str(out), "card": card})
        return
    shown = [row, {**TOOLACE, **dict.fromkeys(_SHARES, "occurs")}]
    keys = ("pool", "APIs", "domains", *_SHARES, "parameters per API", "distinct names")
    print_table([{key: r.get(key) for key in keys} for r in shown], caption=protocol)


app.command()(synthesize_dialogues.dialogues)
app.command()(synthesize_dialogues.verify)
app.command()(synthesize_dialogues.export)
app.command()(synthesize_dialogues.card)
app.command()(synthesize_complexity.guided)
app.command()(synthesize_complexity.complexity)
