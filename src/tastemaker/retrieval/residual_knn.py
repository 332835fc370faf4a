"""Ratings from what a user gave similar items: the biases, and the weighted mean of what they leave over.

    r̂_ui = μ + b_u + b_i + Σ_j s_ij (r_uj − μ − b_u − b_j) / (Σ_j s_ij + λ)

over the up to `neighbours` items j most similar to i that the user rated (Koren, "Factor in the neighbors",
TKDD 2010, eq. 3, its weights held back by λ). s_ij is the correlation of the residuals of the users who rated
both, times n_ij / (n_ij + shrink), where it is above 0. b_u comes from the ratings at hand, so that a user's
latest ratings count though the model was fitted before them.
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
from tastemaker.retrieval.base import Indices, OnEpoch, Retriever
from tastemaker.retrieval.bias import BiasConfig, BiasModel
from tastemaker.retrieval.ranking import NOTHING, largest

_BLOCK_SCORES = 1 << 24
"""Similarities that are worked out at a time."""


class ResidualKNNConfig(Config):
    """How neighbours are found and how much they say."""

    kept: int = Field(default=200, ge=1)
    """How many most similar items are kept of each item."""
    neighbours: int = Field(default=40, ge=1)
    """How many of them that the user rated count."""
    shrink: float = Field(default=50.0, ge=0)
    """Holds back similarities that rest on few users."""
    weight: float = Field(default=1.0, gt=0)
    """λ: holds back what few or weak neighbours say."""
    bias: BiasConfig = BiasConfig()
    """Of the biases."""


class ResidualKNN(Retriever[ResidualKNNConfig]):
    """Item-item neighbours of ratings; memory is n_items × `kept`."""

    name = "residual-knn"
    config_type = ResidualKNNConfig

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        bias = BiasModel(self.config.bias).fit(train)
        self.mean, self.range, self.item_bias = bias.mean, bias.range, bias.item_bias
        assert train.rating is not None
        left = train.rating - (self.mean + bias.user_bias[train.user] + self.item_bias[train.item])
        shape = (train.n_users, train.n_items)
        residual = csr_matrix((left, (train.user, train.item)), shape)
        there = csr_matrix((np.ones(len(left)), (train.user, train.item)), shape)
        squared = csr_matrix((left**2, (train.user, train.item)), shape)
        by_item = [matrix.T.tocsr() for matrix in (there, residual, squared)]
        kept = min(self.config.kept, train.n_items)
        self.neighbour = np.full((train.n_items, kept), NOTHING, np.int32)
        self.similarity = np.zeros((train.n_items, kept), np.float32)
        step = max(1, _BLOCK_SCORES // train.n_items)
        for start in range(0, train.n_items, step):
            block = slice(start, min(start + step, train.n_items))
            rows = np.arange(block.stop - start)
            together = (by_item[0][block] @ there).toarray()
            product = (by_item[1][block] @ residual).toarray()
            mine = (by_item[2][block] @ there).toarray()
            theirs = (by_item[0][block] @ squared).toarray()
            product /= np.sqrt(np.maximum(mine * theirs, 1e-12))
            product *= together / (together + max(self.config.shrink, 1e-12))
            product[rows, rows + start] = 0
            product[product <= 0] = -np.inf
            found, value = largest(product.astype(np.float32), kept)
            self.neighbour[block], self.similarity[block] = found, np.where(found == NOTHING, 0, value)
        self._restore(self._arrays(), train)

    def predict(self, users: Indices, items: Indices) -> NDArray[np.float32]:
        """Predicted rating of each pair, from the ratings that the users gave in training."""
        users = self._checked("user", users, self.n_users)
        items = self._checked("item", items, self.n_items)
        train, found = self._train, np.empty(len(users), np.float32)
        assert train.rating is not None
        for user in np.unique(users):
            at, rows = np.flatnonzero(users == user), train.history(int(user))
            found[at] = self.predict_for(train.item[rows], train.rating[rows], items[at])
        return found

    def predict_for(
        self, taken: Indices, ratings: NDArray[np.floating], items: Indices
    ) -> NDArray[np.float32]:
        """[len(items)] predicted ratings for someone who rated the items `taken` so; each item counts with
        its last rating. Raises InputError for an unknown item.
        """
        items = self._checked("item", items, self.n_items)
        given = np.full(self.n_items, np.nan)
        given[taken] = ratings
        rated = np.flatnonzero(~np.isnan(given))
        left = given[rated] - self.mean - self.item_bias[rated]
        user = left.sum() / (len(rated) + self.config.bias.user_reg)
        given[rated] = left - user
        known = self.neighbour[items] != NOTHING
        near = np.where(known, self.neighbour[items], 0)
        usable = known & ~np.isnan(given[near])
        usable &= np.cumsum(usable, axis=1) <= self.config.neighbours
        weight = np.where(usable, self.similarity[items], 0)
        drawn = (weight * np.where(usable, given[near], 0)).sum(axis=1) / (
            weight.sum(axis=1) + self.config.weight
        )
        found = np.clip(self.mean + user + self.item_bias[items] + drawn, *self.range)
        return np.asarray(found, np.float32)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        every = np.tile(np.arange(self.n_items), len(users))
        return self.predict(np.repeat(users, self.n_items), every).reshape(len(users), self.n_items)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "neighbour": self.neighbour,
            "similarity": self.similarity,
            "item_bias": self.item_bias,
            "mean": np.array(self.mean),
            "range": np.array(self.range),
        }

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.neighbour, self.similarity = arrays["neighbour"], arrays["similarity"]
        self.item_bias, self.mean = arrays["item_bias"], float(arrays["mean"])
        self.range = (float(arrays["range"][0]), float(arrays["range"][1]))
        self._train = train
