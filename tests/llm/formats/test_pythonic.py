"""The pythonic form and its literals, against Python's own parser."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.formats.literals import Literals
from tastemaker.llm.formats.registry import get
from tastemaker.records import ToolCall, ToolSpec, canonical

F = ToolSpec(name="f", parameters={"type": "object", "properties": {"a": {}, "b": {}}})
PYTHON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in get("pythonic").parse_calls(text, [F]).calls]


@given(value=PYTHON)
@settings(max_examples=60, deadline=None)
def test_what_python_writes_is_read_as_python_reads_it(value: Any) -> None:
    assert canonical(Literals(repr(value)).value()) == canonical(value)


@given(body=st.text(st.sampled_from(list("\\nxu0aA8'\"7\U0001f3ac")), max_size=8))
@settings(max_examples=100, deadline=None)
def test_strings_are_read_as_python_reads_them(body: str) -> None:
    source = f'"{body}"'
    try:
        reader = Literals(source)
        ours = reader.value()
    except FormatError:
        return
    if reader.place == len(source):
        assert ours == ast.literal_eval(source)


@given(a=PYTHON, b=PYTHON)
@settings(max_examples=25, deadline=None)
def test_python_reads_what_is_rendered(a: Any, b: Any) -> None:
    calls = [ToolCall(id="1", name="f", arguments={"a": a, "b": b})]
    tree = ast.parse(get("bfcl_prompt").render_calls(calls), mode="eval")
    assert isinstance(tree.body, ast.List)
    [call] = tree.body.elts
    assert isinstance(call, ast.Call)
    arguments = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    assert canonical(arguments) == canonical({"a": a, "b": b})


def test_ways_to_write_a_call() -> None:
    assert read('[Market Trends API(trend_type="GAINERS", country="us")]') == [
        ("Market Trends API", {"trend_type": "GAINERS", "country": "us"})
    ]
    assert read("[f(1, b='x')]") == [("f", {"a": 1, "b": "x"})]
    assert read("f(a=-1.5e3)") == [("f", {"a": -1500.0})]
    assert read("[f(a=true, b=null,), f(),]") == [("f", {"a": True, "b": None}), ("f", {})]
    assert read("[ f ( a = (1, 2) ) ]") == [("f", {"a": [1, 2]})]
    assert read("[f(a=(1))] then [f(b={'k': [u'x', +1_000, .5, 0]})]") == [
        ("f", {"a": 1}),
        ("f", {"b": {"k": ["x", 1000, 0.5, 0]}}),
    ]
    assert read("[datetime.now()]") == [("datetime.now", {})]


@pytest.mark.parametrize(
    "arguments",
    [
        "g(1)",
        "a=g(1)",
        'a=__import__("os")',
        "a=1+2",
        "a=[x for x in y]",
        "a=f'{x}'",
        "a=b'x'",
        "a={1, 2}",
        "a={1: 2}",
        "a=007",
        "a=1j",
        "a=1e999",
        "a=0x1F",
        "a='x",
        "a='\\ud800'",
        "a=1, a=2",
        "1, a=2",
        "1, 2, 3",
        "b=1, 2",
        "a==1",
        "*a",
        "**{'a': 1}",
        "a=1 b=2",
        "a=lambda: 1",
        "a=1; b=2",
    ],
)
def test_what_is_no_call_of_literals_is_refused(arguments: str) -> None:
    with pytest.raises(FormatError):
        read(f"[f({arguments})]")


def test_positionals_need_an_offered_tool() -> None:
    with pytest.raises(FormatError, match="name=value"):
        read("[f(), g(1)]")
