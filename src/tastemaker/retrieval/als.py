"""Implicit ALS: weighted matrix factorisation by alternating least squares (Hu, Koren & Volinsky, ICDM 2008),
fitted by the library `implicit`.

Minimises Σ c (p − x·y)² + λ (Σ ‖x‖² + Σ ‖y‖²) over all pairs of users and items, with p = 1 and weight
c = α where there is an interaction, p = 0 and c = 1 elsewhere. A fitted model is two tables of numbers: the
library (extra `als`) is needed to fit it, not to use it, and is imported then.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.base import HistoryRetriever, Indices, OnEpoch
from tastemaker.retrieval.ranking import nearest


class ALSConfig(Config):
    """Size and weights of the factorisation; the defaults did best on the valid part of MovieLens-100K,
    random 80/10/10 within user.
    """

    factors: int = Field(default=64, ge=1)
    """Length of the users' and items' vectors."""
    regularization: float = Field(default=20.0, gt=0)
    """λ, the penalty on the vectors' squared lengths."""
    alpha: float = Field(default=2.0, gt=0)
    """α, the weight of a pair with an interaction; one without weighs 1."""
    iterations: int = Field(default=15, ge=1)
    """How often all users' and then all items' vectors are solved for."""
    seed: int = Field(default=0, ge=0)
    """Of the initial vectors."""
    threads: int = Field(default=1, ge=1)
    """Threads while fitting."""


class ALS(HistoryRetriever[ALSConfig]):
    """Matrix factorisation that scores by dot product. A history without items scores 0 throughout."""

    name = "als"
    config_type = ALSConfig

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        try:
            from implicit.cpu.als import AlternatingLeastSquares
            from threadpoolctl import threadpool_limits
        except ImportError:
            raise InputError("als needs the extra als: pip install 'tastemaker[als]'") from None
        config = self.config
        with threadpool_limits(1, "blas"):  # implicit has threads of its own, which BLAS's would slow down
            model = AlternatingLeastSquares(
                factors=config.factors,
                regularization=config.regularization,
                alpha=config.alpha,
                iterations=config.iterations,
                num_threads=config.threads,
                random_state=config.seed,
            )
            model.fit(train.matrix(), show_progress=False)
        self.users: NDArray[np.float32] = model.user_factors
        self.items: NDArray[np.float32] = model.item_factors

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return self.users[users] @ self.items.T

    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        """Each row's vector is solved for, given the items' (eq. 4: x = (YᵀY + λI + (α − 1) YₕᵀYₕ)⁻¹ α Σ Yₕ).

        A user of the training data scores a little differently than in `score`, whose vectors are those of
        the last iteration, found by a few steps of conjugate gradient.
        """
        config = self.config
        everyone = self.items.T @ self.items
        everyone += config.regularization * np.eye(config.factors, dtype=np.float32)
        vectors = np.empty((histories.shape[0], config.factors), np.float32)
        for row, items in enumerate(np.split(histories.indices, histories.indptr[1:-1])):
            own = self.items[items]
            normal = everyone + np.float32(config.alpha - 1) * own.T @ own
            vectors[row] = np.linalg.solve(normal, np.float32(config.alpha) * own.sum(axis=0))
        return vectors @ self.items.T

    def similar(self, items: Indices, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items whose vectors point the same way: cosine, in [−1, 1]."""
        return nearest(self.items, self._checked("item", items, self.n_items), n)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"users": self.users, "items": self.items}

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.users, self.items = arrays["users"], arrays["items"]
