"""OpenAI's form: `tool_calls` whose arguments are a JSON *string*, and tools under `function`.

Calls are written as chat completions have them; those of the responses API are read too. A name must match
`[A-Za-z0-9_-]{1,64}`, as the provider asks: `names.safe_names` maps others to such.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tastemaker.llm.formats.base import FormatError, Parsed, call_id, checked_name, dump, load
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import ToolCall, ToolSpec

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CALL = re.compile(r'"(tool_calls|function|function_call|arguments)"')


class OpenAIFormat:
    """Chat completions' `tool_calls`; see the module."""

    name = "openai"

    def render_calls(self, calls: Sequence[ToolCall]) -> str:
        """The value of `tool_calls`. Raises FormatError for a name that the provider forbids."""
        return dump(call_documents(calls))

    def parse_calls(self, text: str, tools: Sequence[ToolSpec] = ()) -> Parsed:
        """Reads a list of calls, one call, or a whole message with `content` and `tool_calls`."""
        if not text.lstrip().startswith(("[", "{")) or not _CALL.search(text):
            return Parsed((), text.strip())
        value = load(text)
        message = value if isinstance(value, dict) and "tool_calls" in value else None
        if message is not None:
            value = message["tool_calls"] or []
        entries = value if isinstance(value, list) else [value]
        if message is None and not any(map(_is_call, entries)):
            return Parsed((), text.strip())
        if not all(map(_is_call, entries)):
            raise FormatError("an entry among the calls is no call")
        content = (message or {}).get("content")
        return Parsed(
            tuple(read_call(entry, place) for place, entry in enumerate(entries, 1)),
            content.strip() if isinstance(content, str) else "",
        )

    def render_tools(self, tools: Sequence[ToolSpec]) -> str:
        """The value of `tools`; results' schemas have no place in it."""
        return dump(tool_documents(tools))

    def parse_tools(self, value: Any) -> list[ToolSpec]:
        """Reads `tools` of either API."""
        return read_tools(value)


def call_documents(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """The calls as entries of `tool_calls`. Raises FormatError for a name that the provider forbids."""
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": _allowed(call.name), "arguments": dump(call.arguments)},
        }
        for call in calls
    ]


def tool_documents(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The tools as entries of `tools`. Names are not checked: prompts of other formats use the form too."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]


def read_call(entry: dict[str, Any], place: int) -> ToolCall:
    """One entry of `tool_calls`, or one `function_call` item. Raises FormatError."""
    said = entry.get("function", entry)
    name = said.get("name") if isinstance(said, dict) else None
    if not isinstance(name, str):
        raise FormatError(f"call {place} has no name")
    written = said.get("arguments", "{}")
    arguments = load(written or "{}") if isinstance(written, str) else written
    if not isinstance(arguments, dict):
        raise FormatError(f"the arguments of call {place} ({name}) are no JSON object")
    given = entry.get("call_id") or entry.get("id")
    return ToolCall(
        id=given if isinstance(given, str) else call_id(place),
        name=checked_name(name),
        arguments=arguments,
    )


def _is_call(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    return "function" in entry or entry.get("type") == "function_call" or {"name", "arguments"} <= set(entry)


def _allowed(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise FormatError(f"OpenAI allows letters, digits, _ and - in a name, at most 64: not {name[:80]!r}")
    return name
