"""Values that can be derived from what was said, and values that cannot."""

from __future__ import annotations

from typing import Any

import pytest

from tastemaker.synthesis.verification.grounding import Known, doubt


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("New York", "hotels in new-york please"),
        ("Sao Paulo", "flights to São Paulo"),
        ("2031-07-04", "on July 4th, 2031"),
        ("2031-07-04", "on 4 July"),
        ("2031-07-04", "for tomorrow"),
        ("15:00", "at 3pm"),
        ("12:30", "at 12:30 p.m."),
        (25, "twenty-five people"),
        (1_200_000, "about 1.2 million"),
        (2150, "two thousand one hundred and fifty"),
        (0.05, "at 5% interest"),
        (90, "an hour and a half, that is 1.5 hours"),
        (14, "for two weeks"),
        (1000.0, "$1,000 in total"),
        (12, "a dozen"),
        (7, "in July"),
        ("JP", "news from Japan"),
        ("usd", "how many dollars"),
        ("de", "translate it into German"),
        (["red", "green"], "red and green ones"),
        ({"city": "Lund", "n": 3}, "three rooms in Lund"),
        (None, ""),
    ],
)
def test_what_was_said_is_found(value: Any, said: str) -> None:
    assert doubt(value, Known([said])) == 0.0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Boston", "hotels in New York"),
        ("2031-07-04", "on June 4th, 2031"),
        ("2031-07-04", "on July 4th, 2029"),
        ("16:00", "at 3pm"),
        (26, "twenty-five people"),
        (17, "news from Japan"),
        ("FR", "news from Japan"),
        (["red", "blue"], "red and green ones"),
    ],
)
def test_what_was_not_said_is_doubted(value: Any, said: str) -> None:
    assert doubt(value, Known([said])) > 0.4


def test_a_yes_is_looked_for_by_its_argument() -> None:
    said = Known(["Rent a cello, insured please"])
    assert doubt(True, said, "insured: with insurance") == 0.0
    assert doubt(True, said, "express delivery") > 0.0
