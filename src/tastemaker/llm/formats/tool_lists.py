"""Readers of tool lists as JSON: whatever common shape an entry has, it becomes a `ToolSpec`.

| shape of an entry | where from |
|---|---|
| `{"type": "function", "function": {"name", "description", "parameters"}}` | OpenAI chat completions |
| `{"type": "function", "name", "description", "parameters"}` | OpenAI responses |
| `{"name", "description", "parameters"}` | ToolACE, BFCL, most data sets |
| `{"name", "description", "inputSchema", "outputSchema"}` | MCP |
| `{"name", "description", "input_schema"}` | Anthropic |

A list may stand alone, under `tools` or `functions`, or be text. Descriptions are kept as they are: whoever
shows them to a model decides whether to trust them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tastemaker.llm.formats.base import FormatError, checked, load
from tastemaker.llm.formats.schema import Change, normalised, parameters
from tastemaker.records import ToolSpec

_SCHEMA_KEYS = ("parameters", "inputSchema", "input_schema")
_RESULT_KEYS = ("outputSchema", "response", "returns")


class Document(NamedTuple):
    """A tool read from a document, and what was changed in its parameters (see `schema.restored`)."""

    spec: ToolSpec
    changes: tuple[Change, ...]


def read_tools(value: Any) -> list[ToolSpec]:
    """The tools of a list in any of the shapes above. Raises FormatError with the entry's place."""
    return [document.spec for document in read_documents(value)]


def read_documents(value: Any) -> list[Document]:
    """The same, with what was changed in each."""
    if isinstance(value, str):
        value = load(value)
    if isinstance(value, dict):
        value = next((value[key] for key in ("tools", "functions") if key in value), [value])
    if not isinstance(value, list | tuple):
        raise FormatError("a tool list must be a JSON list of tools")
    documents = []
    for number, entry in enumerate(value, 1):
        try:
            documents.append(_document(entry))
        except FormatError as error:
            raise FormatError(f"tool {number} of the list: {error}") from None
    return documents


def _document(entry: Any) -> Document:
    if isinstance(entry, dict) and isinstance(entry.get("function"), dict):
        entry = entry["function"]
    if not isinstance(entry, dict):
        raise FormatError("it is no object")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise FormatError("it has no name")
    description = entry.get("description")
    if description is not None and not isinstance(description, str):
        raise FormatError(f"the description of {name} is no text")
    if "type" in entry and entry["type"] != "function":
        raise FormatError(f"{name} is of type {str(entry['type'])[:40]!r}, not a function")
    schema, changes = parameters(next((entry[key] for key in _SCHEMA_KEYS if key in entry), None), name)
    return Document(
        ToolSpec(
            name=checked(name),
            description=checked(description or ""),
            parameters=schema,
            result=_result(entry),
        ),
        changes,
    )


def _result(entry: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the result, where the document has one that can be understood."""
    for key in _RESULT_KEYS:
        if isinstance(entry.get(key), dict):
            try:
                schema, _ = normalised(entry[key])
            except FormatError:
                return None
            return schema if isinstance(schema, dict) else None
    return None
