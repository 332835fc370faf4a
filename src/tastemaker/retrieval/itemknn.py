"""Item-based nearest neighbours on implicit feedback: what is taken by the same people goes together.

s(i, j) = |U_i ∩ U_j| / (√|U_i| √|U_j| + shrink), the cosine of two binary columns, shrunk (Sarwar et al., WWW
2001; the shrinkage as in Ferrari Dacrema et al., RecSys 2019). A user's score for item j is Σ s(i, j) over
the user's items i among the `neighbours` items most similar to j.
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
from tastemaker.retrieval.base import HistoryRetriever, Indices, OnEpoch
from tastemaker.retrieval.ranking import NOTHING, largest

_BLOCK_SCORES = 1 << 24
"""Similarities held densely at once (64 MiB)."""


class ItemKNNConfig(Config):
    """Size and shrinkage of the neighbourhoods."""

    neighbours: int = Field(default=200, ge=1)
    """How many most similar items count for each item."""
    shrink: float = Field(default=10.0, ge=0)
    """Added to the cosine's denominator: lowers similarities that rest on few users."""


class ItemKNN(HistoryRetriever[ItemKNNConfig]):
    """Item-kNN with shrunk cosine similarity; memory is n_items × neighbours.

    A history without items scores 0 throughout.
    """

    name = "itemknn"
    config_type = ItemKNNConfig

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        matrix = train.matrix()
        transposed = matrix.T.tocsr()
        length = np.sqrt(np.diff(transposed.indptr)).astype(np.float32)
        n_items = train.n_items
        self.neighbour = np.full((n_items, self.config.neighbours), NOTHING, np.int32)
        self.weight = np.zeros((n_items, self.config.neighbours), np.float32)
        step = max(1, _BLOCK_SCORES // n_items)
        for start in range(0, n_items, step):
            block = slice(start, min(start + step, n_items))
            together = (transposed[block] @ matrix).toarray()
            together /= np.maximum(length[block, None] * length + np.float32(self.config.shrink), 1e-12)
            together[together == 0] = -np.inf
            rows = np.arange(together.shape[0])
            together[rows, rows + start] = -np.inf
            found, weight = largest(together, self.config.neighbours)
            self.neighbour[block], self.weight[block] = found, np.where(found == NOTHING, 0, weight)
        self._restore(self._arrays(), train)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return self._score_histories(self.matrix[users])

    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = (histories @ self.weights).toarray()
        return scores

    def similar(self, items: Indices, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The nearest neighbours and their shrunk cosines; at most `neighbours` are known, and none without a
        common user.
        """
        items = self._checked("item", items, self.n_items)
        width = min(n, self.neighbour.shape[1])
        neighbour = np.full((len(items), n), NOTHING, np.int32)
        weight = np.zeros((len(items), n), np.float32)
        neighbour[:, :width], weight[:, :width] = self.neighbour[items, :width], self.weight[items, :width]
        return neighbour, weight

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"neighbour": self.neighbour, "weight": self.weight}

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.neighbour, self.weight = arrays["neighbour"], arrays["weight"]
        self.matrix = train.matrix()
        known = self.neighbour != NOTHING
        target = np.broadcast_to(np.arange(train.n_items)[:, None], known.shape)[known]
        shape = (train.n_items, train.n_items)
        self.weights = csr_matrix((self.weight[known], (self.neighbour[known], target)), shape=shape)
