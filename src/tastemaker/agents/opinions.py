"""What someone says of items and categories, read without a model: what they like, and what they do not.

A title or a category in a clause with a word of refusal ("not", "no more", "hated", "enough of", …) is
disliked; any other is liked, as people who ask for something name what they like. Categories are found in
the singular and the plural ("thrillers", "comedies"). Questions, irony and refusals that a clause only
implies are not understood. Knows nothing of users and of who speaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from tastemaker.tools.catalogue import Catalogue
from tastemaker.tools.search import words

_CLAUSE = re.compile(r"[.!?;,](?=\s|$)|\n|\b(?:but|though|although|rather|and)\b", re.I)
_REFUSAL = re.compile(
    r"\b(?:not|no|never|none|without|nothing|hate[sd]?|dislike[sd]?|detest(?:ed)?|avoid|except|less|enough of"
    r"|sick of|tired of|bored (?:of|by)|boring|awful|terrible|worst|instead of|neither|nor)\b|n['’]t\b",
    re.I,
)
_UNDONE = re.compile(r"\b(?:never seen|not seen|n['’]t seen|not only|no problem|not bad|why not)\b", re.I)


@dataclass(frozen=True)
class Opinions:
    """What was said, each thing once, in the order in which it was said last."""

    likes: tuple[int, ...] = ()
    """Item indices."""
    dislikes: tuple[int, ...] = ()
    """Item indices."""
    seeks: tuple[str, ...] = ()
    """Categories, as the catalogue writes them."""
    avoids: tuple[str, ...] = ()
    """Categories, as the catalogue writes them."""


class OpinionReader:
    """Reads opinions on one catalogue. Built once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def read(self, text: str) -> Opinions:
        """The opinions in a text of one person. Of a thing said twice the last opinion counts."""
        mentions = self._catalogue.linker.find(text)
        items: dict[int, bool] = {}
        categories: dict[str, bool] = {}
        for start, end in _clauses(text, [(mention.start, mention.end) for mention in mentions]):
            inside = [mention for mention in mentions if start <= mention.start < end]
            rest = text[start:end]
            for mention in reversed(inside):
                rest = rest[: mention.start - start] + " " + rest[mention.end - start :]
            liked = not _refuses(rest)
            for mention in inside:
                items.pop(mention.item, None)
                items[mention.item] = liked
            for name in self._named(rest):
                categories.pop(name, None)
                categories[name] = liked
        return Opinions(
            likes=tuple(item for item, liked in items.items() if liked),
            dislikes=tuple(item for item, liked in items.items() if not liked),
            seeks=tuple(name for name, liked in categories.items() if liked),
            avoids=tuple(name for name, liked in categories.items() if not liked),
        )

    def _named(self, text: str) -> list[str]:
        """Categories that stand in a text."""
        said = words(text)
        found = []
        for length in (3, 2, 1):
            for at in range(len(said) - length + 1):
                name = self._forms.get(tuple(said[at : at + length]))
                if name is not None and name not in found:
                    found.append(name)
        return found

    @cached_property
    def _forms(self) -> dict[tuple[str, ...], str]:
        """The ways in which a category is written, as words."""
        found: dict[tuple[str, ...], str] = {}
        for name in dict.fromkeys(name for names in self._catalogue.categories for name in names):
            *first, last = words(name) or [""]
            plurals = [f"{last}s", f"{last}es", f"{last[:-1]}ies" if last.endswith("y") else last]
            for form in (last, last.removesuffix("s"), *plurals):
                if len(form) > 2:
                    found.setdefault((*first, form), name)
        return found


def _refuses(text: str) -> bool:
    return _REFUSAL.search(_UNDONE.sub(" ", text)) is not None


def _clauses(text: str, kept: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Offsets of the clauses; marks inside the parts to keep whole do not end one.

    "and" ends a clause as well, but a clause with neither subject nor refusal of its own goes with the one
    before: in "no horror and romance" both are refused, in "no horror and I like romance" one is.
    """
    ends = [
        match.span()
        for match in _CLAUSE.finditer(text)
        if not any(start < match.end() and match.start() < end for start, end in kept)
    ]
    found: list[tuple[int, int]] = []
    start = 0
    for begin, end in [*ends, (len(text), len(text))]:
        own = re.search(r"\b(?:i|we|you|it|something|show|give|want|more)\b", text[start:begin], re.I)
        joined = start > 0 and text[:start].rstrip().lower().endswith((" and", ","))
        if found and joined and own is None and not _refuses(text[start:begin]):
            found[-1] = (found[-1][0], begin)
        else:
            found.append((start, begin))
        start = end
    return found
