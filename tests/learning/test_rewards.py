"""Plays of tasks written by hand, their rewards worked out by hand, and ways to earn without solving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tastemaker.errors import InputError
from tastemaker.learning.credit import CreditConfig, rollout_of, turn_rewards
from tastemaker.learning.rewards import GoldPath, RewardConfig, is_repeat, rewarded, same
from tastemaker.learning.tasks.environment import Called, Environment
from tastemaker.learning.tasks.function import FUNCTIONS, Split
from tastemaker.learning.tasks.generate import TaskConfig, make_tasks
from tastemaker.learning.tasks.gold import play_gold
from tastemaker.learning.tasks.task import Expected, Failure, OfferedTool, ToolTask
from tastemaker.records import Outcome, Step, Task, ToolCall, Trajectory

Calls = Sequence[tuple[str, dict[str, Any]]]
USE, GOLD = RewardConfig(contribution="use"), RewardConfig(contribution="gold")


def offered(key: str) -> OfferedTool:
    return FUNCTIONS[key].wordings[0]


MANAGER, BORN, ROOM, DAYS = map(
    offered, ("people.manager", "people.birthday", "people.department", "calendar.add_weeks")
)
ANA, TOM = {"person": "Ana Marsh"}, {"person": "Tom Reed"}


def chain(**changes: Any) -> ToolTask:
    """The manager of Ana Marsh, when they were born, and the day three weeks later."""
    return ToolTask(
        id="chain",
        kind="chain",
        split="test",
        program="",
        question="Which day is 3 weeks after the birthday of the manager of Ana Marsh?",
        tools=(MANAGER, BORN, ROOM, DAYS),
        world={
            "person": {
                "Ana Marsh": {"manager": "Tom Reed", "birthday": "1980-02-01", "department": "Sales"},
                "Tom Reed": {"manager": "Ana Marsh", "birthday": "1970-05-04", "department": "Legal"},
            }
        },
        gold=(
            (call(MANAGER, "Ana Marsh"),),
            (call(BORN, "Tom Reed"),),
            (call(DAYS, "1970-05-04", 3),),
        ),
        answer=(Expected(sort="date", value="1970-05-25"),),
        reply="It is 1970-05-25.",
    ).model_copy(update=changes)


def call(tool: OfferedTool, *values: Any) -> ToolCall:
    return ToolCall(id="c", name=tool.spec.name, arguments=dict(zip(tool.arguments, values, strict=True)))


def play(
    task: ToolTask, *steps: Sequence[ToolCall], answer: str | None, sampled: bool = True
) -> tuple[Trajectory, list[Called]]:
    """A play in which each step makes these calls; no calls are an output that could not be used."""
    environment = Environment(task)
    made = [
        Step(
            calls=tuple(calls),
            observations=tuple(environment.call(one.name, one.arguments).text for one in calls),
            error=None if calls else "no call",
        )
        for calls in steps
    ]
    if answer is not None:
        made.append(Step(text=answer))
    if sampled:
        made = [
            step.model_copy(update={"prompt_ids": (1,) * (2 * n + 1), "token_ids": (1,), "log_probs": (0.0,)})
            for n, step in enumerate(made)
        ]
    trajectory = Trajectory(
        id="play",
        task=Task(kind="tool-task", id=task.id),
        steps=tuple(made),
        outcome=Outcome(
            kind="limit" if answer is None else "answered",
            answer=answer,
            scores={"solved": environment.solved(answer or "")},
        ),
    )
    return trajectory, environment.called


def earned(task: ToolTask, *steps: Sequence[ToolCall], answer: str | None, by: RewardConfig) -> list[Any]:
    """The rewards of each step: success and contribution, and the outcome's alone on the last."""
    trajectory, called = play(task, *steps, answer=answer)
    return [tuple(step.rewards.values()) for step in rewarded(trajectory, task, called, by).steps]


def total(task: ToolTask, *steps: Sequence[ToolCall], answer: str, by: RewardConfig = USE) -> float:
    """All rewards of a play under the default weights."""
    trajectory, called = play(task, *steps, answer=answer)
    return sum(turn_rewards(rollout_of(rewarded(trajectory, task, called, by)), CreditConfig()))


RIGHT = ([call(MANAGER, "Ana Marsh")], [call(BORN, "Tom Reed")], [call(DAYS, "1970-05-04", 3)])


@pytest.mark.parametrize("by", [USE, GOLD])
def test_a_right_play_earns_everything(by: RewardConfig) -> None:
    found = earned(chain(), *RIGHT, answer="That is 25 May 1970.", by=by)
    assert found == [(1, 1), (1, 1), (1, 1), (1,)]
    assert total(chain(), *RIGHT, answer="That is 25 May 1970.", by=by) == pytest.approx(1.4)


def test_rewards_go_by_their_names() -> None:
    trajectory, called = play(chain(), *RIGHT, answer="It is 1970-05-25.", sampled=False)
    steps = rewarded(trajectory, chain(), called, USE).steps
    assert steps[0].rewards == {"success": 1, "contribution": 1}
    assert steps[-1].rewards == {"outcome": 1}


def test_a_result_that_nobody_takes_up_contributes_nothing() -> None:
    steps = [RIGHT[0], [call(ROOM, "Tom Reed")], *RIGHT[1:]]
    found = earned(chain(), *steps, answer="It is 1970-05-25.", by=USE)
    assert found == [(1, 1), (1, 0), (1, 1), (1, 1), (1,)]
    assert found == earned(chain(), *steps, answer="It is 1970-05-25.", by=GOLD)


def test_what_cannot_be_done_has_no_success() -> None:
    nobody, nothing = call(BORN, "Bob Nobody"), ToolCall(id="c", name="no_such_tool")
    junk = ToolCall(id="c", name=DAYS.spec.name, arguments={"base_date": "soon"})
    steps: list[list[ToolCall]] = [[nobody], [nothing], [junk], [], *RIGHT]
    found = earned(chain(), *steps, answer="It is 1970-05-25.", by=USE)
    assert found[:4] == [(0, 0)] * 4
    assert found[4:] == [(1, 1)] * 3 + [(1,)]


def test_calls_of_one_step_count_by_their_mean() -> None:
    steps = ([call(MANAGER, "Ana Marsh"), call(BORN, "Bob Nobody")], *RIGHT[1:])
    assert earned(chain(), *steps, answer="", by=USE)[0] == (0.5, 0.5)


def test_an_end_without_an_answer_is_a_step_like_others() -> None:
    assert earned(chain(), *RIGHT[:2], answer=None, by=GOLD) == [(1, 1), (1, 1, 0)]
    assert earned(chain(), *RIGHT[:2], answer=None, by=USE) == [(1, 1), (1, 0, 0)]


def test_an_answer_that_is_a_call_is_no_step() -> None:
    trajectory, called = play(chain(), *RIGHT, answer="It is 1970-05-25.")
    said = trajectory.steps[-1].model_copy(update={"calls": (ToolCall(id="a", name="answer"),)})
    trajectory = trajectory.model_copy(update={"steps": (*trajectory.steps[:-1], said)})
    assert rewarded(trajectory, chain(), called, USE).steps[-1].rewards == {"outcome": 1}


def test_only_sampled_steps_have_rewards() -> None:
    """A step that could not be read has no tokens; `credit` refuses rewards there."""
    trajectory, called = play(chain(), *RIGHT, answer=None)
    unread = Step(error="could not be read")
    trajectory = trajectory.model_copy(update={"steps": (*trajectory.steps, unread)})
    found = rewarded(trajectory, chain(), called, GOLD)
    assert found.steps[-1].rewards == {}
    assert set(found.steps[-2].rewards) == {"success", "contribution", "outcome"}
    assert len(rollout_of(found).turns) == 3


def test_a_call_that_the_loop_did_not_run_is_no_success() -> None:
    """The record has no second call, as the loop does not run a call again."""
    trajectory, called = play(chain(), RIGHT[0], RIGHT[0], *RIGHT[1:], answer="It is 1970-05-25.")
    without = [called[0], *called[2:]]
    for record in (called, without):
        found = rewarded(trajectory, chain(), record, USE)
        assert [step.rewards.get("success") for step in found.steps] == [1, 0, 1, 1, None]
        assert found.steps[1].rewards["contribution"] == 0


def test_calls_of_branches_that_were_given_up_are_passed_over() -> None:
    trajectory, called = play(chain(), *RIGHT, answer="It is 1970-05-25.")
    other = Called(ROOM.spec.name, TOM, True, '{"department":"Legal"}')
    found = rewarded(trajectory, chain(), [other, called[0], other, *called[1:]], USE)
    assert [step.rewards.get("success") for step in found.steps] == [1, 1, 1, None]


def test_rewards_are_given_anew() -> None:
    trajectory, called = play(chain(), *RIGHT, answer="It is 1970-05-25.")
    once = rewarded(trajectory, chain(), called, USE)
    first = once.steps[0].model_copy(update={"rewards": {"outcome": 5.0, "other": 2.0}})
    again = once.model_copy(update={"steps": (first, *once.steps[1:])})
    found = rewarded(again, chain(), called, USE)
    assert found.steps[0].rewards == {"other": 2, "success": 1, "contribution": 1}
    assert found.steps[1:] == once.steps[1:]


def test_a_play_without_a_score_is_refused() -> None:
    trajectory, called = play(chain(), answer="Hm.")
    with pytest.raises(InputError, match="solved"):
        rewarded(trajectory.model_copy(update={"outcome": Outcome(kind="answered")}), chain(), called, USE)


# ways to earn


def test_repeating_a_call_does_not_pay() -> None:
    answer = "It is 1970-05-25."
    honest = total(chain(), *RIGHT, answer=answer)
    for times in (1, 4):
        assert total(chain(), *[RIGHT[0]] * times, *RIGHT, answer=answer) < honest
    lazy = total(chain(), RIGHT[0], answer="I do not know.")
    assert total(chain(), *[RIGHT[0]] * 4, answer="I do not know.") < lazy


def test_calling_everything_does_not_pay() -> None:
    useless = [[call(tool, name)] for tool in (ROOM, BORN) for name in ("Ana Marsh",)]
    for by in (USE, GOLD):
        honest = total(chain(), *RIGHT, answer="It is 1970-05-25.", by=by)
        assert total(chain(), *useless, *RIGHT, answer="It is 1970-05-25.", by=by) < honest


def test_copying_everything_into_the_answer_does_not_pay() -> None:
    """Four results are told where one was asked for: each counts a quarter, and nothing is solved."""
    useless = [[call(tool, name)] for tool in (ROOM, BORN) for name in ("Ana Marsh", "Tom Reed")]
    everything = "Sales, Legal, 1980-02-01, 1970-05-04"
    found = earned(chain(), *useless, answer=everything, by=USE)
    assert found == [(1, 0.25)] * 4 + [(0,)]
    plain = total(chain(), *useless, answer="I do not know.")
    assert plain < total(chain(), *useless, answer=everything) < total(chain(), *RIGHT, answer="")
    assert earned(chain(), *useless, answer=everything + " and so on" * 40, by=USE)[0] == (1, 0)


def test_what_was_known_is_not_contributed() -> None:
    """Ana Marsh stands in the question, and the date was guessed before a tool said it again."""
    circle = ([call(MANAGER, "Tom Reed")], [call(BORN, "Ana Marsh")])
    assert earned(chain(), *circle, answer="", by=USE)[0] == (1, 0)
    guessed = ([call(DAYS, "1970-05-04", 1)], [call(BORN, "Tom Reed")])
    assert earned(chain(), *guessed, answer="On 4 May 1970.", by=USE)[1] == (1, 0)
    second = ([call(BORN, "Ana Marsh")], [call(BORN, "Ana Marsh")])
    assert earned(chain(), *second, answer="On 1980-02-01.", by=USE) == [(1, 1), (0, 0), (0,)]


def test_common_numbers_count_less_unless_they_are_asked_for() -> None:
    words, add = offered("text.count_words"), offered("math.add")
    task = chain(tools=(*chain().tools, words, add))
    steps = ([call(words, "a b c d")], [call(add, 4, 100)])
    many = ([call(words, "a " * 104)], [call(add, 104, 100)])
    assert earned(task, *steps, answer="", by=USE)[0] == (1, 0.25)
    assert earned(task, *many, answer="", by=USE)[0] == (1, 1)
    asked = chain(tools=task.tools, answer=(Expected(sort="number", value=4),))
    assert earned(asked, *steps, answer="", by=USE)[0] == (1, 1)
    assert earned(task, *steps, answer="", by=RewardConfig(common=0.5))[0] == (1, 0.5)


def test_numbers_are_taken_up_within_rounding() -> None:
    root = offered("math.square_root")
    task = chain(tools=(*chain().tools, root), answer=(Expected(sort="number", value=11.18),))
    for answer, worth in [("It is 11.18.", 1), ("About 11.180", 1), ("It is 11.", 0), ("111.18", 0)]:
        assert earned(task, [call(root, 125)], answer=answer, by=USE)[0] == (1, worth)


def test_acts_count_where_they_are_gold() -> None:
    deposit, balance = offered("bank.deposit"), offered("bank.balance")
    task = chain(
        question="Pay 20 euros into savings, then tell me its balance.",
        tools=(deposit, balance),
        world={"account": {"savings": {"balance": 100.5}}},
        gold=((call(deposit, "savings", 20),), (call(balance, "savings"),)),
        answer=(Expected(sort="money", value=120.5),),
    )
    once = [call(deposit, "savings", 20.0)]
    found = earned(task, once, [call(balance, "savings")], answer="120.50", by=USE)
    assert found == [(1, 1), (1, 1), (1,)]
    assert earned(task, once, once, [call(balance, "savings")], answer="140.50", by=USE)[1] == (0, 0)
    assert earned(task, [call(deposit, "savings", 7)], answer="", by=USE)[0] == (1, 0)


def test_a_call_that_shows_another_result_is_no_repeat() -> None:
    balance = [Called("balance", {"account": "a"}, True, text) for text in ("1", "2", "1")]
    assert not is_repeat(balance[1], balance[:1])
    assert is_repeat(balance[2], balance[:2])


# the gold path


def test_the_refusal_of_a_wrong_name_is_on_the_way() -> None:
    wrong = Failure(step=0, call=0, kind="argument", text="", arguments={"person": "Ana Mrsh"})
    task = chain(fails=(wrong,), question="Who manages Ana Mrsh?")
    steps = ([call(MANAGER, "Ana Mrsh")], *RIGHT)
    for by in (USE, GOLD):
        assert earned(task, *steps, answer="It is 1970-05-25.", by=by) == [(0, 1), *[(1, 1)] * 3, (1,)]
    assert earned(chain(), *steps, answer="It is 1970-05-25.", by=USE)[0] == (0, 0)


def test_each_gold_call_counts_once() -> None:
    path = GoldPath(chain())
    names = dict(zip(DAYS.arguments, ("1970-05-04", "3.0"), strict=True))
    made = Called(DAYS.spec.name, dict(reversed(names.items())), True, "")
    assert len(path) == 3
    assert path.take(made)
    assert not path.take(made)
    assert not path.take(Called(MANAGER.spec.name, ANA, False, "error: busy"))
    assert path.take(Called(MANAGER.spec.name, {"person": "ana marsh"}, True, ""))
    assert len(path) == 1


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ({"a": 1, "b": 2}, {"b": 2.0, "a": "1"}, True),
        ({"a": 1}, {"a": 1, "b": None}, True),
        ({"a": 1}, {"a": 1, "b": 0}, False),
        ([1, 2], [2, 1], False),
        (2.5, 2.504, True),
        (2.5, 2.6, False),
        (2, 2.004, False),
        (True, 1, False),
        (True, "true", True),
        ("Oslo ", "oslo", True),
        ("Oslo", "Oslo N", False),
        (float("inf"), 10**400, False),
        (None, None, True),
        (None, 0, False),
        ([1], {"a": 1}, False),
    ],
)
def test_same_values(a: Any, b: Any, equal: bool) -> None:
    assert same(a, b) is equal
    assert same(b, a) is equal


@pytest.mark.parametrize("split", ["train", "test"])
def test_gold_plays_earn_what_they_should(split: Split) -> None:
    """By gold path everything; by use nearly so, as small numbers on the way count less."""
    use: list[float] = []
    gold: list[float] = []
    for task in make_tasks(TaskConfig(split=split, count=60, kinds={"single": 1, "chain": 2, "mixed": 1})):
        trajectory, environment = play_gold(task), Environment(task)
        for step in trajectory.steps:
            for one in step.calls:
                environment.call(one.name, one.arguments)
        for by, found in ((USE, use), (GOLD, gold)):
            steps = rewarded(trajectory, task, environment.called, by).steps
            assert all(step.rewards["success"] == 1 for step in steps[:-1])
            assert steps[-1].rewards == {"outcome": 1}
            found += [step.rewards["contribution"] for step in steps[:-1]]
    assert set(gold) == {1.0}
    assert sum(use) > 0.95 * len(use)
