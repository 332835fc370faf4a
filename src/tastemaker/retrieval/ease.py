"""EASE: a linear item-to-item model in closed form (Steck, WWW 2019, eq. 8; arXiv 1905.03375).

B minimises ‖X − X B‖² + λ ‖B‖² under diag(B) = 0, X being the binary interactions. With P = (XᵀX + λ I)⁻¹ it
is B_ij = −P_ij / P_jj off the diagonal. The scores are X B = X − X P diag(P)⁻¹.

The same scores come from a matrix of users: with K = X Xᵀ + λ I, P = (I − Xᵀ K⁻¹ X) / λ and X P = K⁻¹ X (the
push-through identity). The smaller of the two is inverted, so time grows with min(n_users, n_items)³ and
memory with its square.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import lapack
from scipy.sparse import csr_matrix, identity

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval.base import HistoryRetriever, Indices, OnEpoch
from tastemaker.retrieval.ranking import neighbours

_BLOCK_VALUES = 1 << 22
"""Values of a square matrix that are worked on at once."""


class EASEConfig(Config):
    """Regularisation and precision."""

    reg: float = Field(default=300.0, gt=0)
    """λ, in units of interactions: larger for sparser or noisier data."""
    precision: Literal["float32", "float64"] = "float32"
    """Precision of the inversion; what is kept and the scores are float32 either way."""


class EASE(HistoryRetriever[EASEConfig]):
    """Embarrassingly shallow autoencoder. A history without items scores 0 throughout."""

    name = "ease"
    config_type = EASEConfig
    version = 2

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        matrix = train.matrix()
        form = _form(matrix)
        size, side = min((train.n_items, "items"), (train.n_users, "users"))
        _require_memory(size, side, np.dtype(self.config.precision).itemsize, train.name)
        self.form: Primal | Dual = form.fit(matrix, self.config)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return self.form.score(users)

    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        return self.form.score_histories(histories)

    def similar(self, items: Indices, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items with the largest partial correlation, −P_ij / √(P_ii P_jj): alike after allowing for all
        other items.

        It is the symmetric form of B (B_ij = ρ_ij √(P_ii / P_jj)), so a popular item is not near to
        everything, as it is by plain co-occurrence. Items that do not correlate, or negatively, are left out.
        """
        items = self._checked("item", items, self.n_items)
        correlation = self.form.correlation(items)
        correlation[correlation <= 0] = -np.inf
        return neighbours(correlation, items, n)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return self.form.arrays()

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        matrix = train.matrix()
        self.form = _form(matrix).restore(arrays, matrix, self.config)


class Primal:
    """B itself, [n_items, n_items]."""

    def __init__(self, matrix: csr_matrix, weights: NDArray[np.float32], scale: NDArray[np.float32]) -> None:
        self.matrix = matrix
        self.weights = weights
        self.scale = scale
        """[n_items] √P_ii."""

    @classmethod
    def fit(cls, matrix: csr_matrix, config: EASEConfig) -> Primal:
        weights = _regularised_inverse(matrix.T.tocsr(), config)
        diagonal = np.diag(weights).copy()
        weights /= -diagonal
        np.fill_diagonal(weights, 0)
        return cls(matrix, weights.astype(np.float32, copy=False), np.sqrt(diagonal).astype(np.float32))

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]], matrix: csr_matrix, config: EASEConfig) -> Primal:
        return cls(matrix, arrays["weights"], arrays["scale"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"weights": self.weights, "scale": self.scale}

    def score(self, users: Indices) -> NDArray[np.float32]:
        return self.score_histories(self.matrix[users])

    def score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = histories @ self.weights
        return scores

    def correlation(self, items: Indices) -> NDArray[np.float32]:
        return self.weights[items] * self.scale / self.scale[items, None]


class Dual:
    """K⁻¹, [n_users, n_users], and the diagonal of λP; other rows of λP are made when they are asked for."""

    def __init__(
        self, matrix: csr_matrix, inverse: NDArray[np.float32], diagonal: NDArray[np.float32], reg: float
    ) -> None:
        self.matrix = matrix
        self.inverse = inverse
        self.diagonal = diagonal
        """[n_items] λ P_ii, in (0, 1]."""
        self.reg = np.float32(reg)

    @classmethod
    def fit(cls, matrix: csr_matrix, config: EASEConfig) -> Dual:
        inverse = _regularised_inverse(matrix, config)
        columns = matrix.tocsc()
        diagonal = np.ones(matrix.shape[1])
        for item, users in enumerate(np.split(columns.indices, columns.indptr[1:-1])):
            diagonal[item] -= inverse[np.ix_(users, users)].sum(dtype=np.float64)
        if not diagonal.min() > 0:
            raise _singular(config)
        return cls(matrix, inverse.astype(np.float32, copy=False), diagonal.astype(np.float32), config.reg)

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]], matrix: csr_matrix, config: EASEConfig) -> Dual:
        unpacked, _ = lapack.stpttr(matrix.shape[0], arrays["triangle"], uplo="L")
        return cls(matrix, _mirrored(unpacked.T), arrays["diagonal"], config.reg)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """One triangle of K⁻¹ says all: half the size on disk."""
        triangle, _ = lapack.strttp(self.inverse.T, uplo="L")
        return {"triangle": triangle, "diagonal": self.diagonal}

    def score(self, users: Indices) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self.matrix[users].toarray()
        scores -= (self.inverse[users] @ self.matrix) * (self.reg / self.diagonal)
        return scores

    def score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = histories.toarray()
        scores -= self._precision(histories) / self.diagonal
        return scores

    def correlation(self, items: Indices) -> NDArray[np.float32]:
        chosen = identity(len(self.diagonal), np.float32, format="csr")[items]
        root: NDArray[np.float32] = np.sqrt(self.diagonal)
        return -self._precision(chosen) / root / root[items, None]

    def _precision(self, histories: csr_matrix) -> NDArray[np.float32]:
        """[m, n_items]: rows h λP = h − h Xᵀ K⁻¹ X."""
        rows: NDArray[np.float32] = histories.toarray()
        rows -= ((histories @ self.matrix.T) @ self.inverse) @ self.matrix
        return rows


def _form(matrix: csr_matrix) -> type[Primal] | type[Dual]:
    return Dual if matrix.shape[0] < matrix.shape[1] else Primal


def _regularised_inverse(rows: csr_matrix, config: EASEConfig) -> NDArray[np.floating]:
    """(rows rowsᵀ + λ I)⁻¹ for sparse rows [n, …]; the [n, n] result is the only square matrix ever held."""
    dtype = np.dtype(config.precision)
    n = rows.shape[0]
    columns = rows.T.tocsr()
    square = np.empty((n, n), dtype)
    for block in _blocks(n):
        square[block] = (rows[block] @ columns).toarray()
    square.flat[:: n + 1] += config.reg
    factor, invert = (lapack.spotrf, lapack.spotri) if dtype == np.float32 else (lapack.dpotrf, lapack.dpotri)
    lower, failed = factor(square.T, lower=1, clean=0, overwrite_a=1)
    inverse, failed_too = (lower, 1) if failed else invert(lower, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise _singular(config)
    return _mirrored(inverse.T)


def _mirrored(square: NDArray[np.floating]) -> NDArray[np.floating]:
    """The symmetric matrix whose upper triangle is that of `square`, written into its lower one."""
    for block in _blocks(len(square)):
        corner = np.triu(square[block, block])
        square[block, block] = corner + np.triu(corner, 1).T
        square[block.stop :, block] = square[block, block.stop :].T
    return square


def _blocks(n: int) -> Iterator[slice]:
    step = max(1, _BLOCK_VALUES // n)
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def _singular(config: EASEConfig) -> TastemakerError:
    return TastemakerError(f"ease: the matrix cannot be inverted with reg {config.reg:g}; raise reg")


def _require_memory(size: int, side: str, bytes_each: int, data: str) -> None:
    needed = size**2 * (bytes_each if bytes_each == 4 else bytes_each + 4)
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > available:
        raise InputError(
            f"ease: {data} has {size:,} {side}, which takes {needed / 2**30:.0f} GiB of memory"
            f" of the {available / 2**30:.0f} GiB here; choose another model, or leave out rare {side}"
        )
