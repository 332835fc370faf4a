"""Teams at work with scripted models: who does what, what it costs, and that labels stay unseen."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.agents.prepare import Ground
from tastemaker.agents.roles import Roster, built_in, load
from tastemaker.agents.tasks import Labelled, Request, TaskSet, ranking_tasks, rating_tasks, split_for_agents
from tastemaker.agents.team import Team, TeamConfig, TeamRun
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.records import Trajectory, parse_line
from tastemaker.retrieval.itemknn import ItemKNN
from tastemaker.tools.loop import Event
from tastemaker.tools.source import Source
from tastemaker.tools.tool import Tool
from tastemaker.tools.workbench import Workbench

WORKFLOWS = [name for name, workflow in built_in().workflows.items() if workflow.ranking]
MACREC_CALLS = {
    "single": 2,
    "analyse": 12,
    "search": 12,
    "plan": 4,
    "reflect": 6,
    "reflect-analyse": 26,
    "reflect-analyse-search": 26,
}
"""Most model calls of a recommendation: those of MACRec for single and analyse (its Manager alone 2, with
analysts 12), as many for each of two trials with a Reflector."""


def run(ground: Ground, model: FunctionModel, request: Request, **config: Any) -> TeamRun:
    return asyncio.run(Team(ground.bench, model, TeamConfig(backoff=0.0, **config)).run(request))


def timeless(trajectory: Trajectory) -> str:
    """The trajectory as text, without how long things took."""
    steps = tuple(step.model_copy(update={"seconds": 0.0}) for step in trajectory.steps)
    usage = trajectory.usage.model_copy(update={"seconds": 0.0})
    return trajectory.model_copy(update={"steps": steps, "usage": usage}).model_dump_json()


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_ranking_is_answered_within_macrec_s_number_of_calls(
    ground: Ground, obedient_model: FunctionModel, workflow: str
) -> None:
    request = ranking_tasks(ground.dataset, ground.split, requests=1).requests[0]
    made = run(ground, obedient_model, request, workflow=workflow)
    assert made.outcome.kind == "answered"
    assert len(set(made.answer["ids"])) == 10
    user = ground.dataset.user_index(request.user)
    before = ground.dataset.item[ground.dataset.history(user, request.moment)]
    assert not {ground.dataset.item_index(id) for id in made.answer["ids"]} & set(before.tolist())
    assert 2 <= made.usage.requests <= MACREC_CALLS[workflow]
    assert all(parse_line(t.model_dump_json()) == t for t in made.trajectories)


def test_a_ranking_can_be_answered_by_scores(ground: Ground, obedient_model: FunctionModel) -> None:
    request = ranking_tasks(ground.dataset, ground.split, requests=1).requests[0]
    listed, scored = (run(ground, obedient_model, request, answers=form) for form in ("own", "edits"))
    assert scored.outcome.kind == "answered"
    assert scored.answer == listed.answer


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_rating_is_answered(ground: Ground, obedient_model: FunctionModel, workflow: str) -> None:
    request = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    made = run(ground, obedient_model, request, workflow=workflow)
    assert (made.outcome.kind, made.answer["rating"]) == ("answered", 4.0)
    assert made.usage.requests <= MACREC_CALLS[workflow]
    called = [call.name for step in made.root.steps for call in step.calls]
    assert "predict_rating" in called or "predict_rating:\n" in made.root.messages[1].text


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_rating_can_be_answered_by_a_change_of_what_was_predicted(
    ground: Ground, obedient_model: FunctionModel, workflow: str
) -> None:
    request = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    made = run(ground, obedient_model, request, workflow=workflow, answers="edits")
    assert made.outcome.kind == "answered"
    user, item = ground.dataset.user_index(request.user), ground.dataset.item_index(str(request.item))
    assert ground.bench.ratings is not None
    predicted = ground.bench.ratings.predict(np.array([user]), np.array([item]))[0]
    assert made.answer["rating"] == pytest.approx(min(max(predicted, 1), 5) + 0.1)


def test_analysts_run_their_own_loops_and_report(ground: Ground, obedient_model: FunctionModel) -> None:
    request = ranking_tasks(ground.dataset, ground.split, requests=1).requests[0]
    events: list[Event] = []
    team = Team(ground.bench, obedient_model, TeamConfig(workflow="analyse"))
    made = asyncio.run(team.run(request, events.append))
    assert [t.agent for t in made.trajectories] == ["Manager", "User Analyst", "Item Analyst"]
    assert made.root.parent is None
    assert {t.parent for t in made.trajectories[1:]} == {made.root.id}
    assert len({t.id for t in made.trajectories}) == 3
    first = made.root.steps[0]
    assert (first.calls[0].name, first.observations) == ("analyse_user", ("Likes drama.",))
    analyst = made.trajectories[1]
    assert {tool.name for tool in analyst.tools} == {"history", "user_info", "report"}
    assert "user u" in "".join(o for step in analyst.steps for o in step.observations)
    assert [e.agent for e in events if e.kind == "end"] == ["User Analyst", "Item Analyst", "Manager"]
    assert made.usage.requests == sum(t.usage.requests for t in made.trajectories)
    assert made.usage.seconds == made.root.usage.seconds


def test_sampled_candidates_are_all_that_can_be_recommended(
    ground: Ground, obedient_model: FunctionModel
) -> None:
    request = ranking_tasks(ground.dataset, ground.split, requests=1, candidates=12).requests[0]
    made = run(ground, obedient_model, request, workflow="single")
    assert set(made.answer["ids"]) <= set(request.candidates or ())
    assert len(made.answer["ids"]) == 10
    shown = made.root.messages[1].text
    assert all(f"\n{id} | Title" in shown for id in request.candidates or ())


def test_a_ranking_is_no_longer_than_what_is_left(ground: Ground, obedient_model: FunctionModel) -> None:
    made = run(ground, obedient_model, Request(id="r", kind="ranking", user="u1", n=50), workflow="single")
    assert len(made.answer["ids"]) == 30


def seen_by_all(ground: Ground, tasks: TaskSet, model: Any, workflow: str) -> tuple[list[str], list[str]]:
    """What the model saw over all requests, and the trajectories left."""
    made = [run(ground, FunctionModel(model), request, workflow=workflow) for request in tasks.requests]
    return model.seen, [timeless(t) for one in made for t in one.trajectories]


@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("kind", ["ranking", "sampled", "rating"])
def test_other_labels_change_nothing_that_agents_observe(
    ground: Ground, obedient: Callable[[], Any], workflow: str, kind: str
) -> None:
    if kind == "rating":
        tasks = rating_tasks(ground.dataset, ground.split, requests=4)
    else:
        tasks = ranking_tasks(
            ground.dataset, ground.split, requests=4, candidates=12 if kind == "sampled" else None
        )
    labels = [task.label for task in tasks.tasks]
    random.Random(1).shuffle(labels)
    others = [Labelled(task.request, label) for task, label in zip(tasks.tasks, labels, strict=True)]
    shuffled = dataclasses.replace(tasks, tasks=tuple(others))
    assert shuffled.labels != tasks.labels
    assert seen_by_all(ground, tasks, obedient(), workflow) == seen_by_all(
        ground, shuffled, obedient(), workflow
    )


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_another_future_changes_nothing_that_agents_observe(
    ground: Ground, obedient: Callable[[], Any], workflow: str
) -> None:
    """In a second world everything from the first request's moment on is different: items and ratings."""
    town = ground.dataset
    tasks = ranking_tasks(town, ground.split, requests=99)
    first = min(tasks.requests, key=lambda request: request.moment or 0)
    later = town.time >= (first.moment or 0)
    item, rating = town.item.copy(), np.array(town.rating)
    item[later] = (item[later] + 17) % town.n_items
    rating[later] = 6 - rating[later]
    other = dataclasses.replace(town, item=item, rating=rating)
    assert other.fingerprint != town.fingerprint
    split = split_for_agents(other)
    assert split.train.fingerprint == ground.split.train.fingerprint
    bench = Workbench(
        other, train=split.train, retrieval=ItemKNN().fit(split.train), ratings=ground.bench.ratings
    )
    elsewhere = Ground(other, split, bench)
    one = TaskSet((Labelled(first, ""),), "")
    assert seen_by_all(ground, one, obedient(), workflow) == seen_by_all(elsewhere, one, obedient(), workflow)
    target = town.items["id"][int(town.item[town.history(town.user_index(first.user), None)][-4])]
    assert tasks.labels[first.id] == target != ranking_tasks(other, split, requests=99).labels.get(first.id)


def test_requests_at_once_leave_the_same_as_one_by_one(ground: Ground, obedient: Callable[..., Any]) -> None:
    requests = ranking_tasks(ground.dataset, ground.split, requests=8).requests
    team = Team(ground.bench, FunctionModel(obedient(delay=0.002)), TeamConfig())

    async def at_once() -> list[TeamRun]:
        return await asyncio.gather(*map(team.run, requests))

    one_by_one = [asyncio.run(team.run(request)) for request in requests]
    for alone, together in zip(one_by_one, asyncio.run(at_once()), strict=True):
        assert [timeless(t) for t in alone.trajectories] == [timeless(t) for t in together.trajectories]


Behaviour = Callable[[AgentInfo], ModelResponse]


def always(behaviour: Behaviour) -> FunctionModel:
    async def function(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return behaviour(info)

    return FunctionModel(function)


def last(info: AgentInfo, **arguments: Any) -> ModelResponse:
    """Call the last thing offered: the answer, as soon as there is one."""
    return ModelResponse(parts=[ToolCallPart([*info.function_tools, *info.output_tools][-1].name, arguments)])


def down(info: AgentInfo) -> ModelResponse:
    raise ModelHTTPError(500, "test", "overloaded")


FAULTS: dict[str, tuple[Behaviour, str]] = {
    "junk text": (lambda info: ModelResponse(parts=[TextPart("lorem {ipsum")]), "invalid"),
    "nothing": (lambda info: ModelResponse(parts=[]), "invalid"),
    "unknown call": (lambda info: ModelResponse(parts=[ToolCallPart("drop_table", {})]), "invalid"),
    "null arguments": (lambda info: last(info, ids=None, rating=None, summary=None, reason=None), "invalid"),
    "unknown ids": (lambda info: last(info, ids=[f"x{i}" for i in range(10)], reason=""), "invalid"),
    "nan": (lambda info: last(info, rating=float("nan"), ids=[float("nan")]), "invalid"),
    "true": (lambda info: last(info, rating=True, ids=[True] * 10), "invalid"),
    "half json": (lambda info: ModelResponse(parts=[ToolCallPart("retrieve", '{"n":')]), "invalid"),
    "down": (down, "failed"),
}


@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("kind", ["ranking", "rating"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_model_is_an_outcome(ground: Ground, fault: str, kind: str, workflow: str) -> None:
    make = ranking_tasks if kind == "ranking" else rating_tasks
    behaviour, outcome = FAULTS[fault]
    made = run(
        ground,
        always(behaviour),
        make(ground.dataset, ground.split, requests=1).requests[0],
        workflow=workflow,
    )
    assert (made.outcome.kind, made.answer) == (outcome, None)
    assert made.root.error
    assert made.usage.requests <= 24
    assert all(parse_line(t.model_dump_json()) == t for t in made.trajectories)


def test_an_analyst_that_fails_does_not_stop_the_manager(ground: Ground, obedient: Callable[[], Any]) -> None:
    follower = obedient()

    async def function(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        names = {tool.name for tool in (*info.function_tools, *info.output_tools)}
        if names & {"history", "report"}:
            return ModelResponse(parts=[TextPart("I would rather not.")])
        response: ModelResponse = await follower(messages, info)
        return response

    request = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    made = run(ground, FunctionModel(function), request, workflow="analyse")
    assert made.outcome.kind == "answered"
    assert made.trajectories[1].outcome.kind == "invalid"
    assert "User Analyst gave no analysis" in made.root.steps[0].observations[0]


def test_the_whole_team_shares_one_budget(ground: Ground, obedient_model: FunctionModel) -> None:
    request = ranking_tasks(ground.dataset, ground.split, requests=1).requests[0]
    made = run(ground, obedient_model, request, workflow="analyse", requests=5)
    assert (made.outcome.kind, made.usage.requests) == ("limit", 5)
    assert "5 model calls" in (made.root.error or "")
    tokens = run(ground, obedient_model, request, workflow="analyse", tokens=250)
    assert (tokens.outcome.kind, tokens.usage.requests) == ("limit", 3)


def test_what_cannot_be_asked_is_said_at_once(
    ground: Ground,
    obedient_model: FunctionModel,
    make_town: Callable[..., Dataset],
    make_ground: Callable[..., Ground],
) -> None:
    with pytest.raises(InputError, match="no user 'nobody'"):
        run(ground, obedient_model, Request(id="r", kind="ranking", user="nobody"))
    with pytest.raises(InputError, match="no item 'nothing'"):
        run(ground, obedient_model, Request(id="r", kind="rating", user="u1", item="nothing"))
    unrated = make_ground(make_town(rated=False))
    with pytest.raises(InputError, match="town has no ratings"):
        run(unrated, obedient_model, Request(id="r", kind="rating", user="u1", item="i1"))


def test_data_without_ratings_or_with_positions_can_be_ranked(
    obedient_model: FunctionModel, make_town: Callable[..., Dataset], make_ground: Callable[..., Ground]
) -> None:
    for data in (make_town(rated=False), make_town(clock="order")):
        ground = make_ground(data)
        request = ranking_tasks(data, ground.split, requests=1).requests[0]
        assert run(ground, obedient_model, request).outcome.kind == "answered"


def test_a_planner_has_the_tools_called_and_two_model_calls_suffice(
    ground: Ground, obedient_model: FunctionModel
) -> None:
    request = ranking_tasks(ground.dataset, ground.split, requests=1).requests[0]
    events: list[Event] = []
    team = Team(ground.bench, obedient_model, TeamConfig(workflow="plan"))
    made = asyncio.run(team.run(request, events.append))
    assert [e.text for e in events if (e.agent, e.kind) == ("Planner", "call")] == [
        *("retrieve()", "history()", "user_info()")
    ]
    assert [t.agent for t in made.trajectories] == ["Manager", "Planner"]
    assert made.usage.requests == 2
    planner = made.trajectories[1]
    assert planner.outcome.answer == {"tools": ["retrieve", "history", "user_info"]}
    assert len(planner.steps) == 2
    called = planner.steps[1]
    assert [call.name for call in called.calls] == planner.outcome.answer["tools"]
    assert len({call.id for step in planner.steps for call in step.calls}) == 4
    assert [e.text for e in events if (e.agent, e.kind) == ("Planner", "observation")] == list(
        called.observations
    )
    assert planner.usage.seconds >= called.seconds > 0
    told = made.root.messages[1].text
    assert (
        told.index("\nretrieve:\n")
        < told.index("\nhistory:\n")
        < told.index(f"\nuser_info:\nuser {request.user}")
    )
    single = run(ground, obedient_model, request, workflow="single")
    assert made.answer["ids"] == single.answer["ids"]


def test_what_the_manager_needs_is_called_without_a_plan_too(
    ground: Ground, obedient: Callable[[], Any]
) -> None:
    follower = obedient()

    async def function(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if info.output_tools and info.output_tools[0].name == "plan":
            return ModelResponse(parts=[ToolCallPart("plan", {"tools": ["fly"]})])
        response: ModelResponse = await follower(messages, info)
        return response

    request = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    made = run(ground, FunctionModel(function), request, workflow="plan")
    assert made.outcome.kind == "answered"
    assert made.trajectories[1].outcome.kind == "invalid"
    assert [call.name for call in made.trajectories[1].steps[-1].calls] == ["predict_rating"]
    assert "predict_rating:\n" in made.root.messages[1].text
    assert "history:\n" not in made.root.messages[1].text


def test_planned_calls_end_with_the_team_s_budget(ground: Ground, obedient_model: FunctionModel) -> None:
    """A plan may name a role that is asked, and a tool that takes its time."""
    roster = built_in()
    manager = roster.roles["planned_ranker"].model_copy(
        update={"tools": ("retrieve", "analyse_user", "slow", "history")}
    )
    changed = Roster(
        roles={**roster.roles, "planned_ranker": manager},
        workflows=dict(roster.workflows),
        sources={"slow": Source(about="Slow.", python="nowhere:slow")},
    )
    slow = Tool.from_function(lambda: asyncio.sleep(60), "slow")
    request = ranking_tasks(ground.dataset, ground.split, requests=1).requests[0]

    def planned(**limits: Any) -> TeamRun:
        config = TeamConfig(workflow="plan", roster=changed, backoff=0.0, **limits)
        team = Team(ground.bench, obedient_model, config, tools={"slow": slow})
        return asyncio.run(team.run(request))

    few, short = planned(requests=3), planned(seconds=0.5)
    for made, last in ((few, "analyse_user"), (short, "slow")):
        assert made.outcome.kind == "limit"
        (planner,) = [t for t in made.trajectories if t.agent == "Planner"]
        called = planner.steps[-1]
        assert (called.calls[0].name, called.calls[-1].name) == ("retrieve", last)
    assert few.usage.requests == 3
    assert called.observations[-1] == "stopped: a limit of the team is reached"


class Reflecting:
    """An obedient model whose Reflector is content or not, in turn, and whose Manager gives each time what
    comes next."""

    def __init__(self, follower: Any, verdicts: list[bool], ratings: list[float]) -> None:
        self.follower, self.verdicts, self.ratings = follower, iter(verdicts), iter(ratings)

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        response: ModelResponse = await self.follower(messages, info)
        call = response.parts[0]
        assert isinstance(call, ToolCallPart)
        if call.tool_name == "judge":
            call.args = {"correct": next(self.verdicts), "reason": "The answer is too low."}
        if call.tool_name == "rate":
            call.args = {"rating": next(self.ratings), "reason": "So it seems."}
        return response


def reflected(
    ground: Ground, obedient: Callable[[], Any], verdicts: list[bool], ratings: list[float], **config: Any
) -> TeamRun:
    request = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    model = FunctionModel(Reflecting(obedient(), verdicts, ratings))
    return run(ground, model, request, workflow="reflect", **config)


def test_a_content_reflector_leaves_the_answer(ground: Ground, obedient: Callable[[], Any]) -> None:
    made = reflected(ground, obedient, [True], [2.0])
    assert [t.agent for t in made.trajectories] == ["Manager", "Reflector"]
    assert made.answer["rating"] == 2.0
    assert made.usage.requests == 3
    asked = made.trajectories[1].messages[1].text
    assert "Predict how user" in asked
    assert asked.endswith("The answer:\n2\nSo it seems.")


@pytest.mark.parametrize("remember", ["none", "last_trial", "reflection", "both"])
def test_the_manager_tries_again_with_what_it_is_to_remember(
    ground: Ground, obedient: Callable[[], Any], remember: str
) -> None:
    roster = built_in()
    workflow = roster.workflows["reflect"].model_copy(update={"remember": remember})
    changed = roster.model_copy(update={"workflows": {"reflect": workflow}})
    made = reflected(ground, obedient, [False], [2.0, 3.0], roster=changed)
    assert made.answer["rating"] == 3.0
    assert [t.agent for t in made.trajectories] == ["Manager", "Reflector", "Manager"]
    assert [t.parent for t in made.trajectories] == [None, made.root.id, made.root.id]
    assert len({t.id for t in made.trajectories}) == 3
    assert made.trajectories[2].outcome.answer["rating"] == 2.0
    told = made.root.messages[1].text
    assert ("Your last answer:\n2\nSo it seems." in told) == (remember in ("last_trial", "both"))
    assert ("It was judged wrong: The answer is too low." in told) == (remember in ("reflection", "both"))
    assert made.usage.seconds == pytest.approx(sum(t.usage.seconds for t in made.trajectories))


def test_a_trial_that_fails_does_not_lose_the_answer_before_it(
    ground: Ground, obedient: Callable[[], Any]
) -> None:
    made = reflected(ground, obedient, [False], [2.0, 9.0, 9.0, 9.0])
    assert made.outcome.kind == "answered"
    assert made.answer["rating"] == 2.0
    assert made.trajectories[2].outcome.kind == "invalid"
    out_of_calls = reflected(ground, obedient, [False], [2.0, 3.0], requests=3)
    assert out_of_calls.answer["rating"] == 2.0


def test_a_searcher_is_asked_a_question(ground: Ground, obedient_model: FunctionModel) -> None:
    request = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    made = run(ground, obedient_model, request, workflow="search")
    searcher = made.trajectories[1]
    assert (searcher.agent, searcher.messages[1].text) == ("Searcher", "Title 3")
    assert "Title 3" in searcher.steps[0].observations[0]
    assert {tool.name for tool in searcher.tools} == {"search", "item_info", "report"}


def test_a_role_of_ones_own_works_without_code(
    ground: Ground, obedient_model: FunctionModel, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        """
        [roles.critic]
        extends = "item_analyst"
        name = "Critic"
        asked_as = "ask_critic"

        [roles.critical_rater]
        extends = "rater"
        tools = ["ask_critic", "predict_rating"]
        required = ["ask_critic", "predict_rating"]
        steps = 2

        [workflows.critical]
        about = "a Critic is asked first"
        ranking = "ranker"
        rating = "critical_rater"
        """
    )
    request = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    made = run(ground, obedient_model, request, workflow="critical", roster=load(path))
    assert made.outcome.kind == "answered"
    assert [t.agent for t in made.trajectories] == ["Manager", "Critic"]
