"""A conversation from outside as a `Trajectory`: what every reader here shares."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tastemaker.errors import InputError
from tastemaker.records import Message, Outcome, Task, ToolSpec, Trajectory


def as_trajectory(id: str, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Trajectory:
    """A finished conversation. Its task is of kind `dialogue` and has the same id."""
    return Trajectory(
        id=id,
        task=Task(kind="dialogue", id=id),
        tools=tuple(tools),
        messages=tuple(messages),
        outcome=Outcome(kind="answered"),
    )


def write_lines(path: Path, records: Iterable[dict[str, Any]]) -> int:
    """Write a JSON Lines file, whole or not at all. Returns the number of records."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                count += 1
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def read_lines(path: Path) -> Iterator[Any]:
    """The records of a JSON Lines file. Raises InputError with the line that is no JSON."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError:
                raise InputError(f"{path}:{number}: not a JSON value") from None
