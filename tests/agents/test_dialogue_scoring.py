"""Recall on answers worked by hand; intervals over dialogues."""

from __future__ import annotations

from typing import Any

from tastemaker.agents.prepare import Ground
from tastemaker.agents.scoring import answers_row
from tastemaker.agents.tasks import Labelled, Request, TaskSet
from tastemaker.tools.talk import VISITOR


def tasks(targets: dict[str, tuple[str, ...]]) -> TaskSet:
    def request(turn: str) -> Request:
        return Request(id=f"d/conversation/{turn}", kind="conversation", user=VISITOR, n=12, turns=("hello",))

    return TaskSet(tuple(Labelled(request(turn), label) for turn, label in targets.items()), "by hand")


def test_each_target_is_an_instance(ground: Ground) -> None:
    asked = tasks({"1/1": ("i3", "i5"), "1/3": ("i2",), "2/1": ("i7",)})
    answers: list[Any] = [{"ids": ["i5", "i0", "i3"]}, {"ids": ["i2", "i1"]}, {"ids": ["i0", "i1"]}]
    row = answers_row("x", ground, asked, answers)
    # Places of the targets: i3 third, i5 first, i2 first, i7 nowhere.
    assert (row["recall@1"]["mean"], row["recall@10"]["mean"]) == (0.5, 0.75)
    assert (row["n"], row["targets"]) == (3, 4)
    # Two dialogues: a sample has the first twice (recall@10 of 1), the second twice (0), or both (3/4).
    assert (row["recall@10"]["low"], row["recall@10"]["high"]) == (0.0, 1.0)
    answers[1] = None
    row = answers_row("x", ground, asked, answers)
    assert (row["recall@10"]["mean"], row["valid recall@10"]["mean"]) == (0.5, 2 / 3)


def test_whole_dialogues_are_drawn(ground: Ground) -> None:
    alone = tasks({f"{n}/1": (f"i{n % 2}",) for n in range(400)})
    same = tasks({f"{n // 40}/{n}": (f"i{n // 40 % 2}",) for n in range(400)})
    wide, narrow = (answers_row("x", ground, of, [{"ids": ["i0"]}] * 400)["recall@1"] for of in (same, alone))
    assert wide["mean"] == narrow["mean"] == 0.5
    assert wide["high"] - wide["low"] > 3 * (narrow["high"] - narrow["low"])
