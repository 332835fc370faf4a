"""Figures of teams and baselines against figures worked by hand and plain loops."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest
from pydantic_ai.models.function import FunctionModel

from tastemaker.agents.baselines import ranked, rated
from tastemaker.agents.evaluate import run_all
from tastemaker.agents.prepare import Ground
from tastemaker.agents.scoring import answers_row, team_row
from tastemaker.agents.tasks import Labelled, Request, TaskSet, ranking_tasks, rating_tasks
from tastemaker.agents.team import Team, TeamConfig, TeamRun
from tastemaker.errors import InputError
from tastemaker.records import Outcome, Task, Trajectory, Usage
from tastemaker.retrieval.bias import BiasModel
from tastemaker.retrieval.popularity import Popularity


def made(request: Request, answer: Any, kind: Any = "answered", **usage: Any) -> TeamRun:
    task = Task(kind=request.kind, id=request.id)
    root = Trajectory(
        id=request.id, task=task, outcome=Outcome(kind=kind, answer=answer), usage=Usage(**usage)
    )
    child = Trajectory(
        id="c", parent=root.id, task=task, outcome=Outcome(kind="answered"), usage=Usage(requests=1)
    )
    return TeamRun((root, child))


def asked(kind: Any, labels: list[Any]) -> TaskSet:
    requests = [Request(id=f"r{k}", kind=kind, user=f"u{k}", n=4, item="i1") for k in range(len(labels))]
    return TaskSet(tuple(map(Labelled, requests, labels)), "by hand")


def test_rankings_by_hand(ground: Ground) -> None:
    """Hits at place 1 and 3, a miss, and an invalid answer that would have hit."""
    tasks = asked("ranking", ["i3", "i3", "i3", "i3"])
    answers = [["i3", "i1", "i2", "i4"], ["i1", "i2", "i3", "i4"], ["i1", "i2", "i5", "i4"]]
    runs = {
        f"r{k}": made(
            request, {"ids": ids, "reason": ""}, requests=2, input_tokens=30, output_tokens=6, seconds=1.5
        )
        for k, (request, ids) in enumerate(zip(tasks.requests, answers, strict=False))
    }
    runs["r3"] = made(tasks.requests[3], {"ids": ["i3"] * 4}, "invalid", requests=6, seconds=0.5)
    row = team_row("team", ground, tasks, runs)
    ndcg = (1 + 1 / math.log2(4)) / 4
    assert row["hit@4"]["mean"] == pytest.approx(2 / 4)
    assert row["ndcg@4"]["mean"] == pytest.approx(ndcg)
    assert row["valid hit@4"]["mean"] == pytest.approx(2 / 3)
    assert row["valid ndcg@4"]["mean"] == pytest.approx(ndcg * 4 / 3)
    assert (row["n"], row["valid"], row["failed"]) == (4, 0.75, 0)
    assert (row["calls"], row["tokens"], row["seconds"]) == (4.0, 27.0, 1.25)
    assert row["hit@4"]["low"] <= 0.5 <= row["hit@4"]["high"]


def test_ratings_by_hand(ground: Ground) -> None:
    """Errors 1 and 2; without an answer a label of 2 on a scale of 1 to 5 counts as wrong by 3."""
    tasks = asked("rating", [4.0, 5.0, 2.0])
    runs = {
        "r0": made(tasks.requests[0], {"rating": 5.0, "reason": ""}),
        "r1": made(tasks.requests[1], {"rating": 3.0, "reason": ""}),
        "r2": made(tasks.requests[2], None, "failed"),
    }
    row = team_row("team", ground, tasks, runs)
    assert row["rmse"]["mean"] == pytest.approx(math.sqrt((1 + 4 + 9) / 3))
    assert row["mae"]["mean"] == pytest.approx(2.0)
    assert row["valid rmse"]["mean"] == pytest.approx(math.sqrt(2.5))
    assert row["valid mae"]["mean"] == pytest.approx(1.5)
    assert (row["valid"], row["failed"]) == (pytest.approx(2 / 3), 1)


@pytest.mark.parametrize("kind", ["ranking", "rating"])
def test_without_any_valid_answer_there_are_no_valid_figures(ground: Ground, kind: str) -> None:
    tasks = asked(kind, ["i1", "i1"] if kind == "ranking" else [1.0, 3.0])
    row = team_row("t", ground, tasks, {r.id: made(r, None, "failed") for r in tasks.requests})
    assert row["valid"] == 0.0
    true = [row[name]["mean"] for name in row if name in ("hit@4", "ndcg@4", "rmse", "mae")]
    assert true == ([0.0, 0.0] if kind == "ranking" else [pytest.approx(math.sqrt((16 + 4) / 2)), 3.0])
    assert all(row[name] is None for name in row if name.startswith("valid "))


def test_a_missing_run_is_an_error(ground: Ground) -> None:
    tasks = asked("ranking", ["i1", "i2"])
    with pytest.raises(InputError, match="1 requests have no run"):
        team_row("t", ground, tasks, {"r0": made(tasks.requests[0], None, "failed")})


@pytest.mark.parametrize("candidates", [None, 12])
def test_a_ranker_answers_the_same_requests(ground: Ground, candidates: int | None) -> None:
    data, split = ground.dataset, ground.split
    tasks = ranking_tasks(data, split, requests=20, n=5, candidates=candidates)
    counts = [int((split.train.item == item).sum()) for item in range(data.n_items)]
    hits = []
    for task in tasks.tasks:
        user = data.user_index(task.request.user)
        before = set(data.item[(data.user == user) & (data.time < (task.request.moment or 0))].tolist())
        among = [data.item_index(id) for id in task.request.candidates or data.items["id"]]
        best = sorted(set(among) - before, key=lambda item: (-counts[item], item))[:5]
        hits.append(data.item_index(str(task.label)) in best)
    answers = ranked(Popularity().fit(split.train), data, tasks.requests)
    row = answers_row("popularity", ground, tasks, answers)
    assert row["hit@5"]["mean"] == pytest.approx(np.mean(hits))
    assert (row["model"], row["n"]) == ("popularity", 20)


def test_a_rater_answers_the_same_requests(ground: Ground) -> None:
    tasks = rating_tasks(ground.dataset, ground.split, requests=20)
    bias = BiasModel().fit(ground.split.train)
    errors = []
    for task in tasks.tasks:
        pair = ground.dataset.user_index(task.request.user), ground.dataset.item_index(str(task.request.item))
        assert isinstance(task.label, float)
        errors.append(float(bias.predict(np.array([pair[0]]), np.array([pair[1]]))[0]) - task.label)
    row = answers_row("bias", ground, tasks, rated(bias, ground.dataset, tasks.requests))
    assert row["rmse"]["mean"] == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert row["mae"]["mean"] == pytest.approx(np.mean(np.abs(errors)))


def test_a_team_that_repeats_the_retriever_scores_like_it(
    ground: Ground, obedient_model: FunctionModel, tmp_path: Any
) -> None:
    """The obedient model answers with the first ten retrieved, so its row must be its retriever's."""
    from tastemaker.agents.journal import Journal
    from tastemaker.runs import Run

    config = TeamConfig(workflow="single")
    tasks = ranking_tasks(ground.dataset, ground.split, requests=30)
    team = Team(ground.bench, obedient_model, config)
    journal = Journal(Run.open(tmp_path / "run", config))
    runs = asyncio.run(run_all(team, tasks.requests, journal))
    row = team_row("team", ground, tasks, runs)
    answers = ranked(ground.bench.retrieval, ground.dataset, tasks.requests)
    baseline = answers_row("itemknn", ground, tasks, answers)
    assert row["hit@10"] == baseline["hit@10"]
    assert row["ndcg@10"] == baseline["ndcg@10"]
    assert (row["calls"], row["tokens"]) == (2.0, 220.0)


def test_dollars_stand_in_the_row_where_there_are_any(ground: Ground) -> None:
    tasks = asked("rating", [4.0, 5.0])
    free = {request.id: made(request, {"rating": 4.0, "reason": ""}) for request in tasks.requests}
    assert "cost" not in team_row("team", ground, tasks, free)
    priced = free | {"r1": made(tasks.requests[1], {"rating": 4.0, "reason": ""}, cost=0.03)}
    assert team_row("team", ground, tasks, priced)["cost"] == pytest.approx(0.015)
