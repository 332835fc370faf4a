"""The command `tastemaker`. Errors made on purpose become one line on standard error and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

import tastemaker
from tastemaker.app.commands import (
    agents,
    bench,
    benchmark,
    chat,
    data,
    demo,
    finetune,
    learning,
    memory,
    policy,
    recipe,
    retrieval,
    synthesize,
    world,
)
from tastemaker.app.console import err
from tastemaker.errors import TastemakerError

INTERRUPTED = 130

app = typer.Typer(
    name="tastemaker",
    help="A workbench for recommender agents that act through tools and learn to act better.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.add_typer(data.app, name="data")
app.add_typer(retrieval.app, name="retrieval")
app.add_typer(world.app, name="world")
app.add_typer(policy.app, name="policy")
app.command()(agents.recommend)
app.command()(chat.chat)
app.add_typer(agents.app, name="agents")
app.add_typer(memory.app, name="memory")
app.add_typer(bench.app, name="bench")
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(synthesize.app, name="synthesize")
app.command()(finetune.finetune)
app.add_typer(learning.app, name="learning")
app.add_typer(recipe.app, name="recipe")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tastemaker {tastemaker.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A workbench for recommender agents that act through tools and learn to act better."""


def main() -> None:
    """Run the command line: exit code 0 done, 2 wrong use or input, 1 a fault, 130 interrupted."""
    try:
        app()
    except TastemakerError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            err.print(
                "[yellow]interrupted[/]: what was finished is kept; run the same command again to go on."
            )
        raise
