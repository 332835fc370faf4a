"""What a source of outside knowledge is: the settings of one tool that a user adds to a role.

A web address, an MCP server or a Python function. Nothing is opened here, and nothing is reached: see
`sources.opened`. A secret does not stand in the settings, which are kept with every run: a header that may
hold one is named by an environment variable.
"""

from __future__ import annotations

import re
import shlex
from typing import Literal, Self
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from tastemaker.config import Config

QUERY = "{query}"
"""Where in the web address the quoted query goes."""

_SECRET = re.compile(r"auth|cookie|key|secret|token", re.IGNORECASE)
"""Names of headers whose values are taken from the environment alone."""
_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class Source(Config):
    """One source: exactly one of `url`, `mcp` and `python`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    about: str = Field(min_length=1)
    """What the tool does, as the model reads it."""
    url: str = ""
    """A web address, http or https, with `{query}` in its path or its query string."""
    mcp: str = ""
    """The http or https address of an MCP server, or the command line that starts one."""
    python: str = ""
    """A function, as `package.module:function`. The current folder is searched too."""
    tool: str = ""
    """Which tool of the MCP server."""
    pick: str = ""
    """What is kept of a JSON answer to `url`: keys joined by dots, `*` for every element of a list or object,
    as in `query.search.*.snippet`. Empty keeps the whole text.
    """
    headers: dict[str, str] = Field(default_factory=dict)
    """HTTP headers for `url`, or for an MCP server at an address. `env:NAME` is the value of that environment
    variable when the tool is called.
    """
    longest: int = Field(default=2000, ge=1)
    """Characters of the result that are kept."""
    seconds: float = Field(default=10.0, gt=0)
    """How long a call may take."""

    @property
    def kind(self) -> Literal["url", "mcp", "python"]:
        """Which of the three it is."""
        return "url" if self.url else "mcp" if self.mcp else "python"

    @property
    def at_address(self) -> bool:
        """Whether the MCP server is reached at an address; else it is started by a command."""
        return self.mcp.startswith(("http://", "https://"))

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if not url:
            return url
        parts = _address(url)
        if QUERY in parts.netloc:
            raise ValueError("{query} may not stand in the host: it would let the model choose whom to ask")
        if QUERY not in parts.path + "?" + parts.query or QUERY in parts.fragment:
            raise ValueError("{query} must stand in the path or after the question mark")
        if any(unquote(part) in (".", "..") for part in parts.path.split("/")):
            raise ValueError("the path may hold no . or ..")
        return url

    @field_validator("mcp")
    @classmethod
    def _check_mcp(cls, mcp: str) -> str:
        if mcp.startswith(("http://", "https://")):
            _address(mcp)
        elif mcp and not shlex.split(mcp):
            raise ValueError("an empty command line")
        return mcp

    @field_validator("python")
    @classmethod
    def _check_python(cls, python: str) -> str:
        if python and not _FUNCTION.fullmatch(python):
            raise ValueError("must be package.module:function")
        return python

    @field_validator("pick")
    @classmethod
    def _check_pick(cls, pick: str) -> str:
        if pick and not all(pick.split(".")):
            raise ValueError("must be keys joined by single dots, as in query.search.*.snippet")
        return pick

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name):
                raise ValueError("a name may hold letters, digits and hyphens only")
            if value == "env:":
                raise ValueError(f"{name}: env: must be followed by the name of a variable")
            if _SECRET.search(name) and not value.startswith("env:"):
                raise ValueError(
                    f"{name} may hold a secret: put it into an environment variable and write env:NAME here"
                )
        return headers

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(map(bool, (self.url, self.mcp, self.python))) != 1:
            raise ValueError("give exactly one of url, mcp and python")
        if self.kind == "mcp" and not self.tool:
            raise ValueError("mcp needs tool: the name of one of the server's tools")
        if self.kind != "mcp" and self.tool:
            raise ValueError("tool goes with mcp only")
        if self.kind != "url" and self.pick:
            raise ValueError("pick goes with url only")
        if self.headers and not (self.kind == "url" or self.at_address):
            raise ValueError("headers go with url, or with the address of an MCP server, only")
        return self


def _address(url: str) -> SplitResult:
    """The parts of a web address. Raises ValueError when it is none, or holds a password."""
    if " " in url or not url.isprintable():
        raise ValueError("a web address holds no spaces or control characters; write %20 for a space")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must begin with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise ValueError("may hold no user or password: give a header, with its value in the environment")
    _ = parts.port
    return parts
