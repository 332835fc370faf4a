"""Real tool lists and dialogues: a hundred of ToolACE's conversations and StepTool's example.

That copy of ToolACE is a conversion: its calls are JSON and their names cut to the last word, so the pythonic
form is tested by writing the calls in it, with the whole names. One turn lost its call altogether.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tastemaker.llm.exports.cut_names import restore_names
from tastemaker.llm.exports.sharegpt import from_sharegpt, to_sharegpt
from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.formats.registry import get
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import ToolCall, Trajectory, canonical

LOST = 85
"""The place of the conversation whose fourth turn lost its call."""


@pytest.fixture(scope="module")
def records(data_folder: Path) -> list[Any]:
    path = data_folder / "toolace-excerpt" / "sharegpt_func_fixed.json"
    if not path.is_file():
        pytest.skip("TASTEMAKER_DATA has no toolace-excerpt")
    return list(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def conversations(records: list[Any]) -> list[Trajectory]:
    """All but the one whose call is `[]`."""
    whole = [record for place, record in enumerate(records) if place != LOST]
    return [restore_names(from_sharegpt(r, f"t{i}", get("pythonic"))) for i, r in enumerate(whole)]


def made_calls(conversations: list[Trajectory]) -> Iterator[tuple[Trajectory, tuple[ToolCall, ...]]]:
    return ((t, message.calls) for t in conversations for message in t.messages if message.calls)


def test_every_tool_list_is_read_as_json_schema(records: list[Any], conversations: list[Trajectory]) -> None:
    lost = records[LOST]["system"]
    kept = from_sharegpt({"system": lost, "conversations": []}, "lost", get("pythonic"))
    assert sum(len(t.tools) for t in [*conversations, kept]) == 446
    for tool in (tool for t in [*conversations, kept] for tool in t.tools):
        Draft202012Validator.check_schema(tool.parameters)
        assert tool.parameters["type"] == "object"


def test_every_turn_with_calls_is_read(conversations: list[Trajectory]) -> None:
    turns = list(made_calls(conversations))
    assert (len(turns), sum(len(calls) for _, calls in turns)) == (179, 199)


def test_cut_names_are_restored_to_tools_that_take_the_arguments(conversations: list[Trajectory]) -> None:
    """Five calls stay cut: two tools end alike and take the arguments."""
    offered = [
        ({t.name: t for t in d.tools}.get(c.name), c) for d, calls in made_calls(conversations) for c in calls
    ]
    known = [(tool, call) for tool, call in offered if tool is not None]
    assert len(offered) - len(known) == 5
    for tool, call in known:
        assert set(tool.parameters["required"]) <= set(call.arguments) <= set(tool.parameters["properties"])


@pytest.mark.parametrize("form", ["pythonic", "hermes", "llama_json", "mcp"])
def test_every_turn_with_calls_comes_back(form: str, conversations: list[Trajectory]) -> None:
    def plain(calls: tuple[ToolCall, ...]) -> str:
        return canonical([(call.name, call.arguments) for call in calls])

    for trajectory, calls in made_calls(conversations):
        read = get(form).parse_calls(get(form).render_calls(calls), trajectory.tools)
        assert plain(read.calls) == plain(calls)


def test_every_conversation_comes_back_from_sharegpt(conversations: list[Trajectory]) -> None:
    for trajectory in conversations:
        written = to_sharegpt(trajectory, get("pythonic"))
        again = from_sharegpt(json.loads(json.dumps(written)), trajectory.id, get("pythonic"))
        assert canonical(again.model_dump()) == canonical(trajectory.model_dump())


def test_a_turn_that_lost_its_call_is_refused(records: list[Any]) -> None:
    with pytest.raises(FormatError, match="turn 4: no call"):
        from_sharegpt(records[LOST], "lost", get("pythonic"))


def test_steptools_tool_list_is_read(data_folder: Path) -> None:
    path = data_folder / "stabletoolbench" / "steptool" / "G123_example.json"
    if not path.is_file():
        pytest.skip("TASTEMAKER_DATA has no stabletoolbench/steptool")
    examples: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for example in examples.values():
        tools = read_tools(example["available_tools"])
        assert [t.name for t in tools] == [e["function"]["name"] for e in example["available_tools"]]
