"""What a wire format is, and what every format agrees on.

A format writes calls and tool lists as text and reads them back. Whatever text comes in, reading ends in a
result or in a `FormatError`, in time linear in its length; nothing is ever evaluated. Knows nothing of
models, of prompts, or of what the tools do.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tastemaker.errors import ToolError
from tastemaker.records import ToolCall, ToolSpec

MAX_DEPTH: Final = 64
"""Lists and objects nested deeper than this are refused, so that no reader runs out of stack."""


class FormatError(ToolError):
    """A text is not what the format asks for, or the format cannot carry a call. One line."""


@dataclass(frozen=True)
class Parsed:
    """What a model's text holds."""

    calls: tuple[ToolCall, ...]
    text: str
    """What is not a call, without white space at its ends."""


class CallFormat(Protocol):
    """A way to write tools and calls.

    `parse_calls(render_calls(calls), tools)` gives equal names and arguments for any `tools` that hold the
    calls' names; ids come back where the format has them, else they are `call-1`, `call-2`, …
    """

    @property
    def name(self) -> str:
        """The name in `registry`."""

    def render_calls(self, calls: Sequence[ToolCall]) -> str:
        """The calls as text. Raises FormatError for what the format cannot carry."""

    def parse_calls(self, text: str, tools: Sequence[ToolSpec] = ()) -> Parsed:
        """The calls of a text and the rest of it. Text without a call is no error; a call that begins and
        is malformed raises FormatError. Whether the called tools exist is not checked."""

    def render_tools(self, tools: Sequence[ToolSpec]) -> str:
        """The tools as JSON text, as a prompt in this format has them."""

    def parse_tools(self, value: Any) -> list[ToolSpec]:
        """The tools of such a text, or of the JSON that it stands for, with parameters that are valid JSON
        Schema. Raises FormatError."""


def call_id(number: int) -> str:
    """The id of the call at that place, counted from 1, in formats without ids."""
    return f"call-{number}"


def numbered(calls: Iterable[tuple[str, dict[str, Any]]]) -> tuple[ToolCall, ...]:
    """Records of names and arguments, in order. Raises FormatError for values that cannot be recorded."""
    return tuple(
        ToolCall(id=call_id(number), name=checked_name(name), arguments=checked(arguments))
        for number, (name, arguments) in enumerate(calls, 1)
    )


def checked_name(name: str) -> str:
    """The name. Raises FormatError when it is empty or cannot be written as UTF-8."""
    if not name:
        raise FormatError("a call without a name")
    return str(checked(name))


def checked(value: Any, depth: int = 0) -> Any:
    """The value. Raises FormatError unless it is JSON that can be written: finite numbers, whole characters,
    not nested too deep."""
    if isinstance(value, dict | list | tuple):
        if depth >= MAX_DEPTH:
            raise FormatError(f"values are nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            for key, part in value.items():
                if not isinstance(key, str):
                    raise FormatError("the keys of an object must be strings")
                checked(key, depth + 1)
                checked(part, depth + 1)
        else:
            for part in value:
                checked(part, depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise FormatError("a number is too large, infinite or not a number")
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise FormatError("a string holds half a character (a lone surrogate)") from None
    elif value is not None and not isinstance(value, int):
        raise FormatError(f"{type(value).__name__} is not a JSON value")
    return value


def dump(value: Any) -> str:
    """Compact JSON, other scripts as they are. Raises FormatError for what JSON cannot hold."""
    try:
        return json.dumps(checked(value), ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        raise FormatError("an integer has too many digits") from None


def load(text: str) -> Any:
    """The value of a JSON text. Raises FormatError."""
    value, end = load_at(text, content(text, 0))
    if content(text, end) != len(text):
        raise FormatError(f"there is more after the JSON value, at character {end}")
    return value


def load_several(text: str) -> list[Any]:
    """The entries of a JSON list, or JSON values with white space between. Raises FormatError."""
    values, place = [], content(text, 0)
    while place < len(text):
        value, place = load_at(text, place)
        values.append(value)
        place = content(text, place)
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def load_at(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins at `start`, and the place after it. Raises FormatError."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise FormatError(f"not JSON: {error.msg} at character {error.pos}") from None
    except ValueError as error:
        raise FormatError(f"not JSON: {str(error).partition(';')[0]}") from None
    except RecursionError:
        raise FormatError(f"values are nested deeper than {MAX_DEPTH}") from None
    return checked(value), end


def content(text: str, start: int) -> int:
    """The first place at or after `start` that is not white space."""
    space = _SPACE.match(text, start)
    return space.end() if space else start


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_constant=_no_constant)
