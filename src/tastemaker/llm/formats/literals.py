"""A reader of Python literals, as models write them in calls: nothing is evaluated.

Strings, numbers, `True`/`False`/`None` (also `true`/`false`/`null`), lists, tuples (read as lists) and dicts
with string keys, nested to a depth; all else is a `FormatError`: names, calls, operators, sets, bytes and
f-strings. Works by hand rather than by `ast`, so that time and stack stay bounded on any input and `class`
or `from` can be the names of arguments. Knows nothing of calls.
"""

from __future__ import annotations

import re
from typing import Any

from tastemaker.llm.formats.base import MAX_DEPTH, FormatError, checked

_SPACE = re.compile(r"\s*")
_STRING = re.compile(r"""[uU]?(?:"((?:[^"\\\n]++|\\.)*+)"|'((?:[^'\\\n]++|\\.)*+)')""", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*)?\.?\d[\d_]*\.?(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[^\W\d]\w*")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL)

_WORDS = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "\n": ""}
_CLOSING = {"[": "]", "(": ")", "{": "}"}


class Literals:
    """Reads a text from left to right."""

    def __init__(self, text: str, place: int = 0) -> None:
        self.text = text
        self.place = place
        """The next character to read."""

    def space(self) -> None:
        """Skip white space."""
        match = _SPACE.match(self.text, self.place)
        self.place = match.end() if match else self.place

    def take(self, mark: str) -> bool:
        """Skip white space and then the mark, where it stands there."""
        self.space()
        if self.text.startswith(mark, self.place):
            self.place += len(mark)
            return True
        return False

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Skip what the pattern matches here."""
        found = pattern.match(self.text, self.place)
        if found:
            self.place = found.end()
        return found

    def expected(self, what: str) -> FormatError:
        """The error that says what is missing at this place."""
        shown = self.text[self.place : self.place + 20]
        there = f"not {shown!r}" if shown else "but the text ends"
        return FormatError(f"expected {what} at character {self.place}, {there}")

    def value(self, depth: int = 0) -> Any:
        """The literal that begins here."""
        if depth > MAX_DEPTH:
            raise FormatError(f"values are nested deeper than {MAX_DEPTH}")
        self.space()
        opening = self.text[self.place : self.place + 1]
        if opening == "{":
            return self._mapping(depth)
        if opening in ("[", "("):
            return self._sequence(depth)
        if string := self.match(_STRING):
            return self._string(string[1] if string[1] is not None else string[2])
        if number := self.match(_NUMBER):
            return self._number(number[0])
        start = self.place
        word = self.match(_WORD)
        if word is None or word[0] not in _WORDS:
            self.place = start
            raise self.expected("a literal value")
        return _WORDS[word[0]]

    def _sequence(self, depth: int) -> Any:
        opening = self.text[self.place]
        self.place += 1
        values: list[Any] = []
        comma = False
        while not self.take(_CLOSING[opening]):
            if values and not comma:
                raise self.expected(f"',' or {_CLOSING[opening]!r}")
            values.append(self.value(depth + 1))
            comma = self.take(",")
        in_brackets_only = opening == "(" and len(values) == 1 and not comma
        return values[0] if in_brackets_only else values

    def _mapping(self, depth: int) -> dict[str, Any]:
        self.place += 1
        values: dict[str, Any] = {}
        comma = True
        while not self.take("}"):
            if not comma:
                raise self.expected("',' or '}'")
            self.space()
            key = self.match(_STRING)
            if key is None:
                raise self.expected("a string as key")
            if not self.take(":"):
                raise self.expected("':'")
            name = self._string(key[1] if key[1] is not None else key[2])
            values[name] = self.value(depth + 1)
            comma = self.take(",")
        return values

    def _string(self, body: str) -> str:
        return str(checked(_ESCAPE.sub(_unescaped, body) if "\\" in body else body))

    def _number(self, text: str) -> int | float:
        following = self.text[self.place : self.place + 1]
        try:
            if following.isalnum() or following in ("_", "."):
                raise ValueError
            digits = text.lstrip("+-").replace("_", "")
            if digits.isdigit() and (digits[0] != "0" or not digits.strip("0")):
                return int(text)
            if digits.isdigit():
                raise ValueError
            value = float(text)
        except ValueError:
            raise FormatError(f"{text[:40]!r} at character {self.place - len(text)} is no number") from None
        checked(value)
        return value


def _unescaped(escape: re.Match[str]) -> str:
    """One escape as Python reads it; an unknown one stays as it is written."""
    code = escape[1]
    if code[0] in "xuU" and len(code) > 1:
        number = int(code[1:], 16)
    elif code[0] in "01234567":
        number = int(code, 8)
    elif code in ("x", "u", "U", "N"):
        raise FormatError(f"the escape \\{code} in a string is not finished or not known here")
    else:
        return _PLAIN.get(code, code if code in "\\'\"" else escape[0])
    if number > 0x10FFFF:
        raise FormatError("an escape in a string stands for no character")
    return chr(number)
