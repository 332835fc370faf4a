"""The functions against values from elsewhere, and what is registered."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tastemaker.errors import ToolError
from tastemaker.learning.tasks import services
from tastemaker.learning.tasks.function import FUNCTIONS, SCRIPTS
from tastemaker.learning.tasks.sorts import SORTS

assert services


def run(key: str, /, **arguments: Any) -> Any:
    function = FUNCTIONS[key]
    return function.result(function.run({}, **arguments))[function.gives]


@pytest.mark.parametrize(
    ("key", "arguments", "expected"),
    [
        ("convert.km_to_miles", {"km": 42.195}, 26.22),  # a marathon
        ("convert.miles_to_km", {"miles": 100}, 160.93),
        ("convert.kg_to_pounds", {"kg": 10}, 22.05),
        ("convert.kg_to_grams", {"kg": 1.25}, 1250),
        ("convert.to_fahrenheit", {"celsius": -40}, -40),
        ("convert.to_fahrenheit", {"celsius": 37}, 98.6),
        ("convert.metres_to_feet", {"metres": 8849}, 29032.15),  # Everest
        ("convert.litres_to_gallons", {"litres": 158.987}, 42),  # an oil barrel
        ("convert.inches_to_cm", {"inches": 12}, 30.48),
        ("convert.minutes_to_hours", {"minutes": 90}, 1.5),
        ("convert.to_seconds", {"value": 2, "unit": "days"}, 172800),
        ("convert.speed", {"value": 36, "unit": "km/h"}, 10),
        ("convert.speed", {"value": 60, "unit": "mph"}, 26.82),
        ("calendar.days_between", {"start": "2024-02-28", "end": "2024-03-01"}, 2),
        ("calendar.add_days", {"day": "2025-12-31", "days": 1}, "2026-01-01"),
        ("calendar.subtract_days", {"day": "2025-03-01", "days": 1}, "2025-02-28"),
        ("calendar.weekday", {"day": "1969-07-20"}, "Sunday"),
        ("calendar.week_number", {"day": "2021-01-03"}, 53),
        ("calendar.add_weeks", {"day": "2024-02-22", "weeks": 1}, "2024-02-29"),
        ("calendar.day_of_year", {"day": "2024-12-31"}, 366),
        ("calendar.month_end", {"day": "2024-02-10"}, "2024-02-29"),
        ("calendar.month_end", {"day": "2025-12-31"}, "2025-12-31"),
        ("geometry.hypotenuse", {"a": 5, "b": 12}, 13),
        ("geometry.circle_area", {"radius": 1}, 3.14),
        ("stats.median", {"values": [4, 1, 3, 2]}, 2.5),
        ("stats.deviation", {"values": [2, 4, 4, 4, 5, 5, 7, 9]}, 2),
        ("percent.increase", {"amount": 80, "rate": 25}, 100),
        ("percent.discount", {"amount": 80, "rate": 25}, 60),
        ("percent.percent_change", {"old": 50, "new": 40}, -20),
        ("percent.share", {"part": 5, "whole": 20}, 25),
        ("text.reverse", {"text": "quiet lamp"}, "pmal teiuq"),
        ("text.count_letter", {"text": "Mississippi", "letter": "s"}, 4),
        ("text.extract_numbers", {"text": "3 lamps and 12 rugs"}, [3, 12]),
        ("text.initials", {"text": "as soon as possible"}, "ASAP"),
        ("text.sort_words", {"text": "b c a"}, "a b c"),
        ("text.remove_vowels", {"text": "Orange"}, "rng"),
    ],
)
def test_what_functions_give(key: str, arguments: dict[str, Any], expected: Any) -> None:
    assert run(key, **arguments) == expected


@pytest.mark.parametrize(
    ("key", "arguments", "text"),
    [
        ("calendar.weekday", {"day": "3 March 2026"}, "write it as YYYY-MM-DD"),
        ("calendar.weekday", {"day": "2026-02-30"}, "there is no date"),
        ("calendar.add_days", {"day": "2026-02-03", "days": 10**9}, "out of range"),
        ("math.divide", {"a": 1, "b": 0}, "division by zero"),
        ("math.square_root", {"a": -1}, "negative"),
        ("text.extract_numbers", {"text": "none"}, "no number"),
    ],
)
def test_what_cannot_be_done_is_told(key: str, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ToolError, match=text):
        run(key, **arguments)


def test_an_order_is_filled_call_by_call() -> None:
    world: Any = {
        "person": {"Ana Marsh": {}},
        "order": {},
        "product": {"oak lamp": {"cost": 2.5}, "mug": {"cost": 4}},
    }
    order = FUNCTIONS["orders.open_order"].run(world, person="Ana Marsh")
    FUNCTIONS["orders.add_line"].run(world, order=order, product="oak lamp", quantity=4)
    FUNCTIONS["orders.add_line"].run(world, order=order, product="Mug", quantity=1)
    assert FUNCTIONS["orders.order_cost"].run(world, order=order) == 14
    with pytest.raises(ToolError, match="open one first"):
        FUNCTIONS["orders.order_cost"].run(world, order="R0")


def test_a_route_has_no_direction() -> None:
    world: Any = {"town": {"Ashford": {}, "Ironwick": {}}, "route": {"Ashford|Ironwick": {"km": 31.5}}}
    distance = FUNCTIONS["travel.km"].run
    assert distance(world, origin="Ironwick", destination="Ashford") == 31.5
    assert distance(world, origin="ashford", destination="Ironwick") == 31.5
    with pytest.raises(ToolError, match="same town"):
        distance(world, origin="Ashford", destination="ashford")


def test_there_are_many_services_and_wordings_and_names_never_coincide() -> None:
    assert len(FUNCTIONS) >= 100
    assert len({function.service for function in FUNCTIONS.values()}) >= 20
    owner: dict[str, str] = {}
    for function in FUNCTIONS.values():
        assert len(function.wordings) >= 6
        for wording in function.wordings:
            name = re.sub("_", "", wording.spec.name).lower()
            assert owner.setdefault(name, function.key) == function.key
            assert sorted(wording.arguments.values()) == sorted(p.name for p in function.parameters)
        assert function.sort in (*SORTS, "")


def test_scripts_stay_in_their_split() -> None:
    for script in SCRIPTS:
        for key in filter(None, (*script.acts, script.asks, script.opens)):
            assert FUNCTIONS[key].split == script.split
