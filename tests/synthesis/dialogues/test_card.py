"""Cards: counts of dialogues written by hand, and a page that holds them."""

import json
from pathlib import Path
from typing import Any

from tastemaker.records import Message, Outcome, Task, ToolCall, ToolSpec, Trajectory
from tastemaker.synthesis.dialogues.card import as_markdown, rejections, statistics, write_card

LIGHT = ToolSpec(name="light", description="d")
TIDE = ToolSpec(name="tide", description="d")


def _dialogue(id: str, tools: tuple[ToolSpec, ...], *messages: Message, **inputs: Any) -> Trajectory:
    task = Task(kind="dialogue", id=id, inputs=inputs)
    return Trajectory(id=id, task=task, tools=tools, messages=messages, outcome=Outcome(kind="answered"))


def _call(tool: str, /, **arguments: Any) -> Message:
    return Message(role="assistant", calls=(ToolCall(id="call1", name=tool, arguments=arguments),))


SET = (
    _dialogue("a", (), Message(role="user", text="Hi!"), kind="no tool"),
    _dialogue(
        "b",
        (LIGHT, TIDE),
        Message(role="user", text="Dim it"),
        _call("light", level=3, on=True, rooms=["hall"], at={"hour": 7}),
        Message(role="user", text="Again"),
        _call("light", level=2.5, rooms=[], mixed=["a", 1], name="x", until=None),
        kind="single",
        domain="home|house",
    ),
    _dialogue("c", (TIDE,), Message(role="user", text="Tide?"), kind="single", domain=["sea", "home|house"]),
)


def test_counts_by_hand() -> None:
    found = statistics(iter(SET))
    assert found["dialogues"] == 3
    assert found["kinds"] == {"single": 2, "no tool": 1}
    assert found["domains"] == 3
    assert list(found["largest domains"].items()) == [("home|house", 2), ("sea", 1), ("unknown", 1)]
    assert found["distinct tools"] == 2
    assert found["tools offered"] == {"mean": 1.0, "dialogues": {"0": 1, "1": 1, "2": 1}}
    assert found["calls"] == {"mean": 2 / 3, "dialogues": {"0": 2, "2": 1}}
    assert found["turns"] == {"mean": 4 / 3, "dialogues": {"1": 2, "2": 1}}
    assert found["argument types"] == {
        "boolean": 1,
        "integer": 1,
        "list of mixed": 1,
        "list of nothing": 1,
        "list of string": 1,
        "null": 1,
        "number": 1,
        "object": 1,
        "string": 1,
    }


def test_tokens_are_counted_by_a_tokenizer_or_estimated() -> None:
    estimated = statistics(SET[:1])["tokens"]
    assert (estimated["counted by"], estimated["sum"], estimated["most"]) == ("words and marks", 2, 2)
    assert estimated["dialogues"]["up to 128"] == 1
    counted = statistics(SET, len)["tokens"]
    offered = len(json.dumps(["tide", "d", {"type": "object", "properties": {}}]))
    first, third = len("Hi!"), len("Tide?") + offered
    calls = [
        {"level": 3, "on": True, "rooms": ["hall"], "at": {"hour": 7}},
        {"level": 2.5, "rooms": [], "mixed": ["a", 1], "name": "x", "until": None},
    ]
    second = len("Dim it") + len("Again") + 2 * offered + 1
    second += sum(len("light") + len(json.dumps(call)) for call in calls)
    assert (counted["counted by"], counted["sum"]) == ("a tokenizer", first + second + third)
    assert counted["most"] == second


def test_rejections_count_a_dialogue_once_for_each_rule(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    faults = [["a", "a", "b"], ["b"], ["b"]]
    lines = [{"id": "x", "faults": [{"rule": rule} for rule in rules]} for rules in faults]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert rejections(file) == {"dialogues": 3, "by rule": {"b": 3, "a": 1}}


def test_the_page_holds_the_figures(tmp_path: Path) -> None:
    card: dict[str, Any] = {
        "settings": {"seed": 7, "mix": {"single": 1.0}},
        "model": "none",
        "rejected": {"dialogues": 4, "by rule": {"role-order": 4}},
        "statistics": statistics(SET),
    }
    write_card(tmp_path / "set.jsonl", card)
    assert json.loads((tmp_path / "set.jsonl.card.json").read_text()) == card
    page = (tmp_path / "set.jsonl.card.md").read_text()
    for row in (
        "| seed | 7 |",
        "| mix | single 1.0 |",
        "| model | none |",
        "| home\\|house | 2 |",
        "| role-order | 4 |",
        "Not checked.",
    ):
        assert row in page
    checked = {**card, "contamination": {"question": {"of": 1200, "found": 0, "examples": []}}}
    assert "| question | 1,200 | 0 |" in as_markdown("set.jsonl", checked)
    assert as_markdown("empty", {"statistics": statistics([])}).startswith("# Data card: empty")
