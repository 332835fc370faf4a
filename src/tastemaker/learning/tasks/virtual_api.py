"""A client of StableToolBench's virtual API server, for those who run one.

Each call is one `POST` of `{category, tool_name, api_name, tool_input, strip, toolbench_key}`, answered by
`{error, response}`. Only http and https, no redirect, no proxy; an answer has a largest size and a deadline.
What goes wrong is a `ToolError` and stands in `called`. Protocol: server/main.py of StableToolBench.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from tastemaker.config import Config
from tastemaker.errors import ToolError
from tastemaker.learning.tasks.environment import Called
from tastemaker.learning.tasks.stabletoolbench import BenchApi, BenchTask
from tastemaker.records import canonical
from tastemaker.tools.tool import Tool

_CHUNK: Final = 65_536


class VirtualApiConfig(Config):
    """Where the server is and how long it may take."""

    url: str = "http://127.0.0.1:8080/virtual"
    """Its address."""
    key: str = Field(default="", repr=False)
    """ToolBench key that is sent along; the server passes it on to real APIs."""
    seconds: float = Field(default=30.0, gt=0)
    """For a whole call."""
    largest: int = Field(default=1_000_000, gt=0)
    """Bytes of an answer."""
    longest: int = Field(default=1024, gt=0)
    """Characters of a result that the model sees."""

    @field_validator("url")
    @classmethod
    def _web(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("an address http://HOST/PATH or https://HOST/PATH is needed")
        if any(not 32 < ord(character) < 127 for character in value):
            raise ValueError("an address has no spaces and no control or other than ASCII characters")
        parts.port  # noqa: B018  raises ValueError for one that is none
        return value


class VirtualApi:
    """A connection to the server, and a record of the calls made over it."""

    def __init__(self, config: VirtualApiConfig) -> None:
        self._config = config
        self.called: list[Called] = []
        """The calls made so far, those that failed included."""

    def tools(self, task: BenchTask) -> list[Tool]:
        """The APIs of a query as tools."""
        return [Tool(api.spec, self._function(api)) for api in task.apis]

    def _function(self, api: BenchApi) -> Callable[..., Coroutine[Any, Any, str]]:
        async def run(**arguments: Any) -> str:
            return await self.call(api, arguments)

        return run

    async def call(self, api: BenchApi, arguments: dict[str, Any]) -> str:
        """What the API gives, as text, cut where it is long. Raises ToolError."""
        try:
            text = self._cut(_result(await asyncio.to_thread(self._post, api, arguments)))
        except ToolError as error:
            self.called.append(Called(api.spec.name, arguments, False, f"error: {error}"))
            raise
        self.called.append(Called(api.spec.name, arguments, True, text))
        return text

    def _cut(self, text: str) -> str:
        return text if len(text) <= self._config.longest else text[: self._config.longest] + "..."

    def _post(self, api: BenchApi, arguments: dict[str, Any]) -> Any:
        """The server's answer as JSON."""
        body = json.dumps(
            {
                "category": api.category,
                "tool_name": api.tool,
                "api_name": api.api,
                "tool_input": json.dumps(arguments),
                "strip": "truncate",
                "toolbench_key": self._config.key,
            }
        )
        parts = urlsplit(self._config.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        assert parts.hostname is not None
        deadline = time.monotonic() + self._config.seconds
        connection = kind(parts.hostname, parts.port, timeout=self._config.seconds)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", target, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise ToolError(f"the API server answered with HTTP {response.status}")
            content = self._body(response, deadline)
        except TimeoutError:
            raise ToolError(f"the API server gave no answer within {self._config.seconds:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise ToolError(f"the API server cannot be reached ({type(error).__name__})") from None
        finally:
            connection.close()
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise ToolError("the API server gave no JSON") from None

    def _body(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        content = bytearray()
        while chunk := response.read1(_CHUNK):
            content += chunk
            if len(content) > self._config.largest:
                raise ToolError("the API server gave too long an answer")
            if time.monotonic() > deadline:
                raise TimeoutError
        return bytes(content)


def _result(answer: Any) -> str:
    """The response of an answer. Raises ToolError where it tells of an error, or is in another form."""
    if not isinstance(answer, dict) or "response" not in answer:
        raise ToolError("the API server's answer has no response")
    if error := answer.get("error"):
        raise ToolError(" ".join(str(error).split())[:200])
    response = answer["response"]
    return response if isinstance(response, str) else canonical(response)
