"""A task played by texts, with rewards that are due at once."""

from __future__ import annotations

import json

import pytest

from tastemaker.learning.credit import CreditConfig
from tastemaker.learning.engines.play import Play, PlayConfig, prompt
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.llm.chat import call_text

FIRST = call_text("manager_of", {"person": "Ana Marsh"})
SECOND = call_text("birth_date", {"person": "Tom Reed"})
OTHER = call_text("birth_date", {"person": "Ana Marsh"})


def rewards(task: ToolTask, *texts: str, turns: int | None = None) -> list[float]:
    game = Play(task, PlayConfig(), turns)
    return [game.turn(text).reward for text in texts]


def test_a_right_play(task: ToolTask) -> None:
    game = Play(task, PlayConfig())
    first, second, last = (game.turn(text) for text in (FIRST, SECOND, "On 4 May 1970."))
    assert first.messages == [{"role": "user", "content": 'manager_of returned:\n{"manager":"Tom Reed"}'}]
    assert first.scores == second.scores == {"success": 0.5, "contribution": 0.5}
    assert (last.messages, last.scores, last.reward) == ([], {"outcome": 1}, 1)
    assert [first.done, second.done, last.done] == [False, False, True]
    assert game.calls == 2


def test_all_steps_earn_no_more_than_their_weights(task: ToolTask) -> None:
    """0.2 for success and 0.2 for contribution, in one turn or in many."""
    assert sum(rewards(task, FIRST, SECOND)) == pytest.approx(0.4)
    assert sum(rewards(task, f"{FIRST}\n{SECOND}")) == pytest.approx(0.4)
    assert sum(rewards(task, *[FIRST, OTHER] * 3, SECOND)) <= 0.4
    assert rewards(task, FIRST, FIRST) == pytest.approx([0.2, 0])
    assert rewards(task, OTHER, "It is 1980-02-01.") == pytest.approx([0.1, 0])


def test_weights_are_those_of_the_config(task: ToolTask) -> None:
    credit = CreditConfig(step_weights={"contribution": 3.0}, outcome_weights={"outcome": 5.0})
    game = Play(task, PlayConfig(credit=credit))
    assert [game.turn(text).reward for text in (FIRST, SECOND, "1970-05-04")] == [1.5, 1.5, 5]


def test_what_goes_wrong_is_said(task: ToolTask) -> None:
    game = Play(task, PlayConfig())
    for text, part in [
        ('{"name": "manager_of", "argu', "error: this is no call"),
        (call_text("no_such", {}), "error: there is no call 'no_such' now"),
        (call_text("birth_date", {"person": "Tom Red"}), "did you mean 'Tom Reed'"),
    ]:
        turned = game.turn(text)
        assert part in turned.messages[0]["content"]
        assert (turned.reward, turned.done) == (0, False)


def test_the_last_turn_ends_a_play(task: ToolTask) -> None:
    game = Play(task, PlayConfig(), turns=2)
    assert not game.turn(FIRST).done
    last = game.turn(SECOND)
    assert (last.done, last.messages, last.scores["outcome"]) == (True, [], 0)
    assert last.reward == pytest.approx(0.2)


def test_long_results_are_cut(task: ToolTask) -> None:
    (message,) = Play(task, PlayConfig(longest=5)).turn(FIRST).messages
    assert message["content"] == 'manager_of returned:\n{"man…'


def test_where_no_tool_fits_only_the_outcome_pays(task: ToolTask) -> None:
    none = task.model_copy(update={"gold": (), "answer": (), "kind": "no tool"})
    assert rewards(none, FIRST, "I cannot do that.") == [0, 0]
    assert rewards(none, "I cannot do that.") == [1]


def test_the_prompt_offers_the_calls(task: ToolTask) -> None:
    system, user = prompt(task)
    assert system["role"] == "system"
    for tool in task.tools:
        assert f"{tool.spec.name}(person: str)" in system["content"]
    assert user == {"role": "user", "content": task.question}
    assert json.dumps([system, user])
