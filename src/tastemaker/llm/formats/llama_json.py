"""Llama 3's JSON form: `{"name": …, "parameters": {…}}`, several separated by `; `.

Any name and any JSON can be carried. Read are also calls on lines of their own, `arguments` for
`parameters`, `"type": "function"`, and the `<|python_tag|>` that Llama may put in front.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tastemaker.llm.formats.base import Parsed, checked_name, dump, load_at, load_several, numbered
from tastemaker.llm.formats.openai import tool_documents
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import ToolCall, ToolSpec

_CALL = re.compile(r'\{\s*+"(?:name|type|function|parameters)"\s*+:')
_TAG = "<|python_tag|>"


class LlamaJsonFormat:
    """One JSON object a call; see the module."""

    name = "llama_json"

    def render_calls(self, calls: Sequence[ToolCall]) -> str:
        """The calls in one line."""
        return "; ".join(dump({"name": checked_name(c.name), "parameters": c.arguments}) for c in calls)

    def parse_calls(self, text: str, tools: Sequence[ToolSpec] = ()) -> Parsed:
        """Reads every object of that form; other JSON is text."""
        calls: list[tuple[str, dict[str, Any]]] = []
        said: list[str] = []
        kept = place = 0
        while opening := _CALL.search(text, place):
            value, place = load_at(text, opening.start())
            match value:
                case {"name": str(name), "parameters": dict(arguments)}:
                    pass
                case {"name": str(name), "arguments": dict(arguments)}:
                    pass
                case _:
                    continue
            said.append(_said(text[kept : opening.start()]))
            calls.append((name, arguments))
            kept = place
        said.append(_said(text[kept:]) if calls else text.strip())
        return Parsed(numbered(calls), "\n".join(filter(None, said)))

    def render_tools(self, tools: Sequence[ToolSpec]) -> str:
        """One tool a line, in OpenAI's form."""
        return "\n\n".join(map(dump, tool_documents(tools)))

    def parse_tools(self, value: Any) -> list[ToolSpec]:
        """Reads such lines or a JSON list."""
        return read_tools(load_several(value) if isinstance(value, str) else value)


def _said(text: str) -> str:
    return text.replace(_TAG, "").strip(" \t\r\n;")
