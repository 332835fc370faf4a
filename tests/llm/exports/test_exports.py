"""Trajectories to other programs' training data and back, and to the local model's own text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tastemaker.errors import InputError
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.exports.chat_text import chat_text, to_turns
from tastemaker.llm.exports.cut_names import restore_names
from tastemaker.llm.exports.dialogue import as_trajectory, read_lines, write_lines
from tastemaker.llm.exports.openai_finetuning import from_openai, to_openai
from tastemaker.llm.exports.sharegpt import from_sharegpt, to_sharegpt
from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.formats.registry import get, names
from tastemaker.records import Message, ToolCall, ToolSpec, Trajectory

WITH_N = {"type": "object", "properties": {"n": {}}}
TOOLS = (
    ToolSpec(name="get_history", description="Ratings.", parameters=WITH_N),
    ToolSpec(name="now", description='Says "now".'),
)
LIKE_JSON = ["7", '"7"', '{"a":1}', '{"a": 1}', "[1.0]", "null"]
TEXT = st.text("abc \n\"'{}žé東🎬", max_size=12) | st.sampled_from(LIKE_JSON)


@st.composite
def dialogues(draw: st.DrawFn) -> Trajectory:
    messages = [Message(role="system", text="Be brief.\n")] if draw(st.booleans()) else []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", text=draw(TEXT)))
        calls = []
        for name in draw(st.lists(st.sampled_from(["get_history", "now"]), max_size=3)):
            number += 1
            calls.append(
                ToolCall(id=f"call-{number}", name=name, arguments=draw(st.dictionaries(st.just("n"), TEXT)))
            )
        if calls:
            said = draw(st.sampled_from(["", "Let me look."]))
            messages.append(Message(role="assistant", text=said, calls=tuple(calls)))
            messages += [Message(role="tool", text=draw(TEXT), call_id=call.id) for call in calls]
        messages.append(Message(role="assistant", text=draw(TEXT)))
    return as_trajectory("d1", messages, TOOLS if draw(st.booleans()) or number else ())


@pytest.mark.parametrize("form", names())
@given(dialogue=dialogues())
@settings(max_examples=12, deadline=None)
def test_sharegpt_comes_back(form: str, dialogue: Trajectory) -> None:
    if form == "openai" and any(m.calls and m.text for m in dialogue.messages):
        with pytest.raises(FormatError):
            to_sharegpt(dialogue, get(form))
        return
    written = json.loads(json.dumps(to_sharegpt(dialogue, get(form))))
    assert set(written) == {"system", "conversations"}
    assert from_sharegpt(written, "d1", get(form)) == dialogue


@given(dialogue=dialogues())
@settings(max_examples=20, deadline=None)
def test_openai_fine_tuning_comes_back(dialogue: Trajectory) -> None:
    assert from_openai(json.loads(json.dumps(to_openai(dialogue))), "d1") == dialogue


def test_openai_fine_tuning_has_allowed_names_only() -> None:
    tools = [ToolSpec(name="Get Chat Code (Code to Chat)"), ToolSpec(name="tags/list")]
    calls = tuple(ToolCall(id=f"c{i}", name=tool.name) for i, tool in enumerate(tools))
    record = to_openai(as_trajectory("d", [Message(role="assistant", calls=calls)], tools))
    written = [call["function"]["name"] for call in record["messages"][0]["tool_calls"]]
    assert written == ["Get_Chat_Code_Code_to_Chat", "tags_list"]
    assert [tool["function"]["name"] for tool in record["tools"]] == written


TOOLACE = {
    "system": 'Functions:\n[{"name": "Market Trends API", "description": "Trends.", "parameters": '
    '{"type": "dict", "properties": {"country": {"type": "string"}}, "required": []}, "required": null}]\n'
    "Use [f(a=1)].",
    "conversations": [
        {"from": "user", "value": "Trends?"},
        {"from": "assistant", "value": '[Market Trends API(country="us")]'},
        {"from": "tool", "value": '[{"name": "Market Trends API", "results": {"up": [1.5]}}]'},
        {"from": "assistant", "value": "Up."},
    ],
}


def test_toolaces_own_form_is_read() -> None:
    read = from_sharegpt(TOOLACE, "t", get("pythonic"))
    assert [(m.role, m.text) for m in read.messages][1:] == [
        ("user", "Trends?"),
        ("assistant", ""),
        ("tool", '{"up":[1.5]}'),
        ("assistant", "Up."),
    ]
    assert read.messages[2].calls == (
        ToolCall(id="call-1", name="Market Trends API", arguments={"country": "us"}),
    )
    assert read.messages[3].call_id == "call-1"
    assert read.tools[0].parameters["type"] == "object"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ([], "list of conversations"),
        ({"conversations": [{"from": "user"}]}, "turn 1"),
        ({"conversations": [{"from": "cat", "value": "miaow"}]}, "turn 1: unknown speaker"),
        ({"conversations": [{"from": "assistant", "value": "[f(a=g())]"}]}, "turn 1: expected a literal"),
        ({"conversations": [], "tools": "[3]"}, "tool 1 of the list"),
    ],
)
def test_junk_is_refused_with_its_place(record: Any, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        from_sharegpt(record, "t", get("pythonic"))


def test_cut_names_are_restored() -> None:
    def spec(name: str, *properties: str) -> ToolSpec:
        known: dict[str, Any] = {key: {} for key in properties}
        return ToolSpec(name=name, parameters={"type": "object", "properties": known})

    tools = [
        spec("Market Trends API", "country"),
        spec("Mobility API", "state"),
        spec("tags/list"),
        spec("now"),
    ]
    made: list[tuple[str, dict[str, Any]]] = [
        ("API", {"state": "NY"}),
        ("list", {}),
        ("now", {}),
        ("API", {}),
        ("API", {"x": 1}),
        ("other", {}),
    ]
    calls = tuple(ToolCall(id=str(i), name=name, arguments=a) for i, (name, a) in enumerate(made))
    [message] = restore_names(as_trajectory("d", [Message(role="assistant", calls=calls)], tools)).messages
    assert [c.name for c in message.calls] == ["Mobility API", "tags/list", "now", "API", "API", "other"]


def test_chat_text_is_what_the_local_model_is_shown(tokenizer: Tokenizer) -> None:
    call = ToolCall(id="c", name="get_history", arguments={"n": 2})
    messages = [
        Message(role="system", text="Be brief."),
        Message(role="user", text="Hi"),
        Message(role="assistant", calls=(call,)),
        Message(role="tool", text="none", call_id="c"),
        Message(role="assistant", text="Nothing."),
    ]
    turns = to_turns(as_trajectory("d", messages, TOOLS))
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user", "assistant"]
    assert "get_history(n?: any)  # Ratings." in turns[0].text
    assert turns[2].text == '{"name":"get_history","arguments":{"n":2}}'
    assert turns[3].text == "get_history returned:\nnone"
    opened = chat_text(turns) + "<|im_start|>assistant\n"
    assert tokenizer.encode(opened).ids == list(ChatTemplate(tokenizer).prompt(turns))


def test_chat_text_refuses_control_tokens() -> None:
    turns = to_turns(as_trajectory("d", [Message(role="user", text="<|im_end|>")], ()))
    with pytest.raises(FormatError, match="control token"):
        chat_text(turns)


def test_lines_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    records: list[dict[str, Any]] = [{"a": "ž"}, {"b": 2}]
    assert write_lines(path, iter(records)) == 2
    assert list(read_lines(path)) == records
    with pytest.raises(TypeError):
        write_lines(path, [{"a": {1}}])
    assert [file.name for file in tmp_path.iterdir()] == ["set.jsonl"]
    assert len(list(read_lines(path))) == 2
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"set\.jsonl:1"):
        list(read_lines(path))
