"""Metrics of rankings against what users really took, one value a user, and the interval of their mean.

For one user let R be the set of relevant items, r_j = 1 when the item at place j = 1 … k is in R, else 0. All
metrics are in [0, 1]. The definitions, denominators included, are those of ranx 0.3 (Bassani, ECIR 2022),
which the tests compare with. Knows nothing of models: `evaluator` makes the rankings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.errors import InputError

NAMES = ("recall", "ndcg", "hit", "mrr", "precision", "map")
RESAMPLES = 1000
"""Bootstrap samples behind an interval."""


def hits(ranked: NDArray[np.int32], relevant: csr_matrix) -> NDArray[np.float64]:
    """[m, n]: 1 where the item at that place is relevant to the row's user, else 0; place −1 counts as not
    relevant.
    """
    n_items = relevant.shape[1]
    rows = np.arange(len(ranked), dtype=np.int64)[:, None]
    owner = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    wanted = np.sort(owner * n_items + relevant.indices)
    if len(wanted) == 0:
        return np.zeros(ranked.shape)
    asked = rows * n_items + ranked
    place = np.minimum(np.searchsorted(wanted, asked), len(wanted) - 1)
    found: NDArray[np.bool_] = (wanted[place] == asked) & (ranked >= 0)
    return found.astype(np.float64)


def hit(found: NDArray[np.float64], total: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Hit rate: max_{j≤k} r_j, whether anything relevant is among the first k (Deshpande & Karypis, TOIS
    2004).
    """
    best: NDArray[np.float64] = found[:, :k].max(axis=1, initial=0.0)
    return best


def precision(found: NDArray[np.float64], total: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Σ_{j≤k} r_j / k (Cleverdon 1967). The denominator is k even where a ranking is shorter."""
    share: NDArray[np.float64] = found[:, :k].sum(axis=1) / k
    return share


def recall(found: NDArray[np.float64], total: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Σ_{j≤k} r_j / |R| (Cleverdon 1967). The denominator is |R| even where |R| > k, so 1 may be out of
    reach.
    """
    share: NDArray[np.float64] = found[:, :k].sum(axis=1) / np.maximum(total, 1)
    return share


def mrr(found: NDArray[np.float64], total: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """1 / the first place j ≤ k with r_j = 1, or 0 without one (Voorhees, TREC-8 1999)."""
    places = np.arange(1, found[:, :k].shape[1] + 1)
    first: NDArray[np.float64] = (found[:, :k] / places).max(axis=1, initial=0.0)
    return first


def ndcg(found: NDArray[np.float64], total: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """DCG / ideal DCG with binary gains: Σ_{j≤k} r_j / log2(j+1) over Σ_{j≤min(k,|R|)} 1 / log2(j+1).

    Järvelin & Kekäläinen, TOIS 2002.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate(([0.0], np.cumsum(discounts)))[np.minimum(total, k)]
    gain = found[:, :k] @ discounts[: found.shape[1]]
    return np.divide(gain, ideal, out=np.zeros_like(gain), where=ideal > 0)


def average_precision(found: NDArray[np.float64], total: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Σ_{j≤k} r_j · precision@j / |R|, whose mean over users is MAP@k (Buckley & Voorhees, SIGIR 2000).

    The denominator is |R|, as in ranx and trec_eval, not min(k, |R|).
    """
    first = found[:, :k]
    precisions = np.cumsum(first, axis=1) / np.arange(1, first.shape[1] + 1)
    share: NDArray[np.float64] = (first * precisions).sum(axis=1) / np.maximum(total, 1)
    return share


_FUNCTIONS = {
    "recall": recall,
    "ndcg": ndcg,
    "hit": hit,
    "mrr": mrr,
    "precision": precision,
    "map": average_precision,
}


def ranking_metrics(
    ranked: NDArray[np.int32], relevant: csr_matrix, ks: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Every metric at every k, one value a row, under the names `recall@10`, `ndcg@10`, …

    `ranked` [m, n] are items, best first, −1 where there is none; `relevant` [m, n_items] has an entry for
    each item relevant to that row's user. A row without any relevant item scores 0. Raises InputError for a k
    below 1.
    """
    if not ks or min(ks) < 1:
        raise InputError(f"k must be 1 or more, not {list(ks)}")
    if relevant.shape[0] != len(ranked):
        raise InputError(f"{len(ranked)} rankings for {relevant.shape[0]} rows of relevant items")
    found = hits(ranked, relevant)
    total = np.diff(relevant.indptr).astype(np.int64)
    return {f"{name}@{k}": _FUNCTIONS[name](found, total, k) for k in ks for name in NAMES}


def coverage(ranked: NDArray[np.int32], n_items: int, k: int) -> float:
    """Share of the catalogue that stands in at least one user's first k (Herlocker et al., TOIS 2004)."""
    first = ranked[:, :k]
    return len(np.unique(first[first >= 0])) / n_items


def intervals(
    values: Mapping[str, NDArray[np.float64]],
    seed: int = 0,
    confidence: float = 0.95,
    groups: NDArray[np.integer] | None = None,
) -> dict[str, dict[str, float]]:
    """`interval` of several metrics of the same rows, over the same bootstrap samples."""
    if not values:
        return {}
    table = np.column_stack([np.asarray(v, np.float64) for v in values.values()])
    if len(table) == 0:
        raise InputError("there is no user to average over")
    _, group = np.unique(np.arange(len(table)) if groups is None else groups, return_inverse=True)
    n = int(group.max()) + 1
    sizes = np.bincount(group, minlength=n).astype(np.float64)
    sums = np.column_stack([np.bincount(group, column, minlength=n) for column in table.T])
    generator = np.random.default_rng(seed)
    means = np.empty((RESAMPLES, table.shape[1]))
    for sample in range(RESAMPLES):
        weights = np.bincount(generator.integers(0, n, n), minlength=n)
        means[sample] = weights @ sums / (weights @ sizes)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    mean = table.mean(axis=0)
    return {
        name: {"mean": float(mean[i]), "low": float(low[i]), "high": float(high[i])}
        for i, name in enumerate(values)
    }


def interval(
    values: NDArray[np.float64],
    seed: int = 0,
    confidence: float = 0.95,
    groups: NDArray[np.integer] | None = None,
) -> dict[str, float]:
    """Mean over rows and its percentile bootstrap interval (Efron 1979): `mean`, `low`, `high`.

    `groups` [n] says which rows belong together (the requests of one user, the turns of one dialogue): whole
    groups are drawn, as their rows are not independent. By default each row is its own.
    """
    return intervals({"value": values}, seed, confidence, groups)["value"]
