"""Every example is learnt from once an epoch or held out, and groups stay whole."""

from __future__ import annotations

from itertools import islice

from tastemaker.learning.examples import Example
from tastemaker.learning.order import batches, epoch_steps, groups, split


def test_every_epoch_has_every_example_once(examples: list[Example]) -> None:
    steps = list(islice(batches(examples, 4, 7), 6))
    assert [len(step) for step in steps] == [4, 4, 1, 4, 4, 1]
    seen = [[id(one) for step in epoch for one in step] for epoch in (steps[:3], steps[3:])]
    for epoch in seen:
        assert sorted(epoch) == sorted(map(id, examples))
    assert seen[0] != seen[1]


def test_a_step_takes_whole_groups(families: list[list[Example]]) -> None:
    """Groups of 3, 4, 2 and 5 dialogues; a step of 5 takes one to three, one of 3 cuts the longest."""
    flat = [one for family in families for one in family]
    assert [list(map(id, one)) for one in groups(flat, 5)] == [list(map(id, one)) for one in families]
    assert [len(one) for one in groups(flat, 3)] == [3, 3, 1, 2, 3, 2]
    home = {id(one): number for number, family in enumerate(families) for one in family}
    for seed in range(5):
        left = len(flat)
        for step in batches(flat, 5, seed):
            held = [home[id(one)] for one in step]
            assert sorted(held) == sorted(n for n in set(held) for _ in families[n])
            assert len(step) >= min(5, left)
            left -= len(step)
            if not left:
                break


def test_the_held_out_part_is_held_out(examples: list[Example]) -> None:
    held_out, learnt = split(examples, 3, 0, 4)
    assert len(held_out) == 3
    assert sorted(map(id, [*held_out, *learnt])) == sorted(map(id, examples))
    assert split(examples[:1], 5, 0, 4) == ([], examples[:1])
    assert split(examples, 0, 0, 4)[0] == []
    assert len(split(examples, 99, 0, 4)[1]) == 1


def test_no_group_is_both_learnt_and_held_out(families: list[list[Example]]) -> None:
    flat = [one for family in families for one in family]
    for seed in range(10):
        held_out, learnt = split(flat, 4, seed, 5)
        assert 4 <= len(held_out) < 4 + 5
        assert sorted(map(id, [*held_out, *learnt])) == sorted(map(id, flat))
        tools = [{one.ids[: one.system].tobytes() for one in part} for part in (held_out, learnt)]
        assert tools[0].isdisjoint(tools[1])
    held_out, learnt = split(families[0], 2, 0, 5)
    assert (len(held_out), len(learnt)) == (2, 1)


def test_an_epoch_has_so_many_steps(examples: list[Example], families: list[list[Example]]) -> None:
    assert [epoch_steps(examples, size, 0) for size in (1, 4, 9, 20)] == [9, 3, 1, 1]
    assert epoch_steps([one for family in families for one in family], 1, 0) == 14
