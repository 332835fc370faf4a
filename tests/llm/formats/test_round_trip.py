"""Every format: what is rendered reads back exactly, and junk ends in text or a FormatError."""

from __future__ import annotations

import contextlib
import keyword
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tastemaker.errors import InputError
from tastemaker.llm.formats.base import CallFormat, FormatError
from tastemaker.llm.formats.registry import get, names
from tastemaker.records import ToolCall, ToolSpec, canonical

ANY_NAME = ("hermes", "llama_json", "mcp")
TOOLACE_NAMES = (
    "Market Trends API",
    "/v1/cocktail",
    "Get Chat Code (Code to Chat)",
    "M4.5+ Earthquakes, Past 7 Days",
    "Search Strong's Number API",
    "Get",
    "Get Chat",
    "math.pow",
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PYTHON_NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name)
)
NAMES = {
    "openai": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    "pythonic": st.sampled_from(TOOLACE_NAMES) | PYTHON_NAME,
    "bfcl_prompt": PYTHON_NAME | st.builds("{}.{}".format, PYTHON_NAME, PYTHON_NAME),
    **dict.fromkeys(ANY_NAME, st.text(min_size=1)),
}
KEYS = {
    "pythonic": st.from_regex(r"[\w$@./:-]{1,12}", fullmatch=True) | st.sampled_from(["class", "per-page"]),
    "bfcl_prompt": PYTHON_NAME,
    **dict.fromkeys((*ANY_NAME, "openai"), st.text()),
}


def calls_of(form: str) -> st.SearchStrategy[list[ToolCall]]:
    one = st.tuples(NAMES[form], st.dictionaries(KEYS[form], JSON, max_size=4))
    return st.lists(one, min_size=1, max_size=4).map(
        lambda pairs: [ToolCall(id=f"call-{i}", name=n, arguments=a) for i, (n, a) in enumerate(pairs, 1)]
    )


def offered(calls: list[ToolCall]) -> list[ToolSpec]:
    return [ToolSpec(name=name) for name in {*(call.name for call in calls), *TOOLACE_NAMES}]


def plain(calls: Any) -> str:
    return canonical([call.model_dump() for call in calls])


FORMS = pytest.mark.parametrize("form", names())


@FORMS
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_calls_come_back_as_they_were(form: str, data: st.DataObject) -> None:
    calls = data.draw(calls_of(form))
    parsed = get(form).parse_calls(get(form).render_calls(calls), offered(calls))
    assert plain(parsed.calls) == plain(calls)
    assert parsed.text == ""


@pytest.mark.parametrize("form", ["hermes", "pythonic", "bfcl_prompt", "llama_json", "mcp"])
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_text_around_calls_is_kept_apart(form: str, data: st.DataObject) -> None:
    calls = data.draw(calls_of(form))
    before, after = data.draw(
        st.lists(st.from_regex(r"[A-Z][a-z,. ]{0,20}\.", fullmatch=True), min_size=2, max_size=2)
    )
    text = f"{before}\n{get(form).render_calls(calls)}\n{after}"
    parsed = get(form).parse_calls(text, offered(calls))
    assert plain(parsed.calls) == plain(calls)
    assert parsed.text == f"{before}\n{after}"


HARD = {
    "digits": 10**60,
    "exact": 0.1 + 0.2,
    "small": 5e-324,
    "large": 1.7976931348623157e308,
    "minus": -0.0,
    "quotes": "\"'\\\"\"\"'''\\n",
    "lines": "a\nb\r\n\tc\x00\x1b\u2028\u0085",
    "scripts": "žluťoučký 東京 🎬 עברית",
    "tags": '</tool_call>; {"name": "x"} [f(a=1)] <|python_tag|> "tools/call"',
    "nested": {"a": [[], {}, [{"b": [None, True, False, 0, 1.0]}]], "": ""},
}


@FORMS
def test_hard_values_come_back_exactly(form: str) -> None:
    calls = [ToolCall(id="call-1", name="f", arguments=HARD), ToolCall(id="call-2", name="f", arguments={})]
    parsed = get(form).parse_calls(get(form).render_calls(calls), [ToolSpec(name="f")])
    assert plain(parsed.calls) == plain(calls)


@FORMS
def test_plain_text_has_no_calls(form: str) -> None:
    for text in (
        "",
        "Hello.",
        "[see (this)](https://example.org) [1, 2]",
        '{"answer": 4}',
        "f is (a function)",
    ):
        parsed = get(form).parse_calls(f" {text}\n", [ToolSpec(name="f")])
        assert (parsed.calls, parsed.text) == ((), text)


def harmless(form: CallFormat, text: str, tools: list[ToolSpec]) -> None:
    """Reading the text gives records that can be written, or FormatError."""
    with contextlib.suppress(FormatError):
        for call in form.parse_calls(text, tools).calls:
            call.model_dump_json()
    with contextlib.suppress(FormatError):
        for tool in form.parse_tools(text):
            tool.model_dump_json()


MARKS = """f f( [f( a= "a": 1 1e999 NaN true None \\ud800 \\x dict <tool_call> </tool_call> <tools>
"tools/call" {"name":"f","arguments": {"name":"f","parameters": {"tool_calls": {"function": "type":"""
PIECES = st.sampled_from([*"[]{}()\"'=,:;\\ \n", *MARKS.split(), "9" * 5000, "\ud800"])


@FORMS
@given(text=st.text() | st.lists(PIECES, max_size=25).map("".join))
@settings(max_examples=30, deadline=None)
def test_junk_ends_in_text_or_a_format_error(form: str, text: str) -> None:
    harmless(get(form), text, [ToolSpec(name="f"), ToolSpec(name="g h")])


@FORMS
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_cut_and_altered_calls_end_in_text_or_a_format_error(form: str, data: st.DataObject) -> None:
    calls = data.draw(calls_of(form))
    text = get(form).render_calls(calls)
    place = data.draw(st.integers(0, len(text)))
    harmless(get(form), text[:place], offered(calls))
    harmless(get(form), text[:place] + data.draw(PIECES) + text[place + 1 :], offered(calls))


UNITS = ("[", "{", '{"a":', "[f(", "[f(a=", "[x (", "<tool_call>", '{"name":', "\\", "[f(a=1),")


@pytest.mark.parametrize("form", [name for name in names() if name != "bfcl_prompt"])
@pytest.mark.parametrize("unit", UNITS)
def test_long_junk_is_read_to_its_end(form: str, unit: str) -> None:
    for text in (unit * (200_000 // len(unit)), f'[f(a="{unit * (200_000 // len(unit))}'):
        harmless(get(form), text, [ToolSpec(name="f"), ToolSpec(name="x (y)")])


JUNK_KEYS = """name function type parameters properties required items enum tools inputSchema description
anyOf $defs $ref pattern response default"""
JUNK = JSON | st.recursive(
    st.sampled_from(
        [None, True, "object", "dict", "date", "f", 3, float("nan"), float("inf"), "\ud800", b"x"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(JUNK_KEYS.split()),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@FORMS
@given(value=JUNK)
@settings(max_examples=20, deadline=None)
def test_junk_tool_lists_end_in_tools_or_a_format_error(form: str, value: Any) -> None:
    try:
        tools = get(form).parse_tools(value)
    except FormatError:
        return
    for tool in tools:
        assert tool.parameters["type"] == "object"


PLAIN_SCHEMAS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "integer", "minimum": 0},
    {"type": "number", "default": 0.5},
    {"type": "boolean", "description": "ž"},
    {"type": ["string", "null"]},
    {"enum": ["dict", 1]},
    {},
]
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.sampled_from(PLAIN_SCHEMAS),
    lambda inner: (
        st.builds(lambda s: {"type": "array", "items": s}, inner)
        | st.builds(lambda s: {"anyOf": s}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(
            lambda p: {"type": "object", "properties": p, "required": sorted(p)[:1]},
            st.dictionaries(st.text(max_size=5), inner, max_size=3),
        )
    ),
    max_leaves=6,
)


def tool(name: str, description: str, properties: dict[str, Any]) -> ToolSpec:
    return ToolSpec(
        name=name, description=description, parameters={"type": "object", "properties": properties}
    )


NAMED = st.text(min_size=1).filter(str.strip)
TOOLS = st.lists(
    st.builds(tool, NAMED, st.text(), st.dictionaries(st.text(max_size=5), SCHEMAS, max_size=3)), max_size=3
)


@FORMS
@given(tools=TOOLS)
@settings(max_examples=15, deadline=None)
def test_tools_come_back_as_they_were(form: str, tools: list[ToolSpec]) -> None:
    assert get(form).parse_tools(get(form).render_tools(tools)) == tools


def test_what_a_format_cannot_carry_is_refused() -> None:
    def call(name: str, **arguments: Any) -> list[ToolCall]:
        return [ToolCall(id="1", name=name, arguments=arguments)]

    refused = [
        ("openai", call("a b")),
        ("openai", call("x" * 65)),
        ("pythonic", call('say "hi"')),
        ("pythonic", call("f(a=1), g")),
        ("pythonic", call(" f")),
        ("pythonic", [ToolCall(id="1", name="f", arguments={"two words": 1})]),
        ("bfcl_prompt", call("Market Trends API")),
        ("bfcl_prompt", [ToolCall(id="1", name="f", arguments={"class": 1})]),
        ("hermes", call("")),
        ("llama_json", call("f", half="\ud800")),
        ("mcp", call("f", digits=10**5000)),
    ]
    for form, calls in refused:
        with pytest.raises(FormatError):
            get(form).render_calls(calls)
    deep: Any = 1
    for _ in range(80):
        deep = [deep]
    for form in names():
        with pytest.raises(FormatError, match="deeper"):
            get(form).render_calls(call("f", deep=deep))


@given(name=st.text(min_size=1), others=st.lists(st.text(min_size=1), max_size=3))
@settings(max_examples=30, deadline=None)
def test_a_pythonic_name_is_refused_or_comes_back(name: str, others: list[str]) -> None:
    calls = [ToolCall(id="call-1", name=name, arguments={"a": 1}), ToolCall(id="call-2", name=name)]
    form = get("pythonic")
    try:
        text = form.render_calls(calls)
    except FormatError:
        assume(False)
    tools = [ToolSpec(name=other) for other in (name, *others, f"{name} (x)", f"{name}(a=1), {name}")]
    assert plain(form.parse_calls(text, tools).calls) == plain(calls)


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(InputError, match="no call format 'xml'"):
        get("xml")
