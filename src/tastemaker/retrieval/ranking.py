"""The best n of many scores, exactly and repeatably, in batches of users.

Ties go to the lower item index, so a ranking depends on the scores alone. Knows nothing of models or metrics.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.errors import TastemakerError

NOTHING = -1
"""The index at a place of a ranking that no item takes."""

_BATCH_SCORES = 1 << 22
"""Scores held at once (16 MiB of float32)."""


class _Scores(Protocol):
    def score(self, users: NDArray[np.integer]) -> NDArray[np.float32]: ...


def largest(scores: NDArray[np.floating], n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `n` largest scores of each row, descending, equal ones by ascending column: columns and scores,
    both [m, n].

    A score of −inf is no candidate: where a row has fewer than `n` others it ends in column −1 and score
    −inf. Raises TastemakerError when a score that matters is NaN.

    >>> largest(np.array([[1.0, 3.0, 3.0, -np.inf]], np.float32), 4)[0].tolist()
    [[1, 2, 0, -1]]
    """
    rows, width = scores.shape
    k = min(n, width)
    columns = np.full((rows, n), NOTHING, np.int32)
    best = np.full((rows, n), -np.inf, np.float32)
    if rows == 0 or k == 0:
        return columns, best
    top = np.partition(scores, width - k, axis=1)[:, width - k :]
    if np.isnan(top).any():
        raise TastemakerError("a score is NaN: the model did not converge or its saved weights are damaged")
    threshold = top.min(axis=1, keepdims=True)
    keep = scores >= threshold
    tied = np.flatnonzero(np.count_nonzero(keep, axis=1) > k)
    if len(tied):
        some, level = scores[tied], threshold[tied]
        above, equal = some > level, some == level
        room = k - np.count_nonzero(above, axis=1, keepdims=True)
        keep[tied] = above | (equal & (np.cumsum(equal, axis=1) <= room))
    chosen = (np.flatnonzero(keep) % width).reshape(rows, k)
    values = np.take_along_axis(scores, chosen, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    columns[:, :k] = np.where(np.isneginf(values), NOTHING, np.take_along_axis(chosen, order, axis=1))
    best[:, :k] = values
    return columns, best


def top_n(
    scorer: _Scores, users: NDArray[np.integer], n: int, exclude: csr_matrix | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `n` best items for each user, best first: items and scores, both [len(users), n].

    `exclude` [n_users, n_items] has an entry wherever an item must not be recommended to a user (its rows are
    all users, not only those asked for). Where fewer than `n` items are left the row ends in item −1 and
    score −inf.
    """
    users = np.asarray(users)
    items = np.full((len(users), n), NOTHING, np.int32)
    scores = np.full((len(users), n), -np.inf, np.float32)
    start, step = 0, 64
    while start < len(users):
        batch = users[start : start + step]
        block = scorer.score(batch)
        if exclude is not None:
            block = masked(block, exclude[batch])
        items[start : start + step], scores[start : start + step] = largest(block, n)
        start += step
        step = max(1, _BATCH_SCORES // max(1, block.shape[1]))
    return items, scores


def masked(scores: NDArray[np.float32], exclude: csr_matrix) -> NDArray[np.float32]:
    """The scores with −inf wherever `exclude`, of the same shape, has an entry."""
    scores = np.array(scores, np.float32)
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(exclude.indptr))
    scores[rows, exclude.indices] = -np.inf
    return scores
