"""How a user says a value: numbers with units, dates, times, choices, codes, lists and objects.

Each function takes a `random.Random` and gives one wording. Knows nothing of schemas, APIs or how values are
drawn.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Any

from num2words import num2words

from tastemaker.synthesis.dialogues.lists import words

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIGHT = frozenset(
    ("kg", "g", "mg", "km", "m", "cm", "mm", "ml", "GB", "MB", "KB", "V", "W", "px", "°C", "ms", "s")
)
"""Units that may stand without a space."""
_SINGULAR = {"feet": "foot", "inches": "inch", "hertz": "hertz", "hectopascals": "hectopascal"}


@lru_cache(4096)
def spelled(number: int) -> str:
    """A number in words.

    >>> spelled(21)
    'twenty-one'
    """
    return str(num2words(number))


@lru_cache(256)
def ordinal(day: int) -> str:
    """
    >>> ordinal(2), ordinal(13), ordinal(21)
    ('2nd', '13th', '21st')
    """
    ending = "th" if 10 < day % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


@lru_cache(8192)
def spaced(name: str) -> str:
    """A parameter's name as words.

    >>> spaced("check_in"), spaced("birthDate"), spaced("shipTo.city")
    ('check in', 'birth date', 'ship to city')
    """
    made = []
    for place, sign in enumerate(name):
        if sign.isupper() and place and (name[place - 1].islower() or name[place - 1].isdigit()):
            made.append(" ")
        made.append(" " if sign in "_-." else sign)
    found = "".join(made)
    return (
        found
        if found.isupper()
        else " ".join(word if word.isupper() else word.lower() for word in found.split())
    )


def plain_number(value: float) -> str:
    """A number in digits, as JSON has it.

    >>> plain_number(5), plain_number(5.0), plain_number(0.00001)
    ('5', '5.0', '0.00001')
    """
    if isinstance(value, int):
        return str(value)
    shown = repr(value)
    return f"{value:.10f}".rstrip("0") if "e" in shown else shown


def number(rng: Random, value: float, *, unit: str = "", money: bool = False, plain: bool = False) -> str:
    """A number in digits or words, with its unit or a dollar sign where there is one; `plain`: digits alone,
    as for years.
    """
    if plain:
        return plain_number(value)
    shown, in_words = _shown(rng, value, bool(unit))
    if money and isinstance(value, float) and round(value, 2) == value and not value.is_integer():
        shown = f"{value:,.2f}" if "," in shown else f"{value:.2f}"
    if money and not in_words and rng.random() < 0.55:
        sign = "-" if shown.startswith("-") else ""
        shown = f"{sign}${shown.lstrip('-')}" if rng.random() < 0.85 else f"{shown} dollars"
    if not unit or rng.random() < 0.12:
        return shown
    return _with_unit(rng, value, shown, unit, in_words)


def measured(rng: Random, value: float, unit: str) -> str:
    """A number with its unit, which always is told; halves and single ones of time in words, too.

    >>> measured(Random(1), 0.5, "hours")
    'half an hour'
    """
    if unit == "hours" and value == 0.25:
        return "a quarter of an hour"
    whole = int(value)
    single = {"hours": "an hour"}.get(unit, f"a {_single(unit)}")
    if unit in _TIMES and value in (0.5, 1, 1.5) and rng.random() < 0.6:
        return {0.5: f"half {single}", 1: single, 1.5: f"{single} and a half"}[value]
    smaller = _TIMES.get(unit)
    if smaller and whole != value and whole and (value - whole) * smaller[1] % 1 == 0 and rng.random() < 0.6:
        rest = int((value - whole) * smaller[1])
        return f"{_counted(rng, whole, unit)} and {_counted(rng, rest, smaller[0])}"
    return _counted(rng, whole if whole == value else value, unit)


def _counted(rng: Random, value: float, unit: str) -> str:
    shown, in_words = _shown(rng, value, True)
    return _with_unit(rng, value, shown, unit, in_words)


_TIMES: dict[str, tuple[str, int] | None] = {
    "minutes": ("seconds", 60),
    "hours": ("minutes", 60),
    "days": ("hours", 24),
    "weeks": ("days", 7),
    "months": None,
    "years": ("months", 12),
}
"""Units of time, and how many of the next smaller one they have."""


def _shown(rng: Random, value: float, measured: bool) -> tuple[str, bool]:
    draw = rng.random()
    if isinstance(value, int):
        size = abs(value)
        if (value > 0 and size <= 12 and draw < 0.17) or (size <= 100 and value > 0 and draw < 0.03):
            return spelled(value), True
        if size >= 1_000_000 and size % 100_000 == 0 and draw < 0.4:
            return f"{plain_number(value / 1e6).removesuffix('.0')} million", False
        if size >= 1000:
            if size % 500 == 0 and size < 1_000_000 and draw < 0.04 and not measured:
                return f"{plain_number(value / 1000).removesuffix('.0')}k", False
            if size % 1000 == 0 and size <= 20_000 and draw < 0.08:
                return f"{spelled(value)}", True
            if draw < 0.45:
                return f"{value:,}", False
    elif abs(value) >= 1000 and draw < 0.4:
        whole, _, rest = plain_number(value).partition(".")
        return f"{int(whole):,}.{rest}", False
    shown = plain_number(value)
    if value < 0 and draw > 0.8:
        return f"minus {shown[1:]}", False
    return shown, False


def _with_unit(rng: Random, value: float, shown: str, unit: str, in_words: bool) -> str:
    names = words()["units"].get(unit, (unit,))
    name = names[0] if rng.random() < 0.55 and not in_words else rng.choice(names)
    if name == "%":
        return f"{shown} percent" if in_words else f"{shown}%"
    if value == 1 and len(name) > 3 and name.isascii():
        head, space, rest = name.partition(" ")
        if head in ("square", "cubic", "degrees"):
            rest, tail = (rest, "") if head != "degrees" else ("", rest)
            name = f"{head} {_single(rest)}" if rest else f"degree {tail}".strip()
        else:
            name = f"{_single(head)}{space}{rest}"
    if name in _TIGHT and not in_words and shown[-1].isdigit() and rng.random() < 0.3:
        return f"{shown}{name}"
    return f"{shown} {name}"


def _single(word: str) -> str:
    return _SINGULAR.get(word, word[:-1] if word.endswith("s") else word)


def date(rng: Random, day: dt.date, today: dt.date | None = None) -> str:
    """A date in one of the usual forms, or as seen from today."""
    if today is not None and rng.random() < 0.5 and (relative := relative_date(rng, day, today)):
        return relative
    month = words()["parts"]["months"][day.month - 1]
    draw = rng.random()
    if draw < 0.34:
        return day.isoformat()
    if draw < 0.58:
        return f"{month} {day.day}, {day.year}"
    if draw < 0.7:
        return f"{day.day} {month} {day.year}"
    if draw < 0.78:
        return f"{month} {ordinal(day.day)}, {day.year}"
    if draw < 0.86:
        return f"the {ordinal(day.day)} of {month} {day.year}"
    if draw < 0.93:
        return f"{month[:3]} {day.day}, {day.year}"
    return f"{day.month}/{day.day}/{day.year}" if day.day > 12 else f"{day.day} {month[:3]} {day.year}"


def relative_date(rng: Random, day: dt.date, today: dt.date) -> str | None:
    """A date as seen from today, where there is such a wording.

    >>> relative_date(Random(0), dt.date(2026, 3, 15), dt.date(2026, 3, 14))
    'tomorrow'
    """
    ahead = (day - today).days
    near = {0: "today", 1: "tomorrow", -1: "yesterday", 2: "the day after tomorrow"}
    if ahead in near:
        return near[ahead]
    if abs(ahead) > 30:
        return None
    if ahead % 7 == 0 and rng.random() < 0.6:
        weeks = abs(ahead) // 7
        amount = "a week" if weeks == 1 else f"{spelled(weeks)} weeks"
        return f"in {amount}" if ahead > 0 else f"{amount} ago"
    week = (day - dt.timedelta(day.weekday()) - today + dt.timedelta(today.weekday())).days // 7
    if week == 1 and rng.random() < 0.6:
        return f"{_WEEKDAYS[day.weekday()]} next week"
    if 0 < ahead < 7 and rng.random() < 0.6:
        return f"this {_WEEKDAYS[day.weekday()]}" if week == 0 else f"this coming {_WEEKDAYS[day.weekday()]}"
    amount = spelled(abs(ahead)) if abs(ahead) <= 12 and rng.random() < 0.5 else str(abs(ahead))
    return f"in {amount} days" if ahead > 0 else f"{amount} days ago"


def clock(rng: Random, hour: int, minute: int) -> str:
    """A time of day."""
    draw = rng.random()
    if draw < 0.42:
        return f"{hour:02d}:{minute:02d}"
    twelve, half = (hour - 1) % 12 + 1, "am" if hour < 12 else "pm"
    if minute == 0 and hour in (0, 12) and draw < 0.7:
        return "noon" if hour else "midnight"
    if draw < 0.47:
        part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening"
        if minute == 30:
            return f"half past {spelled(twelve)} {part}"
        if minute == 0:
            return f"{spelled(twelve)} {part}" if rng.random() < 0.5 else f"{twelve} o'clock {part}"
    half = rng.choice((half, half, half.upper(), f"{half[0]}.{half[1]}."))
    space = "" if half.islower() and rng.random() < 0.35 else " "
    shown = f"{twelve}:{minute:02d}" if minute or rng.random() < 0.25 else str(twelve)
    return f"{shown}{space}{half}"


def moment(rng: Random, when: dt.datetime, today: dt.date | None = None) -> str:
    """A date with a time of day, in UTC."""
    draw = rng.random()
    if draw < 0.15:
        return f"{when:%Y-%m-%dT%H:%M:%S}Z"
    if draw < 0.3:
        return f"{when:%Y-%m-%d %H:%M}"
    day, time = date(rng, when.date(), today), clock(rng, when.hour, when.minute)
    zone = " UTC" if rng.random() < 0.3 and time[-1].isdigit() else ""
    return f"{time}{zone} on {day}" if draw < 0.42 and not _adverb(day) else f"{day} at {time}{zone}"


def _adverb(day: str) -> bool:
    return (
        not any("0" <= sign <= "9" for sign in day) or day.startswith(("in ", "this")) or day.endswith("ago")
    )


def text(rng: Random, value: str, quoted: float = 0.1) -> str:
    """A text as it stands, or with this probability in quotes."""
    if quoted and rng.random() < quoted:
        if '"' in value:
            return value if "'" in value else f"'{value}'"
        return f'"{value}"' if "'" in value or rng.random() < 0.5 else f"'{value}'"
    return value


def choice(rng: Random, value: str, quoted: float = 0.0) -> str:
    """A value of a closed choice: as it stands, with spaces, in lower case, in other words, or in quotes."""
    others = words()["choices"].get(value)
    if others is not None and rng.random() < 0.4:
        return str(rng.choice(others))
    if "_" in value:
        value = spaced(value) if rng.random() < 0.8 else value
    draw = rng.random()
    if draw < 0.12 and value[1:].islower() and value[0].isupper() and len(value) > 3:
        return value.lower()
    return text(rng, value, quoted)


def code(rng: Random, value: str, kind: str) -> str:
    """The code of a language, currency or country, by name or as it stands."""
    names = words()["codes"][kind].get(value)
    share = {"language": 0.85, "currency": 0.5, "country": 0.75}[kind]
    if names is None or rng.random() >= share:
        return value
    return str(names[0] if rng.random() < 0.7 else rng.choice(names))


def series(rng: Random, entries: Sequence[str], quoted: bool = False) -> str:
    """Entries of a list in a row.

    >>> series(Random(0), ["Rome"])
    'Rome'
    """
    if quoted:
        entries = [text(rng, entry, 1.0) if entry[:1] not in "'\"" else entry for entry in entries]
    if len(entries) < 2:
        return "".join(entries)
    between = "; " if any(map(_runs_on, entries)) else ", "
    draw = rng.random()
    if draw < 0.12:
        return between.join(entries)
    link = " and "
    if len(entries) > 2 and (draw < 0.4 or between == "; "):
        link = f"{between}and "
    elif between == "; ":
        link = "; and "
    return between.join(entries[:-1]) + link + entries[-1]


def numbers(rng: Random, values: Sequence[Any]) -> str:
    """A list of numbers, or of lists of numbers."""
    draw = rng.random()
    if any(isinstance(value, list) for value in values) or draw < 0.3:
        return "[" + ", ".join(_brackets(value) for value in values) + "]"
    if len(values) in (2, 3) and draw < 0.5:
        return "(" + rng.choice((", ", ",")).join(map(plain_number, values)) + ")"
    return series(rng, [plain_number(value) for value in values])


def _brackets(value: Any) -> str:
    return "[" + ", ".join(map(_brackets, value)) + "]" if isinstance(value, list) else plain_number(value)


def members(rng: Random, parts: Sequence[tuple[str, str]], style: float) -> str:
    """An object by its members' names and words; the same style (0..1) words objects alike.

    >>> members(Random(1), [("street", "12 Mill Road"), ("city", "Lund")], 0.3)
    '12 Mill Road, Lund'
    """
    names = [name for name, _ in parts]
    said = [part for _, part in parts]
    if style < 0.75:
        if names[0] == "street" and set(names) <= _ADDRESS:
            return ", ".join(said)
        ends = [part[:1].isdigit() and part[-1:].isdigit() for part in said]
        if names == ["amount", "currency"] and ends[0]:
            return " ".join(said)
        if names == ["latitude", "longitude"] and said[0][-1:].isdigit() and said[1][-1:].isdigit():
            return f"{said[0]}, {said[1]}"
    keys = [spaced(name) for name in names]
    if style > 0.6 and len(parts) > 1 and keys[0].rpartition(" ")[2] in _HEADS:
        rest = series(rng, [f"{key} {part}" for key, part in zip(keys[1:], said[1:], strict=True)])
        return f"{said[0]} with {rest}"
    colon = ":" if style < 0.25 else ""
    pairs = [f"{key}{colon} {part}" for key, part in zip(keys, said, strict=True)]
    if any(map(_runs_on, said)):
        return "; ".join(pairs)
    return ", ".join(pairs) if colon else series(rng, pairs)


def _runs_on(entry: str) -> bool:
    """Whether an entry of a list would run into the next one."""
    return (", " in entry or " and " in entry) and entry[0] not in "'\"([{"


_ADDRESS = frozenset(("street", "city", "postal_code", "postalCode", "country"))
_HEADS = frozenset(
    ("name", "title", "product", "person", "guest", "ingredient", "item", "author", "dish", "city")
)
"""Members that can stand for the object."""
