"""Whether an explanation of a recommendation is true: its facts and its reasons, checked against the data.

A text is searched for five kinds of statement, and each is looked up among what may be seen at the moment:

- title: a catalogue title. True if it is the item, or in the user's history.
- liking: a history title in one clause with a word of liking. True if the user liked it, as the tools mean
  it: rated no lower than their mean.
- rating: "rated it 4", "gave it 5 stars", "4 out of 5". True if the title that it goes with was rated so: the
  one after "to" or "for", else the one before it, else the one after it, within the sentence. Without a
  title, or for the item where the user has not taken it, nothing can be checked and nothing is counted.
- category: a word of the catalogue's categories. True if the item has it, whatever the sentence says it of.
- year: a year or decade ("1990s"). True if it is the item's, whatever the sentence says it of.

Words inside a title do not count. Not checked: people, plots, moods, comparisons, frequencies, titles that
are not in the catalogue, negations ("not a comedy" names comedy) and open years ("before 1980"). What is not
known of the item (no year, no categories) is not counted either. Knows nothing of language models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from tastemaker.agents.tasks import Request
from tastemaker.tools.mentions import Mention, TitleLinker
from tastemaker.tools.past import Log
from tastemaker.tools.workbench import Workbench

NEIGHBOURS = 3
"""How many of the liked items most similar to an item are reasons for it: as many as the tool `explain`
shows."""

_HIDDEN = "\0"
_GAP = re.compile(r"[\s\-/_]+")
_SENTENCE = re.compile(r"[.!?;](?=\s|$)|\n")
_CLAUSE = re.compile(r"[.!?;](?=\s|$)|\n|\b(?:but|though|although|while|whereas|than|unlike|however)\b", re.I)
_LIKING = re.compile(
    r"\b(?:liked|loved|enjoyed|likes|loves|enjoys|favou?rites?|fans? of"
    r"|(?:you|they|we|i) (?:like|love|enjoy))\b",
    re.I,
)
_NEGATED = re.compile(r"\b(?:not|never|hardly|dislike[sd]?)\b|n['’]t\b", re.I)
_YEAR = re.compile(r"(?<!\w)(?<!before )(?<!after )(?<!since )(?<!until )((?:1[89]|20)\d\d)(s?)(?!\w)", re.I)
_NUMBER = r"(?:(?<![\w.])\d{1,2}(?:\.\d+)?|\b(?:one|two|three|four|five))"
_OUT_OF = r"(?:\s*(?:/|out of)\s*(?:5|10|five|ten)(?!\w))"
_STARS = r"(?:[\s-]*stars?\b)"
_RATING = re.compile(
    rf"\b(?:rat(?:ed|ing|es)|gave|gives?|scored?)(?:[\s{_HIDDEN}]|\b(?:it|this|that|them|both|film|movie|item|"
    rf"an?|the|of|at|with|as|only|just)\b)*(?P<said>{_NUMBER})(?:{_OUT_OF}?{_STARS}|{_OUT_OF}"
    rf"|(?=\s*(?:[,.;:!?)]|and\b|but\b|to\b|for\b|$)))|(?P<bare>{_NUMBER})(?:{_OUT_OF}{_STARS}?|{_STARS})",
    re.I,
)
_GIVEN_TO = re.compile(r"\s*(?:to|for)\b", re.I)
_WORDS = {"one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0}
_UNCATEGORISED = ("unknown",)
"""Names of categories that say nothing."""

Kind = Literal["title", "liking", "rating", "category", "year"]


@dataclass(frozen=True)
class Fact:
    """One statement that a text makes."""

    kind: Kind
    text: str
    """As it stands there."""
    true: bool


@dataclass(frozen=True)
class Subject:
    """What is explained: why this item suits this user."""

    user: int
    item: int
    moment: int | None
    """Nothing at or after it may be seen; None is now."""


class Checker:
    """Finds the facts and the reasons in explanations over one workbench. Built once."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self._catalogue = bench.catalogue

    def subject(self, request: Request) -> Subject:
        """The subject of a request that names an item. Raises InputError for an unknown user or item."""
        data = self.bench.dataset
        return Subject(data.user_index(request.user), data.item_index(str(request.item)), request.moment)

    def check(self, text: str, subject: Subject) -> list[Fact]:
        """The facts that the text states, in their order."""
        return [fact for _, fact in sorted(self._facts(text, subject), key=lambda found: found[0])]

    def reasons(self, text: str, subject: Subject) -> bool:
        """Whether the text names a reason: one of the liked items most similar to the item, or a category
        that the item shares with a liked one."""
        near, shared = set(self.neighbours(subject)), self.shared(subject)
        mentions = self._mentions(text, subject)
        return any(mention.item in near for mention in mentions) or any(
            name in shared for _, name in self._named(_masked(text, mentions))
        )

    def history(self, subject: Subject) -> Log:
        """What the user took before the moment."""
        return self.bench.past(subject.moment).of_user(subject.user)

    def neighbours(self, subject: Subject) -> list[int]:
        """The up to `NEIGHBOURS` liked items most similar to the item, most similar first."""
        if self.bench.similarity is None:
            return []
        liked = set(self.history(subject).liked()) - {subject.item}
        items, values = self.bench.similarity.similar(np.array([subject.item]), self.bench.dataset.n_items)
        pairs = zip(items[0].tolist(), values[0].tolist(), strict=True)
        return [item for item, value in pairs if item in liked and value > 0][:NEIGHBOURS]

    def shared(self, subject: Subject) -> set[str]:
        """The categories that the item shares with at least one liked item."""
        own = set(self._catalogue.categories[subject.item])
        liked = set(self.history(subject).liked()) - {subject.item}
        return own & {name for item in liked for name in self._catalogue.categories[item]}

    def _facts(self, text: str, subject: Subject) -> Iterator[tuple[int, Fact]]:
        log = self.history(subject)
        mentions = self._mentions(text, subject)
        masked = _masked(text, mentions)
        taken = set(log.items.tolist())
        for mention in mentions:
            known = mention.item == subject.item or mention.item in taken
            yield mention.start, Fact("title", text[mention.start : mention.end], known)
        liked = set(log.liked())
        for mention, words in _liking(masked, mentions):
            if mention.item in taken:
                named = f"{words} {text[mention.start : mention.end]}"
                yield mention.start, Fact("liking", named, mention.item in liked)
        for match, mention in _ratings(masked, mentions):
            if mention.item in taken or mention.item != subject.item:
                group = "said" if match["said"] else "bare"
                rated = _was_rated(log, mention.item, match[group])
                yield match.start(group), Fact("rating", match[group], rated)
        own = self._catalogue.categories[subject.item]
        for match, name in self._named(masked) if own else ():
            yield match.start(), Fact("category", match[0], name in own)
        year = self._catalogue.years[subject.item]
        for match in _YEAR.finditer(masked) if np.isfinite(year) else ():
            unit = 10 if match[2] else 1
            yield match.start(), Fact("year", match[0], int(match[1]) // unit == int(year) // unit)

    def _mentions(self, text: str, subject: Subject) -> list[Mention]:
        """The titles in the text, the longest where they overlap. Of items with one title it is the item or
        one of the user's history, where there is such a one."""
        known = dict.fromkeys([subject.item, *self.history(subject).items.tolist()])
        forms: dict[str, int] = {}
        for item in known:
            for title in self._written(item):
                forms.setdefault(title.casefold(), item)
        rows = list(forms.values())
        near = TitleLinker(list(forms), [self._catalogue.years[item] for item in rows])
        upper = [Mention(rows[m.item], m.start, m.end) for m in near.find(text)]
        own = {(m.start, m.end) for m in upper}
        everywhere = [self._row(m) for m in self._linker.find(text) if (m.start, m.end) not in own]
        chosen: list[Mention] = []
        for mention in sorted(upper + everywhere, key=lambda m: (m.start - m.end, m.start)):
            if all(mention.end <= other.start or mention.start >= other.end for other in chosen):
                chosen.append(mention)
        return sorted(chosen, key=lambda m: m.start)

    def _written(self, item: int) -> list[str]:
        """The item's title as the catalogue has it, and as tools show it, where they cut it."""
        full, shown = self.bench.dataset.items["title"][item] or "", self._catalogue.titles[item]
        return [full, shown] if "…" in shown else [full]

    @cached_property
    def _forms(self) -> list[tuple[str, int]]:
        return [(title, item) for item in range(self.bench.dataset.n_items) for title in self._written(item)]

    @cached_property
    def _linker(self) -> TitleLinker:
        return TitleLinker(
            [title for title, _ in self._forms], [self._catalogue.years[item] for _, item in self._forms]
        )

    def _row(self, mention: Mention) -> Mention:
        return Mention(self._forms[mention.item][1], mention.start, mention.end)

    @cached_property
    def _categories(self) -> tuple[re.Pattern[str], dict[str, str]]:
        """What finds the categories in a text, and the category of each form."""
        forms: dict[str, str] = {}
        for name in dict.fromkeys(name for names in self._catalogue.categories for name in names):
            if name.casefold() not in _UNCATEGORISED:
                forms |= {form: name for form in _spellings(name) if form not in forms}
        longest = sorted(forms, key=len, reverse=True)
        either = "|".join(re.escape(form).replace(r"\ ", r"[\s\-/_]+") for form in longest)
        return re.compile(rf"(?<!\w)(?:{either})(?!\w)" if either else r"(?!)", re.I), forms

    def _named(self, masked: str) -> list[tuple[re.Match[str], str]]:
        """The categories named in a text, with the places."""
        pattern, forms = self._categories
        found = ((match, forms.get(_plain(match[0]))) for match in pattern.finditer(masked.replace("’", "'")))
        return [(match, name) for match, name in found if name is not None]


def _masked(text: str, mentions: Sequence[Mention]) -> str:
    """The text with its titles made unreadable; places stay."""
    for mention in mentions:
        hidden = _HIDDEN * (mention.end - mention.start)
        text = text[: mention.start] + hidden + text[mention.end :]
    return text


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text between the matches."""
    start = 0
    for match in pattern.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _liking(masked: str, mentions: Sequence[Mention]) -> Iterator[tuple[Mention, str]]:
    """The titles that are said to be liked, with the words of liking."""
    for start, end in _spans(_CLAUSE, masked):
        clause = masked[start:end]
        said = _LIKING.search(clause)
        if said is not None and not _NEGATED.search(clause):
            yield from ((mention, said[0]) for mention in mentions if start <= mention.start < end)


def _ratings(masked: str, mentions: Sequence[Mention]) -> Iterator[tuple[re.Match[str], Mention]]:
    """The ratings stated, with the titles that they go with."""
    for start, end in _spans(_SENTENCE, masked):
        within = [mention for mention in mentions if start <= mention.start < end]
        for match in _RATING.finditer(masked, start, end):
            before = [mention for mention in within if mention.start < match.end()]
            after = [mention for mention in within if mention.start >= match.end()]
            if after and (not before or _GIVEN_TO.match(masked, match.end())):
                yield match, after[0]
            elif before:
                yield match, before[-1]


def _was_rated(log: Log, item: int, stated: str) -> bool:
    if log.ratings is None:
        return False
    value = _WORDS[stated.casefold()] if stated.casefold() in _WORDS else float(stated)
    return bool(np.isclose(log.ratings[log.items == item], value).any())


def _plain(name: str) -> str:
    return _GAP.sub(" ", name.casefold().replace("’", "'")).strip()


def _spellings(name: str) -> list[str]:
    """The forms in which a category is written: also in the plural, and both names of science fiction."""
    plain = _plain(name)
    forms = [plain, *({"sci fi": ["science fiction"], "science fiction": ["sci fi"]}.get(plain, []))]
    if plain[-1:].isalpha() and not plain.endswith("s"):
        forms.append(plain[:-1] + "ies" if plain.endswith("y") else plain + "s")
    return [form for form in forms if form]
