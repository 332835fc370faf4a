"""The fourteen rules on samples whose faults are known by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tastemaker.records import Message, Outcome, Task, ToolCall, ToolSpec, Trajectory
from tastemaker.synthesis.verification.rules import RULES, accepted, verify

WEATHER = ToolSpec(
    name="sea/state",
    description="State of the sea.",
    parameters={
        "type": "object",
        "properties": {"place": {"type": "string"}, "hours": {"type": "integer", "minimum": 1}},
        "required": ["place"],
    },
)
ASK = Message(role="user", text="How is the sea at Whitby?")
CALL = Message(role="assistant", calls=(ToolCall(id="1", name="sea/state", arguments={"place": "Whitby"}),))
RESULT = Message(role="tool", text='{"waves": 1.5}', call_id="1")
TELL = Message(role="assistant", text="Waves are 1.5 m high.")


def sample(*messages: Message, tools: tuple[ToolSpec, ...] = (WEATHER,), id: str = "s") -> Trajectory:
    task = Task(kind="dialogue", id=id)
    return Trajectory(id=id, task=task, tools=tools, messages=messages, outcome=Outcome(kind="answered"))


def rules(trajectory: Trajectory) -> set[str]:
    return {fault.rule for fault in verify(trajectory).faults}


def calling(name: str = "sea/state", **arguments: Any) -> Message:
    return Message(role="assistant", calls=(ToolCall(id="1", name=name, arguments=arguments),))


def test_there_are_the_fourteen_rules_of_four_aspects() -> None:
    assert len({rule.name for rule in RULES}) == 14
    aspects = [rule.aspect for rule in RULES]
    assert [aspects.count(aspect) for aspect in dict.fromkeys(aspects)] == [2, 3, 5, 4]


@pytest.mark.parametrize(
    "messages",
    [
        (ASK, CALL, RESULT, TELL),
        (Message(role="system", text="Be brief."), ASK, CALL),
        (ASK, Message(role="assistant", text="Which day?"), Message(role="user", text="today"), CALL),
        (Message(role="user", text="海况如何?"), Message(role="assistant", text="浪高 1.5 米 (Whitby)。")),
        (ASK, Message(role="assistant", text="In Russian that is «какие волны у Уитби».")),
        (
            ASK,
            CALL,
            Message(role="tool", text="Юрий Сомов", call_id="1"),
            TELL.model_copy(update={"text": "It was Юрий Сомов."}),
        ),
        (ASK, CALL, RESULT.model_copy(update={"text": '[{"name": "sea/state", "results": {}}]'}), TELL),
    ],
)
def test_good_samples_are_accepted(messages: tuple[Message, ...]) -> None:
    assert verify(sample(*messages)).faults == ()


def wrong_tool(**changes: Any) -> tuple[ToolSpec, ...]:
    return (WEATHER.model_copy(update=changes),)


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("schema-valid", sample(ASK, TELL, tools=wrong_tool(parameters={"type": "object", "properties": 3}))),
        ("definition-complete", sample(ASK, TELL, tools=wrong_tool(description=""))),
        ("definition-complete", sample(ASK, TELL, tools=(WEATHER, WEATHER))),
        ("known-name", sample(ASK, calling("sea_state", place="Whitby"))),
        ("required-arguments", sample(ASK, calling(hours=2))),
        ("argument-values", sample(ASK, calling(place="Whitby", hours=0))),
        ("argument-values", sample(ASK, calling(place="Whitby", hours="2"))),
        ("argument-values", sample(ASK, calling(place="Whitby", unit="m"))),
        ("dialogue-fields", sample(ASK, TELL, id=" ")),
        ("dialogue-fields", sample(ASK, TELL.model_copy(update={"text": ""}))),
        ("response-length", sample(ASK, TELL.model_copy(update={"text": "Long. " * 1100}))),
        ("valid-characters", sample(ASK, TELL.model_copy(update={"text": "It is 5 \ufffdC."}))),
        ("valid-characters", sample(ASK, calling(place="Whit\x07by"))),
        ("one-language", sample(ASK, TELL.model_copy(update={"text": "Волны высотой полтора метра."}))),
        (
            "one-language",
            sample(
                ASK, TELL.model_copy(update={"text": "Waves are high. " * 30 + "Будьте осторожны на воде."})
            ),
        ),
        ("response-complete", sample(ASK, TELL.model_copy(update={"text": "Waves are about"}))),
        (
            "response-names",
            sample(ASK, CALL, RESULT.model_copy(update={"text": '{"name": "tides", "results": 1}'}), TELL),
        ),
        ("prompt-format", sample(ASK, TELL.model_copy(update={"text": "[sea/state(place='Whitby')]"}))),
        (
            "prompt-format",
            sample(
                Message(role="system", text="Put calls as [f(a=1)]. NO other text MUST be included."),
                ASK,
                CALL.model_copy(update={"text": "Sure!"}),
            ),
        ),
        ("prompt-format", sample(Message(role="system", text="Answer only in JSON."), ASK, TELL)),
        ("role-order", sample(ASK, ASK, TELL)),
        ("role-order", sample(ASK, TELL, ASK)),
        ("role-order", sample(TELL, ASK, TELL)),
        ("response-follows-call", sample(ASK, CALL, ASK, TELL)),
        ("response-follows-call", sample(ASK, CALL, RESULT.model_copy(update={"call_id": "2"}), TELL)),
        ("response-follows-call", sample(ASK, CALL, RESULT, TELL, ASK, RESULT, TELL)),
    ],
)
def test_each_rule_finds_its_defect(rule: str, bad: Trajectory) -> None:
    assert rule in rules(bad)


def test_faults_tell_the_place() -> None:
    fault = verify(sample(ASK, calling(place="Whitby", hours=0))).faults[0]
    assert (fault.rule, fault.where) == ("argument-values", "messages[1].calls[0].hours")


def test_a_rejected_sample_keeps_its_reasons(tmp_path: Path) -> None:
    file = tmp_path / "rejected.jsonl"
    bad = sample(ASK, calling("nowhere"), id="bad")
    kept = list(accepted([sample(ASK, TELL, id="good"), bad], file))
    assert [trajectory.id for trajectory in kept] == ["good"]
    (line,) = file.read_text().splitlines()
    assert json.loads(line) == {
        "id": "bad",
        "faults": [
            {"rule": "known-name", "where": "messages[1].calls[0]", "why": "there is no tool 'nowhere'"}
        ],
    }
