"""Answers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.learning.tasks.scoring import count_right, dates, declines, numbers, same_number
from tastemaker.learning.tasks.task import Expected

PEOPLE = ("Ana Marsh", "Tom Reed", "Mira Holt")


def right(expected: list[tuple[str, Any]], text: str, given: str = "") -> int:
    values = [Expected(sort=sort, value=value) for sort, value in expected]
    return count_right(values, text, given, lambda sort: PEOPLE if sort == "person" else ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 74.56.", [74.56]),
        ("74.56km, i.e. 46 miles", [74.56, 46]),
        ("about 1,234,567.8 people", [1234567.8]),
        ("values 4,9,12 and [3, 5]", [4, 9, 12, 3, 5]),
        ("-5.2 or −3", [-5.2, -3]),
        ("€45.90 (15%)", [45.9, 15]),
        ("**12**", [12]),
        ("room B101, call 555-0142 at 14:30", []),
        ("on 2026-03-01 and 3 March 2026", []),
        ("order R371 of version 1.2.3x", []),
        ("Three of them", [3]),
    ],
)
def test_numbers_are_read_and_codes_are_not(text: str, expected: list[float]) -> None:
    assert numbers(text) == expected


@given(st.decimals(-99999, 99999, places=2), st.sampled_from(["It is {}.", "{} km", "= {}, I think", "({})"]))
def test_a_number_is_found_in_any_sentence(number: Any, sentence: str) -> None:
    assert numbers(sentence.format(number)) == [float(number)]


@pytest.mark.parametrize(
    "text", ["2026-03-04", "4 March 2026", "March 4th, 2026", "the 4th of Mar 2026", "Mar. 4, 2026"]
)
def test_dates_in_several_forms(text: str) -> None:
    assert dates(f"It ends on {text}.") == ["2026-03-04"]
    assert numbers(f"It ends on {text}.") == []


def test_there_is_no_thirtieth_of_february() -> None:
    assert dates("2026-02-30") == []


def test_rounding_is_forgiven_and_counts_are_exact() -> None:
    assert same_number(74.6, 74.56)
    assert not same_number(75, 74.56)
    assert same_number(0.33, 0.333)
    assert not same_number(41, 42)
    assert not same_number(42.01, 42)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The result is 8.", 1),
        ("eight", 1),
        ("8, that is 8.0", 1),
        ("It is 8 or 9.", 0),
        ("The values I saw: 3, 8.", 0),
        ("From 120 the answer is 8.", 1),
        ("It is 80.", 0),
        ("", 0),
        ("This one is 8.", 1),
        ("word " * 100 + "8", 0),
    ],
)
def test_one_number(text: str, count: int) -> None:
    assert right([("count", 8)], text, given="What is 120 over 15?") == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4.5 and 7", 2),
        ("7; 4.5", 2),
        ("4.5", 1),
        ("4.5 and 6", 1),
        ("4.5, 6 and 7", 0),
        ("5 and 6", 0),
    ],
)
def test_two_numbers(text: str, count: int) -> None:
    assert right([("money", 4.5), ("number", 7)], text) == count


def test_names_and_other_sorts_do_not_disturb_each_other() -> None:
    assert (
        right([("person", "Tom Reed")], "The manager of Ana Marsh is tom reed.", "manager of Ana Marsh?") == 1
    )
    assert right([("person", "Tom Reed")], "Tom Reed or Mira Holt", "manager of Ana Marsh?") == 0
    assert right([("person", "Tom Reed")], "Tom Reeder", "?") == 0
    assert right([("person", "Tom Reed"), ("count", 5)], "Tom Reed has 5.", "?") == 2
    assert right([("text", "12 lamps and 7 rugs"), ("count", 3)], "12 lamps and 7 rugs; 3", "?") == 2
    assert right([("date", "2026-01-02")], "2 January 2026", "from 2025-01-01") == 1
    assert right([("date", "2026-01-02")], "2026-01-02 or 2026-01-03", "from 2025-01-01") == 0


def test_a_set_needs_all_its_members() -> None:
    expected = [("person", "Tom Reed"), ("person", "Mira Holt")]
    assert right(expected, "Mira Holt and Tom Reed") == 2
    assert right(expected, "Mira Holt") == 1
    assert right(expected, "Ana Marsh, Mira Holt and Tom Reed") == 0


@pytest.mark.parametrize(
    "text",
    [
        "I cannot do that.",
        "Sorry, I can't find the weather with these tools.",
        "No tool here gives 20 kg in pounds.",
        "I'm unable to help with this.",
        "None of these functions fits.",
        "There is no function for it.",
        "The given tools do not support this.",
    ],
)
def test_declining(text: str) -> None:
    assert declines(text, "What is 20 kg in pounds?")


@pytest.mark.parametrize(
    "text",
    [
        "It is 44.09.",
        "I cannot, but it may be 44.09.",
        "",
        "Let me look that up.",
        "word " * 90 + "I cannot.",
    ],
)
def test_not_declining(text: str) -> None:
    assert not declines(text, "What is 20 kg in pounds?")
