"""Hermes' form, which Qwen and others share: each call in a block of its own, with text around.

    <tool_call>
    {"name":"history","arguments":{"user":"7"}}
    </tool_call>

Any name and any JSON can be carried.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tastemaker.llm.formats.base import (
    FormatError,
    Parsed,
    checked_name,
    dump,
    load_at,
    load_several,
    numbered,
)
from tastemaker.llm.formats.openai import tool_documents
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import ToolCall, ToolSpec

_OPEN = re.compile(r"<tool_call>[ \t\r\n]*")
_CLOSE = re.compile(r"[ \t\r\n]*(</tool_call>|\Z)")
_TOOLS = re.compile(r"\A\s*<tools>(.*)</tools>\s*\Z", re.DOTALL)


class HermesFormat:
    """`<tool_call>` blocks; see the module."""

    name = "hermes"

    def render_calls(self, calls: Sequence[ToolCall]) -> str:
        """A block for each call."""
        return "\n".join(
            f"<tool_call>\n{dump({'name': checked_name(c.name), 'arguments': c.arguments})}\n</tool_call>"
            for c in calls
        )

    def parse_calls(self, text: str, tools: Sequence[ToolSpec] = ()) -> Parsed:
        """Reads all blocks; the last one may lack its closing tag, as where that ends the generation."""
        calls: list[tuple[str, dict[str, Any]]] = []
        said: list[str] = []
        place = 0
        while opening := _OPEN.search(text, place):
            said.append(text[place : opening.start()].strip())
            value, end = load_at(text, opening.end())
            closing = _CLOSE.match(text, end)
            if closing is None:
                raise FormatError(f"call {len(calls) + 1} does not end with </tool_call>")
            match value:
                case {"name": str(name), "arguments": dict(arguments)}:
                    calls.append((name, arguments))
                case _:
                    raise FormatError(f'call {len(calls) + 1} is not {{"name": …, "arguments": {{…}}}}')
            place = closing.end()
        said.append(text[place:].strip())
        return Parsed(numbered(calls), "\n".join(filter(None, said)))

    def render_tools(self, tools: Sequence[ToolSpec]) -> str:
        """One tool a line, in OpenAI's form, between `<tools>` and `</tools>`."""
        return "\n".join(["<tools>", *map(dump, tool_documents(tools)), "</tools>"])

    def parse_tools(self, value: Any) -> list[ToolSpec]:
        """Reads such a block, its lines alone, or a JSON list."""
        if isinstance(value, str):
            block = _TOOLS.match(value)
            value = load_several(block[1] if block else value)
        return read_tools(value)
