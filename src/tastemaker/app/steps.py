"""One step of an agent as a coloured text, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from tastemaker.tools.loop import Event

_COLOURS = {
    "Manager": "cyan",
    "User Analyst": "green",
    "Item Analyst": "magenta",
    "Searcher": "yellow",
    "Planner": "blue",
    "Reflector": "bright_red",
}
_MARKS = {"start": "? ", "call": "→ ", "observation": "  ", "rejected": "✗ ", "answer": "✓ ", "end": "■ "}
_INDENT = " " * 15


def step(event: Event, longest: int = 5) -> Text:
    """What an agent did, in its colour; of a text with more than `longest` lines the first ones."""
    lines = event.text.split("\n")
    if len(lines) > longest:
        lines = [*lines[:longest], f"… {len(lines) - longest} more lines"]
    text = Text(f"{event.agent:<13}{_MARKS[event.kind]}", style=f"bold {_COLOURS.get(event.agent, 'blue')}")
    return text.append(f"\n{_INDENT}".join(lines), style="red" if event.kind == "rejected" else "not bold")
