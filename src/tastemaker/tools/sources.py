"""Sources of outside knowledge as tools: web addresses, MCP servers and Python functions.

Each tool is named by its source, described by the user's words, limited in seconds and in the characters of
its result, and never shows the value of a header that came from the environment. What fails in a call is a
`ToolError`; what was configured wrongly, or cannot be reached when it is opened, is an `InputError`. Nothing
is imported or asked before a source is opened.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from tastemaker.errors import InputError, ToolError
from tastemaker.tools.source import Source
from tastemaker.tools.tool import Function, Tool

if TYPE_CHECKING:
    import httpx2

    from tastemaker.tools.mcp_source import McpServer

__all__ = ["Source", "opened"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_ENVIRONMENT = "env:"
_MISSING = "a package that is not installed: pip install 'tastemaker[mcp]'"


@asynccontextmanager
async def opened(sources: Mapping[str, Source]) -> AsyncIterator[dict[str, Tool]]:
    """The sources' tools by name, for as long as the context lasts. Enter and leave it in the same task.

    Raises InputError for a name that no model could call, a package, function or environment variable that is
    not there, and an MCP server that cannot be reached or lacks the tool.
    """
    failure: Exception | None = None
    async with AsyncExitStack() as stack:
        try:
            opener = _Opener(stack)
            yield {name: await opener.open(name, source) for name, source in sources.items()}
        except Exception as error:  # kept from the task groups below, which would wrap it
            failure = error
    if failure is not None:
        raise failure


class _Opener:
    """Opens sources. Those at web addresses share connections; those of one MCP server share the server."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._web: httpx2.AsyncClient | None = None
        self._servers: dict[tuple[str, frozenset[tuple[str, str]]], McpServer] = {}

    async def open(self, name: str, source: Source) -> Tool:
        """The tool of one source."""
        if not _NAME.fullmatch(name):
            raise InputError(f"source {name!r}: a name is of letters, digits, _ and -, at most 64 of them")
        _headers(name, source)
        if source.kind == "python":
            tool = Tool.from_function(_function(name, source), name)
        elif source.kind == "url":
            tool = await self._at_address(name, source)
        else:
            tool = await self._of_server(name, source)
        return _limited(tool, source)

    async def _at_address(self, name: str, source: Source) -> Tool:
        try:
            from tastemaker.tools.web_source import web_client, web_tool
        except ModuleNotFoundError:
            raise InputError(f"source {name} needs {_MISSING}") from None
        if self._web is None:
            self._web = await self._stack.enter_async_context(web_client())
        return web_tool(name, source, self._web, lambda: _headers(name, source))

    async def _of_server(self, name: str, source: Source) -> Tool:
        try:
            from tastemaker.tools.mcp_source import McpServer
        except ModuleNotFoundError:
            raise InputError(f"source {name} needs {_MISSING}") from None
        headers = _headers(name, source)
        key = source.mcp, frozenset(headers.items())
        if key not in self._servers:
            self._servers[key] = await McpServer.connect(name, source, headers, self._stack)
        return self._servers[key].tool(name, source)


def _limited(tool: Tool, source: Source) -> Tool:
    """The tool with the user's description and limits, and without secrets in what it gives."""
    name = tool.spec.name

    async def call(**arguments: Any) -> str:
        try:
            async with asyncio.timeout(source.seconds):
                text = await tool.call(arguments)
        except TimeoutError:
            raise ToolError(f"{name} took longer than {source.seconds:g} s; go on without it") from None
        except ToolError as error:
            raise ToolError(_shown(str(error), source)) from None
        shown = _shown(text, source)
        if not shown:
            raise ToolError(f"{name} found nothing; try other words")
        return shown

    return Tool(tool.spec.model_copy(update={"description": source.about}), call)


def _shown(text: str, source: Source) -> str:
    """What a model may read of a text: cut, and without the values of headers from the environment."""
    for value in source.headers.values():
        if value.startswith(_ENVIRONMENT) and (secret := os.environ.get(value.removeprefix(_ENVIRONMENT))):
            for part in (secret, *secret.split()[-1:]):  # the latter is the key of `Bearer KEY`
                text = text.replace(part, "[hidden]")
    text = text.encode("utf-8", "replace").decode().strip()
    return text if len(text) <= source.longest else text[: source.longest - 1].rstrip() + "…"


def _headers(name: str, source: Source) -> dict[str, str]:
    """The headers to send. Raises InputError for a variable that is not set, or is no header's value."""
    headers: dict[str, str] = {}
    for header, value in source.headers.items():
        variable = value.removeprefix(_ENVIRONMENT) if value.startswith(_ENVIRONMENT) else ""
        sent = os.environ.get(variable, "") if variable else value
        if not (sent.strip() and sent.isascii() and sent.isprintable()):
            what = f"the environment variable {variable} is not set, or is" if variable else "its value is"
            raise InputError(f"source {name}: header {header}: {what} no line of plain text")
        headers[header] = sent
    return headers


def _function(name: str, source: Source) -> Function:
    module_name, _, attribute = source.python.partition(":")
    here = os.getcwd()
    sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"source {name}: {module_name} cannot be imported: {why}") from None
    finally:
        sys.path.remove(here)
    function = getattr(module, attribute, None)
    if not callable(function):
        raise InputError(f"source {name}: {module_name} has no function {attribute}")
    return cast(Function, function)
