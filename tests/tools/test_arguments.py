from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tastemaker.errors import InputError, ToolError
from tastemaker.tools.arguments import ArgumentReader

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "whole": {"type": "integer", "minimum": 1},
        "real": {"type": "number"},
        "flag": {"type": "boolean"},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "mixed": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "many": {"type": "array", "items": {"type": "string"}},
        "pair": {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
        "choice": {"enum": ["a", "b"]},
        "nested": {
            "type": "object",
            "properties": {"n": {"type": "integer"}},
            "required": ["n"],
            "additionalProperties": False,
        },
        "tree": {"$ref": "#/$defs/Tree"},
    },
    "additionalProperties": False,
    "$defs": {
        "Tree": {
            "type": "object",
            "properties": {
                "v": {"type": "integer"},
                "kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
            },
        }
    },
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["5", "5.0", "-1e3", "true", "9" * 400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["n", "v", "kids", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def read(**arguments: Any) -> dict[str, Any]:
    return ArgumentReader("t", PARAMETERS).read(arguments)


@pytest.mark.parametrize(
    ("name", "given_value", "value"),
    [
        ("whole", "5", 5),
        ("whole", " +5.0 ", 5),
        ("whole", 5.0, 5),
        ("real", "2.5", 2.5),
        ("real", "123456789012345678", 123456789012345678),
        ("real", "1e3", 1000.0),
        ("real", 3, 3),
        ("text", 5, "5"),
        ("text", 5.0, "5"),
        ("text", 2.5, "2.5"),
        ("flag", "True", True),
        ("flag", "false", False),
        ("either", "7", 7),
        ("either", None, None),
        ("mixed", "7", "7"),
        ("many", [50, "b"], ["50", "b"]),
        ("pair", ["1", 2], [1, "2"]),
        ("nested", {"n": "3"}, {"n": 3}),
        ("tree", {"v": "1", "kids": [{"v": 2.0}]}, {"v": 1, "kids": [{"v": 2}]}),
    ],
)
def test_what_loses_nothing_is_read(name: str, given_value: Any, value: Any) -> None:
    result = read(**{name: given_value})[name]
    assert result == value
    assert type(result) is type(value)


def test_null_for_what_may_be_left_out_is_left_out() -> None:
    assert read(whole=None, text="a") == {"text": "a"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"whole": "five"}, 't: argument whole must be int, got "five"'),
        ({"whole": 5.5}, "t: argument whole must be int, got 5.5"),
        ({"whole": True}, "t: argument whole must be int, got true"),
        ({"whole": 0}, "t: argument whole must be int with minimum 1, got 0"),
        ({"text": True}, "t: argument text must be str, got true"),
        ({"text": ["a"]}, 't: argument text must be str, got ["a"]'),
        ({"flag": 1}, "t: argument flag must be bool, got 1"),
        ({"choice": "c"}, 't: argument choice must be "a"|"b", got "c"'),
        ({"many": "a"}, 't: argument many must be [str], got "a"'),
        ({"many": ["a", {}]}, "t: argument many.1 must be str, got {}"),
        ({"nested": {}}, "t: argument n in nested is missing; it must be int"),
        ({"nested": {"n": 1, "m": 2}}, 't: there is no argument "m" in nested; there is: n'),
        ({"either": "x"}, 't: argument either must be int|null, got "x"'),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolError) as caught:
        read(**arguments)
    assert str(caught.value) == message


def test_an_unknown_and_a_missing_argument() -> None:
    reader = ArgumentReader(
        "t",
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
        | {"additionalProperties": False},
    )
    with pytest.raises(ToolError, match=r"^t: argument a is missing; it must be str$"):
        reader.read({})
    with pytest.raises(ToolError, match=r'^t: there is no argument "b"; there is: a$'):
        reader.read({"a": "x", "b": 1})
    wrong: Any
    for wrong in ([], "a", None):
        with pytest.raises(ToolError, match=r"^t: the arguments must be an object, got"):
            reader.read(wrong)


def test_arguments_nested_too_deep_are_refused() -> None:
    tree: dict[str, Any] = {}
    for _ in range(5000):
        tree = {"kids": [tree]}
    with pytest.raises(ToolError, match="nested too deep"):
        read(tree=tree)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"type": "string"},
        {"type": "object", "properties": {"a": {"type": 3}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://example.org/schema.json"}}},
    ],
)
def test_what_is_no_schema_of_an_object_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="tool t"):
        ArgumentReader("t", parameters)


@given(st.dictionaries(st.sampled_from([*PARAMETERS["properties"], "other"]), json_values, max_size=4))
def test_any_json_gives_arguments_that_fit_or_one_line(arguments: dict[str, Any]) -> None:
    fits = Draft202012Validator(PARAMETERS).is_valid(arguments)
    try:
        result = read(**arguments)
    except ToolError as error:
        message = str(error)
    else:
        assert Draft202012Validator(PARAMETERS).is_valid(result)
        assert not fits or result.keys() == arguments.keys()
        return
    assert not fits
    assert "\n" not in message
    assert len(message) < 400


def test_references_may_point_anywhere_inside_the_schema() -> None:
    parameters = {
        "type": "object",
        "properties": {"a": {"$ref": "#/definitions/A~1B"}, "inner": {"$ref": "#"}},
        "additionalProperties": False,
        "definitions": {"A/B": {"type": "integer"}},
    }
    tool = ArgumentReader("t", parameters)
    assert tool.read({"inner": {"a": "2"}}) == {"inner": {"a": 2}}
    with pytest.raises(ToolError, match=r'^t: argument inner.a must be int, got "x"$'):
        tool.read({"inner": {"a": "x"}})
