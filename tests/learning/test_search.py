"""Depth-first search on a tree written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from pydantic_ai.messages import ModelResponse, TextPart

from tastemaker.learning.search import PATIENCE, Dive, Watch, depth_first
from tastemaker.records import Outcome, Task, Trajectory, Usage
from tastemaker.tools.loop import Event

TREE: dict[str, list[str]] = {"": ["a", "b"], "a": ["aa", "ab"], "b": ["ba", "bb"]}
"""Children in the order in which they are drawn; all others are leaves."""


class Walker:
    """Draws children in order, and answers with the leaf that it comes to."""

    def __init__(self, tree: dict[str, list[str]] = TREE) -> None:
        self.tree = tree
        self.drawn: dict[str, int] = {}
        self.seen: list[str] = []

    async def __call__(self, path: Sequence[ModelResponse], attempt: int, watch: Watch) -> Dive:
        outputs, fresh = list(path), 0
        at = str(path[-1].parts[0].content) if path else ""  # type: ignore[union-attr]
        answered = False
        while not answered and watch.objection(outputs) is None:
            place = self.drawn.get(at, 0)
            self.drawn[at] = place + 1
            at = self.tree[at][place % len(self.tree[at])]
            self.seen.append(at)
            fresh += 1
            outputs.append(ModelResponse([TextPart(at)]))
            answered = at not in self.tree
        outcome = Outcome(kind="answered" if answered else "invalid", answer=at)
        run = Trajectory(
            id=str(attempt), task=Task(kind="t", id="t"), outcome=outcome, usage=Usage(requests=fresh)
        )
        return Dive(run, tuple(outputs))


def search(walker: Walker, goal: str, width: int = 2, nodes: int = 99) -> Trajectory:
    made = depth_first(walker, width=width, nodes=nodes, gives_up=lambda run: run.outcome.answer != goal)
    return asyncio.run(made)


@pytest.mark.parametrize(
    ("goal", "order"),
    [
        ("aa", "a aa"),
        ("ab", "a aa ab"),
        ("ba", "a aa ab b ba"),
        ("bb", "a aa ab b ba bb"),
    ],
)
def test_nodes_are_drawn_in_pre_order_and_none_twice(goal: str, order: str) -> None:
    walker = Walker()
    found = search(walker, goal)
    assert walker.seen == order.split()
    assert (found.outcome.answer, found.usage.requests) == (goal, len(walker.seen))


def test_without_a_goal_the_first_that_gave_up_stands() -> None:
    walker = Walker()
    found = search(walker, "none")
    assert (found.outcome.answer, found.usage.requests) == ("aa", 6)


def test_one_child_a_place_is_a_chain() -> None:
    walker = Walker()
    search(walker, "bb", width=1)
    assert walker.seen == ["a", "aa"]


def test_no_more_nodes_are_drawn_than_there_may_be() -> None:
    for nodes in range(1, 6):
        walker = Walker()
        search(walker, "bb", nodes=nodes)
        assert walker.seen == ["a", "aa", "ab", "b", "ba", "bb"][:nodes]


def test_the_same_output_in_the_same_place_is_not_followed() -> None:
    walker = Walker({"": ["a", "a", "b"], "a": ["aa"]})
    assert search(walker, "b", width=3).outcome.answer == "b"
    assert walker.seen == ["a", "aa", "aa", "aa", "a", "b"]


def test_one_failed_turn_may_be_mended_but_not_more() -> None:
    outputs = [ModelResponse([TextPart(str(n))]) for n in range(9)]

    def objections(*turns: str) -> list[bool]:
        watch, found = Watch(), []
        for number, turn in enumerate(turns, 1):
            for text in turn.split(","):
                watch(Event("x", "observation", text))
            found.append(watch.objection(outputs[:number]) is not None)
        return found

    assert PATIENCE == 2
    assert objections("error: a", "ok", "error: b", "error: c") == [False, False, False, True]
    assert objections("error: a,ok", "error: b", "error: c,ok") == [False, False, False]


def test_what_cannot_be_used_ends_a_run() -> None:
    watch = Watch()
    watch(Event("x", "rejected", "no"))
    assert watch.objection([ModelResponse([TextPart("a")])]) == "an output could not be used"
