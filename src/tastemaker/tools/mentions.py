"""Titles of a catalogue found in free text: what a dialogue or an explanation speaks of.

Titles are compared as words (`search.words`: casefolded, without accents), so punctuation does not matter.
A title may stand with or without its year in brackets; where several items have the same title the year
decides, and without it none is taken. One word alone is a title only with its year, or where it is long and
written with a capital: "It" and "up" are words of every text. Knows nothing of users.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tastemaker.tools.search import words

_WORD = re.compile(r"\w+")
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
_SHORT = 4
"""A single word this long or shorter is a title only with its year."""


@dataclass(frozen=True)
class Mention:
    """One item named in a text."""

    item: int
    start: int
    end: int
    """Character offsets of the title, its year included where it stands there."""


class TitleLinker:
    """Finds the items whose titles stand in a text. Built once for a catalogue."""

    def __init__(self, titles: Sequence[str | None], years: Sequence[float | None] | None = None) -> None:
        """`titles` [n_items], None or empty where there is none; `years` [n_items], None or NaN where they
        are not known (a year at the end of a title counts as well)."""
        self._items: dict[tuple[str, ...], list[int]] = {}
        self._longest = 0
        for item, title in enumerate(titles):
            year = None if years is None else years[item]
            for form in _forms(title or "", None if year is None or year != year else int(year)):
                self._items.setdefault(form, []).append(item)
                self._longest = max(self._longest, len(form))

    def find(self, text: str) -> list[Mention]:
        """The mentions in their order, none overlapping another; of titles within titles the longest."""
        found: list[Mention] = []
        tokens = _tokens(text)
        at = 0
        while at < len(tokens):
            mention, used = self._at(text, tokens, at)
            if mention is not None:
                found.append(mention)
            at += used
        return found

    def _at(self, text: str, tokens: list[tuple[str, int, int]], at: int) -> tuple[Mention | None, int]:
        """The longest title that begins with a word, and how many words are done with."""
        for length in range(min(self._longest, len(tokens) - at), 0, -1):
            key = tuple(word for word, _, _ in tokens[at : at + length])
            items = self._items.get(key, ())
            if len(items) != 1:
                continue
            start, end = tokens[at][1], tokens[at + length - 1][2]
            if length == 1 and (len(key[0]) <= _SHORT or not text[start].isupper()):
                continue
            if text[start - 1 : start] == "(" and text[end : end + 1] == ")":
                continue
            closed = text[end : end + 1] == ")" and "(" in text[start:end]
            return Mention(items[0], start, end + closed), length
        return None, 1


def _forms(title: str, year: int | None) -> list[tuple[str, ...]]:
    """The ways in which a title is written: with its year and without."""
    bare = _YEAR.sub("", title)
    written = _YEAR.search(title)
    year = int(written[0].strip().strip("()")) if written else year
    forms = [tuple(words(bare))]
    if year is not None:
        forms.append((*forms[0], str(year)))
    return [form for form in dict.fromkeys(forms) if form]


def _tokens(text: str) -> list[tuple[str, int, int]]:
    """The words of a text as `search.words` gives them, with their offsets."""
    found = []
    for match in _WORD.finditer(text):
        found += [(word, match.start(), match.end()) for word in words(match[0])]
    return found
