"""What played sessions are worth: one value a session (length, reward, diversity, novelty), or one for all of
them (coverage, Gini).

Items are [n, turns] int32 with -1 after a session's end; such places never count. Knows nothing of worlds and
policies: `evaluation` plays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]


def lengths(items: NDArray[np.int32]) -> NDArray[np.int64]:
    """[n] turns that each session had."""
    n: NDArray[np.int64] = np.count_nonzero(items >= 0, axis=1)
    return n


def diversity(items: NDArray[np.int32], distances: NDArray[np.floating]) -> Floats:
    """[n] mean of `distances` [n_items, n_items] over all pairs of a session's turns (intra-list distance,
    Ziegler et al., WWW 2005); an item shown again is at distance 0 from itself. 0 for a single turn.
    """
    total = np.zeros(len(items))
    for turn in range(1, items.shape[1]):
        rows = np.flatnonzero(items[:, turn] >= 0)
        total[rows] += distances[items[rows, turn, None], items[rows, :turn]].sum(1, dtype=np.float64)
    n = lengths(items)
    mean: Floats = total / np.maximum(n * (n - 1) / 2, 1)
    return mean


def novelty(items: NDArray[np.int32], surprise: Floats) -> Floats:
    """[n] mean `surprise` [n_items] of a session's items, in bits (mean self-information, Zhou et al., PNAS
    2010).
    """
    found = np.where(items >= 0, surprise[items], 0.0).sum(1)
    return np.asarray(found / np.maximum(lengths(items), 1), np.float64)


def surprise(counts: NDArray[np.integer]) -> Floats:
    """[n_items] −log2 of each item's share of the log's interactions, one being added to every item's
    `counts`, so that it is finite for items that nobody took.
    """
    bits: Floats = -np.log2((counts + 1) / (counts.sum() + len(counts)))
    return bits


def coverage(items: NDArray[np.int32], n_items: int) -> float:
    """Share of all items that were shown at least once."""
    return len(np.unique(items[items >= 0])) / n_items


def gini(items: NDArray[np.int32], n_items: int) -> float:
    """How unevenly all items were shown: 0 where all were shown as often, (n_items − 1) / n_items where one
    was shown alone (Gini's coefficient of the counts, items that were never shown included).
    """
    counts = np.sort(np.bincount(items[items >= 0], minlength=n_items))
    weights = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float(weights @ counts / (n_items * counts.sum()))


def item_distances(truth: NDArray[np.floating]) -> NDArray[np.float32]:
    """[n_items, n_items] the root mean square, over users, of the difference between what they give for two
    items, from `truth` [n_users, n_items]: in the unit of rewards. Takes 8 n_items² bytes while it works.
    """
    n_users, n_items = truth.shape
    centre = truth.mean(0, dtype=np.float64).mean()
    gram = np.zeros((n_items, n_items))
    for start in range(0, n_users, 1024):
        block = truth[start : start + 1024].astype(np.float64) - centre
        gram += block.T @ block
    squares = gram.diagonal().copy()
    gram *= -2
    gram += squares[:, None]
    gram += squares
    np.fill_diagonal(gram, 0)
    np.maximum(gram, 0, out=gram)
    gram /= n_users
    return np.sqrt(gram, out=gram).astype(np.float32)


def over_seeds(values: Sequence[float]) -> dict[str, float]:
    """`mean`, and the `low` and `high` of its 95% interval, over the values of several seeds by Student's t;
    of one seed there is no interval, and all three are its value.
    """
    n = len(values)
    mean = float(np.mean(values))
    half = float(stdtrit(n - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return {"mean": mean, "low": mean - half, "high": mean + half}
