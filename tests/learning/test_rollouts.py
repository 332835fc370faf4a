"""Plays of tool tasks: by scripted models, and by a tiny random one through the real local engine."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import RequestUsage
from tokenizers import Tokenizer

from tastemaker.errors import InputError, ModelError
from tastemaker.learning.credit import rollout_of
from tastemaker.learning.packing import load
from tastemaker.learning.rollouts import Meter, RolloutConfig, called, figures, roll_out
from tastemaker.learning.sampled import exact_log_probs, forced
from tastemaker.learning.tasks.generate import TaskConfig, make_tasks
from tastemaker.learning.tasks.gold import play_gold
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.llm.chat import ChatTemplate, call_text
from tastemaker.llm.constraints import Constraints
from tastemaker.llm.engine import Completion, Engine, GenerationRequest
from tastemaker.llm.local import LocalEngine, LocalModel
from tastemaker.llm.torch_backend import TorchBackend
from tastemaker.records import Trajectory
from tastemaker.tools.loop import REPEATED

Part = ToolCallPart | TextPart
ONE = RolloutConfig(samples=1)


@pytest.fixture(scope="module")
def tasks() -> list[ToolTask]:
    """Forty tasks of all kinds."""
    return list(make_tasks(TaskConfig(count=40)))


def of_kind(tasks: Sequence[ToolTask], kind: str) -> ToolTask:
    return next(task for task in tasks if task.kind == kind)


def outputs(task: ToolTask) -> list[list[Part]]:
    """What the gold solution says, turn by turn."""
    return [
        [ToolCallPart(call.name, call.arguments) for call in step.calls] or [TextPart(step.text)]
        for step in play_gold(task).steps
    ]


class Player:
    """Plays by `say(task, turn)`, and remembers what it was asked."""

    def __init__(self, tasks: Sequence[ToolTask], say: Callable[[ToolTask, int], list[Part]]) -> None:
        self.tasks = {task.question: task for task in tasks}
        self.say = say
        self.seeds: list[int] = []
        self.systems: dict[str, set[str]] = {}
        self.offers: dict[str, set[tuple[str, ...]]] = {}
        self.model = FunctionModel(self, model_name="player")

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        assert info.allow_text_output
        first = messages[0].parts
        question = next(str(part.content) for part in first if isinstance(part, UserPromptPart))
        system = next(part.content for part in first if isinstance(part, SystemPromptPart))
        task = self.tasks[question]
        self.systems.setdefault(task.id, set()).add(system)
        self.offers.setdefault(task.id, set()).add(tuple(tool.name for tool in info.function_tools))
        self.seeds.append((info.model_settings or {}).get("seed", -1))
        turn = sum(isinstance(message, ModelResponse) for message in messages)
        return ModelResponse(self.say(task, turn), usage=RequestUsage(input_tokens=10, output_tokens=3))


def golden(tasks: Sequence[ToolTask]) -> Player:
    return Player(tasks, lambda task, turn: outputs(task)[turn])


def test_gold_solutions_of_every_kind_are_worth_1(tasks: list[ToolTask]) -> None:
    assert {task.kind for task in tasks} == {
        "single", "chain", "parallel", "mixed", "retry", "correct", "no tool"
    }  # fmt: skip
    player = golden(tasks)
    plays = roll_out(tasks, player.model, RolloutConfig(samples=2, concurrency=5))
    assert [play.task.id for play in plays] == [f"{task.id}#{n}" for task in tasks for n in (0, 1)]
    assert {play.outcome.scores["solved"] for play in plays} == {1.0}
    for task, play in zip(tasks, plays[::2], strict=True):
        assert play.task.inputs == {"task": task.id, "kind": task.kind}
        assert play.task.kind == "tool-task"
        gold = play_gold(task)
        assert [step.observations for step in play.steps] == [step.observations for step in gold.steps]
        assert play.outcome.answer == task.reply
        made = [
            (call.name, call.arguments, not text.startswith("error:"), text)
            for step in gold.steps
            for call, text in zip(step.calls, step.observations, strict=True)
        ]
        told = [(one.name, one.arguments, one.success, one.text) for one in called(play, task)]
        assert told == made
    assert all(len(one) == 1 for one in player.systems.values())
    assert all(len(one) == 1 for one in player.offers.values())
    assert len(set(player.seeds)) == len(player.seeds)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ([TextPart("It is 123456789.")], "answered"),
        ([TextPart('{"name": "x", "argum')], "invalid"),
        ([TextPart("")], "invalid"),
        ([ToolCallPart("nothing", {"a": 1})], "invalid"),
        ([ToolCallPart("nothing", '{"a": ')], "invalid"),
        ([ToolCallPart("\udcff", "\udcff")], "invalid"),
    ],
)
def test_whatever_a_model_says_is_recorded_and_worth_0(
    tasks: list[ToolTask], said: list[Part], kind: str
) -> None:
    (play,) = roll_out(tasks[:1], Player(tasks, lambda task, turn: said).model, ONE)
    assert (play.outcome.kind, play.outcome.scores) == (kind, {"solved": 0.0})
    assert len(play.steps) == (1 if kind == "answered" else ONE.tries)
    assert all(bool(step.error) == (kind == "invalid") for step in play.steps)
    assert called(play, tasks[0]) == []


def test_a_model_that_calls_for_ever_is_stopped(tasks: list[ToolTask]) -> None:
    task = of_kind(tasks, "single")
    call = task.gold[0][0]
    twice: list[Part] = [ToolCallPart(call.name, call.arguments), ToolCallPart(call.name, {"no": 1})]
    config = ONE.model_copy(update={"max_calls": 5})
    (play,) = roll_out([task], Player([task], lambda task, turn: twice).model, config)
    assert (play.outcome.kind, play.outcome.scores) == ("limit", {"solved": 0.0})
    told = [text for step in play.steps for text in step.observations]
    assert len(told) == 6
    assert told[2] == told[4] == REPEATED
    assert told[-1] == play.error == "the limit of 5 calls is reached"
    assert [one.success for one in called(play, task)] == [True, False, False]
    assert figures([play]) == {
        "solved": 0.0, "steps": 3.0, "calls": 6.0, "tokens": 0.0, "invalid_calls": 0.5, "unusable": 0.0,
        "unanswered": 1.0,
    }  # fmt: skip


def test_a_call_that_failed_may_be_made_again(tasks: list[ToolTask]) -> None:
    task = of_kind(tasks, "retry")
    (play,) = roll_out([task], golden([task]).model, ONE)
    texts = [(canonical, text) for step in play.steps for canonical, text in _made(step)]
    failed = [call for call, text in texts if text.startswith("error:")]
    assert failed
    assert all(
        any(call == again and not text.startswith("error:") for again, text in texts) for call in failed
    )


def _made(step: Any) -> list[tuple[str, str]]:
    calls = [json.dumps([call.name, call.arguments], sort_keys=True) for call in step.calls]
    return list(zip(calls, step.observations, strict=True))


def test_long_results_are_cut_before_they_are_read(tasks: list[ToolTask]) -> None:
    task = of_kind(tasks, "chain")
    config = ONE.model_copy(update={"result_chars": 7})
    (play,) = roll_out([task], golden([task]).model, config)
    whole = [text for step in play_gold(task).steps for text in step.observations]
    told = [text for step in play.steps for text in step.observations]
    assert told == [f"{text[:7]} … (the rest is left out)" for text in whole]
    assert [message.text for message in play.messages if message.role == "tool"] == told
    assert play.outcome.scores["solved"] == 1.0


def test_a_round_that_was_cut_off_goes_on(tasks: list[ToolTask], tmp_path: Path) -> None:
    journal = tmp_path / "round.jsonl"
    config = RolloutConfig(samples=2, concurrency=1)
    player = golden(tasks)

    def stop(play: Trajectory) -> None:
        if play.task.id == f"{tasks[2].id}#0":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        roll_out(tasks[:4], player.model, config, stop, journal=journal)
    with journal.open("a", encoding="utf-8") as file:
        file.write('{"version": 1, "id": "half')
    asked = len(player.seeds)
    done: list[str] = []
    plays = roll_out(tasks[:4], player.model, config, lambda play: done.append(play.task.id), journal=journal)
    assert done == [f"{task.id}#{n}" for task in tasks[2:4] for n in (0, 1)][1:]
    assert len(player.seeds) - asked == sum(len(play.steps) for play in plays[5:])
    asked = len(player.seeds)
    again = roll_out(tasks[:4], player.model, config, journal=journal)
    assert again == plays
    assert len(player.seeds) == asked
    with pytest.raises(InputError, match="another config"):
        roll_out(tasks[:4], player.model, RolloutConfig(samples=2, seed=1), journal=journal)


def test_a_model_that_was_down_is_asked_again(tasks: list[ToolTask], tmp_path: Path) -> None:
    journal = tmp_path / "round.jsonl"

    def down(task: ToolTask, turn: int) -> list[Part]:
        raise ModelError("no power")

    (play,) = roll_out(tasks[:1], Player(tasks, down).model, ONE, journal=journal)
    assert (play.outcome.kind, play.error, play.outcome.scores) == ("failed", "no power", {"solved": 0.0})
    (play,) = roll_out(tasks[:1], golden(tasks).model, ONE, journal=journal)
    assert play.outcome.scores["solved"] == 1.0


def test_a_search_mends_what_a_chain_does_not(tasks: list[ToolTask]) -> None:
    """At each turn the model first says junk, and what is right where that was tried."""
    task = of_kind(tasks, "chain")
    asked: list[int] = []

    def say(task: ToolTask, turn: int) -> list[Part]:
        asked.append(turn)
        if asked.count(turn) == 1:
            return [ToolCallPart("nothing", {})] if turn % 2 else [TextPart("I cannot do that.")]
        return outputs(task)[turn]

    (chain,) = roll_out([task], Player([task], say).model, ONE)
    assert chain.outcome.scores["solved"] < 1.0
    asked.clear()
    config = ONE.model_copy(update={"decoding": "dfs"})
    (found,) = roll_out([task], Player([task], say).model, config)
    assert found.outcome.scores["solved"] == 1.0
    assert [step.observations for step in found.steps] == [s.observations for s in play_gold(task).steps]
    turns = len(outputs(task))
    assert asked == [turn for turn in range(turns) for _ in (0, 1)]
    assert found.usage.requests == 2 * turns


def test_a_search_keeps_the_refusal_where_nothing_else_is_found(tasks: list[ToolTask]) -> None:
    task = of_kind(tasks, "no tool")
    player = Player([task], lambda task, turn: [TextPart(task.reply)])
    (play,) = roll_out([task], player.model, ONE.model_copy(update={"decoding": "dfs", "width": 3}))
    assert play.outcome.scores["solved"] == 1.0
    assert play.usage.requests == 3


class Said:
    """A back end that says given texts, whatever it is asked."""

    name = "said"

    def __init__(self, texts: Sequence[str], template: ChatTemplate) -> None:
        self.texts, self.template = list(texts), template
        self.asked: list[GenerationRequest] = []
        self.waiting: list[int] = []

    def add(self, key: int, request: GenerationRequest) -> None:
        self.asked.append(request)
        self.waiting.append(key)

    def step(self) -> tuple[dict[int, tuple[int, ...]], dict[int, Completion]]:
        done = {}
        for key in self.waiting:
            ids = (*self.template.encode(self.texts.pop(0)), 2)
            done[key] = Completion(ids, (-0.5,) * len(ids), "stop", cached=3)
        self.waiting = []
        return {}, done

    def cancel(self, key: int) -> None: ...


def test_prompts_begin_with_what_was_read_and_sampled(tasks: list[ToolTask], template: ChatTemplate) -> None:
    """Calls, several in a turn, through the local model; how they are written is kept to the byte."""
    task = of_kind(tasks, "parallel")
    texts = []
    for said in outputs(task):
        lines = [
            call_text(part.tool_name, part.args_as_dict()).replace(":", " : ", 1)
            if isinstance(part, ToolCallPart)
            else part.content
            for part in said
        ]
        texts.append("\n".join(lines))
    backend = Said(texts, template)
    model = LocalModel("said", lambda: LocalEngine(Engine(backend, 9000), template))
    meter = Meter()
    (play,) = roll_out([task], model, ONE, meter=meter)
    assert play.outcome.scores["solved"] == 1.0
    assert [step.text for step in play.steps] == texts
    for step, request, text in zip(play.steps, backend.asked, texts, strict=True):
        assert step.prompt_ids == request.prompt_ids
        assert step.token_ids == (*template.encode(text), 2)
        assert (request.temperature, request.max_tokens, request.or_text) == (1.0, 256, True)
        assert request.schema is not None
    assert len({request.seed for request in backend.asked}) == len(backend.asked)
    rollout = rollout_of(play)
    assert rollout.sampled == sum(len(text.encode()) + 1 for text in texts)
    last = play.steps[-1]
    shown = template.decode([t for t, own in zip(last.prompt_ids, rollout.mask(), strict=False) if not own])
    assert all(text in shown for step in play.steps for text in step.observations)
    assert meter.figures()["cached"] == pytest.approx(3 * len(texts) / meter.prompt_tokens)
    free = ONE.model_copy(update={"constrained": False, "temperature": 0.0})
    backend.texts = list(texts)
    (play,) = roll_out([task], model, free)
    assert play.outcome.scores["solved"] == 1.0
    assert (backend.asked[-1].schema, backend.asked[-1].temperature) == (None, 0.0)


@pytest.fixture(scope="module")
def tiny(tiny_model: Path, tokenizer: Tokenizer, template: ChatTemplate) -> LocalModel:
    engine = Engine(TorchBackend(tiny_model, tokenizer, 2, threads=1, max_batch=4), context=6000)
    return LocalModel("tiny", lambda: LocalEngine(engine, template))


@pytest.mark.parametrize("constrained", [True, False])
def test_a_random_model_gives_exact_log_probs_whatever_the_batch(
    tasks: list[ToolTask], tiny: LocalModel, tiny_model: Path, constrained: bool
) -> None:
    some = sorted(tasks, key=lambda task: len(str(task.tools)))[:2]
    config = RolloutConfig(samples=3, turn_tokens=12, constrained=constrained, concurrency=4)
    meter = Meter()
    plays = roll_out(some, tiny, config, meter=meter)
    assert meter.rollouts == 6
    assert all(play.steps and math.isclose(play.outcome.scores["solved"], 0.0) for play in plays)
    assert len({play.steps[0].token_ids for play in plays}) == 6
    assert meter.cached_tokens > 0.6 * meter.prompt_tokens  # each task's prompt once, and each turn's end
    alone = roll_out(some, tiny, config.model_copy(update={"concurrency": 1}))
    assert [[step.token_ids for step in one.steps] for one in alone] == [
        [step.token_ids for step in one.steps] for one in plays
    ]
    blank = [
        play.model_copy(
            update={"steps": tuple(step.model_copy(update={"log_probs": ()}) for step in play.steps)}
        )
        for play in plays
    ]
    exact = exact_log_probs(load(tiny_model), blank)
    for play, one in zip(plays, exact, strict=True):
        for step, again in zip(play.steps, one.steps, strict=True):
            assert again.log_probs == pytest.approx(step.log_probs, abs=1e-4)
            assert step.model_copy(update={"log_probs": ()}) == again.model_copy(update={"log_probs": ()})


def test_a_prompt_too_long_for_the_model_ends_a_play(
    tasks: list[ToolTask], tiny_model: Path, tokenizer: Tokenizer, template: ChatTemplate
) -> None:
    engine = Engine(TorchBackend(tiny_model, tokenizer, 2, threads=1), context=300)
    model = LocalModel("tiny", lambda: LocalEngine(engine, template))
    (play,) = roll_out(tasks[:1], model, ONE)
    assert (play.outcome.kind, play.outcome.scores) == ("limit", {"solved": 0.0})
    assert "context of 300" in (play.error or "")
    assert exact_log_probs(None, [play]) == [play]


def test_tokens_without_a_choice_are_told(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    """Names `ab` and `ac` are told apart by their second letter, and a text by its first."""
    letters: dict[str, list[str]] = {"ab": ["x"], "ac": ["yz", "yy"]}
    schema = {
        "anyOf": [
            {
                "type": "object",
                "properties": {"name": {"const": name}, "arguments": {"enum": values}},
                "required": ["name", "arguments"],
            }
            for name, values in letters.items()
        ]
    }
    constraints = Constraints(tokenizer, 2)

    def shown(text: str, *, or_text: bool = True) -> str:
        ids = (*template.encode(text), 2)
        mask = constraints.forced(ids, schema, or_text=or_text)
        return "".join("." if one else "?" for one in mask)

    assert shown('{"name":"ab","arguments":"x"}') == "?.........?" + "." * 18 + "?"
    assert shown('{"name":"ab","arguments":"x"}', or_text=False) == ".........." + "?" + "." * 19
    assert shown('{"name":"ac","arguments":"yz"}', or_text=False)[-5:] == ".?..."
    assert shown("Hi!") == "????"
    assert shown('{"nope"') == "?.." + "?????"


def test_what_a_play_was_forced_to_say(
    tasks: list[ToolTask], tokenizer: Tokenizer, template: ChatTemplate
) -> None:
    """With one tool that cannot be mistaken for another, all of a call but its beginning and its end."""
    (play,) = roll_out([of_kind(tasks, "single")], golden(tasks).model, ONE)
    call = play.steps[0].calls[0]
    start = f'{{"name":"{call.name}","arguments":{{'
    ids = (*template.encode(call_text(call.name, call.arguments)), 2)
    step = play.steps[0].model_copy(update={"token_ids": ids})
    tool = next(tool for tool in play.tools if tool.name == call.name)
    (mask,) = forced(play.model_copy(update={"tools": (tool,), "steps": (step,)}), Constraints(tokenizer, 2))
    assert len(mask) == len(ids)
    assert mask[: len(start)] == (False, *[True] * (len(start) - 1))
    assert not all(mask[len(start) :])
