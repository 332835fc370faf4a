"""Values in the form that is told, by hand: what is said and what is written mean the same."""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tastemaker.errors import InputError
from tastemaker.synthesis.dialogues.figures import related_units
from tastemaker.synthesis.dialogues.form import Formed, Want, marked, parted
from tastemaker.synthesis.dialogues.forms import formed, pooled
from tastemaker.synthesis.dialogues.given import tree
from tastemaker.synthesis.dialogues.known import choice_in_form
from tastemaker.synthesis.dialogues.moments import DAYS, MOMENTS, PARTS, TIMES, written


def drawn(form: str, about: str, base: str, name: str = "x", n: int = 300, **schema: Any) -> list[Formed]:
    rng = Random(4)
    kind = tree().types.read(base)
    made = [formed(form, Want(rng, schema, name, kind, about)) for _ in range(n)]
    assert all(isinstance(one, Formed) for one in made)
    return [one for one in made if isinstance(one, Formed)]


def pairs(form: str, about: str, base: str, **settings: Any) -> dict[str, Any]:
    return {one.said: one.value for one in drawn(form, about, base, n=3000, **settings)}


def test_a_share_is_a_decimal() -> None:
    said = pairs("percent", "decimal", "0.0..100.0 %", type="number")
    assert (said["5%"], said["30 percent"], said["2.5%"]) == (0.05, 0.3, 0.025)
    assert pairs("percent", "percent", "0..100 %", type="integer")["40%"] == 40
    narrow = drawn("percent", "decimal", "0.0..100.0 %", type="number", minimum=0.1, maximum=0.2)
    assert all(0.1 <= one.value <= 0.2 for one in narrow)


def test_units_are_converted_exactly() -> None:
    metres = pairs("unit", "m", "0.1..20.0 km", type="integer")
    assert (metres["1.5 km"], metres["2 km"], metres["500 m"]) == (1500, 2000, 500)
    minutes = pairs("unit", "minutes", "5..240 minutes", type="integer")
    assert (minutes["2 hours"], minutes["an hour and a half"], minutes["half an hour"]) == (120, 90, 30)
    hours = pairs("unit", "hours", "5..240 minutes", type="number")
    assert (hours["30 minutes"], hours["half an hour"], hours["90 minutes"]) == (0.5, 0.5, 1.5)
    assert pairs("unit", "months", "1..10 years", type="integer")["2 years"] == 24
    speeds = pairs("unit", "m/s", "1..250 km/h", type="number")
    assert (speeds["36 km/h"], speeds["90 km/h"]) == (10, 25)


def test_units_relate_as_everybody_knows() -> None:
    assert related_units("km")["m"] == Fraction(1, 1000)
    assert related_units("hours")["days"] == 24
    assert related_units("kg")["tonnes"] == 1000
    assert related_units("stars") == {}


def test_figures_with_their_unit_or_in_cents() -> None:
    assert pairs("with-unit", "any", "1..30 days")["two weeks"] == "2 weeks"
    assert pairs("with-unit", "km", "1.0..50.0 km")["5 km"] == "5 km"
    assert pairs("span", "", "5..240 minutes")["90 minutes"] == "01:30"
    for one in drawn("cents", "", "price", type="integer"):
        number = float(one.said.strip("$").removesuffix(" dollars").removesuffix(" dollar").replace(",", ""))
        assert one.value == round(100 * number)


def test_large_numbers() -> None:
    full = pairs("large", "full", "10000..5000000", type="integer")
    assert (full["2.5 million"], full["three million"], full["250k"]) == (2_500_000, 3_000_000, 250_000)
    thousands = pairs("large", "thousands", "10000..900000", type="number")
    assert (thousands["250 thousand"], thousands["25,000"]) == (250, 25)
    assert not any(said.startswith("0.") for said in {*full, *thousands})


def test_how_many_is_implied() -> None:
    people = {one.clause: one.value for one in drawn("count", "people", "1..12", "guests", type="integer")}
    assert (people["for both of us"], people["just for me"], people["for a family of four"]) == (2, 1, 4)
    things = {one.clause: one.value for one in drawn("count", "things", "1..50", "tickets", type="integer")}
    assert things["with a dozen tickets"] == 12
    assert (things["with a single ticket"], things["with a couple of tickets"]) == (1, 2)
    low = drawn("count", "things", "1..50", "boxes", type="integer", maximum=6)
    assert {one.value for one in low} == {1, 2, 6}
    still = [one for one in drawn("rest", "", "0..100 m", "initial_speed") if one.own_clause]
    assert {one.value for one in still} == {0}


def test_a_clause_holds_only_for_its_own_words() -> None:
    one = drawn("count", "people", "1..12", "guests", n=1, type="integer")[0]
    assert one.own_clause == one.clause != ""
    assert Formed(one.name, 3, "2 and 3", clause=one.clause, said_so=one.said).own_clause == ""


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("DD/MM/YYYY", "05/03/2026"),
        ("MM/DD/YYYY", "03/05/2026"),
        ("YYYYMMDD", "20260305"),
        ("Month D, YYYY", "March 5, 2026"),
        ("D Month YYYY", "5 March 2026"),
        ("YYYY", "2026"),
        ("MM/YYYY", "03/2026"),
        ("Month YYYY", "March 2026"),
        ("h:mm AM/PM", "7:30 PM"),
        ("h:mmam/pm", "7:30pm"),
        ("HH:MM:SS", "19:30:00"),
        ("MM/DD/YYYY hh:mm AM/PM", "03/05/2026 07:30 PM"),
    ],
)
def test_dates_and_times_are_written(style: str, text: str) -> None:
    assert written(dt.datetime(2026, 3, 5, 19, 30), style) == text


def test_noon_and_midnight_have_their_halves() -> None:
    assert written(dt.datetime(2026, 1, 1, 0, 5), "h:mm AM/PM") == "12:05 AM"
    assert written(dt.datetime(2026, 1, 1, 12, 5), "h:mm AM/PM") == "12:05 PM"


def test_written_dates_lead_back_to_the_pools() -> None:
    for base, styles in (("date", DAYS), ("datetime", MOMENTS), ("time", TIMES)):
        for style in styles:
            for one in drawn(base, style, base, n=40):
                assert pooled(marked(base, style, base), one.value, tree().types.read(base)) == one.pooled
    assert all(len(one.value) == 4 for one in drawn("date", "YYYY", "date") if "YYYY" in PARTS)


def test_other_values_lead_back_to_the_pools() -> None:
    for form, about, base in (
        ("percent", "decimal", "0.0..100.0 %"),
        ("unit", "hours", "5..240 minutes"),
        ("large", "thousands dollars", "salary"),
        ("cents", "", "price"),
    ):
        kind = tree().types.read(base)
        for one in drawn(form, about, base, type="number"):
            assert pooled(marked(form, about, base), one.value, kind) == pytest.approx(one.pooled)
    for form, about, base, value, known in (
        ("country", "ISO3", "country", "DEU", "Germany"),
        ("country", "iso2", "country_code", "de", "DE"),
        ("language", "name", "language_code", "French", "fr"),
        ("currency", "name", "currency", "Swiss franc", "CHF"),
        ("choice", "upper", "in stock|sold out", "SOLD_OUT", "sold out"),
        ("choice", "number", "month", 3, "March"),
        ("ticker", "symbol", "ticker", "AAPL", "AAPL"),
    ):
        assert pooled(marked(form, about, base), value, tree().types.read(base)) == known


def test_what_everybody_knows() -> None:
    assert pairs("city", "City, Country", "city")["Paris"] == "Paris, France"
    states = pairs("city", "City, ST", "city")
    assert states["Austin, Texas"] == states["Austin in Texas"] == states["Austin"] == "Austin, TX"
    assert "Albany" not in states
    assert pairs("city", "City", "city")["Austin, Texas"] == "Austin"
    assert pairs("country", "ISO2", "country")["Germany"] == "DE"
    assert pairs("country", "ISO3", "country")["Japan"] == "JPN"
    assert pairs("country", "name", "country")["the Netherlands"] == "Netherlands"
    assert pairs("currency", "lower", "currency")["euros"] == "eur"
    assert pairs("currency", "name", "currency")["Swedish krona"] == "Swedish krona"
    assert pairs("ticker", "symbol", "ticker")["Apple"] == "AAPL"
    assert pairs("language", "CODE", "language")["French"] == "FR"
    assert pairs("color", "hex", "color")["red"] == "#FF0000"


def test_names_and_numbers_in_another_order() -> None:
    for one in drawn("person", "Last, First", "person"):
        last, first = one.value.split(", ")
        assert one.said == f"{first} {last}"
    for one in drawn("phone", "digits", "phone"):
        assert one.value == re.sub(r"\D", "", one.said)


def test_choices_are_written_as_they_are_told() -> None:
    assert pairs("choice", "number", "month")["March"] == 3
    assert pairs("choice", "three", "weekday")["Monday"] == "Mon"
    assert pairs("choice", "upper", "in stock|sold out")["sold out"] == "SOLD_OUT"
    assert choice_in_form("female", "one") == "F"
    off = [one for one in drawn("switch", "", "bool", "dry_run", default=True)]
    assert {(one.value, one.clause) for one in off} == {(False, "and go through with it")}


def test_a_types_text_tells_its_form() -> None:
    for base in ("0.0..5.0 %", "in stock|sold out", "date"):
        text = marked("percent", "decimal", base)
        assert parted(text) == ("percent", "decimal", base)
        with pytest.raises(InputError):
            tree().types.read(text)
    assert parted("date") == ("date", "", "")
