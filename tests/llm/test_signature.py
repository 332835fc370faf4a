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
