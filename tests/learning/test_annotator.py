"""Annotators that say what a test lays down: their readings averaged, and their faults left out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.errors import InputError
from tastemaker.learning.annotator import (
    Annotation,
    AnnotatorConfig,
    agreement,
    annotate,
    annotated,
    kappa,
)
from tastemaker.records import Message, Outcome, Step, Task, ToolCall, ToolSpec, Trajectory
from tastemaker.tools.limits import Limits

Reply = Callable[[int, AgentInfo], ModelResponse]


def play(name: str = "p", kind: str = "answered", **changes: Any) -> Trajectory:
    """A question, two steps and an answer."""
    calls = [ToolCall(id=f"c{n}", name="weather", arguments={"town": town}) for n, town in enumerate("ab")]
    steps = [Step(calls=(call,), observations=(f"rain in {call.id}",)) for call in calls]
    return Trajectory(
        id=name,
        task=Task(kind="tool-task", id=name),
        tools=(ToolSpec(name="weather", description="Weather of a town."),),
        messages=(Message(role="system", text="Be brief."), Message(role="user", text="Where does it rain?")),
        steps=(*steps, Step(text="In a.")),
        outcome=Outcome(kind=kind, answer="In a." if kind == "answered" else None),  # type: ignore[arg-type]
    ).model_copy(update=changes)


def scores(success: list[Any], contribution: list[Any], status: str, **more: Any) -> ModelResponse:
    given = {
        "succeed_tool_calling": success,
        "contribution_to_final_answer": contribution,
        "final_answer_status": status,
        **more,
    }
    return ModelResponse([ToolCallPart("annotate", given)])


def read(plays: list[Trajectory], reply: Reply, **settings: Any) -> tuple[list[Annotation], list[str]]:
    """What an annotator says that answers by its number of requests, and what it was shown."""
    shown: list[str] = []

    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        (request,) = messages
        assert isinstance(request, ModelRequest)
        shown.append("\n".join(str(part.content) for part in request.parts if hasattr(part, "content")))
        return reply(len(shown) - 1, info)

    config = AnnotatorConfig(**settings)
    return asyncio.run(annotate(plays, FunctionModel(answer), config)), shown


def test_readings_are_averaged() -> None:
    given = [
        scores([1, 0], [5, 0], "Solved"),
        scores([1, 1], [3, 0], "Unsure"),
        scores([1, 0], [1, 3], "Unsolved"),
    ]
    ((found,), shown) = read([play()], lambda n, info: given[n])
    assert found.success == pytest.approx((1, 1 / 3))
    assert found.contribution == pytest.approx((3 / 5, 1 / 5))
    assert found.outcome == pytest.approx(0.5)
    assert (found.readings, found.faults, len(shown)) == (3, (), 3)


def test_the_annotator_sees_the_whole_play_but_no_step_twice() -> None:
    long = play(steps=(Step(text="Hm?", error="no call"), *play().steps))
    _, (shown,) = read([long], lambda n, info: ModelResponse([]), repeats=1, longest=6)
    for part in ("Where does it rain?", "weather: Weather of a town.", '{"town":"b"}', "rain i…", "Hm?"):
        assert part in shown
    assert "Step 3:" in shown
    assert "Step 4:" not in shown
    assert shown.endswith("Final answer:\nIn a.")


def test_the_form_asks_for_a_score_for_each_step() -> None:
    forms = []

    def reply(n: int, info: AgentInfo) -> ModelResponse:
        forms.append(info.output_tools[0].parameters_json_schema["properties"])
        return scores([1, 1, 1], [0, 0, 0], "Unsolved")

    (cut,), _ = read([play(kind="limit")], reply, repeats=1)
    assert forms[0]["succeed_tool_calling"]["minItems"] == 3
    assert forms[0]["contribution_to_final_answer"]["maxItems"] == 3
    assert len(cut.success) == 3


GOOD = scores([1, 1], [5, 5], "Solved")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (ModelResponse([TextPart("All is well.")]), "0 calls"),
        (ModelResponse([*GOOD.parts, *GOOD.parts]), "2 calls"),
        (scores([1], [5, 5], "Solved"), "1 entries for 2 steps"),
        (scores([1, 1], [5, 5, 5], "Solved"), "3 entries for 2 steps"),
        (scores([1, 2], [5, 5], "Solved"), "succeed_tool_calling.1"),
        (scores([1, 1], [5, 6], "Solved"), "contribution_to_final_answer.1"),
        (scores([1, 1], [5, -1], "Solved"), "contribution_to_final_answer.1"),
        (scores([1, 1], [5, 5], "Perfect"), "final_answer_status"),
        (scores([1, 1], [5, 5], "Solved", why="so"), "why"),
        (ModelResponse([ToolCallPart("annotate", "{")]), "JSON"),
        (ModelResponse([ToolCallPart("annotate", json.dumps([1]))]), "dictionary"),
        (ModelResponse([ToolCallPart("other", {})]), "0 calls"),
    ],
)
def test_readings_out_of_form_are_left_out(bad: ModelResponse, why: str) -> None:
    ((found,), _) = read([play()], lambda n, info: bad if n == 1 else GOOD)
    assert (found.readings, found.outcome, found.success) == (2, 1, (1, 1))
    (fault,) = found.faults
    assert why in fault
    assert "\n" not in fault


def test_a_model_that_is_down_leaves_plays_unread() -> None:
    def reply(n: int, info: AgentInfo) -> ModelResponse:
        raise ModelHTTPError(400, "judge")

    found, _ = read([play("a"), play("b")], reply, repeats=2)
    assert [(one.trajectory, one.readings, one.outcome, len(one.faults)) for one in found] == [
        ("a", 0, None, 2),
        ("b", 0, None, 2),
    ]
    bare = annotated(play("a"), found[0])
    assert [step.rewards for step in bare.steps] == [{}, {}, {}]


def test_limits_hold_for_all_readings_together() -> None:
    plays = [play(str(n)) for n in range(4)]
    found, shown = read(plays, lambda n, info: GOOD, repeats=1, concurrency=1, limits=Limits(requests=2))
    assert len(shown) == 2
    assert [one.readings for one in found] == [1, 1, 0, 0]
    assert "2 model calls" in found[3].faults[0]


def test_each_play_is_told_of_as_it_is_done() -> None:
    done: list[str] = []
    plays = [play(str(n)) for n in range(5)]

    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return GOOD

    config = AnnotatorConfig(repeats=1, concurrency=2)
    found = asyncio.run(
        annotate(plays, FunctionModel(answer), config, lambda one: done.append(one.trajectory))
    )
    assert [one.trajectory for one in found] == [one.id for one in plays]
    assert sorted(done) == [one.id for one in plays]


def test_rewards_stand_where_those_of_the_rules_do() -> None:
    note = Annotation(trajectory="p", success=(1, 0.5), contribution=(0.4, 0), outcome=0.5, readings=2)
    found = annotated(play(), note)
    assert [step.rewards for step in found.steps] == [
        {"success": 1, "contribution": 0.4},
        {"success": 0.5, "contribution": 0},
        {"outcome": 0.5},
    ]
    tokens = tuple(step.model_copy(update={"token_ids": (1,)}) for step in play().steps[:2])
    unread = annotated(play(steps=(*tokens, Step(error="?"))), note)
    assert [len(step.rewards) for step in unread.steps] == [2, 3, 0]
    with pytest.raises(InputError, match="no annotation of q"):
        annotated(play("q"), note)
    with pytest.raises(InputError, match="no annotation of p"):
        annotated(play(kind="limit"), note)


def test_agreement_of_rules_and_annotator() -> None:
    """Success agrees on three of four steps, where half is by chance: kappa (0.75 − 0.5) / 0.5."""

    def both(values: list[tuple[float, float, float]]) -> list[Trajectory]:
        return [
            annotated(
                play(str(n)),
                Annotation(
                    trajectory=str(n), success=(s, 1 - s), contribution=(c, 0.2), outcome=o, readings=1
                ),
            )
            for n, (s, c, o) in enumerate(values)
        ]

    rule = both([(1, 1, 1), (0, 0, 0)])
    first = Annotation(trajectory="0", success=(1, 1), contribution=(0.6, 0.2), outcome=0.5, readings=1)
    other = [annotated(play("0"), first), rule[1]]
    success, contribution, outcome = agreement(rule, other)
    assert (success["steps"], success["rule"], success["annotator"]) == (4, 0.5, 0.75)
    assert success["kappa"] == pytest.approx(0.5)
    assert success["correlation"] == pytest.approx(1 / 3**0.5)
    assert contribution["kappa"] == 1
    assert outcome["kappa"] == pytest.approx(1 / 3)
    same = agreement(rule, rule)
    assert [row["correlation"] for row in same] == pytest.approx([1, 1, 1])
    never = agreement(rule[:1], rule[:1])
    assert (never[2]["correlation"], never[2]["kappa"]) == (None, None)
    assert agreement([], [])[0]["rule"] is None
    with pytest.raises(InputError, match="same plays"):
        agreement(rule, other[::-1])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_kappa_is_that_of_the_table(pairs: list[tuple[int, int]]) -> None:
    """Against the contingency table: κ = (n Σ n_ii − Σ n_i. n_.i) / (n² − Σ n_i. n_.i)."""
    table = np.zeros((3, 3))
    for pair in pairs:
        table[pair] += 1
    n, chance = table.sum(), table.sum(0) @ table.sum(1)
    a, b = (np.array(side, float) for side in zip(*pairs, strict=True))
    found = kappa(a, b)
    if chance == n * n:
        assert found is None
    else:
        assert found == pytest.approx((n * np.trace(table) - chance) / (n * n - chance), abs=1e-9)
