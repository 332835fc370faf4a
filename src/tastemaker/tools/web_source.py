"""A web address with a place for a query, asked over HTTP, as a tool.

The query is quoted, so that it is one part of the address whatever a model writes: it chooses neither the
host nor the path. Redirects are followed on the same host alone; cookies are not kept. No message holds the
address or the headers. Knows nothing of what is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx2

from tastemaker.errors import ToolError
from tastemaker.records import ToolSpec
from tastemaker.tools.page_text import page_text
from tastemaker.tools.source import QUERY, Source
from tastemaker.tools.tool import Tool

_LARGEST = 1_000_000
"""Bytes of an answer that are read."""
_REDIRECTS = 5

_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"query": {"type": "string", "minLength": 1, "maxLength": 300}},
    "required": ["query"],
    "additionalProperties": False,
}


@asynccontextmanager
async def web_client() -> AsyncIterator[httpx2.AsyncClient]:
    """The connections that all web sources share."""
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx2.AsyncClient(
        cookies=cookies, headers={"User-Agent": "tastemaker"}, timeout=None
    ) as client:
        yield client


def web_tool(
    name: str, source: Source, client: httpx2.AsyncClient, headers: Callable[[], Mapping[str, str]]
) -> Tool:
    """A tool that gives the text of the answer to a query. Its calls raise ToolError where there is none; how
    long they take is for the caller to limit.
    """

    async def look_up(query: str) -> str:
        url = _filled(name, source.url, query)
        try:
            body, content_type, charset = await _get(name, client, url, headers())
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise ToolError(f"{name} cannot be reached ({type(error).__name__}); go on without it") from None
        try:
            text = body[:_LARGEST].decode(charset or "utf-8", "replace")
        except LookupError:
            text = body[:_LARGEST].decode("utf-8", "replace")
        if not source.pick:
            return page_text(text) if "html" in content_type else " ".join(text.split())
        if len(body) > _LARGEST:
            raise ToolError(f"{name} gave too long an answer; ask for something narrower")
        found = [
            " ".join(page_text(_text(value)).split()) for value in picked(_parsed(name, text), source.pick)
        ]
        return "\n".join(line for line in found if line)

    return Tool(ToolSpec(name=name, parameters=_PARAMETERS), look_up)


def _filled(name: str, template: str, query: str) -> str:
    """The address to ask. Raises ToolError for a query that some servers would take for a folder above."""
    quoted = quote(query, safe="", errors="replace")
    if QUERY in urlsplit(template).path:
        path = unquote(urlsplit(template.replace(QUERY, quoted)).path)
        if any(part in (".", "..") for part in re.split(r"[/\\]", path)):
            raise ToolError(f"{name}: query: give words to look up")
    return template.replace(QUERY, quoted)


async def _get(
    name: str, client: httpx2.AsyncClient, url: str, headers: Mapping[str, str]
) -> tuple[bytes, str, str | None]:
    """The first bytes of the answer (one more than `_LARGEST` where there are more), its content type and
    its charset.
    """
    here = httpx2.URL(url)
    for _ in range(_REDIRECTS):
        async with client.stream("GET", here, headers=headers) as response:
            if response.has_redirect_location:
                there = here.join(response.headers["location"])
                if not _same_host(here, there):
                    raise ToolError(f"{name} sends on to another host; go on without it")
                here = there
                continue
            _check_status(name, response.status_code)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    break
            kind = response.headers.get("content-type", "").lower()
            return bytes(body[: _LARGEST + 1]), kind, response.charset_encoding
    raise ToolError(f"{name} sends on again and again; go on without it")


def _same_host(here: httpx2.URL, there: httpx2.URL) -> bool:
    """Whether the headers may go there too: the same server, or the same host over https instead of http."""
    safer = (here.scheme, there.scheme, here.port, there.port) == ("http", "https", None, None)
    same = (here.scheme, here.port) == (there.scheme, there.port)
    return here.host == there.host and (same or safer)


def _check_status(name: str, status: int) -> None:
    if status == 404:
        raise ToolError(f"{name} has nothing for this query (HTTP 404); try other words")
    if status != 200:
        raise ToolError(f"{name} does not answer (HTTP {status}); go on without it")


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ToolError(f"{name} gave no JSON; go on without it") from None


def picked(value: Any, path: str) -> Iterator[Any]:
    """What stands at a dotted path of a JSON value; `*` is every element of a list or object, a number an
    element of a list. What is not there is left out.

    >>> list(picked({"hits": [{"name": "Alien"}, {}, {"name": "Aliens"}]}, "hits.*.name"))
    ['Alien', 'Aliens']
    """
    values = [value]
    for key in path.split("."):
        values = [below for above in values for below in _below(above, key)]
    yield from (value for value in values if value is not None)


def _below(value: Any, key: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values()) if key == "*" else [value[key]] if key in value else []
    if isinstance(value, list):
        if key == "*":
            return value
        return value[int(key) :][:1] if re.fullmatch(r"[0-9]{1,9}", key) else []
    return []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
