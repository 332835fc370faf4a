"""Wordings of values, against ones worked out by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tastemaker.synthesis.dialogues import phrases
from tastemaker.synthesis.dialogues.names import bound, named_after

DAY = dt.date(2026, 3, 14)


def wordings(say: Callable[..., str], *arguments: Any, **settings: Any) -> set[str]:
    """All that is said in many draws."""
    rng = Random(0)
    return {say(rng, *arguments, **settings) for _ in range(3000)}


def test_dates() -> None:
    assert wordings(phrases.date, DAY) == {
        "2026-03-14",
        "March 14, 2026",
        "14 March 2026",
        "March 14th, 2026",
        "the 14th of March 2026",
        "Mar 14, 2026",
        "3/14/2026",
    }
    assert not any("/" in said for said in wordings(phrases.date, dt.date(2026, 3, 12)))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-03-14", {"today"}),
        ("2026-03-15", {"tomorrow"}),
        ("2026-03-13", {"yesterday"}),
        ("2026-03-20", {"Friday next week", "in six days", "in 6 days", "this coming Friday"}),
        ("2026-03-28", {"in two weeks", "in 14 days"}),
        ("2026-03-04", {"ten days ago", "10 days ago"}),
        ("2026-08-01", set()),
    ],
)
def test_dates_as_seen_from_a_saturday(day: str, said: set[str]) -> None:
    rng = Random(1)
    found = {phrases.relative_date(rng, dt.date.fromisoformat(day), DAY) or "" for _ in range(300)}
    assert found == (said or {""})


def test_times_of_day() -> None:
    assert wordings(phrases.clock, 14, 30) == {
        "14:30",
        "2:30 pm",
        "2:30pm",
        "2:30 PM",
        "2:30 p.m.",
        "2:30p.m.",
        "half past two in the afternoon",
    }
    assert {"noon", "12:00"} <= wordings(phrases.clock, 12, 0)
    assert {"midnight", "00:00", "12:00 am"} <= wordings(phrases.clock, 0, 0)
    assert {"nine in the morning", "9 am", "09:00"} <= wordings(phrases.clock, 9, 0)


def test_moments() -> None:
    said = wordings(phrases.moment, dt.datetime(2026, 3, 14, 9, 30))
    assert {
        "2026-03-14T09:30:00Z",
        "2026-03-14 09:30",
        "March 14, 2026 at 9:30 am",
        "09:30 UTC on 14 March 2026",
    } <= said


def test_numbers() -> None:
    assert wordings(phrases.number, 3, unit="kg") == {
        "3",
        "three",
        "3 kg",
        "3kg",
        "3 kilograms",
        "3 kilos",
    } | {f"three {unit}" for unit in ("kg", "kilograms", "kilos")}
    assert wordings(phrases.number, 1, unit="days") == {"1", "one", "1 day", "one day"}
    assert {"5%", "5 percent", "five per cent"} <= wordings(phrases.number, 5, unit="%")
    assert wordings(phrases.number, 12500) == {"12500", "12,500", "12.5k"}
    assert wordings(phrases.number, 2_500_000) == {"2500000", "2,500,000", "2.5 million"}
    assert wordings(phrases.number, 726.5, money=True) == {"726.50", "$726.50", "726.50 dollars"}
    assert wordings(phrases.number, 1999, plain=True) == {"1999"}
    assert wordings(phrases.number, -4.5) == {"-4.5", "minus 4.5"}


def test_choices_and_codes() -> None:
    assert wordings(phrases.choice, "wind_speed") == {"wind_speed", "wind speed"}
    assert {"ascending", "lowest first"} <= wordings(phrases.choice, "ascending")
    assert wordings(phrases.code, "fr", "language") == {"fr", "French"}
    assert wordings(phrases.code, "USD", "currency") == {"USD", "US dollars", "dollars"}
    assert wordings(phrases.code, "xx", "language") == {"xx"}


def test_texts_in_quotes() -> None:
    assert wordings(phrases.text, "Blue Hill") == {"Blue Hill", "'Blue Hill'", '"Blue Hill"'}
    assert wordings(phrases.text, "Tom's", 1.0) == {'"Tom\'s"'}
    assert wordings(phrases.text, 'the "old" one', 1.0) == {"'the \"old\" one'"}


def test_lists() -> None:
    assert wordings(phrases.series, ["a", "b", "c"]) == {"a, b, c", "a, b and c", "a, b, and c"}
    assert wordings(phrases.series, ["a, b", "c"]) == {"a, b; c", "a, b; and c"}
    assert wordings(phrases.series, ["size 3 and no lid", "x"]) == {
        "size 3 and no lid; x",
        "size 3 and no lid; and x",
    }
    assert wordings(phrases.numbers, [3, 7.5]) == {"3 and 7.5", "3, 7.5", "[3, 7.5]", "(3, 7.5)", "(3,7.5)"}
    assert wordings(phrases.numbers, [[1, 2], [3, 4]]) == {"[[1, 2], [3, 4]]"}


def test_objects() -> None:
    rng = Random(5)
    said = {phrases.members(rng, [("name", "Ada"), ("shoeSize", "38")], style / 100) for style in range(100)}
    assert said == {
        "name: Ada, shoe size: 38",
        "name Ada and shoe size 38",
        "name Ada, shoe size 38",
        "Ada with shoe size 38",
    }


def test_names() -> None:
    assert bound("from_date") == (0, "date")
    assert bound("dateTo") == (1, "date")
    assert bound("opens") == (0, "opening")
    assert bound("closes") == (1, "opening")
    assert bound("color") is None
    assert named_after("homeTown") == "city"
    assert named_after("recipient_emails") == "email"
    assert named_after("full_name") == "person"
