"""Rewards of answers and reflections against numbers worked by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.agents.feedback import INVALID, export, trials, with_feedback
from tastemaker.agents.prepare import Ground
from tastemaker.agents.tasks import TaskSet, rating_tasks
from tastemaker.agents.team import Team, TeamConfig, TeamRun
from tastemaker.errors import InputError
from tastemaker.records import Outcome, Step, Task, Trajectory, read_jsonl


def made(id: str, kind: str, answer: Any = None, ended: str = "answered", task: str = "q") -> Trajectory:
    return Trajectory(
        id=id,
        parent=None if id == "w:q" else "w:q",
        agent="Reflector" if kind == "verdict" else "Manager",
        task=Task(kind=kind, id=task),
        steps=(Step(text="first"), Step(text="last", rewards={"kept": 1.0})),
        outcome=Outcome(kind=ended, answer=answer),  # type: ignore[arg-type]
    )


def rating(id: str, value: float | None) -> Trajectory:
    if value is None:
        return made(id, "rating", ended="invalid")
    return made(id, "rating", {"rating": value, "reason": ""})


def verdict(number: int, correct: bool | None) -> Trajectory:
    answer = None if correct is None else {"correct": correct, "reason": "why"}
    ended = "invalid" if correct is None else "answered"
    return made(f"w:q/{number}", "verdict", answer, ended, f"q/{number}")


def rewards(run: TeamRun) -> dict[str, dict[str, float]]:
    """New rewards of each trajectory, which stand on its last step alone."""
    assert all(t.steps[0].rewards == {} for t in run.trajectories)
    return {t.id: {k: v for k, v in t.steps[-1].rewards.items() if k != "kept"} for t in run.trajectories}


def test_a_reflector_that_is_content_earns_nothing() -> None:
    run = with_feedback(TeamRun((rating("w:q", 3.0), verdict(1, True))), 5.0)
    assert rewards(run) == {"w:q": {"answer": -4.0}, "w:q/1": {"reflection": 0.0}}
    assert run.root.steps[-1].rewards["kept"] == 1.0


def test_a_better_and_a_worse_second_trial() -> None:
    better = TeamRun((rating("w:q", 4.5), verdict(1, False), rating("w:q/trial1", 3.0)))
    assert rewards(with_feedback(better, 5.0)) == {
        "w:q": {"answer": -0.25},
        "w:q/1": {"reflection": 3.75},
        "w:q/trial1": {"answer": -4.0},
    }
    worse = TeamRun((rating("w:q", 2.0), verdict(1, False), rating("w:q/trial1", 4.0)))
    assert rewards(with_feedback(worse, 5.0))["w:q/1"] == {"reflection": -9.0 + 1.0}


def test_an_answer_kept_because_the_second_trial_was_invalid() -> None:
    run = TeamRun((rating("w:q", 4.0), verdict(1, False), rating("w:q/trial2", None)))
    assert rewards(with_feedback(run, 5.0)) == {
        "w:q": {"answer": -1.0},
        "w:q/1": {"reflection": 0.0},
        "w:q/trial2": {"invalid": -16.0},
    }


def test_an_invalid_first_trial_that_a_second_makes_good() -> None:
    run = TeamRun((rating("w:q", 4.0), verdict(1, False), rating("w:q/trial1", None)))
    found = rewards(with_feedback(run, 5.0))
    assert (found["w:q/trial1"], found["w:q/1"]) == ({"invalid": -16.0}, {"reflection": 15.0})


def test_three_trials_in_their_order() -> None:
    """Trials 2, invalid, 5 against 4: the team holds −4, −4, −1."""
    run = TeamRun(
        (
            rating("w:q", 5.0),
            verdict(1, False),
            verdict(2, False),
            rating("w:q/trial2", None),
            rating("w:q/trial1", 2.0),
        )
    )
    assert [t.id for t in trials(run)] == ["w:q/trial1", "w:q/trial2", "w:q"]
    found = rewards(with_feedback(run, 4.0))
    assert (found["w:q/1"], found["w:q/2"]) == ({"reflection": 0.0}, {"reflection": 3.0})


def test_a_ranking_is_worth_one_over_the_rank_of_its_label() -> None:
    def ranking(id: str, *ids: str) -> Trajectory:
        return made(id, "ranking", {"ids": list(ids), "reason": ""})

    run = TeamRun((ranking("w:q", "a", "b"), verdict(1, False), ranking("w:q/trial1", "b", "c", "d", "a")))
    assert rewards(with_feedback(run, "a")) == {
        "w:q": {"answer": 1.0},
        "w:q/1": {"reflection": 0.75},
        "w:q/trial1": {"answer": 0.25},
    }
    assert rewards(with_feedback(run, "d"))["w:q/1"] == {"reflection": -1 / 3}
    assert rewards(with_feedback(run, ("d", "b")))["w:q"] == {"answer": 0.5}


def test_a_verdict_that_cannot_be_read() -> None:
    run = with_feedback(TeamRun((rating("w:q", 4.0), verdict(1, None))), 4.0)
    assert rewards(run) == {"w:q": {"answer": 0.0}, "w:q/1": {"invalid": INVALID}}


def test_no_reward_for_what_was_cut_off() -> None:
    cut = made("w:q", "rating", ended="limit")
    run = with_feedback(TeamRun((cut, made("w:q/1", "verdict", ended="failed", task="q/1"))), 4.0)
    assert rewards(run) == {"w:q": {}, "w:q/1": {}}


def test_what_has_no_reward_is_said() -> None:
    with pytest.raises(InputError, match="order"):
        with_feedback(TeamRun((rating("w:q", 4.0), verdict(1, False), rating("w:q/2", 3.0))), 4.0)
    with pytest.raises(InputError, match="explanations"):
        with_feedback(TeamRun((made("w:q", "explanation", {"text": "good"}),)), 4.0)


class Trying:
    """Rates the one value after the other, None being no rating; a Reflector is never content."""

    def __init__(self, *values: float | None) -> None:
        self.values = iter(values)

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        (answer,) = info.output_tools[-1:] or (None,)
        if answer is None or answer.name not in ("rate", "judge"):
            return ModelResponse(parts=[ToolCallPart("predict_rating", {})])
        if answer.name == "judge":
            return ModelResponse(parts=[ToolCallPart("judge", {"correct": False, "reason": "no"})])
        if info.function_tools and not any(p.part_kind == "tool-return" for m in messages for p in m.parts):
            return ModelResponse(parts=[ToolCallPart("predict_rating", {})])
        value = next(self.values)
        given = "much" if value is None else value
        return ModelResponse(parts=[ToolCallPart("rate", {"rating": given, "reason": "so"})])


@pytest.mark.parametrize(
    ("values", "order"), [((2.0, 5.0), [2.0, 5.0]), ((2.0, None), [2.0, None]), ((None, 5.0), [None, 5.0])]
)
def test_a_team_s_runs_say_the_order_of_their_trials(
    ground: Ground, tmp_path: Path, values: tuple[float | None, ...], order: list[float | None]
) -> None:
    tasks = rating_tasks(ground.dataset, ground.split, requests=1)
    config = TeamConfig(workflow="reflect", answer_tries=1, backoff=0.0)
    run = asyncio.run(Team(ground.bench, FunctionModel(Trying(*values)), config).run(tasks.requests[0]))
    found = [t.outcome.answer["rating"] if t.outcome.kind == "answered" else None for t in trials(run)]
    assert found == order
    path = tmp_path / "rewarded.jsonl"
    for _ in range(2):
        assert export({tasks.requests[0].id: run}, tasks, path) == 3
    label = float(tasks.tasks[0].label)  # type: ignore[arg-type]
    held = [-16.0 if value is None else -((label - value) ** 2) for value in order]
    change = 0.0 if order[1] is None else held[1] - held[0]
    (reflection,) = [t for t in read_jsonl(path) if t.task.kind == "verdict"]
    assert reflection.steps[-1].rewards == {"reflection": pytest.approx(change)}


def test_runs_must_be_there_to_be_exported(ground: Ground, tmp_path: Path) -> None:
    tasks: TaskSet = rating_tasks(ground.dataset, ground.split, requests=2)
    with pytest.raises(InputError, match="2 requests have no run"):
        export({}, tasks, tmp_path / "rewarded.jsonl")
