"""Keys and values of token sequences that were computed before, to begin new prompts with.

Prompts of one task begin alike, and the prompt of a next turn begins with the one before and what was
sampled. Kept by last use, up to a number of tokens. Knows nothing of models or batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Layers = Sequence[tuple["Tensor", "Tensor"]]
"""Keys and values [heads, tokens, d] of each layer."""


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two sequences begin with alike.

    >>> common((1, 2, 3), (1, 2, 4, 5))
    2
    """
    return _common(np.asarray(one, np.int64), np.asarray(other, np.int64))


@dataclass(frozen=True)
class _Kept:
    ids: NDArray[np.int64]
    layers: Layers


class Prefixes:
    """Sequences with their keys and values, `tokens` tokens at most."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self._kept: list[_Kept] = []  # the one used last stands last

    def find(self, ids: Sequence[int]) -> tuple[int, Layers]:
        """The most tokens that a sequence begins with and that are known, and their keys and values."""
        wanted = np.asarray(ids, np.int64)
        lengths = [_common(wanted, one.ids) for one in self._kept]
        if not any(lengths):
            return 0, ()
        best = int(np.argmax(lengths))
        one = self._kept.pop(best)
        self._kept.append(one)
        length = lengths[best]
        return length, [(keys[:, :length], values[:, :length]) for keys, values in one.layers]

    def keep(self, ids: Sequence[int], layers: Layers) -> None:
        """Remember a sequence; those that it begins with are remembered with it."""
        new = np.asarray(ids, np.int64)
        if len(new) > self.tokens or any(_common(new, one.ids) == len(new) for one in self._kept):
            return
        self._kept = [one for one in self._kept if _common(new, one.ids) < len(one.ids)]
        copies = [(keys.clone(), values.clone()) for keys, values in layers]
        self._kept.append(_Kept(new, copies))
        while sum(len(one.ids) for one in self._kept) > self.tokens:
            del self._kept[0]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def _common(one: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    short = min(len(one), len(other))
    differ = np.flatnonzero(one[:short] != other[:short])
    return int(differ[0]) if len(differ) else short
