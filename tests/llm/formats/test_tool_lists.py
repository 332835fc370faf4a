"""Tool lists in the shapes that are about, their types, and names that providers allow."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.formats.bfcl_prompt import restored_document
from tastemaker.llm.formats.names import originals, renamed_calls, renamed_tools, safe_names
from tastemaker.llm.formats.registry import get
from tastemaker.llm.formats.schema import normalised, restored
from tastemaker.llm.formats.tool_lists import read_documents, read_tools
from tastemaker.records import ToolCall, ToolSpec

BFCL: dict[str, Any] = {
    "name": "geo.route",
    "description": "A way.",
    "parameters": {
        "type": "dict",
        "properties": {
            "from": {"type": "tuple", "items": {"type": "float"}},
            "via": {"type": "array", "items": {"type": "dict", "properties": {"type": {"type": "any"}}}},
            "default": {"type": "float", "default": 1.5, "enum": [1.5, 2.5]},
            "n": {"type": ["int", "NULL"], "required": True},
        },
        "required": ["from"],
    },
}
SCHEMA = {
    "type": "object",
    "properties": {
        "from": {"type": "array", "items": {"type": "number"}},
        "via": {"type": "array", "items": {"type": "object", "properties": {"type": {}}}},
        "default": {"type": "number", "default": 1.5, "enum": [1.5, 2.5]},
        "n": {"type": ["integer", "null"]},
    },
    "required": ["from", "n"],
}


def test_type_names_become_json_schema_and_can_be_had_back() -> None:
    [document] = read_documents([BFCL])
    assert document.spec.parameters == SCHEMA
    assert restored_document(document) == BFCL


def test_bfcl_documents_use_bfcl_types() -> None:
    tool = ToolSpec(name="f", parameters=SCHEMA)
    [written] = json.loads(get("bfcl_prompt").render_tools([tool]))
    inner = written["parameters"]
    assert inner["type"] == "dict"
    assert inner["properties"]["from"]["items"] == {"type": "float"}
    assert inner["properties"]["via"]["items"] == {"type": "dict", "properties": {"type": {"type": "any"}}}
    assert inner["properties"]["default"]["enum"] == [1.5, 2.5]


TYPES = ["dict", "float", "tuple", "any", "int", "String", "list", "object", "number", "null", ["str", "any"]]
DOCUMENTS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.builds(lambda kind: {"type": kind, "default": {"type": "dict"}}, st.sampled_from(TYPES)),
    lambda inner: (
        st.builds(lambda part: {"type": "tuple", "items": part}, inner | st.lists(inner, max_size=2))
        | st.builds(lambda part: {"type": "dict", "required": None, "anyOf": [part]}, inner)
        | st.builds(
            lambda parts, flag: {"type": "dict", "properties": {k: v | flag for k, v in parts.items()}},
            st.dictionaries(st.sampled_from(["a", "type", "required"]), inner, max_size=2),
            st.sampled_from([{}, {"required": True}, {"required": False}]),
        )
    ),
    max_leaves=6,
)


@given(document=DOCUMENTS)
def test_what_was_normalised_can_be_undone(document: dict[str, Any]) -> None:
    schema, changes = normalised(document)
    assert restored(schema, changes) == document
    assert normalised(schema) == (schema, ())


INNER = {"type": "object", "properties": {"a": {"type": "string"}}}
SHAPES = [
    {"type": "function", "function": {"name": "f", "description": "d", "parameters": INNER}},
    {"type": "function", "name": "f", "description": "d", "parameters": INNER, "strict": True},
    {"name": "f", "description": "d", "parameters": {**INNER, "type": "dict"}, "required": None},
    {"name": "f", "description": "d", "inputSchema": INNER},
    {"name": "f", "description": "d", "input_schema": INNER},
]


@pytest.mark.parametrize("entry", SHAPES)
def test_the_common_shapes_are_one_tool(entry: dict[str, Any]) -> None:
    expected = [ToolSpec(name="f", description="d", parameters=INNER)]
    for value in ([entry], entry, {"tools": [entry]}, {"functions": [entry]}, json.dumps([entry])):
        assert read_tools(value) == expected


def test_the_schema_of_a_result_is_kept_by_mcp() -> None:
    tool = ToolSpec(name="f", result={"type": "object", "properties": {"n": {"type": "integer"}}})
    assert get("mcp").parse_tools(get("mcp").render_tools([tool])) == [tool]
    assert read_tools([{"name": "f", "response": {"type": "dict"}}])[0].result == {"type": "object"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (3, "tool 1 of the list: it is no object"),
        ({"parameters": {}}, "it has no name"),
        ({"name": "f", "parameters": {"type": "string"}}, "tool f: its parameters are of type 'string'"),
        ({"name": "f", "parameters": {"properties": {"a": {"type": "date"}}}}, "properties.a: unknown type"),
        ({"name": "f", "parameters": {"properties": {"a": {"enum": 3}}}}, "not a JSON Schema: properties.a"),
        ({"name": "f", "type": "retrieval"}, "not a function"),
    ],
)
def test_a_bad_entry_is_named(entry: Any, reason: str) -> None:
    with pytest.raises(FormatError, match=re.escape(reason)):
        read_tools([entry])


@given(
    names=st.lists(st.text(min_size=1) | st.sampled_from(["a b", "a.b", "a_b", "a" * 64, "a" * 70, "a/b"]))
)
def test_safe_names_are_allowed_distinct_and_lead_back(names: list[str]) -> None:
    tools = [ToolSpec(name=name) for name in names]
    mapping = safe_names(tools)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", safe) for safe in mapping.values())
    assert len(set(mapping.values())) == len(set(names))
    assert all(mapping[name] == name for name in names if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name))
    calls = [ToolCall(id="1", name=name) for name in names]
    back = originals(mapping)
    assert list(renamed_calls(renamed_calls(calls, mapping), back)) == calls
    assert renamed_tools(renamed_tools(tools, mapping), back) == tools
