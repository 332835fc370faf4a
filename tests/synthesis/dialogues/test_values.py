"""Arguments drawn for thousands of APIs: they fit, they can be found in their words, they differ."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import jsonschema
import pytest

from tastemaker.errors import InputError
from tastemaker.records import ToolSpec
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.context_tree import default_tree
from tastemaker.synthesis.dialogues.argument import Argument, call_arguments
from tastemaker.synthesis.dialogues.codes import iban, isbn
from tastemaker.synthesis.dialogues.shapes import from_pattern
from tastemaker.synthesis.dialogues.values import Values
from tastemaker.synthesis.evolution import Block
from tastemaker.synthesis.verification.grounding import Known, doubt

Calls = list[tuple[Api, tuple[Argument, ...]]]


@pytest.fixture(scope="module")
def calls() -> Calls:
    """Arguments for at least 3,000 APIs of all domains, among them evolved ones."""
    tree = default_tree()
    apis = [
        api
        for name, domain in tree.domains.items()
        for api in Block(domain, tree.types, f"test {name}").apis(-(-3200 // len(tree.domains)))
    ]
    assert len(apis) >= 3000
    values = Values(Random(7))
    return [(api, values.arguments(api)) for api in apis]


def api(
    properties: dict[str, Any], required: tuple[str, ...] = (), types: dict[str, str] | None = None
) -> Api:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    spec = ToolSpec(name="do", description="It does.", parameters=parameters, result={"type": "string"})
    return Api(id="x", spec=spec, area="a", domain="d", path=("thing", "get"), types=types or {})


def drawn(one: Api, n: int = 200, **settings: Any) -> list[dict[str, Argument]]:
    values = Values(Random(1), **settings)
    return [{part.name: part for part in values.arguments(one, optional=0.7)} for _ in range(n)]


def leaves(arguments: tuple[Argument, ...]) -> Iterator[Argument]:
    for argument in arguments:
        inner = (*argument.members, *argument.entries)
        yield from leaves(inner) if inner else (argument,)


def test_every_call_fits_its_schema(calls: Calls) -> None:
    checker = jsonschema.FormatChecker()
    for one, arguments in calls:
        validator = jsonschema.Draft202012Validator(one.spec.parameters, format_checker=checker)
        assert validator.is_valid(call_arguments(arguments)), (one.spec.name, call_arguments(arguments))


def test_no_optional_parameter_has_its_default(calls: Calls) -> None:
    for one, arguments in calls:
        for argument in arguments:
            part = one.spec.parameters["properties"][argument.name]
            if argument.name not in one.spec.parameters.get("required", ()) and "default" in part:
                assert argument.value != part["default"]


def test_values_are_found_in_their_words(calls: Calls) -> None:
    found = [
        doubt(leaf.value, Known([argument.said])) == 0
        for _, arguments in calls
        for argument in arguments
        for leaf in leaves((argument,))
        if not isinstance(leaf.value, bool)
    ]
    assert sum(found) / len(found) > 0.99


def test_members_and_entries_make_up_the_value(calls: Calls) -> None:
    def agrees(argument: Argument) -> bool:
        if isinstance(argument.value, dict):
            own = call_arguments(argument.members) == argument.value
        elif isinstance(argument.value, list):
            own = [entry.value for entry in argument.entries] == argument.value
        else:
            own = not argument.members and not argument.entries
        return own and bool(argument.said) and all(map(agrees, (*argument.members, *argument.entries)))

    assert all(agrees(argument) for _, arguments in calls for argument in arguments)


def test_open_texts_rarely_repeat() -> None:
    places = {
        "who": "person",
        "town": "city",
        "firm": "company",
        "order": "@shop/order",
        "pet": "~Rex|Bella|Old Tom",
    }
    one = api({name: {"type": "string"} for name in places}, tuple(places), places)
    texts = drawn(one, 2000)
    for name, least in {"who": 1700, "town": 1000, "firm": 1700, "order": 1500, "pet": 500}.items():
        assert len({text[name].value for text in texts}) > least, name
    examples = sum(text["pet"].value in ("Rex", "Bella", "Old Tom") for text in texts)
    assert 800 < examples < 1400
    assert sum(text["who"].value in text["who"].said for text in texts) == 2000


def test_the_same_seed_gives_the_same_arguments(calls: Calls) -> None:
    apis = [one for one, _ in calls[::20]]
    runs = []
    for _ in range(2):
        values = Values(Random("seed"))
        runs.append([values.arguments(one) for one in apis])
    assert runs[0] == runs[1]


def test_ends_of_ranges_and_pairs_of_places_agree() -> None:
    types = {
        "min_price": "price",
        "max_price": "price",
        "start_date": "date",
        "end_date": "date",
        "checkIn": "date",
        "checkOut": "date",
        "from_currency": "currency",
        "to_currency": "currency",
    }
    schema = {
        "price": {"type": "number"},
        "date": {"type": "string", "format": "date"},
        "currency": {"type": "string"},
    }
    one = api({name: schema[kind] for name, kind in types.items()}, tuple(types), types)
    for made in drawn(one):
        assert made["min_price"].value <= made["max_price"].value
        assert made["start_date"].value <= made["end_date"].value
        assert made["checkIn"].value <= made["checkOut"].value
        assert made["from_currency"].value != made["to_currency"].value


def test_narrowed_numbers_keep_to_the_narrowest() -> None:
    one = api(
        {
            "a": {"type": "integer", "minimum": 3, "maximum": 5},
            "b": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "c": {"type": "integer", "multipleOf": 25, "minimum": 10, "maximum": 300},
            "d": {"type": "integer"},
        },
        ("a", "b", "c", "d"),
        {"a": "1..100", "b": "0.0..1.0", "d": "40..60"},
    )
    for made in drawn(one):
        assert made["a"].value in (3, 4, 5)
        assert 0 < made["b"].value < 1
        assert made["c"].value in range(25, 301, 25)
        assert made["d"].value in range(40, 61)
        assert isinstance(made["d"].value, int)


def test_without_types_the_schema_and_the_name_tell() -> None:
    one = api(
        {
            "user_email": {"type": "string"},
            "when": {"type": "string", "format": "date-time"},
            "code": {"type": "string", "pattern": "^(AB|CD)-[0-9]{3}[a-f]?$"},
            "city": {"anyOf": [{"type": "null"}, {"type": "string"}], "default": None},
            "unit": {"enum": ["km", None]},
            "short": {"type": "string", "maxLength": 4, "minLength": 2},
            "tags": {
                "type": "array",
                "items": {"type": "string"},
                "uniqueItems": True,
                "minItems": 6,
                "maxItems": 7,
            },
            "points": {
                "type": "array",
                "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            },
            "level": {"type": "string", "examples": ["gold rank", "silver rank"]},
        },
        ("user_email", "when", "code", "short", "tags", "level", "points"),
    )
    seen = drawn(one)
    validator = jsonschema.Draft202012Validator(one.spec.parameters)
    for made in seen:
        assert validator.is_valid({name: part.value for name, part in made.items()})
        assert re.fullmatch(r"[^@ ]+@[^@ ]+\.[a-z]+", made["user_email"].value)
        dt.datetime.fromisoformat(made["when"].value)
    assert all(made["city"].value for made in seen if "city" in made)
    assert any(made["level"].value in ("gold rank", "silver rank") for made in seen)


def test_dates_are_relative_only_where_today_is_known() -> None:
    one = api({"day": {"type": "string", "format": "date"}}, ("day",), {"day": "date"})
    plain = " ".join(made["day"].said for made in drawn(one))
    assert not re.search("tomorrow|week|ago|in ", plain)
    today = dt.date(2026, 3, 14)
    told = drawn(one, today=today)
    assert all(made["day"].value == "2026-03-15" for made in told if made["day"].said == "tomorrow")
    assert any(made["day"].said == "tomorrow" for made in told)


def test_one_argument_by_its_path() -> None:
    rooms = {"type": "array", "items": {"type": "object", "properties": {"guests": {"type": "integer"}}}}
    one = api({"rooms": rooms, "loud": {"type": "boolean", "default": False}}, (), {"rooms[].guests": "1..4"})
    values = Values(Random(2))
    assert values.argument(one, "rooms[].guests").value in range(1, 5)
    assert values.argument(one, "rooms[].guests").name == "guests"
    assert values.argument(one, "loud").value is True
    assert isinstance(values.argument(one, "rooms").value[0]["guests"], int)
    with pytest.raises(InputError, match="no parameter 'floor'"):
        values.argument(one, "floor")


def test_check_digits_are_right() -> None:
    rng = Random(3)
    for _ in range(100):
        book, account = isbn(rng), iban(rng)
        assert sum(int(sign) * (1, 3)[place % 2] for place, sign in enumerate(book)) % 10 == 0
        turned = account[4:] + account[:4]
        assert int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{2}\d{4}$",
        r"^(?:north|south)-\w+$",
        r"^[a-z0-9._-]{3,20}$",
        r"^\d{3}-\d{2}-\d{4}$",
        r"^#?[0-9a-fA-F]{6}$",
        r"^v\d+(\.\d+){1,2}$",
        r"[^a-z]{2}",
        r"^[\w.]+@[\w.]+\.com$",
    ],
)
def test_patterns_are_met(pattern: str) -> None:
    rng = Random(4)
    assert all(re.search(pattern, from_pattern(rng, pattern)) for _ in range(100))
