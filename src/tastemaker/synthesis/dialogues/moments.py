"""Dates and times of day in the forms that descriptions tell. Knows nothing of descriptions."""

from __future__ import annotations

import datetime as dt
from typing import Final

from tastemaker.synthesis.dialogues import days, lists, phrases
from tastemaker.synthesis.dialogues.argument import Argument
from tastemaker.synthesis.dialogues.form import Want, made

DAYS: Final = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "DD/MM/YYYY": "%d/%m/%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD-MM-YYYY": "%d-%m-%Y",
    "YYYY/MM/DD": "%Y/%m/%d",
    "YYYYMMDD": "%Y%m%d",
    "Month D, YYYY": "%B %-d, %Y",
    "D Month YYYY": "%-d %B %Y",
    "Mon D, YYYY": "%b %-d, %Y",
}
PARTS: Final = {"YYYY": "%Y", "YYYY-MM": "%Y-%m", "MM/YYYY": "%m/%Y", "Month YYYY": "%B %Y"}
MOMENTS: Final = {
    "YYYY-MM-DD HH:MM": "%Y-%m-%d %H:%M",
    "YYYY-MM-DDTHH:MM:SS": "%Y-%m-%dT%H:%M:%S",
    "DD/MM/YYYY HH:MM": "%d/%m/%Y %H:%M",
    "MM/DD/YYYY hh:mm AM/PM": "%m/%d/%Y %I:%M %p",
}
TIMES: Final = {"HH:MM": "%H:%M", "HH:MM:SS": "%H:%M:%S", "h:mm AM/PM": "%-I:%M %p", "h:mmam/pm": "%-I:%M%p"}


def written(when: dt.datetime | dt.date, style: str) -> str:
    """A date or time in a style.

    >>> day = dt.datetime(2026, 3, 5, 19, 30)
    >>> written(day, "DD/MM/YYYY"), written(day, "Month D, YYYY"), written(day, "h:mm AM/PM")
    ('05/03/2026', 'March 5, 2026', '7:30 PM')
    """
    pattern = {**DAYS, **PARTS, **MOMENTS, **TIMES}[style]
    pattern = pattern.replace("%-d", str(when.day))
    if isinstance(when, dt.datetime):
        pattern = pattern.replace("%-I", str((when.hour - 1) % 12 + 1))
    text = when.strftime(pattern)
    return text.lower() if style == "h:mmam/pm" else text


def date(want: Want) -> Argument:
    rng = want.rng
    day = days.day(rng, want.name, want.today)
    month = lists.words()["parts"]["months"][day.month - 1]
    if want.about in PARTS:
        whole = want.about == "YYYY"
        said = str(day.year) if whole else rng.choice((f"{month} {day.year}", f"{month[:3]} {day.year}"))
        first = day.replace(day=1, **({"month": 1} if whole else {}))
        return made(want, written(day, want.about), said, first.isoformat())
    return made(want, written(day, want.about), phrases.date(rng, day, want.today), day.isoformat())


def moment(want: Want) -> Argument:
    rng = want.rng
    day = days.day(rng, want.name, want.today)
    when = dt.datetime.combine(day, dt.time(*days.hour_and_minute(rng)))
    said = phrases.moment(rng, when, want.today)
    return made(want, written(when, want.about), said, f"{when:%Y-%m-%dT%H:%M:%S}Z")


def time(want: Want) -> Argument:
    hour, minute = days.hour_and_minute(want.rng)
    when = dt.datetime(2026, 1, 1, hour, minute)
    return made(want, written(when, want.about), phrases.clock(want.rng, hour, minute), f"{when:%H:%M}")
