"""Explanations and conversations by teams, with a model that follows its instructions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic_ai.models.function import FunctionModel

from tastemaker.agents.prepare import Ground
from tastemaker.agents.roles import built_in
from tastemaker.agents.tasks import Request, rating_tasks
from tastemaker.agents.team import Team, TeamConfig, TeamRun
from tastemaker.errors import InputError
from tastemaker.tools.talk import VISITOR, Talk

EXPLAINING = [name for name, workflow in built_in().workflows.items() if workflow.explanation]
TALKING = [name for name, workflow in built_in().workflows.items() if workflow.conversation]
TURNS = ("hello", "What do you like?", "Something funny, like Title 4")


def run(ground: Ground, model: FunctionModel, request: Request, **config: Any) -> TeamRun:
    return asyncio.run(Team(ground.bench, model, TeamConfig(backoff=0.0, **config)).run(request))


def talk(user: str = VISITOR, n: int = 5, **said: tuple[str, ...]) -> Request:
    return Request(id="talk", kind="conversation", user=user, n=n, turns=TURNS, talk=Talk(**said))


@pytest.mark.parametrize("answers", ["own", "edits"])
@pytest.mark.parametrize("workflow", EXPLAINING)
def test_an_item_is_explained(
    ground: Ground, obedient_model: FunctionModel, workflow: str, answers: str
) -> None:
    asked = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    request = asked.model_copy(update={"kind": "explanation"})
    made = run(ground, obedient_model, request, workflow=workflow, answers=answers)
    assert made.outcome.kind == "answered", made.root.error
    assert made.answer["text"].startswith("It suits you.")
    if answers == "edits":
        liked = ground.bench.at(request.moment, request.user).because(str(request.item))
        assert f"You liked {liked[0]}." in made.answer["text"]


@pytest.mark.parametrize("answers", ["own", "edits"])
@pytest.mark.parametrize("workflow", TALKING)
def test_a_visitor_gets_what_fits_the_talk(
    ground: Ground, obedient_model: FunctionModel, workflow: str, answers: str
) -> None:
    request = talk(likes=("i4", "i7"), dislikes=("i1",), shown=("i10",))
    made = run(ground, obedient_model, request, workflow=workflow, answers=answers)
    assert made.outcome.kind == "answered", made.root.error
    ids = made.answer["ids"]
    assert len(set(ids)) == 5
    assert not {"i4", "i7", "i1", "i10"} & set(ids)


def test_a_long_ranking_goes_on_with_what_was_suggested(
    ground: Ground, obedient_model: FunctionModel
) -> None:
    box = ground.bench.at(None, VISITOR, Talk(likes=("i4",)))
    box.suggest("Something funny, like Title 4 hello", 50)
    made = run(ground, obedient_model, talk(n=30, likes=("i4",)), workflow="single", answers="edits")
    assert made.answer["ids"][10:] == [id for id in box.ranked if id not in made.answer["ids"][:10]][:20]
    assert sorted(made.answer["ids"]) == sorted(box.ranked[:30])


def test_the_interpreter_reads_the_talk_and_the_manager_its_words(
    ground: Ground, obedient: Callable[[], Any]
) -> None:
    model = obedient()
    made = run(ground, FunctionModel(model), talk(), workflow="interpret")
    (interpreter,) = [t for t in made.trajectories if t.task.kind == "interpretation"]
    assert interpreter.messages[1].text.splitlines() == [
        "User: hello", "You: What do you like?", "User: Something funny, like Title 4",
    ]  # fmt: skip
    assert made.root.messages[1].text == "Likes drama.\nRecommend 5 items that fit."
    call = made.root.steps[0].calls[0]
    assert call.name == "suggest"


def test_the_user_of_a_talk_keeps_their_history(ground: Ground, obedient_model: FunctionModel) -> None:
    data = ground.dataset
    own = {str(data.items["id"][int(i)]) for i in data.item[data.history(3)]}
    made = run(ground, obedient_model, talk("u3", n=10), workflow="single")
    assert made.outcome.kind == "answered"
    assert not own & set(made.answer["ids"])


def test_a_workflow_that_is_not_for_a_task_says_which_are(
    ground: Ground, obedient_model: FunctionModel
) -> None:
    with pytest.raises(InputError, match="plan is not for the task conversation; these are: single"):
        run(ground, obedient_model, talk(), workflow="plan")
    request = rating_tasks(ground.dataset, ground.split, requests=1).requests[0]
    with pytest.raises(InputError, match="chat is not for the task rating"):
        run(ground, obedient_model, request, workflow="chat")


def test_an_unknown_item_in_a_talk_is_said(ground: Ground, obedient_model: FunctionModel) -> None:
    with pytest.raises(InputError, match="i999"):
        run(ground, obedient_model, talk(likes=("i999",)), workflow="single")
