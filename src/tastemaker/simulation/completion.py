"""A full matrix of what each user would give for each item, from a log that knows a few of them.

Ratings are completed by biased matrix factorisation, r̂ = μ + b_u + b_i + p_u·q_i (Koren, Bell & Volinsky,
IEEE Computer 2009, eq. 4); a log without ratings by weighted factorisation of seen against not seen (Hu,
Koren & Volinsky, ICDM 2008). Both are fitted by alternating least squares, each row solved for exactly.
Predictions stand everywhere, also where a rating is known: a world gives what a person tends to give,
without the noise of one rating. Knows nothing of worlds.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.assets import cache_folder
from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError

LARGEST = 500_000_000
"""Cells of the largest matrix that is completed: 2 GB of float32."""
_BLOCK = 2048
"""Rows that are worked on at a time."""

Matrix = NDArray[np.float32]
_Rows = NDArray[np.float64]


class RatingsConfig(Config):
    """Completion of ratings. The defaults did best on MovieLens-1M, random 90/10."""

    factors: int = Field(default=16, ge=1)
    """Length of p and q."""
    biases: bool = True
    """Whether μ, b_u and b_i are part of the prediction. Without them r̂ = p·q, and all that a user or item
    without ratings gets is the lowest rating.
    """
    reg: float = Field(default=0.07, gt=0)
    """Penalty on the squared length of a row's unknowns, per rating of the row (Zhou et al., AAIM 2008)."""
    iterations: int = Field(default=15, ge=1)
    """How often all users and then all items are solved for."""
    seed: int = Field(default=0, ge=0)
    """Of the items' first vectors."""


class ImplicitConfig(Config):
    """Completion of a log without ratings. The defaults are those of the retrieval model `als`."""

    factors: int = Field(default=64, ge=1)
    """Length of the users' and items' vectors."""
    reg: float = Field(default=20.0, gt=0)
    """Penalty on the vectors' squared lengths."""
    alpha: float = Field(default=2.0, ge=1)
    """Weight of a pair with an interaction; one without weighs 1."""
    iterations: int = Field(default=15, ge=1)
    """How often all users and then all items are solved for."""
    seed: int = Field(default=0, ge=0)
    """Of the items' first vectors."""


def complete(log: Dataset, config: RatingsConfig | ImplicitConfig | None = None) -> Matrix:
    """[n_users, n_items] float32: predicted ratings within the log's rating range, or, for a log without
    ratings or with an `ImplicitConfig`, within 0 to 1 how much each pair looks like one with an
    interaction.

    Deterministic: the same log and config give the same matrix. Raises InputError for a matrix above
    `LARGEST` cells, and for ratings asked of a log that has none.
    """
    config = config or default_config(log)
    if log.n_users * log.n_items > LARGEST:
        raise InputError(
            f"{log.name}: {log.n_users} users by {log.n_items} items are more than {LARGEST:,} cells "
            "to complete; keep fewer, for example with: tastemaker data prepare … --k-core 20"
        )
    if isinstance(config, ImplicitConfig):
        return _complete_seen(log, config)
    return _complete_ratings(log, config)


def default_config(log: Dataset) -> RatingsConfig | ImplicitConfig:
    """The config that fits the log's feedback."""
    return ImplicitConfig() if log.rating is None else RatingsConfig()


def complete_cached(log: Dataset, config: RatingsConfig | ImplicitConfig | None = None) -> Matrix:
    """As `complete`; kept below `cache_folder()/completions` for the next time. A damaged file is made
    anew.
    """
    config = config or default_config(log)
    key = f"{log.fingerprint} {type(config).__name__} {config.model_dump_json()}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    path = cache_folder() / "completions" / f"{log.name}-{digest}.npz"
    found = _read(path, (log.n_users, log.n_items))
    if found is None:
        found = complete(log, config)
        _write(path, found)
    return found


def _complete_ratings(log: Dataset, config: RatingsConfig) -> Matrix:
    if log.rating is None or log.rating_range is None:
        raise InputError(f"{log.name} has no ratings to complete")
    mean = float(log.rating.mean(dtype=np.float64)) if config.biases else 0.0
    values = log.rating.astype(np.float64) - mean
    known = csr_matrix(
        (values, log.item, log.user_ptr), shape=(log.n_users, log.n_items)
    )  # repeats stay apart
    turned = known.T.tocsr()
    # users are (p, b_u, 1) and items (q, 1, b_i), so that their dot product is the whole prediction
    size, one = config.factors, float(config.biases)
    users = np.full((log.n_users, size + 2), one)
    items = np.full((log.n_items, size + 2), one)
    items[:, :size] = np.random.default_rng(config.seed).normal(0, 0.1, (log.n_items, size))
    items[:, size + 1] = 0
    vector = list(range(size))
    user_own = [*vector, size] if config.biases else vector
    item_own = [*vector, size + 1] if config.biases else vector
    for _ in range(config.iterations):
        users[:, user_own] = _ridge_rows(known, items[:, user_own], items[:, size + 1], config.reg)
        items[:, item_own] = _ridge_rows(turned, users[:, item_own], users[:, size], config.reg)
    return _product(users, items, mean, log.rating_range)


def _complete_seen(log: Dataset, config: ImplicitConfig) -> Matrix:
    seen = log.matrix().astype(np.float64)
    items = np.random.default_rng(config.seed).normal(0, 0.1, (log.n_items, config.factors))
    users = np.zeros((log.n_users, config.factors))
    for _ in range(config.iterations):
        users = _weighted_rows(seen, items, config)
        items = _weighted_rows(seen.T.tocsr(), users, config)
    return _product(users, items, 0.0, (0.0, 1.0))


def _ridge_rows(known: csr_matrix, design: _Rows, offset: _Rows, reg: float) -> _Rows:
    """[n, d] for each row x minimising Σ (value − offset − design·x)² + reg * count * ‖x‖²; 0 for an empty
    row.
    """
    counts = np.maximum(np.diff(known.indptr), 1)
    nothing = np.zeros((design.shape[1], design.shape[1]))
    return _solve_rows(known, design, known.data - offset[known.indices], 1.0, nothing, reg * counts)


def _weighted_rows(seen: csr_matrix, design: _Rows, config: ImplicitConfig) -> _Rows:
    """[n, d] for each row x minimising Σ_seen α (1 − design·x)² + Σ_unseen (design·x)² + reg ‖x‖²."""
    everything = design.T @ design
    ridge = np.full(seen.shape[0], config.reg)
    return _solve_rows(seen, design, config.alpha * seen.data, config.alpha - 1, everything, ridge)


def _solve_rows(
    known: csr_matrix, design: _Rows, target: _Rows, weight: float, base: _Rows, ridge: NDArray[np.floating]
) -> _Rows:
    """[n, d] solutions x of (weight DᵀD + base + ridge I) x = Dᵀ target, with D the design of a row's
    cells.
    """
    n, size = known.shape[0], design.shape[1]
    found = np.empty((n, size))
    for start in range(0, n, _BLOCK):
        rows = range(start, min(start + _BLOCK, n))
        normal, right = np.empty((len(rows), size, size)), np.empty((len(rows), size))
        for place, row in enumerate(rows):
            cells = slice(known.indptr[row], known.indptr[row + 1])
            own = design[known.indices[cells]]
            normal[place] = weight * (own.T @ own) + base
            right[place] = target[cells] @ own
        normal += ridge[rows.start : rows.stop, None, None] * np.eye(size)
        found[rows.start : rows.stop] = np.linalg.solve(normal, right[..., None])[..., 0]
    return found


def _product(users: _Rows, items: _Rows, mean: float, scale: tuple[float, float]) -> Matrix:
    """The clipped predictions, a block of users at a time."""
    matrix = np.empty((len(users), len(items)), np.float32)
    for start in range(0, len(users), _BLOCK):
        rows = slice(start, start + _BLOCK)
        np.clip(mean + users[rows] @ items.T, *scale, out=matrix[rows], casting="same_kind")
    return matrix


def _read(path: Path, shape: tuple[int, int]) -> Matrix | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            matrix: Matrix = file["matrix"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return matrix if matrix.shape == shape and matrix.dtype == np.float32 else None


def _write(path: Path, matrix: Matrix) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, matrix=matrix)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
