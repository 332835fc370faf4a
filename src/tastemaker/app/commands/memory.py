"""`tastemaker memory`: what is remembered of people's tastes, shown and erased."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from tastemaker.app.console import JsonOption, out, print_json, print_table
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.agents.memory import Entry, Memory

app = typer.Typer(
    help="What is remembered of people's tastes from conversations: list, show, forget, erase.",
    no_args_is_help=True,
)

Name = Annotated[
    str, typer.Argument(help="The name that a person goes by; `tastemaker memory list` shows all.")
]
PathOption = Annotated[
    Path | None, typer.Option("--path", help="The file of profiles; by default the one in the cache folder.")
]


@app.command("list")
def list_(path: PathOption = None, as_json: JsonOption = False) -> None:
    """List everyone of whom anything is kept.

    Example: tastemaker memory list
    """
    with _memory(path) as memory:
        rows = []
        for name in memory.names():
            entries = memory.entries(name)
            kinds = [entry.kind for entry in entries]
            counts = {f"{kind}s": kinds.count(kind) for kind in ("like", "dislike", "note")}
            data = ", ".join(dict.fromkeys(entry.data for entry in entries))
            rows.append({"name": name, "data": data, **counts, "last": entries[-1].time})
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows)
    else:
        out.print("nothing is kept of anyone")


@app.command()
def show(name: Name, path: PathOption = None, as_json: JsonOption = False) -> None:
    """Show all that is kept of a person, newest last.

    Example: tastemaker memory show lea
    """
    with _memory(path) as memory:
        entries = _known(memory, name)
    rows = [asdict(entry) for entry in entries]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, title=name)


@app.command()
def forget(
    name: Name,
    text: Annotated[str, typer.Argument(help="The note, or the item's id, as `show` has it.")],
    data: Annotated[
        str | None, typer.Option(help="Forget it for this data set only; by default for all.")
    ] = None,
    path: PathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget one thing that a person said.

    Example: tastemaker memory forget lea "prefers films before 1980"
    """
    with _memory(path) as memory:
        entries = _known(memory, name)
        among = dict.fromkeys(entry.data for entry in entries if data in (None, entry.data))
        found = [one for one in among if memory.forget(name, one, text)]
    if not found:
        raise InputError(f"nothing of {name} reads {text!r}; `tastemaker memory show` has the texts")
    if as_json:
        print_json({"name": name, "text": text, "data": found})
    else:
        out.print(f"forgotten for {escape(', '.join(found))}")


@app.command()
def erase(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    path: PathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase everything that is kept of a person; nothing of it stays in the file.

    Example: tastemaker memory erase lea --yes
    """
    with _memory(path) as memory:
        entries = _known(memory, name)
        if not yes:
            typer.confirm(f"Erase {len(entries)} entries of {name}?", abort=True, err=True)
        erased = memory.erase(name)
    if as_json:
        print_json({"name": name, "erased": erased})
    else:
        out.print(f"erased {erased} entries of {escape(name)}")


def _memory(path: Path | None) -> Memory:
    """The profiles. Raises InputError for a file that was named and is not there."""
    from tastemaker.agents.memory import Memory

    if path is not None and not path.is_file():
        raise InputError(f"{path}: there is no such file of profiles")
    return Memory(path)


def _known(memory: Memory, name: str) -> list[Entry]:
    """What is kept of a person. Raises InputError with some who are known when there is nothing."""
    entries = memory.entries(name)
    if not entries:
        known = memory.names()[:10]
        raise InputError(
            f"nothing is kept of {name!r}" + (f"; there is: {', '.join(known)}" if known else " or of anyone")
        )
    return entries
