"""A play of a task written by hand, call by call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.environment import Called, Environment
from tastemaker.learning.tasks.function import FUNCTIONS
from tastemaker.learning.tasks.task import Expected, Failure, OfferedTool, ToolTask
from tastemaker.records import ToolCall


def offered(key: str) -> OfferedTool:
    return FUNCTIONS[key].wordings[0]


DEPOSIT, BALANCE, CITY = offered("bank.deposit"), offered("bank.balance"), offered("people.city")
ASK = {"account": "savings"}
PAY = {"account": "savings", "amount": 20}


def task(**changes: Any) -> ToolTask:
    return ToolTask(
        id="by-hand",
        kind="chain",
        split="train",
        program="deposit; balance",
        question="Pay 20 euros into the account savings, then tell me the balance of the account savings.",
        tools=(DEPOSIT, BALANCE, CITY),
        world={
            "account": {"savings": {"balance": 100.5}, "travel": {"balance": 70}},
            "person": {"Ana Marsh": {"city": "Ashford"}, "Tom Reed": {"city": "Ironwick"}},
            "town": {"Ashford": {}, "Ironwick": {}},
        },
        gold=(
            (ToolCall(id="call1", name=DEPOSIT.spec.name, arguments=PAY),),
            (ToolCall(id="call2", name=BALANCE.spec.name, arguments=ASK),),
        ),
        answer=(Expected(sort="money", value=120.5),),
        reply="It is 120.5.",
    ).model_copy(update=changes)


def test_acts_and_answer_make_it_right() -> None:
    play = Environment(task())
    assert play.call(DEPOSIT.spec.name, PAY).text == '{"paid_in":20}'
    assert play.call(BALANCE.spec.name, ASK).text == '{"balance":120.5}'
    assert play.solved("The balance is 120.50 euros.") == 1
    assert play.solved("I do not know.") == 0.5
    assert [made.success for made in play.called] == [True, True]


def test_the_right_words_without_the_act_are_half_of_it() -> None:
    assert Environment(task()).solved("It is 120.5.") == 0.5


def test_acting_twice_or_elsewhere_is_not_right() -> None:
    twice = Environment(task())
    for _ in range(2):
        twice.call(DEPOSIT.spec.name, PAY)
    assert twice.solved("It is 120.5.") == 0.5
    elsewhere = Environment(task())
    elsewhere.call(DEPOSIT.spec.name, PAY)
    elsewhere.call(DEPOSIT.spec.name, {"account": "travel", "amount": 1})
    assert elsewhere.solved("It is 120.5.") == 0.5
    assert elsewhere.solved("It is 7.") == 0


def test_each_play_has_a_world_of_its_own() -> None:
    given = task()
    for _ in range(2):
        play = Environment(given)
        play.call(DEPOSIT.spec.name, PAY)
        assert play.call(BALANCE.spec.name, ASK).text == '{"balance":120.5}'


def test_a_service_fails_once() -> None:
    failure = Failure(step=0, call=0, kind="transient", text="try again", arguments=PAY)
    play = Environment(task(fails=(failure,)))
    assert play.call(DEPOSIT.spec.name, PAY) == Called(DEPOSIT.spec.name, PAY, False, "error: try again")
    assert play.call(DEPOSIT.spec.name, PAY).success
    play.call(BALANCE.spec.name, ASK)
    assert play.solved("It is 120.5.") == 1


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("nothing", {}, "there is no call 'nothing' now"),
        (DEPOSIT.spec.name, {"account": "savings"}, "argument amount is missing"),
        (DEPOSIT.spec.name, {"account": "savings", "amount": "much"}, "argument amount must be float"),
        (DEPOSIT.spec.name, {"account": "savings", "amount": -2}, "the amount must be positive"),
        (BALANCE.spec.name, {"account": "savngs"}, "there is no account 'savngs'; did you mean 'savings'?"),
        (BALANCE.spec.name, {"account": "zzz"}, "there is no account 'zzz'"),
        (CITY.spec.name, {"person": "Ana"}, "there is no person 'Ana'; did you mean 'Ana Marsh'?"),
    ],
)
def test_what_is_wrong_is_told_and_recorded(name: str, arguments: dict[str, Any], text: str) -> None:
    play = Environment(task())
    made = play.call(name, arguments)
    assert not made.success
    assert text in made.text
    assert play.called == [made]


def test_tools_called_by_an_agent_are_recorded_alike() -> None:
    play = Environment(task())
    tools = {tool.spec.name: tool for tool in play.tools()}
    assert (
        asyncio.run(tools[DEPOSIT.spec.name].call({"account": "Savings", "amount": "20"})) == '{"paid_in":20}'
    )
    with pytest.raises(ToolError, match="did you mean"):
        asyncio.run(tools[CITY.spec.name].call({"person": "Ana"}))
    with pytest.raises(ToolError, match="there is no argument"):
        asyncio.run(tools[CITY.spec.name].call({"person": "Ana Marsh", "x": 1}))
    assert [made.success for made in play.called] == [True, False, False]
    assert play.called[0].text == '{"paid_in":20}'


def test_where_no_tool_fits_a_call_spoils_it() -> None:
    nothing = task(kind="no tool", gold=(), answer=())
    play = Environment(nothing)
    assert play.solved("No tool can do that.") == 1
    assert play.solved("It is 120.5.") == 0
    play.call(CITY.spec.name, {"person": "Ana"})
    assert play.solved("No tool can do that.") == 0


def test_a_result_on_the_way_is_not_to_be_told() -> None:
    play = Environment(task())
    play.call(CITY.spec.name, {"person": "Ana Marsh"})
    play.call(DEPOSIT.spec.name, PAY)
    play.call(BALANCE.spec.name, ASK)
    assert play.solved("Ashford and 120.5") == 0.5
    assert play.solved("Your savings hold 120.5 euros after the 20.") == 1


def test_a_name_put_right_may_be_repeated() -> None:
    mended = task(
        question="Which town does Ana live in, and which one Tom Reed?",
        gold=((ToolCall(id="call1", name=CITY.spec.name, arguments={"person": "Ana Marsh"}),),),
        answer=(Expected(sort="person", value="Tom Reed"),),
    )
    assert Environment(mended).solved("Ana Marsh: Tom Reed") == 0  # Tom Reed stands in the question
    mended = mended.model_copy(update={"question": "Who lives where Ana does not?"})
    assert Environment(mended).solved("Ana Marsh, so Tom Reed") == 0
    failure = Failure(step=0, call=0, kind="argument", text="", arguments={"person": "Ana"})
    assert (
        Environment(mended.model_copy(update={"fails": (failure,)})).solved("Not Ana Marsh but Tom Reed") == 1
    )
