"""GF-CF: collaborative filtering by a graph filter in closed form, without training (Shen et al., CIKM 2021,
eq. 8; arXiv 2108.07567).

With X the binary interactions, D_u and D_i the users' and items' numbers of interactions and
R = D_u^-a X D_i^-b (a = b = ½), a history h scores h (RᵀR + α D_i^-b V Vᵀ D_i^b): a linear filter, which
smooths over neighbours in the graph, and an ideal low-pass one, which keeps V, the right singular vectors of
R's k largest singular values. The [n_items, n_items] filter is never made: products go through R and V.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import qr, svd
from scipy.sparse import csr_matrix, diags, identity

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.base import HistoryRetriever, Indices, OnEpoch
from tastemaker.retrieval.ranking import neighbours

_OVERSAMPLED, _ITERATIONS = 64, 6
"""Vectors beyond k that the search carries along, and how often it multiplies by the graph and back."""
_RANK_TOLERANCE = 1e-5
"""Singular values below this share of the largest count as 0; their vectors are arbitrary and left out."""


class GFCFConfig(Config):
    """The filter; the defaults are the paper's, which suit large sparse catalogues.

    On the small and dense MovieLens-100K n_factors 64 did better on the valid part.
    """

    alpha: float = Field(default=0.3, ge=0)
    """α, the weight of the ideal low-pass filter against the linear one."""
    n_factors: int = Field(default=256, ge=1)
    """k, how many singular vectors pass the ideal filter; at most one less than there are users or items."""
    user_exponent: float = Field(default=0.5, ge=0)
    """a: how much a user with many interactions counts less."""
    item_exponent: float = Field(default=0.5, ge=0)
    """b: how much an item with many interactions counts less."""
    score_exponent: float | None = Field(default=None, ge=0)
    """b′: the same for the item that the linear filter scores; None for b, as in the paper."""
    recency: float = Field(default=0.0, ge=0)
    """How much less a user's older items say of what is next: an item after which came the share s of the
    user's history weighs exp(−recency · s) when the user is scored. Above 0 it needs data in an order.
    """
    seed: int = Field(default=0, ge=0)
    """Of the vectors that the search for singular vectors begins with."""


class GFCF(HistoryRetriever[GFCFConfig]):
    """Graph filter; memory is that of the interactions and of n_items × n_factors numbers.

    A history without items scores 0 throughout, as does an item that was never trained.
    """

    name = "gfcf"
    config_type = GFCFConfig

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        if self.config.recency and train.clock == "none":
            raise InputError(f"gfcf: recency needs to know what came later; {train.name} is in no order")
        self._prepare(train)
        shorter = min(self.graph.shape)
        k = min(self.config.n_factors, shorter - 1)
        self.vectors = np.zeros((train.n_items, 0), np.float32)
        if k > 0:
            self.vectors = _right_singular_vectors(self.graph, k, self.config.seed)
            self.vectors[self.graph.getnnz(axis=0) == 0] = 0
        self.scaled = self.vectors / self.item_weight[:, None]

    def _prepare(self, train: Dataset) -> None:
        self.matrix = train.matrix()
        by_user = np.maximum(np.diff(self.matrix.indptr), 1).astype(np.float32)
        by_item = np.maximum(np.bincount(self.matrix.indices, minlength=train.n_items), 1).astype(np.float32)
        self.degree = by_item
        self.item_weight = by_item**self.config.item_exponent
        scaled = diags(by_user**-self.config.user_exponent) @ self.matrix
        self.graph: csr_matrix = (scaled @ diags(1 / self.item_weight)).tocsr()
        self.histories = self._histories(train) if self.config.recency else self.matrix

    def _histories(self, train: Dataset) -> csr_matrix:
        """[n_users, n_items] what each item of a user weighs; of repeated ones the latest counts."""
        n = np.diff(train.user_ptr)[train.user]
        later = n - 1 - (np.arange(len(train)) - train.user_ptr[train.user])
        weight = np.exp(-self.config.recency * later / n).astype(np.float32)
        last = np.unique((train.user.astype(np.int64) * train.n_items + train.item)[::-1], return_index=True)[
            1
        ]
        kept = len(train) - 1 - last
        return csr_matrix((weight[kept], (train.user[kept], train.item[kept])), shape=self.matrix.shape)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return self._score_histories(self.histories[users])

    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores = self._linear(histories)
        if self.config.score_exponent is not None:
            scores *= self.degree ** np.float32(self.config.item_exponent - self.config.score_exponent)
        passed = (histories @ self.scaled) @ self.vectors.T
        passed *= np.float32(self.config.alpha) * self.item_weight
        scores += passed
        return scores

    def similar(self, items: Indices, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items whose columns of [R; √α Vᵀ] point the same way: cosine, in [−1, 1].

        The columns' inner products are the filter without its outer D_i: RᵀR + α V Vᵀ. Items that were
        never trained are like none, and none is like them.
        """
        items = self._checked("item", items, self.n_items)
        chosen = identity(self.n_items, np.float32, format="csr")[items]
        alpha = np.float32(self.config.alpha)
        product = self._linear(chosen) + alpha * self.vectors[items] @ self.vectors.T
        square = np.bincount(self.graph.indices, self.graph.data**2, minlength=self.n_items)
        square += alpha * (self.vectors**2).sum(axis=1)
        length = np.sqrt(np.maximum(square, 1e-12)).astype(np.float32)
        cosine = product / length / length[items, None]
        cosine[product == 0] = -np.inf
        return neighbours(cosine, items, n)

    def _linear(self, histories: csr_matrix) -> NDArray[np.float32]:
        """[m, n_items]: h RᵀR. Rows h Rᵀ have so many entries that the second product is faster from a dense
        array.
        """
        scores: NDArray[np.float32] = (histories @ self.graph.T).toarray() @ self.graph
        return np.ascontiguousarray(scores)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"vectors": self.vectors}

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self._prepare(train)
        self.vectors = arrays["vectors"]
        self.scaled = self.vectors / self.item_weight[:, None]


def _right_singular_vectors(graph: csr_matrix, k: int, seed: int) -> NDArray[np.float32]:
    """[n_items, ≤ k] of the largest singular values, by subspace iteration (Halko et al., SIAM Review 2011,
    algorithm 4.4).
    """
    width = min(k + _OVERSAMPLED, min(graph.shape))
    drawn = np.random.default_rng(seed).standard_normal((graph.shape[1], width), np.float32)
    basis = graph @ drawn
    for _ in range(_ITERATIONS):
        basis, _ = qr(basis, mode="economic", overwrite_a=True, check_finite=False)
        basis = graph @ (graph.T @ basis)
    basis, _ = qr(basis, mode="economic", overwrite_a=True, check_finite=False)
    _, values, vectors = svd((graph.T @ basis).T, full_matrices=False, check_finite=False)
    kept = values[:k] > _RANK_TOLERANCE * values[0]
    return np.ascontiguousarray(vectors[:k][kept].T, np.float32)
