"""Which dialogues are held out, and which a step takes: whole groups, in an order drawn from the seed.

A group are dialogues that follow one another in the data with the same system message, and so the same
tools. It stays together so that its beginning is computed once (`packing`), and so that what is held out has
other tools than what is learnt from; only a group longer than a step is cut. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count as numbers

import numpy as np

from tastemaker.learning.examples import Example


def groups(examples: Sequence[Example], most: int) -> list[list[Example]]:
    """Examples that follow one another and have the same system message, at most so many together."""
    found: list[list[Example]] = []
    before = b""
    for one in examples:
        system = one.ids[: one.system].tobytes()
        if found and system and system == before and len(found[-1]) < most:
            found[-1].append(one)
        else:
            found.append([one])
        before = system
    return found


def split(
    examples: Sequence[Example], count: int, seed: int, most: int
) -> tuple[list[Example], list[Example]]:
    """The held-out part and the rest: `groups` drawn at random until there are `count` examples, but at least
    one stays to be learnt from. Examples that are all one group are drawn one by one.
    """
    drawn = groups(examples, most)
    if len(drawn) == 1:
        drawn = [[one] for one in examples]
    order = np.random.default_rng([seed]).permutation(len(drawn))
    ends = np.cumsum([len(drawn[i]) for i in order])
    held = min(int(np.searchsorted(ends, count)) + 1, len(drawn) - 1) if count else 0

    def joined(chosen: Iterable[int]) -> list[Example]:
        return [one for i in sorted(chosen) for one in drawn[i]]

    return joined(order[:held]), joined(order[held:])


def batches(examples: Sequence[Example], size: int, seed: int) -> Iterator[list[Example]]:
    """The examples of each step, without end: every epoch has all of them once, in an order of its own."""
    together = groups(examples, size)
    for epoch in numbers():
        yield from _epoch(together, size, seed, epoch)


def _epoch(together: Sequence[list[Example]], size: int, seed: int, epoch: int) -> Iterator[list[Example]]:
    """Groups in a drawn order, so many to a step that it has `size` examples; the last step may have less."""
    step: list[Example] = []
    for i in np.random.default_rng([seed, epoch]).permutation(len(together)):
        step += together[i]
        if len(step) >= size:
            yield step
            step = []
    if step:
        yield step


def epoch_steps(examples: Sequence[Example], size: int, seed: int) -> int:
    """Steps of the first epoch; with groups of unequal sizes, others may have one more or less."""
    return sum(1 for _ in _epoch(groups(examples, size), size, seed, 0))
