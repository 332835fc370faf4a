"""Reads the two things of a docstring that a tool needs: what it does, and what each argument is.

Only the Google style is known: a first paragraph, and an "Args:" section whose entries are `name: text` or
`name (type): text`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Docstring:
    """The parts of a docstring, each on one line."""

    summary: str = ""
    arguments: dict[str, str] = field(default_factory=dict)


_SECTION = re.compile(r"(Args|Arguments|Parameters):\s*")
_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)")


def read_docstring(text: str) -> Docstring:
    """Read a docstring whose common indentation is gone (as `inspect.getdoc` gives it).

    >>> read_docstring("Find items.\\n\\nArgs:\\n    query: what to\\n        look for\\n    n: how many")
    Docstring(summary='Find items.', arguments={'query': 'what to look for', 'n': 'how many'})
    """
    lines = text.strip().splitlines()
    start = next((at for at, line in enumerate(lines) if _SECTION.fullmatch(line)), len(lines))
    head = "\n".join(lines[:start]).strip()
    summary = " ".join(re.split(r"\n\s*\n", head, maxsplit=1)[0].split())
    arguments: dict[str, str] = {}
    name, depth = "", 0
    for line in lines[start + 1 :]:
        indent = len(line) - len(line.lstrip())
        if line.strip() and not indent:
            break
        entry = _ENTRY.fullmatch(line.strip())
        if entry and (not name or indent <= depth):
            name, depth = entry[1], indent
            arguments[name] = entry[2]
        elif name and line.strip():
            arguments[name] = f"{arguments[name]} {line.strip()}".strip()
    return Docstring(summary, arguments)
