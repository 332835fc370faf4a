"""The grammar against jsonschema: it accepts compact valid JSON and nothing that is not valid."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemaker.errors import InputError
from tastemaker.llm.grammar import call_schema, to_gbnf

words = st.text("ab cé", max_size=6)
names = st.sampled_from(["name", "n", "items", "a b", 'q"'])


def leaves() -> st.SearchStrategy[tuple[dict[str, Any], st.SearchStrategy[Any]]]:
    """Pairs of a schema and a strategy for its valid values."""
    return st.one_of(
        st.just(({"type": "string"}, words)),
        st.just(({"type": "string", "maxLength": 40}, st.text("abc", max_size=40))),
        st.just(({"type": "boolean"}, st.booleans())),
        st.just(({"type": "null"}, st.none())),
        st.just(({"type": "integer"}, st.integers(-(10**8), 10**8))),
        st.integers(-5, 5).map(
            lambda low: (
                {"type": "integer", "minimum": low, "maximum": low + 7},
                st.integers(low, low + 7),
            )
        ),
        st.just(
            ({"type": "number", "minimum": 1, "maximum": 5}, st.integers(100, 500).map(lambda n: n / 100))
        ),
        st.lists(words, min_size=1, max_size=4, unique=True).map(lambda v: ({"enum": v}, st.sampled_from(v))),
    )


def grow(inner: Any) -> Any:
    def array(pair: Any) -> Any:
        schema, values = pair
        return (
            {"type": "array", "items": schema, "minItems": 1, "maxItems": 3},
            st.lists(values, min_size=1, max_size=3),
        )

    def object_(pairs: Any) -> Any:
        properties = {name: schema for name, (schema, _) in pairs.items()}
        required = list(properties)[::2]
        return (
            {"type": "object", "properties": properties, "required": required, "additionalProperties": False},
            st.fixed_dictionaries(
                {name: pairs[name][1] for name in required},
                optional={name: pairs[name][1] for name in properties if name not in required},
            ).map(lambda value: {name: value[name] for name in properties if name in value}),
        )

    return st.one_of(
        inner.map(array),
        st.dictionaries(names, inner, min_size=1, max_size=3).map(object_),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda pairs: ({"anyOf": [s for s, _ in pairs]}, st.one_of([v for _, v in pairs]))
        ),
    )


cases = st.recursive(leaves(), grow, max_leaves=5)


def to_regex(gbnf: str) -> str:
    """The grammar as one regular expression: rules stand in place of their names (none is recursive)."""
    rules = dict(line.split(" ::= ", 1) for line in gbnf.splitlines())
    literal, letters, times = r'"((?:[^"\\]|\\.)*)"', r"(\[(?:[^\]\\]|\\.)*\])", r"(\{\d+,\d*\})"
    pieces = re.compile(rf"{literal}|{letters}|{times}|([a-z]\w*)|([()|*?+])")

    def body(name: str) -> str:
        text = ""
        for literal, letters, times, rule, mark in pieces.findall(rules[name]):
            if rule:
                text += f"(?:{body(rule)})"
            elif letters or times or mark:
                text += letters or times or mark.replace("(", "(?:")
            else:
                plain = literal.replace(NEWLINE, "\n").replace(QUOTE, '"').replace(SLASH, "\\")
                text += f"(?:{re.escape(plain)})"
        return text

    return body("root")


NEWLINE, QUOTE, SLASH = "\\n", '\\"', "\\\\"


def accepts(schema: dict[str, Any], text: str) -> bool:
    return re.fullmatch(to_regex(to_gbnf(schema)), text) is not None


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_valid_values_are_accepted_compact_and_only_so(data: st.DataObject) -> None:
    schema, values = data.draw(cases)
    value = data.draw(values)
    jsonschema.validate(value, schema)
    text = compact(value)
    assert accepts(schema, text)
    assert not accepts(schema, " " + text)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_the_grammar_lets_through_is_valid(data: st.DataObject) -> None:
    """Lengths of strings apart, which the grammar bounds in words."""
    schema, _ = data.draw(cases)
    text = data.draw(st.from_regex(to_regex(to_gbnf(schema)), fullmatch=True))
    jsonschema.validate(json.loads(text), json.loads(json.dumps(schema).replace("maxLength", "x-maxLength")))


def test_a_call_names_one_of_the_tools_and_its_arguments() -> None:
    user = {"type": "object", "properties": {"user": {"type": "string"}}, "required": ["user"]}
    schema = call_schema([("history", user), ("stop", {"type": "object", "properties": {}})])
    for good in (
        {"name": "history", "arguments": {"user": "7"}},
        {"name": "stop", "arguments": {}},
    ):
        assert accepts(schema, compact(good))
    for bad in (
        {"name": "delete", "arguments": {}},
        {"name": "history", "arguments": {}},
        {"name": "history", "arguments": {"user": 7}},
        {"arguments": {"user": "7"}, "name": "history"},
        {"name": "history", "arguments": {"user": "7"}, "more": 1},
    ):
        assert not accepts(schema, compact(bad))


def test_words_are_counted_where_a_length_is_given() -> None:
    schema = {"type": "string", "maxLength": 24}
    assert accepts(schema, '"one two three"')
    assert not accepts(schema, '"one two three four"')
    assert not accepts(schema | {"minLength": 17}, '"one two"')
    assert accepts(schema | {"minLength": 17}, '"one two three"')
    assert accepts({"type": "string", "minLength": 9}, '"one two three four"')
    assert not accepts({"type": "string", "minLength": 9}, '"one"')


def test_a_sentence_has_its_opening_and_its_end() -> None:
    schema = {"type": "string", "pattern": r"^The user likes[a-zA-Z0-9 ,]*\.$", "maxLength": 80}
    for good in ("The user likes old films.", "The user likes films that end well and sharks."):
        assert re.search(str(schema["pattern"]), good)
        assert accepts(schema, f'"{good}"')
    assert accepts(schema, '"The user likes 1990 films, too."')
    for bad in (
        "The user likes.",
        "The user likes 11111 films.",
        "The user likes old, films,.",
        "I like old films.",
        "The user likes old films",
    ):
        assert not accepts(schema, f'"{bad}"')


def test_references_and_free_values_become_recursive_rules() -> None:
    schema = {
        "$ref": "#/$defs/list",
        "$defs": {"list": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/list"}]}},
    }
    assert to_gbnf(schema).splitlines() == ["root ::= d0", "d0 ::= r2", 'r2 ::= "null" | d0']
    assert "any" in to_gbnf({})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "a+"},
        {"not": {}},
        {"enum": []},
        {"$ref": "#/$defs/missing"},
        {"type": "date"},
        {"type": "integer", "minimum": 1.2, "maximum": 1.8},
    ],
)
def test_what_cannot_be_enforced_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        to_gbnf(schema)
