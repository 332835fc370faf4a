"""Whether an answer in words holds the values asked for, and not just everything that was seen.

Values are read out of the text: numbers (with thousands commas, or small ones as words), dates in several
forms, and names. An expected value counts when it is there, but none of a sort counts where the text holds
more values of that sort than were asked for: an answer that lists what was seen, in the hope that the right
one is among it, is no answer. Neither is it wholly right where it tells a result of any sort that was only
met on the way (`strays`). What the question itself says may be repeated freely, and no expected value stands
in a question. Texts of more than `LONGEST` words count as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from typing import Any, Final

from tastemaker.learning.tasks.sorts import SORTS
from tastemaker.learning.tasks.task import Expected

LONGEST: Final = 80
"""Words of an answer."""
RELATIVE: Final = 1e-3
ABSOLUTE: Final = 0.0051
"""How far a number may be from one that is not whole: rounding to two decimals is never wrong."""

_MONTHS: Final = "january february march april may june july august september october november december"
_MONTH_NUMBER: Final = {
    form: number for number, name in enumerate(_MONTHS.split(), 1) for form in (name, name[:3])
}
_MONTH: Final = "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True))
_SMALL: Final = {
    word: number
    for number, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
            *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
            *("nineteen", "twenty"),
        )
    )
}
_DATE: Final = re.compile(
    rf"\b(?P<y>\d{{4}})-(?P<m>\d{{1,2}})-(?P<d>\d{{1,2}})\b"
    rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m2>{_MONTH})\b\.?,? (?P<y2>\d{{4}})\b"
    rf"|\b(?P<m3>{_MONTH})\b\.? (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y3>\d{{4}})\b",
    re.IGNORECASE | re.ASCII,
)
_NUMBER: Final = re.compile(
    r"(?<![\w.:-])(?P<sign>[-−]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d{1,15})(?P<part>\.\d{1,12})?"
    r"(?![\w]*[:]\d|\d|-\d|\.\d|,\d{3}(?!\d))",
    re.ASCII,
)
_NUMBER_WORD: Final = re.compile(rf"\b(?:{'|'.join(_SMALL)})\b", re.IGNORECASE)

_CANNOT: Final = re.compile(
    r"\b(?:cannot|can ?not|can['’]?t|could not|couldn['’]?t|unable|not able|not possible|impossible"
    r"|not available|unavailable|no (?:\w+ )?(?:tool|function|call|way|means)s?"
    r"|none of|not (?:something|supported)|lack(?:s|ing)?"
    r"|do(?:es)?(?: not|n['’]?t) (?:have|cover|offer|support)"
    r"|outside (?:of )?what|beyond what)\b",
    re.IGNORECASE,
)


def numbers(text: str, *, words: bool = True) -> list[float]:
    """The numbers of a text, in order; those that are part of dates, times and codes are left out.

    >>> numbers("It is 1,204.50 km, or 3 legs; call 555-0142 before 14:30 on 2026-03-01.")
    [1204.5, 3.0]
    """
    text = _DATE.sub(" ; ", text)
    found = [
        float(f"{'-' if m['sign'] else ''}{m['whole'].replace(',', '')}{m['part'] or ''}")
        for m in _NUMBER.finditer(text)
    ]
    if words:
        found += [float(_SMALL[m[0].lower()]) for m in _NUMBER_WORD.finditer(text)]
    return found


def dates(text: str) -> list[str]:
    """The dates of a text, as YYYY-MM-DD.

    >>> dates("From 3 March 2026 to April 1st, 2026.")
    ['2026-03-03', '2026-04-01']
    """
    found = []
    for match in _DATE.finditer(text):
        year, month, day = (
            next(part for part in (match[key], match[key + "2"], match[key + "3"]) if part) for key in "ymd"
        )
        try:
            found.append(
                date(int(year), _MONTH_NUMBER.get(month.lower()) or int(month), int(day)).isoformat()
            )
        except ValueError:
            continue
    return found


def same_number(found: float, expected: float) -> bool:
    """Whether a number is the expected one. A whole number must be met exactly."""
    if expected == int(expected):
        return abs(found - expected) < 1e-9
    return abs(found - expected) <= max(ABSOLUTE, RELATIVE * abs(expected))


def holds(text: str, name: str) -> bool:
    """Whether a name stands in a text, whatever its case, and not as a part of a word."""
    low, wanted = text.casefold(), name.casefold()
    start = low.find(wanted)
    while start >= 0:
        before, after = low[start - 1 : start], low[start + len(wanted) : start + len(wanted) + 1]
        if not (before.isalnum() or after.isalnum()):
            return True
        start = low.find(wanted, start + 1)
    return False


def same(sort: str, a: Any, b: Any) -> bool:
    """Whether two values of a sort count as one."""
    if SORTS[sort].numeric:
        return same_number(a, b) or same_number(b, a)
    return str(a).casefold() == str(b).casefold()


def count_right(
    expected: Sequence[Expected], text: str, given: str, names: Callable[[str], Collection[str]]
) -> int:
    """How many of the expected values a text holds. `given` is what it may repeat (the question), and
    `names` gives the known values of a sort of texts.
    """
    if len(text.split()) > LONGEST:
        return 0
    by_sort: dict[str, list[Any]] = {}
    plain = text
    for value in expected:
        by_sort.setdefault("number" if SORTS[value.sort].numeric else value.sort, []).append(value.value)
        if isinstance(value.value, str) and value.sort != "date":
            plain = plain.replace(value.value, ";")  # the numbers of a text that is asked for are no others
    return sum(
        _right(sort, values, plain if sort in ("number", "date") else text, given, names)
        for sort, values in by_sort.items()
    )


def _right(
    sort: str, values: list[Any], text: str, given: str, names: Callable[[str], Collection[str]]
) -> int:
    extra: list[Any]
    right: list[Any]
    if sort == "number":
        told = set(numbers(text)) - set(numbers(given))
        if 1 not in values and 1.0 not in numbers(text, words=False):
            told.discard(1.0)  # "one" is mostly no number
        extra = [number for number in told if not any(same_number(number, value) for value in values)]
        right = [value for value in values if any(same_number(number, value) for number in told)]
    elif sort == "date":
        days = set(dates(text)) - set(dates(given))
        extra, right = [day for day in days if day not in values], [v for v in values if v in days]
    else:
        others = [name for name in names(sort) if not _among(name, values)]
        extra = [name for name in others if holds(text, name) and not holds(given, name)]
        right = [value for value in values if holds(text, value)]
    return len(right) if len(right) + len(extra) <= len(values) else 0


def _among(name: str, values: Iterable[str]) -> bool:
    return any(name.casefold() == value.casefold() for value in values)


def strays(seen: Iterable[Expected], expected: Sequence[Expected], text: str, given: str) -> bool:
    """Whether a text tells a result that was seen and that nobody asked for: one on the way, say. A text that
    tells all results may hold the right one by chance.
    """
    for value in expected:
        if isinstance(value.value, str):
            text = text.replace(value.value, ";")
    others = (
        one
        for one in seen
        if not any(
            SORTS[one.sort].numeric == SORTS[v.sort].numeric and same(one.sort, one.value, v.value)
            for v in expected
        )
    )
    return any(stands_in(one, text) and not stands_in(one, given) for one in others)


def stands_in(value: Expected, text: str) -> bool:
    """Whether a text holds a value already."""
    if SORTS[value.sort].numeric:
        return any(same_number(number, value.value) for number in numbers(text))
    return value.value in dates(text) if value.sort == "date" else holds(text, value.value)


def declines(text: str, given: str) -> bool:
    """Whether a text says that it cannot be done, and states no number or date of its own."""
    if not _CANNOT.search(text) or len(text.split()) > LONGEST:
        return False
    stated = {*numbers(text, words=False), *dates(text)}
    return stated <= {*numbers(given), *dates(given)}
