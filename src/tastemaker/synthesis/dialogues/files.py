"""Sets of dialogues as files: read in the forms that go round, written whole or not at all, exported.

Read are our JSON Lines and Parquet, and ShareGPT's form as a JSON list; written are these, OpenAI's
fine-tuning lines, and lines of chat text (`{"text": …}`). Knows nothing of what makes a dialogue good.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

from tastemaker import records
from tastemaker.errors import InputError, ToolError
from tastemaker.records import Trajectory
from tastemaker.synthesis.verification.conversations import mended, read_conversations

_CHUNK = 10_000
"""Dialogues in memory while Parquet is written."""

Form = Literal["jsonl", "parquet", "sharegpt"]


def form_of(path: Path) -> Form:
    """The form that a file is in: by its suffix, else by its first character.

    Raises InputError when it cannot be read or begins like none.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(1024).lstrip()[:1]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if path.suffix == ".parquet":
        return "parquet"
    if begin not in (b"[", b"{"):
        raise InputError(f"{path}: no dialogues: neither JSON Lines, Parquet nor a JSON list")
    return "sharegpt" if begin == b"[" else "jsonl"


def read(
    path: Path, *, form: Form | None = None, mend: bool = False
) -> Iterator[tuple[str, Trajectory | str]]:
    """The dialogues of a file with their ids; a text says why one in ShareGPT's form is unreadable.

    `mend`: put back names and types that a conversion lost (see `conversations`). Raises InputError when the
    file is not of its form.
    """
    form = form or form_of(path)
    if form == "sharegpt":
        yield from read_conversations(path, mend=mend)
        return
    try:
        found = records.read_parquet(path) if form == "parquet" else records.read_jsonl(path)
        for trajectory in found:
            yield trajectory.id, mended(trajectory) if mend else trajectory
    except InputError:
        raise
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8") from None
    except Exception as error:
        if form == "parquet" and type(error).__module__.startswith("polars"):
            raise InputError(f"{path}: no Parquet file of dialogues") from None
        raise


def readable(path: Path) -> Iterator[Trajectory]:
    """The dialogues of a file. Raises InputError with the first that is unreadable."""
    for id, found in read(path):
        if isinstance(found, str):
            raise InputError(f"{path}: conversation {id}: {found}")
        yield found


def write(path: Path, trajectories: Iterable[Trajectory]) -> None:
    """Write a set, whole or not at all: Parquet by its suffix, else JSON Lines."""
    if path.suffix == ".parquet":
        write_parquet(path, trajectories)
    else:
        _write_whole(path, (trajectory.model_dump_json() + "\n" for trajectory in trajectories))


def write_parquet(path: Path, trajectories: Iterable[Trajectory]) -> None:
    """As `records.write_parquet`, with a part of the set in memory at a time."""
    import polars as pl

    source = iter(trajectories)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        parts: list[Path] = []
        while True:
            chunk = list(itertools.islice(source, _CHUNK))
            if parts and not chunk:
                break
            parts.append(Path(folder, f"{len(parts):06}.parquet"))
            records.write_parquet(parts[-1], chunk)
        whole = Path(folder, "whole.parquet")
        pl.scan_parquet(parts).sink_parquet(whole)
        os.replace(whole, path)


def _sharegpt() -> Callable[[Trajectory], Any]:
    from tastemaker.llm.exports.sharegpt import to_sharegpt
    from tastemaker.llm.formats.registry import get

    form = get("pythonic")
    return lambda trajectory: to_sharegpt(trajectory, form)


def _openai() -> Callable[[Trajectory], Any]:
    from tastemaker.llm.exports.openai_finetuning import to_openai

    return to_openai


def _chat() -> Callable[[Trajectory], Any]:
    from tastemaker.llm.exports.chat_text import chat_text, to_turns

    return lambda trajectory: {"text": chat_text(to_turns(trajectory))}


_FORMS: Final = {"sharegpt": _sharegpt, "openai": _openai, "chat": _chat}
EXPORTS: Final = (*_FORMS, "jsonl", "parquet")
"""What `export` writes."""


def export(trajectories: Iterable[Trajectory], to: str, path: Path) -> tuple[int, Counter[str]]:
    """Write the dialogues in another form, whole or not at all: how many, and why others were left out.

    ShareGPT's form is a JSON list, the others lines of JSON; what a form cannot carry is left out.
    """
    written, left_out = 0, Counter[str]()

    def carried(carry: Callable[[Trajectory], Any]) -> Iterator[Any]:
        nonlocal written
        for trajectory in trajectories:
            try:
                record = carry(trajectory)
            except ToolError as error:
                left_out[str(error)] += 1
                continue
            written += 1
            yield record

    if to == "parquet":
        write_parquet(path, carried(lambda trajectory: trajectory))
    elif to == "jsonl":
        write(path, carried(lambda trajectory: trajectory))
    elif to in _FORMS:
        lines = (json.dumps(record, ensure_ascii=False) for record in carried(_FORMS[to]()))
        _write_whole(path, _as_list(lines) if to == "sharegpt" else (line + "\n" for line in lines))
    else:
        raise InputError(f"no form {to!r}; there is: {', '.join(EXPORTS)}")
    return written, left_out


def _as_list(lines: Iterator[str]) -> Iterator[str]:
    yield "["
    for number, line in enumerate(lines):
        yield f"{',' if number else ''}\n{line}"
    yield "\n]\n"


def _write_whole(path: Path, parts: Iterable[str]) -> None:
    unfinished = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(parts)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
