"""Where users and items lie on the unit sphere: alignment and uniformity of a whole training set.

Alignment says how near the two ends of an interaction are, uniformity how evenly the users, and the items,
are spread; for both less is better. Both are means over interactions, as in DirectAU's batches: who has n
interactions counts n times. Knows nothing of models, training or plots.

After Wang & Isola (ICML 2020; arXiv 2005.10242) and Wang et al. (KDD 2022; arXiv 2206.12811, eq. 2–3).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.errors import InputError

MAX_PAIRS = 2**29
"""Most pairs of distinct rows that are all computed: tables of up to 32,768 rows are measured exactly, in
about a second on one core at d = 64.
"""
_BLOCKS = 64
_SIDE = 1024
"""Rows in a block of pairs: such a block stays in the processor's cache."""


def measure(
    users: NDArray[np.floating],
    items: NDArray[np.floating],
    matrix: csr_matrix,
    *,
    seed: int = 0,
    max_pairs: int = MAX_PAIRS,
) -> dict[str, float]:
    """Alignment and uniformity of users [n_users, d] and items [n_items, d] over the training interactions.

    `matrix` [n_users, n_items] is binary, each stored entry an interaction. Gives `alignment` in [0, 4],
    `uniformity_users` and `uniformity_items` in [−8, 0], `uniformity`, their mean, and, where one was sampled
    (see `uniformity`), its standard error as `uniformity_users_error` or `uniformity_items_error`. Raises
    InputError when the shapes differ, there are fewer than two interactions, or a row with interactions is
    zero or not finite.
    """
    if matrix.shape != (len(users), len(items)) or users.shape[1:] != items.shape[1:]:
        raise InputError(
            f"geometry: users {users.shape} and items {items.shape} do not fit interactions {matrix.shape}"
        )
    per_user = np.diff(matrix.indptr)
    per_item = np.bincount(matrix.indices, minlength=len(items))
    x, y = unit_rows("user", users, per_user), unit_rows("item", items, per_item)
    spread = {
        "users": uniformity(x, per_user, seed=seed, max_pairs=max_pairs),
        "items": uniformity(y, per_item, seed=seed, max_pairs=max_pairs),
    }
    found = {"alignment": alignment(x, y, matrix)}
    found |= {f"uniformity_{side}": value for side, (value, _) in spread.items()}
    found["uniformity"] = (spread["users"][0] + spread["items"][0]) / 2
    found |= {f"uniformity_{side}_error": error for side, (_, error) in spread.items() if error > 0}
    return found


def unit_rows(what: str, table: NDArray[np.floating], count: NDArray[np.integer]) -> NDArray[np.float64]:
    """The rows of a table [n, d] scaled to length 1; rows that `count` [n] says are without interactions are
    set to 0, whatever they hold.

    Raises InputError, which names `what` a row is, for a row with interactions that is zero or not finite.
    """
    rows = np.where(count[:, None] > 0, table, 0).astype(np.float64)
    largest = np.abs(rows).max(axis=1, initial=0)
    for wrong, say in ((~np.isfinite(largest), "NaN or infinite"), ((largest == 0) & (count > 0), "zero")):
        if wrong.any():
            raise InputError(
                f"geometry: {wrong.sum()} of {(count > 0).sum()} embeddings of {what}s are {say}, the first "
                f"that of {what} {np.argmax(wrong)}; the training went wrong: lower its learning_rate"
            )
    rows /= np.where(largest > 0, largest, 1)[:, None]
    length: NDArray[np.float64] = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(length > 0, length, 1)
    return rows


def alignment(x: NDArray[np.float64], y: NDArray[np.float64], matrix: csr_matrix) -> float:
    """mean ‖x_u − y_i‖² over the interactions (u, i), for unit rows x [n_users, d] and y [n_items, d].

    Exact: it is 2 − 2 mean x_u·y_i, and one sparse product adds up each user's items.
    """
    ones = csr_matrix((np.ones(matrix.nnz), matrix.indices, matrix.indptr), matrix.shape)
    cosine: float = (x * (ones @ y)).sum() / matrix.nnz
    return max(0.0, 2 - 2 * float(cosine))


def uniformity(
    rows: NDArray[np.floating], count: NDArray[np.integer], *, seed: int = 0, max_pairs: int = MAX_PAIRS
) -> tuple[float, float]:
    """log mean exp(−2 ‖z − z′‖²) over all pairs of interactions, and its standard error, 0 where exact.

    `rows` [u, d] are of unit length and row j occurs in `count` [u] c_j interactions, n in all. So that is

        log ((Σ_{j≠k} c_j c_k exp(−2 ‖z_j − z_k‖²) + Σ_j c_j (c_j − 1)) / (n (n − 1))):

    a row makes c_j (c_j − 1) / 2 pairs with itself at distance 0. Up to `max_pairs` pairs of distinct rows
    with interactions the first sum is computed in full. Beyond, about as many pairs are drawn: 64 blocks, in
    each all pairs between two sets of interactions that are drawn with replacement. The standard error is
    that of the mean of the blocks, carried through the logarithm: error(S) / S (delta method). Raises
    InputError for fewer than two interactions.
    """
    seen = np.flatnonzero(count)
    z, c = rows[seen].astype(np.float32), count[seen].astype(np.float64)
    n = c.sum()
    if n < 2:
        raise InputError(f"geometry: uniformity needs two interactions or more, and there are {n:.0f}")
    same = float((c * (c - 1)).sum())
    if len(z) * (len(z) - 1) // 2 <= max_pairs:
        apart, error = _all_pairs(z, c), 0.0
    else:
        apart, error = _drawn_pairs(z, c, max(1, math.isqrt(max_pairs // _BLOCKS)), seed)
    return math.log((apart + same) / (n * (n - 1))), error / (apart + same)


def _all_pairs(z: NDArray[np.float32], c: NDArray[np.float64]) -> float:
    """Σ_{j≠k} c_j c_k exp(−2 ‖z_j − z_k‖²): pairs above the diagonal are computed and count twice."""
    total = 0.0
    for start in range(0, len(z), _SIDE):
        near, rest = slice(start, start + _SIDE), slice(start + _SIDE, None)
        total += _weighted(z[near], c[near], z[near], c[near], skip_diagonal=True)
        total += 2 * _weighted(z[near], c[near], z[rest], c[rest])
    return total


def _drawn_pairs(z: NDArray[np.float32], c: NDArray[np.float64], side: int, seed: int) -> tuple[float, float]:
    """An estimate of `_all_pairs` from blocks of `side`² pairs of interactions, and its standard error.

    Pairs of a row with itself are known exactly, so here they count as 0.
    """
    generator = np.random.default_rng(seed)
    upto = np.cumsum(c).astype(np.int64)
    ones = np.ones(side)
    means = np.empty(_BLOCKS)
    for block in range(_BLOCKS):
        left, right = np.searchsorted(upto, generator.integers(upto[-1], size=(2, side)), side="right")
        kernel = _weighted(z[left], ones, z[right], ones)
        same = np.bincount(left, minlength=len(z)) @ np.bincount(right, minlength=len(z))
        means[block] = max(0.0, kernel - float(same)) / side**2
    scale = float(upto[-1]) ** 2
    return scale * float(means.mean()), scale * float(means.std(ddof=1)) / math.sqrt(_BLOCKS)


def _weighted(
    x: NDArray[np.float32],
    wx: NDArray[np.float64],
    y: NDArray[np.float32],
    wy: NDArray[np.float64],
    *,
    skip_diagonal: bool = False,
) -> float:
    """Σ_jk wx_j wy_k exp(−2 ‖x_j − y_k‖²) for unit rows, as exp(4 x·y − 4); products in float32, sums of
    blocks in float64.
    """
    total = 0.0
    y, light = 4 * y, wy.astype(np.float32)
    for i in range(0, len(x), _SIDE):
        for k in range(0, len(y), _SIDE):
            kernel: Any = x[i : i + _SIDE] @ y[k : k + _SIDE].T
            kernel -= 4
            np.exp(kernel, out=kernel)
            if skip_diagonal:
                np.fill_diagonal(kernel, 0)
            total += float(wx[i : i + _SIDE] @ (kernel @ light[k : k + _SIDE]))
    return total
