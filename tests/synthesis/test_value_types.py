"""Texts of value types read as JSON Schema."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tastemaker.errors import InputError
from tastemaker.synthesis.context_tree import default_tree
from tastemaker.synthesis.value_types import ValueTypes, attributes

TYPES = ValueTypes({"city": "~Paris|Rome", "date": {"schema": {"type": "string", "format": "date"}}})


def test_a_whole_object() -> None:
    kind = TYPES.read("{to:city; rooms:{size:1.0..9.5 m; tags:a|b[]}[]; id:@hotels/room}")
    assert kind.schema["required"] == ["to", "rooms", "id"]
    room = kind.schema["properties"]["rooms"]["items"]["properties"]
    assert room["size"] == {"type": "number", "minimum": 1.0, "maximum": 9.5}
    assert room["tags"] == {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}
    assert TYPES.read("1.0..9.5 m").unit == "m"
    assert TYPES.read("@hotels/room").examples == TYPES.read("@hotels/room").examples


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        kind = ValueTypes(TYPES.named).read(text)
    except InputError:
        return
    Draft202012Validator.check_schema(kind.schema)
    for example in kind.examples:
        Draft202012Validator(kind.schema).validate(example)


@pytest.mark.parametrize(
    "text", ["", "5..1", "3..3", "a||b", "a|a", "nowhere", "{}x", "{City:1..2}", "@", "{a:1..2; a:1..3}"]
)
def test_mistakes_are_told(text: str) -> None:
    with pytest.raises(InputError):
        TYPES.read(text)


def test_attributes_take_their_name_for_a_type() -> None:
    assert attributes("city; start:date") == (("city", "city"), ("start", "date"))


def test_examples_of_the_seeds_types_fit_their_schemas() -> None:
    types = default_tree().types
    for name in types.named:
        kind = types.read(name)
        validator = Draft202012Validator(kind.schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for example in kind.examples:
            validator.validate(example)
