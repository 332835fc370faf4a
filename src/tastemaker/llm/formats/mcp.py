"""MCP's form (Model Context Protocol): tools as `tools/list` gives them, calls as `tools/call` requests.

Any name and any JSON can be carried, and ids are kept. A result's schema is written where it is of type
object, as the protocol asks of `outputSchema`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tastemaker.llm.formats.base import FormatError, Parsed, call_id, checked_name, dump, load
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import ToolCall, ToolSpec


class McpFormat:
    """JSON-RPC requests, one a line; see the module."""

    name = "mcp"

    def render_calls(self, calls: Sequence[ToolCall]) -> str:
        """A `tools/call` request for each call."""
        return "\n".join(
            dump(
                {
                    "jsonrpc": "2.0",
                    "id": call.id,
                    "method": "tools/call",
                    "params": {"name": checked_name(call.name), "arguments": call.arguments},
                }
            )
            for call in calls
        )

    def parse_calls(self, text: str, tools: Sequence[ToolSpec] = ()) -> Parsed:
        """Reads the lines that are requests; lines that do not name `"tools/call"` are text."""
        calls: list[ToolCall] = []
        said: list[str] = []
        for line in text.split("\n"):
            if '"tools/call"' not in line or not line.lstrip().startswith("{"):
                said.append(line)
                continue
            match load(line):
                case {"method": "tools/call", "params": {"name": str(name), **rest}, **request}:
                    arguments = rest.get("arguments", {})
                    given = request.get("id")
                case _:
                    raise FormatError(f"request {len(calls) + 1} is no tools/call")
            if not isinstance(arguments, dict):
                raise FormatError(f"the arguments of call {len(calls) + 1} ({name}) are no JSON object")
            calls.append(
                ToolCall(
                    id=str(given) if isinstance(given, str | int) else call_id(len(calls) + 1),
                    name=checked_name(name),
                    arguments=arguments,
                )
            )
        return Parsed(tuple(calls), "\n".join(said).strip())

    def render_tools(self, tools: Sequence[ToolSpec]) -> str:
        """The result of `tools/list`."""
        return dump({"tools": [_document(tool) for tool in tools]})

    def parse_tools(self, value: Any) -> list[ToolSpec]:
        """Reads that result, or the list in it."""
        return read_tools(value)


def _document(tool: ToolSpec) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.parameters,
    }
    if tool.result is not None and tool.result.get("type") == "object":
        document["outputSchema"] = tool.result
    return document
