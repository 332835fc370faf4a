"""Compiled schemas against jsonschema, and the formats against the standard library."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tastemaker.synthesis.verification.definition import Definition, _schema_misfits, closed
from tastemaker.synthesis.verification.schema import FORMAT_CHECKER, FORMATS, compiled

TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
ATOMS = (None, True, False, 0, 1, -3, 0.5, 1.0, 1e300, "", "a", "ab", "2024-02-30", "2024-02-29", "é")


def _value(draw: random.Random, depth: int = 2) -> Any:
    kind = draw.randrange(4) if depth else 0
    if kind == 1:
        return [_value(draw, depth - 1) for _ in range(draw.randint(0, 3))]
    if kind == 2:
        return {draw.choice("abc"): _value(draw, depth - 1) for _ in range(draw.randint(0, 3))}
    return draw.choice(ATOMS)


def _schema(draw: random.Random, depth: int = 2) -> Any:
    """A valid schema: some of all keywords."""
    if not depth:
        return draw.choice((True, False, {"type": draw.choice(TYPES)}, {"minimum": 0}))

    def inner() -> Any:
        return _schema(draw, depth - 1)

    def some() -> list[Any]:
        return [inner() for _ in range(draw.randint(1, 2))]

    keywords: dict[str, Callable[[], Any]] = {
        "type": lambda: draw.choice((draw.choice(TYPES), draw.sample(TYPES, 2))),
        "enum": lambda: [_value(draw) for _ in range(3)],
        "const": lambda: _value(draw),
        "minimum": lambda: draw.choice((-1, 0, 1.5)),
        "maximum": lambda: draw.choice((-1, 0, 1.5)),
        "exclusiveMinimum": lambda: draw.choice((-1, 0, 1)),
        "exclusiveMaximum": lambda: draw.choice((-1, 0, 1)),
        "minLength": lambda: draw.randint(0, 3),
        "maxLength": lambda: draw.randint(0, 3),
        "pattern": lambda: draw.choice(("^a", "b$", "[0-9]")),
        "format": lambda: draw.choice(("date", "unknown")),
        "minItems": lambda: draw.randint(0, 3),
        "maxItems": lambda: draw.randint(0, 3),
        "uniqueItems": lambda: draw.random() < 0.7,
        "items": inner,
        "prefixItems": some,
        "properties": lambda: {name: inner() for name in draw.sample("abc", 2)},
        "required": lambda: draw.sample("abc", draw.randint(0, 2)),
        "additionalProperties": inner,
        "propertyNames": lambda: {"maxLength": draw.randint(0, 1)},
        "anyOf": some,
        "oneOf": some,
        "allOf": some,
        "not": inner,
        "multipleOf": lambda: draw.choice((2, 0.5)),
        "$ref": lambda: "#/$defs/other",
    }
    return {name: keywords[name]() for name in draw.sample(sorted(keywords), draw.randint(0, 4))}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_the_verdict_is_that_of_jsonschema(seed: int) -> None:
    draw = random.Random(seed)
    schema = {**_schema(draw), "$defs": {"other": _schema(draw, 0)}}
    reference = Draft202012Validator(schema, format_checker=FORMAT_CHECKER)
    fits = compiled(schema)
    for _ in range(5):
        value = _value(draw)
        assert (fits(value) == []) is reference.is_valid(value), (schema, value)


METASCHEMA = Draft202012Validator(
    Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER
)
OFTEN_WRONG = (
    "string",
    "dict",
    ["string", "null"],
    ["a", "b"],
    ["a", "a"],
    {"a": {"type": "array"}},
    "(",
    -1,
)
KEYWORDS = (
    "type enum required properties items minimum minLength pattern anyOf uniqueItems $defs description "
    "default additionalProperties not prefixItems multipleOf format $ref $id"
)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_a_schema_is_what_jsonschema_says(seed: int) -> None:
    draw = random.Random(seed)
    words = draw.sample(KEYWORDS.split(), draw.randint(1, 3))
    schema = {word: draw.choice((_value(draw), draw.choice(OFTEN_WRONG), _schema(draw))) for word in words}
    assert (_schema_misfits(schema) == []) is METASCHEMA.is_valid(schema), schema


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date", "2024-12-01", "20241201"),
        ("time", "23:59:00Z", "24:00:00Z"),
        ("time", "10:00:00+02:00", "10:00"),
        ("date-time", "2024-02-29T10:00:00.5z", "2024-02-29"),
        ("email", "a.b@example.org", "a@b@example.org"),
        ("email", "a@host", "a@example.org?!"),
        ("uri", "https://example.org/a?b=1", "example.org/a"),
        ("uuid", "12345678-1234-1234-1234-1234567890ab", "12345678123412341234567890ab"),
        ("ipv4", "10.0.0.255", "10.0.0.256"),
        ("ipv6", "::1", "1::2::3"),
        ("regex", "^a+$", "("),
    ],
)
def test_formats(name: str, good: str, bad: str) -> None:
    assert FORMATS[name](good)
    assert not FORMATS[name](bad)


def test_a_misfit_tells_its_place() -> None:
    schema = {
        "properties": {"steps": {"items": {"required": ["n"], "properties": {"n": {"type": "integer"}}}}}
    }
    misfits = compiled(schema)({"steps": [{"n": 1}, {}, {"n": True}]})
    assert [(m.keyword, m.where) for m in misfits] == [("required", "steps.1"), ("type", "steps.2.n")]


def test_a_schema_that_never_ends_is_a_misfit() -> None:
    assert compiled({"$ref": "#"})(1)[0].why == "nested too deep"


def test_objects_that_name_their_members_take_no_others() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "number"}}}
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": inner}, "free": {"type": "object"}},
    }
    fits = compiled(closed(schema))
    assert fits({"a": [{"x": 1}], "free": {"any": 1}}) == []
    assert [m.where for m in fits({"a": [{"y": 1}], "b": 2})] == ["a.0", ""]
    assert compiled(closed({**schema, "additionalProperties": True}))({"b": 2}) == []


def test_definitions_say_what_is_wrong_with_them() -> None:
    dangling = {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}
    assert Definition("f", True, dangling, None).invalid == (
        "parameters: refers to #/$defs/b, which is not in it",
    )
    assert Definition("f", True, {"type": "array"}, None).invalid == ("parameters: type is not object",)
    assert "result" in Definition("f", True, {"type": "object"}, {"type": "dict"}).invalid[0]
    empty = Definition(" ", False, {"type": "object", "properties": {"a": {}}, "required": ["b"]}, None)
    assert len(empty.incomplete) == 4
