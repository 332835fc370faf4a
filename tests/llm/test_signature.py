import json
from typing import Any

import pytest

from tastemaker.llm.signature import signature, type_text
from tastemaker.records import ToolSpec


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": "boolean"}, "bool"),
        ({"type": ["string", "null"]}, "str|null"),
        ({"enum": ["a", "b"]}, '"a"|"b"'),
        ({"const": 3}, "3"),
        ({"type": "array", "items": {"type": "string"}}, "[str]"),
        ({"type": "array"}, "[any]"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, "[int, str]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "{float}"),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
                "required": ["a"],
            },
            "{a: int, b?: str}",
        ),
        ({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}, "int|[int]"),
        ({}, "any"),
        (True, "any"),
    ],
)
def test_types(schema: Any, text: str) -> None:
    assert type_text(schema, {}) == text


def test_references_are_written_out_once_and_recursion_ends() -> None:
    root = {
        "$defs": {
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}},
            "Colour": {"enum": ["red", "blue"]},
        }
    }
    assert type_text({"$ref": "#/$defs/Colour"}, root) == '"red"|"blue"'
    assert type_text({"$ref": "#/$defs/Node"}, root) == "{next?: Node}"
    assert type_text({"$ref": "#/$defs/Missing"}, root) == "any"


def test_a_tool_is_one_line_shorter_than_its_schema() -> None:
    spec = ToolSpec(
        name="find",
        description="Find\n  items.",
        parameters={
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "year": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
                "order": {"enum": ["new", "old"], "default": "new"},
                "n": {"type": "integer", "default": 10},
            },
            "required": ["query"],
        },
    )
    line = signature(spec)
    assert line == 'find(query: str, year?: int, order: "new"|"old" = "new", n: int = 10)  # Find items.'
    assert len(line) < len(json.dumps(spec.parameters)) / 2
    assert signature(ToolSpec(name="now")) == "now()"


def described(description: str, name: str = "rate", **schema: Any) -> str:
    part = {"type": "number", "description": description, **schema}
    spec = ToolSpec(
        name="pay",
        description="Pays the loans back.",
        parameters={"type": "object", "properties": {name: part}, "required": [name]},
    )
    return signature(spec, described=True).removeprefix("pay(").removesuffix(")  # Pays the loans back.")


@pytest.mark.parametrize(
    ("description", "told"),
    [
        ("As a decimal, e.g. 0.05.", " (As a decimal, e.g. 0.05)"),
        ("The rate, as a decimal.", " (as a decimal)"),
        ("The rate of the loan.", ""),
        ("Rates.", ""),
        ("", ""),
        ("Yearly\n  rate.", " (Yearly rate)"),
        (" ".join(f"w{n}" for n in range(20)), f" ({' '.join(f'w{n}' for n in range(15))})"),
    ],
)
def test_a_described_parameter_says_what_the_name_does_not(description: str, told: str) -> None:
    assert described(description) == f"rate: float{told}"


def test_descriptions_do_not_repeat_choices_and_members() -> None:
    assert described("One of: high, low", type="string", enum=["low", "high"]) == 'rate: "low"|"high"'
    assert described("Highest: high, low", enum=["low", "high"]).endswith(" (Highest: high, low)")
    assert described("Yearly rate", name="yearlyRate") == "yearlyRate: float"
    assert described("How fast", default=3) == "rate: float (How fast)"


def test_members_are_described_one_level_down() -> None:
    inner = {"type": "object", "properties": {"deep": {"type": "string", "description": "Not told."}}}
    room = {
        "type": "object",
        "properties": {
            "guests": {"type": "integer", "description": "Adults only.", "default": 1},
            "inner": {**inner, "description": "Told."},
        },
    }
    spec = ToolSpec(
        name="book",
        parameters={
            "type": "object",
            "properties": {"rooms": {"type": "array", "items": room, "description": "Guests, inner; rooms."}},
        },
    )
    assert signature(spec, described=True) == (
        "book(rooms?: [{guests: int = 1 (Adults only), inner?: {deep?: str} (Told)}])"
    )
    assert "(" not in signature(spec).removeprefix("book(")
