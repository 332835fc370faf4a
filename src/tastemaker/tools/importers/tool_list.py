"""JSON tool lists: OpenAI, Anthropic, MCP servers' answers to `tools/list`, ToolACE and the like.

Reads the forms that `tastemaker.llm.formats` knows, and a mapping of names to descriptions.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from tastemaker.errors import InputError
from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.tools.importers.document import ApiDocument, one_line, trimmed


def read(value: Any, where: str) -> list[ApiDocument]:
    """One document with all tools of the list. Raises InputError where it is none."""
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        value = value["result"]
    if (
        isinstance(value, dict)
        and value
        and not {"name", "function", "tools", "functions"} & value.keys()
        and all(isinstance(text, str) for text in value.values())
    ):
        return [ApiDocument(name=name, description=one_line(text)) for name, text in value.items()]
    try:
        tools = read_tools(value)
    except FormatError as error:
        raise InputError(f"{where}: no tool list: {error}") from None
    if not tools:
        raise InputError(f"{where}: the tool list is empty")
    name = PurePath(where).name.split(".")[0]
    server = value.get("name") if isinstance(value, dict) else None
    return [
        ApiDocument(name=str(server) if isinstance(server, str) else name, tools=tuple(map(trimmed, tools)))
    ]
