"""The pythonic form that ToolACE, BFCL and Llama share: `[f(a=1), g(b="x")]`, with text around.

Names of offered tools may hold spaces, dots, slashes, commas and brackets, as ToolACE's do:
`[Get Chat Code (Code to Chat)(chat=7)]`; names of others end at the first `(`. Strings are written as JSON
writes them, which Python reads alike. Positional arguments are bound in the order of the tool's parameters.
Not carried, and refused when rendering: a name with a quote, `=`, a line break, `[]{}`, or `(` right after a
character, and an argument's name with other than letters, digits and `_ $ @ . / : -`.

A list is taken for calls when it begins like one; `[see (a)]` in prose is text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tastemaker.llm.formats.base import FormatError, Parsed, checked, content, dump, numbered
from tastemaker.llm.formats.literals import Literals
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import ToolCall, ToolSpec

_LONGEST = 300
_NAME = re.compile(r"""[^\s()\[\]{}="',](?:[^\s(\[\]{}="]|[ ](?!\Z)|(?<=[ ])\()*+""")
_ANY_NAME = re.compile(r"""([^\s()\[\]{}="',][^()\[\]{}="',\r\n]{0,300})\(""")
_KEY = re.compile(r"([\w$@./:-]+)\s*=(?!=)")
_KEY_ALONE = re.compile(r"[\w$@./:-]+")
_GOES_ON = re.compile(r"\s*(?:\)|[\w$@./:-]{1,100}\s{0,9}=)")


class PythonicFormat:
    """A list of calls as Python writes them; see the module."""

    name = "pythonic"

    def render_calls(self, calls: Sequence[ToolCall]) -> str:
        """The calls in one line."""
        return f"[{', '.join(map(self._call, calls))}]"

    def parse_calls(self, text: str, tools: Sequence[ToolSpec] = ()) -> Parsed:
        """Reads every list of calls, and calls without the list's brackets where they are the whole text.

        Raises FormatError for a list that begins with an offered tool, or like a call of another one, and
        does not go on as it should: nested calls, values that are no literals, an argument given twice.
        """
        known = _Known(tools)
        calls: list[tuple[str, dict[str, Any]]] = []
        said: list[str] = []
        kept = 0
        start = known.at(text, content(text, 0))
        if start:
            reader = Literals(text)
            try:
                bare = _calls(reader, known)
            except FormatError:
                if _GOES_ON.match(text, start.end()):
                    raise
            else:
                reader.space()
                if reader.place == len(text):
                    return Parsed(numbered(bare), "")
        opening = text.find("[")
        while opening >= 0:
            reader = Literals(text, opening + 1)
            if _begins(reader, known):
                calls += _calls(reader, known)
                if not reader.take("]"):
                    raise reader.expected("']'")
                said.append(text[kept:opening].strip())
                kept = reader.place
            opening = text.find("[", reader.place)
        said.append(text[kept:].strip())
        return Parsed(numbered(calls), "\n".join(filter(None, said)))

    def render_tools(self, tools: Sequence[ToolSpec]) -> str:
        """A JSON list of name, description and parameters."""
        return dump(
            [{"name": t.name, "description": t.description, "parameters": t.parameters} for t in tools]
        )

    def parse_tools(self, value: Any) -> list[ToolSpec]:
        """Reads such a list; types may be named as BFCL's."""
        return read_tools(value)

    def _call(self, call: ToolCall) -> str:
        if not _NAME.fullmatch(call.name) or len(call.name) > _LONGEST:
            raise FormatError(f"a pythonic call cannot carry the name {call.name[:80]!r}")
        return f"{checked(call.name)}({', '.join(map(self._argument, call.arguments.items()))})"

    def _argument(self, argument: tuple[str, Any]) -> str:
        key, value = argument
        if not _KEY_ALONE.fullmatch(key):
            raise FormatError(f"a pythonic call cannot carry an argument named {key[:80]!r}")
        return f"{checked(key)}={python_literal(checked(value))}"


def python_literal(value: Any) -> str:
    """A JSON value as Python writes it, strings between double quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{dump(key)}: {python_literal(part)}' for key, part in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(python_literal, value))}]"
    return str(value) if value is None or isinstance(value, bool) else dump(value)


class _Known:
    """Finds offered tools' names, the longest first, and their parameters' order."""

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self.order = {tool.name: list(tool.parameters.get("properties", {})) for tool in tools}
        names = sorted((name for name in self.order if _NAME.fullmatch(name)), key=len, reverse=True)
        self._pattern = re.compile(f"({'|'.join(map(re.escape, names))})[ \\t]*+\\(") if names else None

    def at(self, text: str, place: int) -> re.Match[str] | None:
        """The name and the bracket after it, where an offered tool is called there."""
        return self._pattern.match(text, place) if self._pattern else None


def _begins(reader: Literals, known: _Known) -> bool:
    """Whether a call stands here: of an offered tool, or of another one with `name=` or `)` after its `(`."""
    reader.space()
    if known.at(reader.text, reader.place):
        return True
    name = _ANY_NAME.match(reader.text, reader.place)
    return name is not None and _GOES_ON.match(reader.text, name.end()) is not None


def _calls(reader: Literals, known: _Known) -> list[tuple[str, dict[str, Any]]]:
    calls = [_call(reader, known)]
    while reader.take(","):
        reader.space()
        if reader.text.startswith("]", reader.place):
            break
        calls.append(_call(reader, known))
    return calls


def _call(reader: Literals, known: _Known) -> tuple[str, dict[str, Any]]:
    reader.space()
    found = known.at(reader.text, reader.place) or _ANY_NAME.match(reader.text, reader.place)
    if found is None:
        raise reader.expected("a call")
    reader.place = found.end()
    name = found[1].rstrip()
    order = known.order.get(name)
    arguments: dict[str, Any] = {}
    position: int | None = 0
    comma = True
    while not reader.take(")"):
        if not comma:
            raise reader.expected("',' or ')'")
        reader.space()
        if given := reader.match(_KEY):
            key, position = given[1], None
        elif position is None or order is None or position >= len(order):
            raise reader.expected("an argument as name=value")
        else:
            key, position = order[position], position + 1
        if key in arguments:
            raise FormatError(f"{name[:80]}: the argument {key[:80]} is given twice")
        arguments[key] = reader.value()
        comma = reader.take(",")
    return name, arguments
