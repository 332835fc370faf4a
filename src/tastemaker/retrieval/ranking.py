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
    keep = scores >= _low_bound(scores, k)
    count = np.count_nonzero(keep, axis=1)
    crowded = np.flatnonzero(count > 4 * k)
    if len(crowded):
        keep[crowded] = _first_of_ties(scores[crowded], k)
        count[crowded] = k
    row = np.repeat(np.arange(rows), count)
    column = np.flatnonzero(keep) - row * width
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    candidate = np.full((rows, count.max()), NOTHING, np.int32)
    value = np.full(candidate.shape, -np.inf, np.float32)
    candidate[row, place], value[row, place] = column, scores[row, column]
    order = np.argsort(-value, axis=1, kind="stable")[:, :k]
    best[:, :k] = np.take_along_axis(value, order, axis=1)
    columns[:, :k] = np.take_along_axis(candidate, order, axis=1)
    columns[np.isneginf(best)] = NOTHING
    return columns, best


def _low_bound(scores: NDArray[np.floating], k: int) -> NDArray[np.floating]:
    """[rows, 1] values that at least `k` scores of each row reach, and seldom many more.

    The k-th largest of the maxima of disjoint groups of columns: one cheap pass, where finding the k-th
    largest score itself takes several.
    """
    rows, width = scores.shape
    size = max(1, min(64, width // (8 * k)))
    whole = width // size * size
    parts = [scores[:, :whole].reshape(rows, size, whole // size).max(axis=1)]
    if whole < width:
        parts.append(scores[:, whole:].max(axis=1, keepdims=True))
    groups = np.concatenate(parts, axis=1)
    top = np.partition(groups, groups.shape[1] - k, axis=1)[:, groups.shape[1] - k :]
    if np.isnan(top).any():
        raise TastemakerError("a score is NaN: the model did not converge or its saved weights are damaged")
    low: NDArray[np.floating] = top.min(axis=1, keepdims=True)
    return low


def _first_of_ties(scores: NDArray[np.floating], k: int) -> NDArray[np.bool_]:
    """Where the `k` largest scores of each row are, of equal ones the first."""
    threshold = np.partition(scores, scores.shape[1] - k, axis=1)[:, [scores.shape[1] - k]]
    above, equal = scores > threshold, scores == threshold
    room = k - np.count_nonzero(above, axis=1, keepdims=True)
    first: NDArray[np.bool_] = above | (equal & (np.cumsum(equal, axis=1) <= room))
    return first


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


def nearest(
    table: NDArray[np.float32], items: NDArray[np.integer], n: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `neighbours` of `items` by the cosine of the rows of `table` [n_items, d], in [−1, 1]."""
    unit = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    return neighbours(unit[items] @ unit.T, items, n)


def neighbours(
    similarity: NDArray[np.floating], items: NDArray[np.integer], n: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `n` items most like each of `items`, best first, itself left out: items and similarities, both
    [len(items), n]. Where fewer are known the row ends in item −1 and similarity 0.

    `similarity` [len(items), n_items] is −inf where two items are not alike at all; it is written into.
    """
    similarity[np.arange(len(items)), items] = -np.inf
    found, value = largest(similarity, n)
    return found, np.where(found == NOTHING, np.float32(0), value)


def masked(scores: NDArray[np.float32], exclude: csr_matrix) -> NDArray[np.float32]:
    """The scores with −inf wherever `exclude`, of the same shape, has an entry."""
    scores = np.array(scores, np.float32)
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(exclude.indptr))
    scores[rows, exclude.indices] = -np.inf
    return scores
