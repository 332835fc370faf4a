"""Reads an API document from a file, whatever it holds: JSON, YAML (with PyYAML) or Markdown; gzip, too.

Nothing is fetched: a reference to another file or address is left unresolved.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from tastemaker.errors import InputError
from tastemaker.tools.importers import markdown, openapi, records, tool_list
from tastemaker.tools.importers.document import ApiDocument

LARGEST = 64 * 1024 * 1024
"""Bytes of a file, unpacked."""


def read(path: Path) -> list[ApiDocument]:
    """The API documents of a file. Raises InputError with one line where it holds none."""
    text = _text(path)
    where = str(path)
    if path.name.removesuffix(".gz").endswith((".md", ".markdown")):
        return markdown.read(text, where)
    value = _value(text, where)
    try:
        if openapi.is_one(value):
            return [openapi.read(value, where)]
        found = records.read(value, where)
        return tool_list.read(value, where) if found is None else found
    except RecursionError:
        raise InputError(f"{where}: nested too deep") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if len(data) > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None


def _value(text: str, where: str) -> Any:
    """JSON, JSON Lines, or YAML where PyYAML is installed."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
    if text.lstrip()[:1] in "{[":
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [json.loads(line) for line in lines]
        except (ValueError, RecursionError):
            raise InputError(f"{where}: not JSON: {reason}") from None
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError:
        raise InputError(f"{where}: not JSON; for YAML install PyYAML") from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InputError(f"{where}: neither JSON nor YAML") from None
