"""The plain loop against scripted models (FunctionModel) and a faulty OpenAI-style server on loopback."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import RequestUsage

from tastemaker.errors import LimitReached, ToolError
from tastemaker.records import Task, ToolSpec, Trajectory, parse_line
from tastemaker.tools.limits import Budget, Limits
from tastemaker.tools.loop import Event, InWords, act
from tastemaker.tools.tool import Tool

TASK = Task(kind="test", id="t1")
Output = ModelResponse | BaseException


class Pick:
    """An answer `pick(id)` that must be one of the ids offered so far."""

    def __init__(self, offered: list[str], question: str = "") -> None:
        self.offered = offered
        self.question = question

    @property
    def needs(self) -> tuple[str, ...]:
        return () if self.offered else ("offer",)

    def spec(self) -> ToolSpec:
        schema = {"type": "object", "properties": {"id": {"enum": list(self.offered)}}, "required": ["id"]}
        return ToolSpec(name="pick", description="Give the answer.", parameters=schema)

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments.get("id") not in self.offered:
            raise ToolError(f"id must be one of {', '.join(self.offered)}")
        return {"id": arguments["id"]}


def call(name: str, **arguments: Any) -> ToolCallPart:
    return ToolCallPart(name, arguments)


def say(*parts: ToolCallPart | TextPart, **details: Any) -> ModelResponse:
    usage = RequestUsage(input_tokens=10, output_tokens=3)
    return ModelResponse(parts=list(parts), usage=usage, provider_details=details or None)


class Script:
    """A model that gives the outputs in turn, and remembers what it was sent and offered."""

    def __init__(self, *outputs: Output) -> None:
        self.outputs = list(outputs)
        self.sent: list[list[ModelMessage]] = []
        self.offered: list[list[str]] = []
        self.schemas: list[dict[str, Any]] = []

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.sent.append(list(messages))
        self.offered.append([tool.name for tool in (*info.function_tools, *info.output_tools)])
        self.schemas.append({tool.name: tool.parameters_json_schema for tool in info.output_tools})
        assert not info.allow_text_output
        output = self.outputs.pop(0)
        if isinstance(output, BaseException):
            raise output
        return output

    @property
    def model(self) -> Model:
        return FunctionModel(self)


class Shop:
    """Two tools: `look(item)` says something, `offer(id)` adds to what may be picked."""

    def __init__(self) -> None:
        self.offered: list[str] = []
        self.looked: list[str] = []

    def tools(self) -> list[Tool]:
        def look(item: str) -> str:
            """Look at an item."""
            self.looked.append(item)
            if item == "missing":
                raise ToolError("no item 'missing'")
            if item == "bug":
                raise KeyError(item)
            if item == "broke":
                raise LimitReached("the team has nothing left")
            return f"{item} is nice"

        def offer(id: str) -> str:
            """Offer an item."""
            self.offered.append(id)
            return f"{id} may be picked"

        return [Tool.from_function(look), Tool.from_function(offer)]


def run(model: Model, shop: Shop | None = None, **more: Any) -> Trajectory:
    shop = shop or Shop()
    arguments: dict[str, Any] = {
        "limits": Limits(backoff=0.0),
        "tools": shop.tools(),
        "answer": Pick(shop.offered),
    }
    made = act(
        model,
        id="r1",
        agent="manager",
        instructions="Be brief.",
        prompt="Pick one.",
        task=TASK,
        **arguments | more,
    )
    return asyncio.run(made)


def test_the_question_stands_last_when_the_answer_is_first_offered() -> None:
    shop = Shop()
    script = Script(say(call("offer", id="tea")), say(call("look", item="tea")), say(call("pick", id="tea")))
    made = run(script.model, shop, tools=shop.tools(), answer=Pick(shop.offered, "Which one?"))
    asked = [message.text for message in made.messages if message.role == "user"]
    assert asked == ["Pick one.", "Which one?"]
    assert [m.role for m in made.messages][:5] == ["system", "user", "assistant", "tool", "user"]
    assert "Which one?" not in str(script.sent[0])
    assert "Which one?" in str(script.sent[1][-1].parts[-1])


def test_acts_then_answers_and_records_everything() -> None:
    script = Script(
        say(call("look", item="tea"), call("offer", id="tea")),
        say(
            call("pick", id="tea"),
            text="raw text",
            token_ids=[5, 6],
            log_probs=[-0.5, -0.25],
            prompt_ids=[1, 2],
        ),
    )
    events: list[Event] = []
    made = run(script.model, observe=events.append, parent="p")
    assert (made.outcome.kind, made.outcome.answer, made.error) == ("answered", {"id": "tea"}, None)
    assert script.offered == [["look", "offer"], ["look", "offer", "pick"]]
    assert script.schemas[1]["pick"]["properties"]["id"]["enum"] == ["tea"]
    assert (made.usage.requests, made.usage.input_tokens, made.usage.output_tokens) == (2, 20, 6)
    assert (made.id, made.parent, made.agent, made.task) == ("r1", "p", "manager", TASK)
    first, last = made.steps
    assert [c.name for c in first.calls] == ["look", "offer"]
    assert first.observations == ("tea is nice", "tea may be picked")
    assert (last.text, last.token_ids, last.log_probs, last.prompt_ids) == (
        "raw text",
        (5, 6),
        (-0.5, -0.25),
        (1, 2),
    )
    assert [m.role for m in made.messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "tool",
    ]
    assert [tool.name for tool in made.tools] == ["look", "offer", "pick"]
    assert [e.kind for e in events] == [
        "start",
        "call",
        "observation",
        "call",
        "observation",
        "answer",
        "end",
    ]
    assert events[1].text == 'look(item="tea")'
    assert parse_line(made.model_dump_json()) == made


def test_messages_mirror_what_the_model_was_sent() -> None:
    script = Script(
        say(call("look", item="a")),
        say(TextPart("hm")),
        say(call("offer", id="a")),
        say(call("pick", id="a")),
    )
    made = run(script.model)
    sent: list[tuple[str, str]] = []
    for message in script.sent[-1]:
        for part in message.parts:
            if isinstance(part, ToolCallPart):
                sent.append(("call", part.tool_call_id))
            elif isinstance(part, ToolReturnPart):
                sent.append((part.tool_call_id, str(part.content)))
            else:
                sent.append((type(part).__name__, str(part.content)))  # type: ignore[union-attr]
    recorded: list[tuple[str, str]] = []
    kinds = {"system": "SystemPromptPart", "user": "UserPromptPart", "assistant": "TextPart"}
    for mirrored in made.messages[:-2]:
        if mirrored.call_id:
            recorded.append((mirrored.call_id, mirrored.text))
        else:
            recorded += [(kinds[mirrored.role], mirrored.text)] if mirrored.text else []
            recorded += [("call", c.id) for c in mirrored.calls]
    assert recorded == sent


def test_last_round_offers_only_what_makes_an_answer_possible() -> None:
    script = Script(say(call("offer", id="x")), say(call("pick", id="x")))
    made = run(script.model, limits=Limits(steps=1))
    assert script.offered == [["offer"], ["pick"]]
    assert made.outcome.kind == "answered"


def test_without_anything_to_answer_with_the_run_ends_as_invalid() -> None:
    shop = Shop()
    script = Script(say(call("look", item="a")))
    made = run(script.model, shop, limits=Limits(steps=1), tools=shop.tools()[:1])
    assert made.outcome.kind == "invalid"
    assert "no answer was possible" in (made.error or "")


def test_wrong_answers_go_back_with_the_reason_and_then_count_as_invalid() -> None:
    shop = Shop()
    shop.offered += ["a", "b"]
    script = Script(say(call("pick", id="z")), say(call("pick", id=None)), say(call("pick", id="y")))
    events: list[Event] = []
    made = run(script.model, shop, observe=events.append)
    assert (made.outcome.kind, made.outcome.answer) == ("invalid", {"id": "y"})
    assert made.error == "id must be one of a, b"
    assert [step.error for step in made.steps] == ["id must be one of a, b"] * 3
    returned = script.sent[1][-1].parts[0]
    assert isinstance(returned, ToolReturnPart)
    assert returned.content == "id must be one of a, b"
    assert [e.kind for e in events] == ["start", "rejected", "rejected", "rejected", "end"]


def test_a_wrong_answer_can_be_mended() -> None:
    shop = Shop()
    shop.offered.append("a")
    made = run(Script(say(call("pick", id="z")), say(call("pick", id="a"))).model, shop)
    assert (made.outcome.kind, made.outcome.answer) == ("answered", {"id": "a"})


def test_text_instead_of_a_call_is_answered_with_the_names_of_the_calls() -> None:
    script = Script(say(TextPart("I like tea.")), say(call("offer", id="a")), say(call("pick", id="a")))
    made = run(script.model)
    assert made.outcome.kind == "answered"
    assert made.messages[3].text == made.steps[0].error == "Answer with a call of one of: look, offer."
    assert made.steps[0].text == "I like tea."


def test_an_output_that_was_cut_off_is_told_so() -> None:
    cut = ModelResponse(parts=[TextPart('{"name": "offer", "argu')], finish_reason="length")
    made = run(Script(cut, say(call("offer", id="a")), say(call("pick", id="a"))).model)
    assert made.outcome.kind == "answered"
    assert made.steps[0].error == (
        "Your output was too long and was cut off; write less. Answer with a call of one of: look, offer."
    )


def test_a_repeated_call_is_not_run_again() -> None:
    shop = Shop()
    same = {"item": "tea"}
    script = Script(
        say(call("look", **same)),
        say(ToolCallPart("look", json.dumps(same)), call("look", item="milk"), call("offer", id="a")),
        say(call("pick", id="a")),
    )
    made = run(script.model, shop)
    assert shop.looked == ["tea", "milk"]
    assert "made this call before" in made.steps[1].observations[0]


def test_a_tool_without_arguments_is_offered_once() -> None:
    def now() -> str:
        """The time."""
        return "noon"

    shop = Shop()
    script = Script(say(call("now")), say(call("offer", id="a")), say(call("pick", id="a")))
    made = run(script.model, shop, tools=[*shop.tools(), Tool.from_function(now)])
    assert made.outcome.kind == "answered"
    assert script.offered == [["look", "offer", "now"], ["look", "offer"], ["look", "offer", "pick"]]


def test_errors_of_tools_go_to_the_model_and_the_run_goes_on() -> None:
    script = Script(
        say(
            call("look", item="missing"),
            call("look", item=None),
            call("look", item="bug"),
            call("offer", id="a"),
        ),
        say(call("pick", id="a")),
    )
    made = run(script.model)
    missing, null, bug, offered = made.steps[0].observations
    assert missing == "error: no item 'missing'"
    assert "item" in null
    assert bug == "error: look failed: KeyError"
    assert offered == "a may be picked"
    assert made.outcome.kind == "answered"


def test_rounds_in_which_no_call_fits_are_given_back_as_often_as_answers_are_tried_again() -> None:
    def offer() -> str:
        """Offer an item."""
        shop.offered.append("a")
        return "a may be picked"

    shop = Shop()
    tools = [Tool.from_function(offer)]
    wrong, right = say(call("offer", user="7")), [say(call("offer")), say(call("pick", id="a"))]
    script = Script(wrong, wrong, *right)
    made = run(script.model, shop, tools=tools, limits=Limits(steps=1, answer_tries=3))
    assert made.outcome.kind == "answered"
    assert "there is no argument" in made.steps[0].observations[0]
    script = Script(wrong, wrong, wrong, *right)
    made = run(script.model, Shop(), tools=tools, limits=Limits(steps=1, answer_tries=3))
    assert (made.outcome.kind, made.usage.requests) == ("invalid", 3)


@pytest.mark.parametrize(
    "part",
    [
        call("nothing", a=1),
        call("pick", id="a"),
        ToolCallPart("look", '{"item": '),
        ToolCallPart("look", "[1, 2]"),
        ToolCallPart("look", '{"item": NaN}'),
        ToolCallPart("look", {"item": math.nan}),
        ToolCallPart("look", '{"item": 1e999}'),
        ToolCallPart("look", '{"item": ' + "9" * 5000 + "}"),
        ToolCallPart("look", '{"item": ' + "[" * 3000 + "]" * 3000 + "}"),
        ToolCallPart("look", {"item": "\ud800"}),
        ToolCallPart("\udcff", "\udcff"),
    ],
)
def test_unusable_calls_are_rejected_recorded_and_counted(part: ToolCallPart) -> None:
    shop = Shop()
    script = Script(*[say(part)] * 3)
    made = run(script.model, shop, limits=Limits(answer_tries=3, steps=9))
    assert made.outcome.kind == "invalid"
    assert len(made.steps) == 3
    assert all(step.error and step.observations == (step.error,) for step in made.steps)
    assert shop.looked == []
    assert parse_line(made.model_dump_json()) == made


def test_a_response_that_cannot_be_read_is_a_rejected_step() -> None:
    script = Script(
        UnexpectedModelBehavior("half a message"), say(call("offer", id="a")), say(call("pick", id="a"))
    )
    made = run(script.model)
    assert made.outcome.kind == "answered"
    assert "half a message" in (made.steps[0].error or "")
    assert made.usage.requests == 3


def test_calls_after_the_accepted_answer_are_not_run() -> None:
    shop = Shop()
    shop.offered.append("a")
    made = run(Script(say(call("pick", id="a"), call("look", item="tea"))).model, shop)
    assert made.outcome.kind == "answered"
    assert shop.looked == []
    assert made.steps[0].observations == ("accepted", "not run")


def test_ids_of_calls_are_unique_and_the_same_in_every_run() -> None:
    def outputs() -> list[Output]:
        twice = [ToolCallPart("look", {"item": "a"}, "x"), ToolCallPart("look", {"item": "b"}, "x")]
        return [say(*twice), say(call("offer", id="a")), say(call("pick", id="a"))]

    first, second = run(Script(*outputs()).model), run(Script(*outputs()).model)
    assert [c.id for step in first.steps for c in step.calls] == ["x", "call00002", "call00003", "call00004"]
    assert first.messages == second.messages


def test_budgets_hold_over_all_runs_that_share_them() -> None:
    limits = Limits(requests=3, backoff=0.0)
    budget = Budget(limits)
    outputs = [say(call("offer", id="a")), say(call("pick", id="a"))]
    first = run(Script(*outputs).model, limits=limits, budget=budget)
    second = run(Script(*outputs).model, limits=limits, budget=budget)
    assert (first.outcome.kind, second.outcome.kind) == ("answered", "limit")
    assert (first.usage.requests, second.usage.requests) == (2, 1)
    assert "3 model calls" in (second.error or "")


def test_token_limit_stops_the_run() -> None:
    script = Script(*[say(call("look", item=str(i))) for i in range(9)])
    made = run(script.model, limits=Limits(tokens=20, steps=9))
    assert (made.outcome.kind, made.usage.requests) == ("limit", 2)


def test_time_limit_ends_a_request_under_way() -> None:
    async def sleep(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        await asyncio.sleep(60)
        return say()

    made = run(FunctionModel(sleep), limits=Limits(seconds=0.05))
    assert made.outcome.kind == "limit"
    assert "0.05 seconds" in (made.error or "")


def test_a_limit_reached_inside_a_tool_ends_the_run_with_the_step_recorded() -> None:
    made = run(Script(say(call("look", item="broke"), call("look", item="tea"))).model)
    assert (made.outcome.kind, made.error) == ("limit", "the team has nothing left")
    assert made.steps[0].observations == ("the team has nothing left", "not run")


def test_cancellation_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Script(KeyboardInterrupt()).model)

    async def cancelled() -> None:
        started = asyncio.Event()

        async def hang(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            started.set()
            await asyncio.sleep(60)
            return say()

        made = act(
            FunctionModel(hang),
            id="r",
            agent="m",
            instructions="",
            prompt="",
            task=TASK,
            tools=[],
            answer=Pick(["a"]),
        )
        task = asyncio.create_task(made)
        await started.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PARTS: st.SearchStrategy[Any] = st.builds(TextPart, st.text()) | st.builds(
    ToolCallPart,
    st.sampled_from(["look", "offer", "pick", ""]) | st.text(),
    st.text() | st.dictionaries(st.sampled_from(["item", "id"]) | st.text(), JSON, max_size=3) | st.none(),
    st.text(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(PARTS, max_size=3), min_size=8, max_size=8))
def test_whatever_a_model_says_the_run_ends_with_a_record(outputs: list[list[Any]]) -> None:
    shop = Shop()
    made = run(
        Script(*[say(*parts) for parts in outputs]).model, shop, limits=Limits(steps=3, answer_tries=3)
    )
    assert made.usage.requests == len(made.steps) <= 6
    if made.outcome.kind == "answered":
        assert made.outcome.answer["id"] in shop.offered
    assert parse_line(made.model_dump_json()) == made


Reply = tuple[int, str]


@contextmanager
def server(reply: Callable[[int], Reply | None]) -> Iterator[tuple[Model, list[Any]]]:
    """An OpenAI-style server: `reply(k)` is status and body of the k-th request; None hangs for a second."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            answer = reply(len(asked))
            if answer is None:
                time.sleep(1.0)
                return
            status, body = answer
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    try:
        yield OpenAIChatModel("test", provider=OpenAIProvider(base_url=url, api_key="none")), asked
    finally:
        http.shutdown()
        http.server_close()


def completion(name: str, arguments: str) -> Reply:
    function = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [function]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    whole = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [choice],
        "usage": usage,
    }
    return 200, json.dumps(whole)


OFFERED = completion("offer", '{"id": "a"}')
PICKED = completion("pick", '{"id": "a"}')


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fault_of_the_server_is_asked_again(status: int) -> None:
    with server(
        lambda k: (status, '{"error": {"message": "busy"}}') if k <= 2 else [OFFERED, PICKED][k - 3]
    ) as (model, asked):
        made = run(model)
    assert made.outcome.kind == "answered"
    assert made.usage.requests == len(asked) == 4
    assert (made.usage.input_tokens, made.usage.output_tokens) == (14, 4)


def test_a_server_that_stays_down_is_a_failed_run() -> None:
    with server(lambda k: (500, "no json")) as (model, asked):
        made = run(model)
    assert (made.outcome.kind, len(asked)) == ("failed", 3)
    assert "500" in (made.error or "")
    assert "\n" not in (made.error or "")


def test_a_refused_request_is_not_asked_again() -> None:
    with server(lambda k: (401, '{"error": {"message": "wrong key"}}')) as (model, asked):
        made = run(model)
    assert (made.outcome.kind, len(asked)) == ("failed", 1)
    assert "wrong key" in (made.error or "")


def test_no_server_at_all_is_a_failed_run() -> None:
    with server(lambda k: OFFERED) as (model, _):
        pass
    made = run(model)
    assert (made.outcome.kind, made.usage.requests) == ("failed", 3)


def test_a_server_that_does_not_answer_in_time_is_a_failed_run() -> None:
    with server(lambda k: None) as (model, asked):
        made = run(model, limits=Limits(request_seconds=0.1, backoff=0.0))
    assert (made.outcome.kind, made.error) == ("failed", "no answer within 0.1 s")
    assert len(asked) == 3


@pytest.mark.parametrize(
    "body", ["<html>not json</html>", "{}", '{"choices": []}', '{"choices": null}', "[]", '"junk"']
)
def test_a_body_that_is_no_completion_never_leaves_the_loop(body: str) -> None:
    with server(lambda k: (200, body)) as (model, _):
        made = run(model)
    assert made.outcome.kind in ("invalid", "failed")
    assert made.error
    assert parse_line(made.model_dump_json()) == made


def test_junk_arguments_from_a_server_are_sent_back_with_the_reason() -> None:
    replies = [completion("offer", '{"id": '), OFFERED, PICKED]
    with server(lambda k: replies[k - 1]) as (model, asked):
        made = run(model)
    assert made.outcome.kind == "answered"
    told = [m for m in asked[1]["messages"] if m["role"] == "tool"]
    assert "not a JSON object" in told[0]["content"]
    assert asked[0]["tool_choice"] == "required"


def test_history_can_be_sent_to_a_model_again() -> None:
    """Whatever was rejected, the next request still goes out as valid JSON."""
    replies = [completion("offer", '{"id": "\\ud800"}'), completion("\ud800", "{}"), OFFERED, PICKED]
    with server(lambda k: replies[k - 1]) as (model, asked):
        made = run(model)
    assert (made.outcome.kind, len(asked)) == ("answered", 4)


def words(text: str) -> str:
    if "wrong" in text:
        raise ToolError("that is wrong")
    return text


class Talk(Script):
    """A script for answers in words."""

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.sent.append(list(messages))
        self.offered.append([tool.name for tool in (*info.function_tools, *info.output_tools)])
        assert info.allow_text_output
        output = self.outputs.pop(0)
        assert isinstance(output, ModelResponse)
        return output


def now() -> str:
    """The time."""
    return "noon"


def test_an_answer_in_words_may_follow_any_number_of_rounds() -> None:
    shop = Shop()
    asked = [say(call("look", item=str(n))) for n in range(6)]
    script = Talk(
        say(call("now")), *asked, say(TextPart("wrong")), say(TextPart("It is nice."), token_ids=[7])
    )
    tools = [*shop.tools(), Tool.from_function(now)]
    events: list[Event] = []
    made = run(
        script.model, shop, tools=tools, answer=InWords(words), limits=Limits(steps=1), observe=events.append
    )
    assert (made.outcome.kind, made.outcome.answer) == ("answered", "It is nice.")
    assert script.offered == [["look", "offer", "now"]] * 9
    assert made.steps[-2].error == made.messages[-2].text == "that is wrong"
    assert (made.steps[-1].token_ids, made.steps[-1].text) == ((7,), "It is nice.")
    assert [m.role for m in made.messages[-3:]] == ["assistant", "user", "assistant"]
    assert [e.kind for e in events[-3:]] == ["rejected", "answer", "end"]
    assert parse_line(made.model_dump_json()) == made


def test_words_that_were_cut_off_are_no_answer() -> None:
    cut = ModelResponse(parts=[TextPart("It is n")], finish_reason="length")
    made = run(Talk(cut, cut, cut).model, answer=InWords(words))
    assert (made.outcome.kind, made.outcome.answer) == ("invalid", "It is n")
    reason = "Your output was too long and was cut off; write less. Make calls, or answer in words."
    assert [step.error for step in made.steps] == [reason] * 3


def test_one_call_too_many_ends_a_run() -> None:
    shop = Shop()
    many = say(*[call("look", item=str(n)) for n in range(3)], call("nothing"))
    script = Talk(many, many)
    made = run(script.model, shop, answer=InWords(words), limits=Limits(calls=5, answer_tries=9))
    assert (made.outcome.kind, made.error) == ("limit", "the limit of 5 calls is reached")
    assert shop.looked == ["0", "1", "2"]
    assert made.steps[1].observations[1:] == ("the limit of 5 calls is reached", "not run", "not run")


def test_a_failed_call_is_run_again_only_where_that_is_said() -> None:
    def again(**more: Any) -> tuple[list[str], tuple[str, ...]]:
        shop = Shop()
        calls = [call("look", item=item) for item in ("missing", "tea", "missing", "tea")]
        script = Script(say(*calls), say(call("offer", id="a")), say(call("pick", id="a")))
        made = run(script.model, shop, **more)
        return shop.looked, made.steps[0].observations

    repeated = "You have made this call before; its result stands above. Make another call or answer."
    first = ("error: no item 'missing'", "tea is nice")
    assert again() == (["missing", "tea"], (*first, repeated, repeated))
    told = (*first, "error: no item 'missing'", repeated)
    assert again(repeat_failed=True) == (["missing", "tea", "missing"], told)


def test_long_results_are_cut() -> None:
    script = Script(
        say(call("look", item="tea"), call("look", item="missing"), call("nothing")),
        say(call("offer", id="a")),
        say(call("pick", id="a")),
    )
    made = run(script.model, limits=Limits(result_chars=11))
    end = " … (the rest is left out)"
    assert made.steps[0].observations == ("tea is nice", f"error: no i{end}", f"there is no{end}")
    assert made.steps[0].error == made.steps[0].observations[2]
    assert [message.text for message in made.messages if message.role == "tool"][:3] == list(
        made.steps[0].observations
    )
