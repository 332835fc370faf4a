"""Tools of an MCP server (Model Context Protocol), reached at an address or started by a command.

A tool's schema is the server's own. Its description is not: that would be a stranger's instruction to the
model. A server that is started gets only the environment variables that the protocol's library deems safe.
Knows nothing of
what the tools do.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents

from tastemaker.errors import InputError, ToolError
from tastemaker.records import ToolSpec
from tastemaker.tools.source import Source
from tastemaker.tools.tool import Tool

_START = 30.0
"""Seconds that a server may take to start and to list its tools."""


@dataclass(frozen=True)
class McpServer:
    """A connection to a server, and the JSON Schema of the arguments of each of its tools."""

    client: Client
    schemas: dict[str, dict[str, Any]]

    @classmethod
    async def connect(
        cls, name: str, source: Source, headers: Mapping[str, str], stack: AsyncExitStack
    ) -> Self:
        """Reach or start the server of a source; `stack` closes it. Raises InputError when that fails."""
        try:
            async with asyncio.timeout(_START):
                client = await stack.enter_async_context(await _client(source, headers, stack))
                return cls(client, await _schemas(client))
        except Exception as error:
            how = "reached" if source.at_address else "started; run its command by hand to see why"
            raise InputError(f"source {name}: its MCP server cannot be {how} ({_kind(error)})") from None

    def tool(self, name: str, source: Source) -> Tool:
        """The source's tool. Its calls raise ToolError with the server's words when they fail.

        Raises InputError when the server has no such tool.
        """
        if source.tool not in self.schemas:
            names = ", ".join(sorted(self.schemas)) or "none"
            raise InputError(f"source {name}: the MCP server has no tool {source.tool!r}; its tools: {names}")

        async def ask(**arguments: Any) -> str:
            try:
                result = await self.client.call_tool(source.tool, arguments)
            except Exception as error:
                raise ToolError(f"{name} failed: {' '.join(str(error).split()) or _kind(error)}") from None
            if result.is_error:
                raise ToolError(f"{name} failed: {' '.join(_text(result).split())}")
            return _text(result)

        return Tool(ToolSpec(name=name, parameters=self.schemas[source.tool]), ask)


async def _client(source: Source, headers: Mapping[str, str], stack: AsyncExitStack) -> Client:
    if source.at_address:
        timeout = httpx2.Timeout(_START, read=None)
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=timeout))
        return Client(streamable_http_client(source.mcp, http_client=http))
    command, *arguments = shlex.split(source.mcp)
    silence = stack.enter_context(Path(os.devnull).open("w"))  # noqa: SIM115, closed with the stack
    return Client(stdio_client(StdioServerParameters(command=command, args=arguments), errlog=silence))


async def _schemas(client: Client) -> dict[str, dict[str, Any]]:
    """The schema of each tool that the server lists."""
    found: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        found.update((tool.name, tool.input_schema) for tool in page.tools)
        cursor = page.next_cursor
        if not cursor:
            return found


def _text(result: CallToolResult) -> str:
    """The texts of a result, one below the other; its structured value where it has none."""
    texts: list[str] = []
    for block in result.content:
        if isinstance(block, TextContent):
            texts.append(block.text)
        elif isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents):
            texts.append(block.resource.text)
    if not texts and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(texts)


def _kind(error: BaseException) -> str:
    """The name of an error's type; of the first one in a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
