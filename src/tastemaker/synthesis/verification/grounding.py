"""Whether a value can be derived from what was said before, without a model.

A value is looked for as it stands, and in the forms that people give values: numbers in words, with units,
currency or per cent; dates written out or relative; a choice that paraphrases; names for codes. What is found
makes it likely, not certain: `doubt` gives the share of the value that was not found. Knows nothing of tools'
purposes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

from tastemaker.synthesis.verification.codes import NAMES

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL: Final = {
    **{word: n for n, word in enumerate(_UNITS.split())},
    **{word: 10 * n for n, word in enumerate(_TENS.split(), 2)},
}
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_LOOSE: Final = {
    **{word: float(n) for n, word in enumerate(_ORDINALS.split(), 1)},
    "a": 1.0,
    "an": 1.0,
    "single": 1.0,
    "once": 1.0,
    "couple": 2.0,
    "pair": 2.0,
    "both": 2.0,
    "twice": 2.0,
    "dozen": 12.0,
    "half": 0.5,
    "quarter": 0.25,
    "fortnight": 14.0,
    "noon": 12.0,
    "midnight": 0.0,
    "no": 0.0,
    "none": 0.0,
}
_SCALES: Final = {
    "hundred": 1e2,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "m": 1e6,
    "billion": 1e9,
    "bn": 1e9,
}
_FACTORS: Final = (60, 3600, 24, 7, 30, 365, 12, 1000, 100, 10, 1.609344, 0.3048, 0.45359237, 1024)
"""Between units that a user and an API may differ in (hours and minutes, weeks and days, miles and km, …)."""

_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = _MONTH_NAMES.split()
_RELATIVE: Final = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|now|current\w*|latest|recent\w*|this|next|last|past|ago|coming|since"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|week\w*|month\w*|christmas|new year)\b"
)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[t ](\d\d):(\d\d).*)?", re.ASCII)
_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::\d\d)?", re.ASCII)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+", re.ASCII)
_WORD = re.compile(r"[^\W_]+")
_IDLE_WORDS = "a an the of in on at to for and or by with is are my me i it please this that from"
_IDLE = frozenset(_IDLE_WORDS.split())


def normalised(text: str) -> str:
    """Lower case, without accents; anything but letters and digits is one space.

    >>> normalised("Café  New-York!")
    'cafe new york'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(character for character in text if not unicodedata.combining(character))
    return " ".join(_WORD.findall(text.casefold()))


class Known:
    """What was said before a call."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.raw = "\n".join(texts).casefold()

    @cached_property
    def text(self) -> str:
        """`normalised`, between two spaces."""
        return f" {normalised(self.raw)} "

    @cached_property
    def squeezed(self) -> str:
        """The same without spaces."""
        return self.text.replace(" ", "")

    @cached_property
    def stems(self) -> frozenset[str]:
        """The beginnings of all words."""
        return frozenset(_stem(word) for word in self.text.split())

    @cached_property
    def numbers(self) -> frozenset[float]:
        """All numbers, in digits or words, also times their scale or as a share."""
        return frozenset(_numbers(self.raw, self.text.split()))


def doubt(value: Any, known: Known, hints: str = "") -> float:
    """How little of a value is found: 0 all of it, 1 nothing. `hints` are words about the argument (its name
    and description), by which a yes or no is looked for.
    """
    if value is None or value == "" or value == [] or value == {}:
        return 0.0
    if isinstance(value, bool):
        return _doubt_flag(hints, known)
    if isinstance(value, int | float):
        return 0.0 if _has_number(float(value), known) else 1.0
    if isinstance(value, str):
        return _doubt_text(value, known)
    entries = list(value.values()) if isinstance(value, dict) else list(value)
    return max(doubt(entry, known, hints) for entry in entries)


def _doubt_flag(hints: str, known: Known) -> float:
    words = [word for word in normalised(hints).split() if len(word) > 3]
    return 0.0 if any(_stem(word) in known.stems for word in words) else 0.4


def _has_number(value: float, known: Known) -> bool:
    numbers = known.numbers
    if value in numbers or -value in numbers or round(value, 4) in numbers:
        return True
    if any(_near(value, n * f) or _near(value * f, n) for n in numbers for f in _FACTORS if n):
        return True
    return value.is_integer() and 1 <= value <= 12 and _MONTHS[int(value) - 1] in known.raw


def _near(one: float, two: float) -> bool:
    return abs(one - two) <= 1e-3 * max(abs(one), abs(two))


def _doubt_text(value: str, known: Known) -> float:
    text = normalised(value)
    if not text:
        return 0.0 if value.strip() in known.raw else 1.0
    if f" {text} " in known.text or (len(text) > 3 and text.replace(" ", "") in known.squeezed):
        return 0.0
    names = NAMES.get(value.strip().casefold())
    if names is not None and any(
        f" {name} " in known.text or (name in "$€£¥₹" and name in known.raw) for name in names
    ):
        return 0.0
    if any(code in NAMES and text in NAMES[code] for code in known.text.split()):
        return 0.0
    moment = value.strip().casefold()
    if _DATE.fullmatch(moment) or _CLOCK.fullmatch(moment):
        return 0.0 if _is_moment_known(moment, known) else 1.0
    if _is_number_known(value, known):
        return 0.0
    words = [word for word in text.split() if word not in _IDLE] or text.split()
    missing = sum(not _word_known(word, known) for word in words)
    return missing / len(words)


def _word_known(word: str, known: Known) -> bool:
    if f" {word} " in known.text or (len(word) > 3 and _stem(word) in known.stems):
        return True
    return word.isdigit() and float(word) in known.numbers


def _is_number_known(value: str, known: Known) -> bool:
    match = re.fullmatch(r"[^\d-]{0,3}(-?\d[\d,]*(?:\.\d+)?)\s*[^\d]{0,6}", value)
    return match is not None and _has_number(float(match[1].replace(",", "")), known)


def _is_moment_known(value: str, known: Known) -> bool:
    """Whether a date or time of day is given in other words, or may follow from relative ones."""
    if clock := _CLOCK.fullmatch(value):
        return _has_clock(int(clock[1]), int(clock[2]), known)
    date = _DATE.fullmatch(value)
    if date is None:
        return False
    year, month, day = int(date[1]), int(date[2]), int(date[3])
    if _RELATIVE.search(known.raw):
        return True
    name = _MONTHS[month - 1] if 1 <= month <= 12 else ""
    has_month = bool(name) and re.search(rf"\b{name[:3]}(?:{name[3:]})?\b|\b0?{month}[/.-]", known.raw)
    has_day = float(day) in known.numbers or re.search(rf"\b0?{day}(?:st|nd|rd|th)?\b", known.raw)
    others = [n for n in known.numbers if 1900 <= n <= 2100]
    return bool(has_month and has_day) and (not others or float(year) in others)


def _has_clock(hour: int, minute: int, known: Known) -> bool:
    twelve = (hour - 1) % 12 + 1
    half = "am" if hour < 12 else "pm"
    with_half = re.search(rf"\b{twelve}(?:[:.]{minute:02d})?\s*{half[0]}\.?m", known.raw)
    if with_half is not None and (minute == 0 or f"{minute:02d}" in with_half[0]):
        return True
    words = {(12, 0): "noon", (0, 0): "midnight"}
    if words.get((hour, minute), "\0") in known.raw or re.search(
        rf"\b0?{hour}[:.h]{minute:02d}\b", known.raw
    ):
        return True
    return minute == 0 and (float(twelve) in known.numbers or float(hour) in known.numbers)


def _numbers(raw: str, words: list[str]) -> Iterator[float]:
    for match in _NUMBER.finditer(raw):
        value = float(match[0].replace(",", "").rstrip("."))
        yield from (value, abs(value))
        after = raw[match.end() : match.end() + 12].lstrip()
        if after.startswith(("%", "percent", "per cent")):
            yield value / 100
        scale = re.match(r"[a-z]+", after)
        if scale and scale[0] in _SCALES:
            yield value * _SCALES[scale[0]]
    yield from _numbers_in_words(words)


def _numbers_in_words(words: list[str]) -> Iterator[float]:
    total, current, inside = 0.0, 0.0, False
    for word in [*words, ""]:
        if word in _SMALL:
            current += _SMALL[word]
            inside = True
        elif word in _SCALES and (inside or len(word) > 2):
            scaled = max(current, 1.0) * _SCALES[word]
            total, current = (total, scaled) if word == "hundred" else (total + scaled, 0.0)
            inside = True
            yield scaled
        elif inside and word == "and":
            continue
        else:
            if inside:
                yield total + current
                yield (total + current) / 100
            total, current, inside = 0.0, 0.0, False
        if word in _SMALL:
            yield float(_SMALL[word])
        if word in _LOOSE:
            yield _LOOSE[word]


def _stem(word: str) -> str:
    """The beginning of a word, without common endings: enough to find a word's other forms."""
    for ending in ("ations", "ation", "ings", "ing", "ies", "ed", "es", "ly", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)][:8]
    return word[:8]
