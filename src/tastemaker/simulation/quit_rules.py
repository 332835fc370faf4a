"""When a simulated user has had enough: rules that compare a new item with the last few (EasyRL4Rec, arXiv
2402.15164, section 3.1).

A rule sees windows of items, the latest in the last column and -1 where a session is younger than the window;
such empty places never count. It knows nothing of users, rewards or turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tastemaker.errors import InputError

_BLOCK = 1024
"""Rows of distances that are worked out at a time."""


class QuitRule(Protocol):
    """Decides who quits."""

    n_recent: int
    """How many of the latest items the rule looks at."""

    @property
    def n_items(self) -> int | None:
        """How many items it knows; None where it takes any."""
        ...

    def quits(self, window: NDArray[np.int32], items: NDArray[np.integer]) -> NDArray[np.bool_]:
        """[n] whether each user quits over an item of `items` [n], shown after `window` [n, n_recent]."""
        ...

    def all_quits(self, window: NDArray[np.int32], n_items: int) -> NDArray[np.bool_]:
        """[n, n_items] whether each user would quit over each item of a world of `n_items`."""
        ...

    def describe(self) -> str:
        """The rule in a few words, as it stands in protocols."""
        ...


class NeverQuits:
    """Users who stay until the last turn."""

    n_recent = 0
    n_items = None

    def quits(self, window: NDArray[np.int32], items: NDArray[np.integer]) -> NDArray[np.bool_]:
        return np.zeros(len(items), np.bool_)

    def all_quits(self, window: NDArray[np.int32], n_items: int) -> NDArray[np.bool_]:
        return np.zeros((len(window), n_items), np.bool_)

    def describe(self) -> str:
        return "nobody quits"


class DistanceQuit:
    """A user quits when one of the last `n_recent` items lies nearer than `threshold` to the new one."""

    def __init__(self, positions: NDArray[np.floating], threshold: float, n_recent: int) -> None:
        """`positions` [n_items, d] are compared by Euclidean distance, for example the columns of a matrix of
        rewards. Takes n_items² bytes.

        Raises InputError for positions that are no table of finite numbers, a threshold below 0 or a window
        below 1.
        """
        if positions.ndim != 2:
            raise InputError(
                f"positions are a table of items by dimensions, not an array of shape {positions.shape}"
            )
        if not np.isfinite(positions).all():
            raise InputError(
                "distances between items need finite numbers; the positions hold NaN or infinity"
            )
        _check_window(n_recent)
        if not threshold >= 0:
            raise InputError(f"the distance under which a user quits must be at least 0, not {threshold:g}")
        self.threshold = threshold
        self.n_recent = n_recent
        self.n_items = len(positions)
        self.near = _near(np.asarray(positions, np.float64), threshold)

    def quits(self, window: NDArray[np.int32], items: NDArray[np.integer]) -> NDArray[np.bool_]:
        # An empty place's -1 makes a negative place, which counts from the end: from the last, empty row.
        places = window.T * np.int64(self.n_items) + items
        found: NDArray[np.bool_] = np.any(self.near.ravel()[places], axis=0)
        return found

    def all_quits(self, window: NDArray[np.int32], n_items: int) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.any(self.near[window], axis=1)
        return found

    def describe(self) -> str:
        return f"quits over an item nearer than {self.threshold:g} to one of the last {self.n_recent}"


class CategoryQuit:
    """A user quits when a category of the new item occurred more than `threshold` times in the last
    `n_recent` items.
    """

    def __init__(self, categories: Sequence[Sequence[str]], threshold: int, n_recent: int) -> None:
        """`categories` holds the names of each item's categories. Takes n_items * n_categories bytes.

        Raises InputError when no item has a category, for a threshold below 0 or a window below 1.
        """
        own = [sorted(set(row)) for row in categories]
        names = sorted({name for row in own for name in row})
        if not names:
            raise InputError("a user cannot quit over categories: no item of this world has any")
        _check_window(n_recent)
        if threshold < 0:
            raise InputError(f"the count over which a user quits must be at least 0, not {threshold}")
        self.threshold = threshold
        self.n_recent = n_recent
        self.n_items = len(own)
        column = {name: place for place, name in enumerate(names)}
        # The last row is of an empty place, the last column of no category: both hold zeros.
        self._member = np.zeros((len(own) + 1, len(names) + 1), np.uint8)
        self._own = np.full((len(own), max(map(len, own))), len(names), np.int64)
        for item, row in enumerate(own):
            self._own[item, : len(row)] = [column[name] for name in row]
            self._member[item, self._own[item, : len(row)]] = 1

    def quits(self, window: NDArray[np.int32], items: NDArray[np.integer]) -> NDArray[np.bool_]:
        places = (window.T * np.int64(self._member.shape[1]))[..., None] + self._own[items]
        counts = self._member.ravel()[places].sum(0, dtype=np.int32)
        found: NDArray[np.bool_] = np.any(counts > self.threshold, axis=1)
        return found

    def all_quits(self, window: NDArray[np.int32], n_items: int) -> NDArray[np.bool_]:
        tired = self._member[window].sum(1, dtype=np.int32) > self.threshold
        found: NDArray[np.bool_] = tired.astype(np.float32) @ self._member[:-1].T.astype(np.float32) > 0
        return found

    def describe(self) -> str:
        return (
            f"quits over a category seen more than {self.threshold} times in the last {self.n_recent} items"
        )


def _check_window(n_recent: int) -> None:
    if n_recent < 1:
        raise InputError(f"a user who quits looks at 1 or more of the latest items, not {n_recent}")


def _near(positions: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """[n + 1, n] which items lie nearer than `threshold` to which; the last row, which -1 points at, is of an
    empty place.
    """
    squares = np.einsum("ij,ij->i", positions, positions)
    near = np.zeros((len(positions) + 1, len(positions)), np.bool_)
    for start in range(0, len(positions), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(positions)))
        apart = squares[rows, None] + squares - 2 * (positions[rows] @ positions.T)
        near[rows] = apart < threshold * threshold
    near[np.arange(len(positions)), np.arange(len(positions))] = threshold > 0
    return near
