"""The files of StableToolBench and ToolBench: queries with their APIs, and tools, as specifications.

The names of the calls, `API_for_TOOL` in small letters, are those that the benchmark gives them, so that its
own records can be compared. There is no gold and no world: who plays these asks a server (`virtual_api`) and
has a judge. Format: StableToolBench (arXiv 2403.07714), ToolBench (arXiv 2307.16789).
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tastemaker.errors import InputError
from tastemaker.records import Record, ToolSpec

_LARGEST: Final = 64_000_000
"""Bytes of a file, unpacked."""
_LONGEST_NAME: Final = 64
_LONGEST_TEXT: Final = 256
"""Characters of a description."""
_KEPT_WORDS: Final = frozenset(("from", "class", "return", "false", "true", "id", "and"))
_TYPES: Final = {
    "NUMBER": "number",
    "BOOLEAN": "boolean",
    "ARRAY": "array",
    "OBJECT": "object",
    "STRING": "string",
}


class BenchApi(Record):
    """One API: what a model is told, and where the server finds it."""

    category: str
    tool: str
    """The tool's name as the server has it."""
    api: str
    spec: ToolSpec


class BenchTask(Record):
    """One query."""

    id: str
    question: str
    apis: tuple[BenchApi, ...]
    relevant: tuple[str, ...]
    """Names of the calls that the query was written for."""


def read_queries(path: Path) -> list[BenchTask]:
    """The queries of a file, `.json` or `.json.gz`. Raises InputError with the place of what cannot be read.

    Parameters keep the names that the benchmark shows; types that it writes in other ways are read as text.
    """
    rows = _read(path)
    if not isinstance(rows, list):
        raise InputError(f"{path}: a list of queries is expected")
    return [_task(row, f"{path}: query {number}") for number, row in enumerate(rows, 1)]


def read_tool(path: Path) -> list[BenchApi]:
    """The APIs of a tool's file, which lies in a folder named by its category. Raises InputError."""
    tool = _read(path)
    name = _text(tool, "tool_name", str(path))
    listed = _list(tool, "api_list", str(path))
    rows = [
        {
            **_mapping(row, f"{path}: API {number}"),
            "api_name": row.get("name"),
            "api_description": row.get("description"),
            "tool_name": name,
            "category_name": path.parent.name,
        }
        for number, row in enumerate(listed, 1)
    ]
    return _apis(rows, str(path))


def standard(name: str) -> str:
    """A name as the benchmark writes it in calls.

    >>> standard("Pack & Send"), standard("/api/Tracking/"), standard("2048 (v2)")
    ('pack_send', 'api_tracking', 'get_2048_v2')
    """
    plain = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9_]", "_", name)).lower().strip("_")
    return f"get_{plain}" if plain[:1].isdigit() else plain


def _word(name: str) -> str:
    """A standard name that is no word of Python's."""
    plain = standard(name)
    return f"is_{plain}" if plain in _KEPT_WORDS else plain


def _task(row: Any, where: str) -> BenchTask:
    listed = [_mapping(api, f"{where}: an API") for api in _list(row, "api_list", where)]
    apis = _apis(listed, where)
    names = {
        (api["tool_name"], api["api_name"]): made.spec.name for api, made in zip(listed, apis, strict=True)
    }
    relevant = [tuple(pair) for pair in row.get("relevant APIs") or [] if isinstance(pair, list)]
    return BenchTask(
        id=str(row.get("query_id", "")),
        question=_text(row, "query", where),
        apis=tuple(apis),
        relevant=tuple(dict.fromkeys(names[pair] for pair in relevant if pair in names)),
    )


def _apis(rows: list[dict[str, Any]], where: str) -> list[BenchApi]:
    """The APIs, each with a name of its own."""
    apis: list[BenchApi] = []
    taken: set[str] = set()
    for row in rows:
        tool, api = standard(_text(row, "tool_name", where)), _word(_text(row, "api_name", where))
        name = whole = f"{api}_for_{tool}"[-_LONGEST_NAME:].lstrip("_")
        number = 1
        while name in taken:
            number += 1
            name = f"{whole[: _LONGEST_NAME - 4]}_{number}"
        taken.add(name)
        spec = ToolSpec(
            name=name,
            description=_short(row.get("api_description")),
            parameters=_parameters(row, f"{where}: {name}"),
        )
        apis.append(BenchApi(category=_text(row, "category_name", where), tool=tool, api=api, spec=spec))
    return apis


def _parameters(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for key in ("required_parameters", "optional_parameters"):
        for parameter in _list(row, key, where):
            name = _word(_text(parameter, "name", where))
            if name in properties:
                continue
            properties[name] = _schema(parameter)
            if key == "required_parameters":
                required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def _schema(parameter: Mapping[str, Any]) -> dict[str, Any]:
    written = str(parameter.get("type", ""))
    kind = _TYPES.get(written.upper())
    schema: dict[str, Any] = {"type": kind or "string"}
    notes = [_short(parameter.get("description")), "" if kind else written]
    if text := "; ".join(filter(None, notes)):
        schema["description"] = text
    if parameter.get("default") not in (None, ""):
        schema["examples"] = [parameter["default"]]
    return schema


def _short(text: Any) -> str:
    return " ".join(text.split())[:_LONGEST_TEXT] if isinstance(text, str) else ""


def _read(path: Path) -> Any:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {type(error).__name__}") from None
    if len(content) > _LARGEST:
        raise InputError(f"{path}: more than {_LARGEST} bytes")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON") from None


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: an object is expected")
    return value


def _text(row: Any, key: str, where: str) -> str:
    value = _mapping(row, where).get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: {key} must be a text")
    return value


def _list(row: Any, key: str, where: str) -> Iterator[Any]:
    value = _mapping(row, where).get(key)
    if not isinstance(value, list):
        raise InputError(f"{where}: {key} must be a list")
    return iter(value)
