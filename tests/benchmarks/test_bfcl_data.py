"""The rows are all there, and their function documents become valid JSON Schema under usable names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tastemaker.benchmarks.bfcl_data import CATEGORIES, COUNTS, Row, json_schema, load, sample
from tastemaker.errors import InputError


def rows() -> Iterator[Row]:
    return (row for category in CATEGORIES for row in load(category))


def test_every_category_has_its_rows() -> None:
    assert {category: len(load(category)) for category in CATEGORIES} == COUNTS
    assert len({row.id for row in rows()}) == sum(COUNTS.values()) == 3641
    for row in rows():
        assert row.messages[-1].role == "user"
        assert bool(row.answers) == ("relevance" not in row.category)


def test_an_unknown_category_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no BFCL category 'simple'; there is: simple_python"):
        load("simple")


def test_all_parameters_are_json_schema() -> None:
    known = {"object", "array", "string", "integer", "number", "boolean"}
    parts: dict[str, Any] = {}
    for row in rows():
        for spec in row.tools:
            assert set(spec.parameters["required"]) <= spec.parameters["properties"].keys()
            for part in spec.parameters["properties"].values():
                assert isinstance(part.get("description", ""), str)
                assert row.language == "python" or part["type"] == "string"
                plain = {key: value for key, value in part.items() if key not in ("description", "default")}
                parts.setdefault(repr(plain), plain)
    Draft202012Validator.check_schema({"anyOf": list(parts.values())})
    assert {kind for part in parts.values() for kind in types(part)} == known


def types(schema: dict[str, Any]) -> Iterator[Any]:
    if "type" in schema:
        yield schema["type"]
    for part in schema.get("properties", {}).values():
        yield from types(part)
    if "items" in schema:
        yield from types(schema["items"])


def test_names_can_be_used_and_go_back() -> None:
    for row in rows():
        names = [spec.name for spec in row.tools]
        assert len(set(names)) == len(names) == len(row.functions)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
        assert [row.own_name(name) for name in names] == [doc["name"] for doc in row.functions]
    assert row.own_name("not.offered") == "not.offered"


def test_names_that_collide_are_told_apart() -> None:
    def document(name: str) -> dict[str, Any]:
        return {"name": name, "description": "", "parameters": {"type": "dict", "properties": {}}}

    row = Row("x", "multiple", (), (document("a.b"), document("a_b"), document("é" * 70)), ())
    assert [spec.name for spec in row.tools] == ["a_b", "a_b_2", "_" * 64]
    assert row.own_name("a_b_2") == "a_b"


def test_types_are_made_json_schemas_all_the_way_down() -> None:
    document = {
        "type": "dict",
        "description": "d",
        "required": ["a", "gone"],
        "properties": {
            "a": {"type": "array", "items": {"type": "tuple", "items": {"type": "float"}}},
            "b": {"type": "dict", "properties": {"c": {"type": "any", "default": None}}, "required": True},
        },
    }
    assert json_schema(document) == {
        "type": "object",
        "description": "d",
        "required": ["a"],
        "properties": {
            "a": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
            "b": {"type": "object", "properties": {"c": {"default": None}}},
        },
    }


def test_a_sample_is_drawn_by_its_seed_in_order() -> None:
    everything = load("parallel")
    drawn = sample("parallel", 20, seed=1)
    assert drawn == sample("parallel", 20, seed=1) != sample("parallel", 20, seed=2)
    assert [row for row in everything if row in drawn] == list(drawn)
    assert sample("parallel", 500, seed=1) == sample("parallel", None, seed=0) == everything
