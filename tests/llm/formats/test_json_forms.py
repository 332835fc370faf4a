"""The forms that are JSON: what each provider's own documents show, and what a model gets wrong."""

from __future__ import annotations

import json

import pytest

from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.formats.registry import get
from tastemaker.records import ToolCall, ToolSpec

SAID = '{"name": "f", "arguments": "{\\"a\\":\\"x\\"}"}'
CALL = ToolCall(id="call-1", name="f", arguments={"a": "x"})


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        (
            "openai",
            f'{{"content": "Now.", "tool_calls": [{{"function": {SAID}}}]}}',
            "Now.",
        ),
        (
            "openai",
            f'[{{"type": "function_call", "call_id": "call-1", {SAID[1:]}]',
            "",
        ),
        ("openai", '{"name": "f", "arguments": {"a": "x"}}', ""),
        ("hermes", 'So: <tool_call>{"name": "f", "arguments": {"a": "x"}}', "So:"),
        ("llama_json", '<|python_tag|>{"type": "function", "name": "f", "parameters": {"a": "x"}}', ""),
        ("llama_json", '{"name": "f", "arguments": {"a": "x"}}', ""),
        ("mcp", '{"method": "tools/call", "params": {"name": "f", "arguments": {"a": "x"}}}', ""),
    ],
)
def test_other_ways_to_write_a_call(form: str, text: str, said: str) -> None:
    parsed = get(form).parse_calls(text)
    assert parsed.calls == (CALL,)
    assert parsed.text == said


def test_openai_arguments_are_a_string_and_ids_are_kept() -> None:
    call = CALL.model_copy(update={"id": "call_9"})
    [written] = json.loads(get("openai").render_calls([call]))
    assert written == {
        "id": "call_9",
        "type": "function",
        "function": {"name": "f", "arguments": '{"a":"x"}'},
    }
    for form in ("openai", "mcp"):
        assert get(form).parse_calls(get(form).render_calls([call])).calls == (call,)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("openai", '[{"function": {"name": "f", "arguments": "{a:1}"}}]'),
        ("openai", '[{"function": {"name": "f", "arguments": "[1]"}}]'),
        ("openai", '[{"function": {"arguments": "{}"}}]'),
        ("openai", '{"tool_calls": [1]}'),
        ("openai", '[{"function": {"name": "f", "arguments": "{}"}}'),
        ("hermes", '<tool_call>{"name": "f", "arguments": {"a": NaN}}</tool_call>'),
        ("hermes", '<tool_call>{"name": "f"}</tool_call>'),
        ("hermes", '<tool_call>{"name": "f", "arguments": {}} and more</tool_call>'),
        ("llama_json", '{"name": "f", "parameters": {"a": '),
        ("mcp", '{"method": "tools/call", "params": {"name": "f", "arguments": []}}'),
    ],
)
def test_a_malformed_call_is_refused(form: str, text: str) -> None:
    with pytest.raises(FormatError):
        get(form).parse_calls(text)


def test_hermes_lists_tools_between_tags() -> None:
    lines = get("hermes").render_tools([ToolSpec(name="f"), ToolSpec(name="g")]).split("\n")
    assert (lines[0], lines[-1]) == ("<tools>", "</tools>")
    assert [json.loads(line)["function"]["name"] for line in lines[1:-1]] == ["f", "g"]
