"""Made dialogues given to scripted models: what passes, what does not, and that the rest stays."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.records import Message, Outcome, Task, ToolCall, ToolSpec, Trajectory
from tastemaker.synthesis.dialogues.roles import Roles
from tastemaker.synthesis.dialogues.staging import RolesConfig
from tastemaker.synthesis.dialogues.voice import Decision, agrees
from tastemaker.synthesis.verification.rules import verify

NAME = {"type": "string", "description": "Name."}
FIND = ToolSpec(
    name="Find Harbour",
    description="Finds the harbour of a town.",
    parameters={
        "type": "object",
        "properties": {"town": NAME, "berths": {"type": "integer", "default": 1}},
        "required": ["town"],
    },
    result={
        "type": "object",
        "properties": {"town": NAME, "harbour": NAME, "depth": {"type": "number"}},
        "required": ["harbour"],
    },
)
TIDE = ToolSpec(
    name="tide",
    description="High water at a harbour.",
    parameters={"type": "object", "properties": {"harbour": NAME}, "required": ["harbour"]},
    result={"type": "object", "properties": {"metres": {"type": "number"}}, "required": ["metres"]},
)


def call(number: int, spec: ToolSpec, **arguments: Any) -> ToolCall:
    return ToolCall(id=f"call{number}", name=spec.name, arguments=arguments)


def dialogue(*messages: Message) -> Trajectory:
    made = Trajectory(
        id="d1",
        task=Task(kind="dialogue", id="d1", inputs={"kind": "single"}),
        tools=(FIND, TIDE),
        messages=messages,
        outcome=Outcome(kind="answered"),
    )
    assert verify(made).accepted
    return made


ASKED = "Which harbour in Whitby has room for 3 boats?"
SINGLE = dialogue(
    Message(role="user", text=ASKED),
    Message(role="assistant", calls=(call(1, FIND, town="Whitby", berths=3),)),
    Message(role="tool", text='{"harbour":"Endeavour Wharf","depth":4.5}', call_id="call1"),
    Message(role="assistant", text="It is Endeavour Wharf, 4.5 m deep."),
)
CHAIN = dialogue(
    Message(role="user", text="How high is the tide in the harbour of Whitby?"),
    Message(role="assistant", calls=(call(1, FIND, town="Whitby"),)),
    Message(role="tool", text='{"harbour":"Endeavour Wharf"}', call_id="call1"),
    Message(role="assistant", calls=(call(2, TIDE, harbour="Endeavour Wharf"),)),
    Message(role="tool", text='{"metres":5.2}', call_id="call2"),
    Message(role="assistant", text="High water is 5.2 metres."),
)
DECLINED = dialogue(
    Message(role="user", text="Paint my boat green."),
    Message(role="assistant", text="I have no tool for that."),
)

Part = ToolCallPart | TextPart


def wrote(value: Any) -> Part:
    return ToolCallPart("write", {"value": value})


def find(town: str = "Whitby", berths: int = 3, **more: Any) -> Part:
    return ToolCallPart(
        "Find_Harbour", {"thinking": f"{town} is named", "town": town, "berths": berths, **more}
    )


class Script:
    """A model that answers by the role that it is asked in; lists are taken in turn, the last one stays."""

    def __init__(self, user: Any = (), assistant: Any = (), tool: Any = ()) -> None:
        self.parts = {"user": list(user), "assistant": list(assistant), "tool": list(tool)}
        self.asked: list[tuple[str, list[ModelMessage], AgentInfo]] = []

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        role = "assistant"
        if info.output_tools:
            role = "tool" if "You are an API" in str(messages[0]) else "user"
        self.asked.append((role, list(messages), info))
        parts = self.parts[role]
        part = parts.pop(0) if len(parts) > 1 else parts[0]
        if isinstance(part, Exception):
            raise part
        return ModelResponse(part if isinstance(part, list) else [part])

    def count(self, role: str) -> int:
        return sum(asked == role for asked, _, _ in self.asked)


def given(script: Script, sample: Trajectory, **settings: Any) -> Trajectory:
    roles = Roles(FunctionModel(script, model_name="scripted"), RolesConfig(**settings))
    found = asyncio.run(roles.rewrite(sample))
    assert verify(found).accepted
    return found


def notes(found: Trajectory) -> list[tuple[int, str, str]]:
    told = found.task.inputs["roles"]["messages"]
    return [(note.get("message", -1), note["by"], note.get("why", "")) for note in told]


NEW = "I need a harbour in Whitby where three boats fit."


def test_other_words_that_say_the_same_are_kept() -> None:
    script = Script([wrote(NEW)], [find(), find(berths=2), find()])
    found = given(script, SINGLE)
    assert found.messages[0].text == NEW
    assert found.messages[1:] == SINGLE.messages[1:]
    assert notes(found) == [(0, "model", "")]
    assert found.task.inputs["kind"] == "single"
    assert found.provenance.model == "scripted"
    (step,) = found.steps
    assert step.text == "Whitby is named"
    assert (step.calls, step.observations) == (SINGLE.messages[1].calls, (SINGLE.messages[2].text,))
    assert (script.count("user"), script.count("assistant"), found.usage.requests) == (1, 3, 4)


def test_the_assistant_is_asked_with_the_tools_and_the_new_words_alone() -> None:
    script = Script([wrote(NEW)], [find()])
    given(script, SINGLE)
    _, messages, info = next(asked for asked in script.asked if asked[0] == "assistant")
    (request,) = messages
    assert isinstance(request, ModelRequest)
    assert [part.content for part in request.parts if isinstance(part, UserPromptPart)] == [NEW]
    assert [tool.name for tool in info.function_tools] == ["Find_Harbour", "tide"]
    schema = info.function_tools[0].parameters_json_schema
    assert list(schema["properties"]) == ["thinking", "town", "berths"]
    assert schema["required"] == ["thinking", "town"]
    seeds = [info.model_settings["seed"] for _, _, info in script.asked if info.model_settings]
    assert len(set(seeds)) == 4


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (wrote("I need a harbour where three boats fit."), "messages[1].call1.town no longer follows"),
        (wrote("I need a harbour in Whitby."), "messages[1].call1.berths no longer follows"),
        (wrote("A harbour in Whitby for 3 boats by 6 pm, please."), "the number 6 comes from nowhere"),
        (wrote(ASKED.upper()), "the words are the same"),
        (wrote("Whitby, 3 boats. " * 20), "characters for"),
        (wrote("In Whitby, \ufffd 3 boats."), "it holds"),
        (wrote(["Whitby", 3]), "no text"),
        (wrote("  "), "no text"),
        (ToolCallPart("write", '{"value": '), "no JSON"),
        (ToolCallPart("write", "[1]"), "no JSON"),
        (ToolCallPart("write", {"text": NEW}), "not a call with a value"),
        (TextPart(NEW), "not a call with a value"),
        (ValueError("the server is upset"), "ValueError: the server is upset"),
    ],
)
def test_words_that_fail_leave_the_made_ones(said: Any, why: str) -> None:
    script = Script([said], [find()])
    found = given(script, SINGLE)
    assert found.messages == SINGLE.messages
    assert script.count("user") == 2
    ((number, by, told),) = notes(found)
    assert (number, by) == (0, "made")
    assert why in told


def test_a_second_try_may_pass() -> None:
    found = given(Script([TextPart("junk"), wrote(NEW)], [find()]), SINGLE)
    assert found.messages[0].text == NEW


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (find(town="Hull"), "0 of 3 decisions are the gold one"),
        (find(mooring="yes"), "0 of 3"),
        ([find(), find(town="Hull")], "0 of 3"),
        (TextPart("Which boats?"), "0 of 3"),
        (TextPart(" "), "neither called a tool nor said anything"),
        (ToolCallPart("Find_Harbour", '{"town": NaN}'), "no JSON"),
        (ValueError("down"), "0 of 3 decisions are the gold one; ValueError: down"),
    ],
)
def test_without_agreement_the_made_words_stay(decision: Any, why: str) -> None:
    found = given(Script([wrote(NEW)], [decision]), SINGLE)
    assert found.messages == SINGLE.messages
    assert found.steps == ()
    assert why in notes(found)[0][2]


def test_half_of_the_votes_is_enough() -> None:
    votes = [find(), TextPart("Hm."), find(), find(town="Hull")]
    assert given(Script([wrote(NEW)], votes), SINGLE, votes=4).messages[0].text == NEW
    votes = [find(), TextPart("Hm."), find(town="York"), find(town="Hull")]
    assert given(Script([wrote(NEW)], votes), SINGLE, votes=4, tries=1).messages[0].text == ASKED


def test_where_no_call_is_right_words_agree() -> None:
    new = "Could you give my boat a coat of green?"
    found = given(Script([wrote(new)], [TextPart("I cannot paint.")]), DECLINED)
    assert [message.text for message in found.messages] == [new, "I have no tool for that."]
    assert given(Script([wrote(new)], [find()]), DECLINED).messages == DECLINED.messages


def test_decisions_agree_up_to_order_defaults_and_number_types() -> None:
    gold = Message(role="assistant", calls=(call(1, FIND, town="Hull"), call(2, FIND, town="York", berths=2)))
    other = (call(1, FIND, town="York", berths=2.0), call(2, FIND, town="Hull", berths=1))
    tools = [FIND, TIDE]
    assert agrees(Decision(other, ""), gold, tools)
    assert not agrees(Decision(other[:1], ""), gold, tools)
    assert not agrees(Decision((*other, other[0]), ""), gold, tools)
    assert not agrees(Decision((), "Hull"), gold, tools)
    assert not agrees(Decision((call(1, FIND, town="york", berths=2), other[1]), ""), gold, tools)


def test_limits_leave_what_was_made() -> None:
    script = Script([wrote(NEW)], [find()])
    roles = Roles(FunctionModel(script), RolesConfig(requests=4, concurrency=1))

    async def both() -> list[Trajectory]:
        return await asyncio.gather(*(roles.rewrite(SINGLE) for _ in range(2)))

    first, second = asyncio.run(both())
    assert first.messages[0].text == NEW
    assert second.messages == SINGLE.messages
    assert notes(second) == [(0, "made", "the limit of 4 model calls is reached")]
    assert len(script.asked) == 4


def test_concurrency_is_bounded_in_every_loop() -> None:
    under_way, most = 0, 0

    async def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return ModelResponse([wrote(NEW) if info.output_tools else find()])

    roles = Roles(FunctionModel(respond), RolesConfig(concurrency=2, votes=1))

    async def several() -> list[Trajectory]:
        return await asyncio.gather(*(roles.rewrite(SINGLE) for _ in range(6)))

    for _ in range(2):
        assert [one.messages[0].text for one in asyncio.run(several())] == [NEW] * 6
    assert most == 2


def test_all_roles_are_played() -> None:
    result = {"town": "Whitby", "harbour": "Fish Pier", "depth": 3.5}
    answer = "You can use Fish Pier, which is 3.5 m deep."
    script = Script([wrote(NEW)], [find(), find(), find(), TextPart(answer)], [wrote(result)])
    found = given(script, SINGLE, how="play")
    assert [message.text for message in found.messages] == [
        NEW,
        "",
        json.dumps(result, separators=(",", ":")),
        answer,
    ]
    assert found.messages[1] == SINGLE.messages[1]
    assert [by for _, by, _ in notes(found)] == ["model"] * 4
    assert found.steps[0].observations == (found.messages[2].text,)
    assert script.count("assistant") == 6  # the user's words and the calls are voted on at once
    last = script.asked[-1][1]
    returned = [part for message in last for part in message.parts if isinstance(part, ToolReturnPart)]
    assert [(part.tool_name, part.tool_call_id) for part in returned] == [("Find_Harbour", "call1")]


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"depth": 3.5}, "harbour"),
        ({"harbour": 7}, "harbour"),
        ({"harbour": "Pier", "town": "Hull"}, "town is not that of the call"),
        ("Pier", "the result"),
    ],
)
def test_a_result_that_does_not_fit_leaves_the_made_one(result: Any, why: str) -> None:
    script = Script([wrote(NEW)], [find(), find(), find(), TextPart("Endeavour Wharf.")], [wrote(result)])
    found = given(script, SINGLE, how="play")
    assert found.messages[2] == SINGLE.messages[2]
    assert found.messages[3].text == "Endeavour Wharf."
    assert (notes(found)[2][0], notes(found)[2][1]) == (2, "made")
    assert why in notes(found)[2][2]


def test_a_result_keeps_what_later_calls_need() -> None:
    tide = ToolCallPart("tide", {"thinking": "found", "harbour": "Endeavour Wharf"})
    votes = [*[find(berths=1)] * 3, *[tide] * 3, TextPart("It is 6.1 metres.")]
    script = Script([TextPart("junk")], votes, [wrote({"harbour": "Fish Pier"}), wrote({"metres": 6.1})])
    found = given(script, CHAIN, how="play")
    assert [message.text for message in found.messages[2:]] == [
        CHAIN.messages[2].text,
        "",
        '{"metres":6.1}',
        "It is 6.1 metres.",
    ]
    assert "messages[3].call2.harbour no longer follows" in notes(found)[2][2]
    assert [step.text for step in found.steps] == ["Whitby is named", "found"]


@pytest.mark.parametrize(
    "answer", ["It is 7.5 metres.", "All is well.", "Is it 6.1 metres?", "It is 6.1 metres and"]
)
def test_an_answer_that_fails_brings_the_made_result_back(answer: str) -> None:
    tide = ToolCallPart("tide", {"thinking": "found", "harbour": "Endeavour Wharf"})
    votes = [*[find(berths=1)] * 3, *[tide] * 3, TextPart(answer)]
    results = [wrote({"harbour": "Endeavour Wharf", "depth": 2}), wrote({"metres": 6.1})]
    found = given(Script([TextPart("junk")], votes, results), CHAIN, how="play")
    assert found.messages == CHAIN.messages
    assert found.steps == ()
    assert notes(found)[-1][2] == "what tools and assistant said before it is as it was made"


def test_an_error_on_purpose_stays() -> None:
    error = Message(role="tool", text='{"error":"busy"}', call_id="call1")
    told = Message(role="assistant", text="The service is busy.")
    sample = dialogue(*SINGLE.messages[:2], error, told)
    script = Script(
        [wrote(NEW)], [find(), find(), find(), TextPart("It was too busy.")], [wrote({"harbour": "P"})]
    )
    found = given(script, sample, how="play")
    assert found.messages[2:] == (error, Message(role="assistant", text="It was too busy."))
    assert script.count("tool") == 0


def test_what_the_rules_reject_is_not_kept() -> None:
    russian = "Мне нужна гавань: Whitby, 3 лодки."
    script = Script([wrote(russian)], [find()])
    found = given(script, SINGLE)
    assert found.messages == SINGLE.messages
    assert notes(found)[-1][2].startswith("one-language")


def test_greedy_answers_are_right_or_wrong() -> None:
    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        assert info.model_settings is not None
        assert info.model_settings["temperature"] == 0
        assert "thinking" not in info.function_tools[0].parameters_json_schema["properties"]
        if "Paint" in str(messages):
            raise ValueError("down")
        return ModelResponse([ToolCallPart("Find_Harbour", {"town": "Whitby", "berths": 1})])

    roles = Roles(FunctionModel(respond))
    assert asyncio.run(roles.answers_right([SINGLE, CHAIN, DECLINED])) == [False, True, False]
