"""Ratings from a user's and an item's habit: r̂ = μ + b_u + b_i, the first thing that a rating model has to
beat.

b minimises Σ (r − μ − b_u − b_i)² + λ_u Σ b_u² + λ_i Σ b_i² (Koren, TIST 2010, eq. 1–2) with μ the mean
rating. The problem is convex; alternating exact solutions (each bias is a shrunk mean of what the others
leave) are run until nothing moves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.base import Indices, OnEpoch, Retriever


class BiasConfig(Config):
    """Shrinkage of the biases."""

    user_reg: float = Field(default=5.0, gt=0)
    """λ_u: pulls a user's bias towards 0 as if by that many ratings without bias."""
    item_reg: float = Field(default=5.0, gt=0)
    """λ_i: the same for items."""
    tolerance: float = Field(default=1e-9, gt=0)
    """The rounds end when no bias moves by more than this, in units of the rating scale."""
    rounds: int = Field(default=1000, ge=1)
    """At most so many rounds."""


class BiasModel(Retriever[BiasConfig]):
    """User and item biases from explicit ratings.

    `predict` is what it is for. `score` gives the predicted ratings of all items: within a user they are
    ordered by item bias alone, that is by how well an item is liked and not by how likely it is to be taken,
    so it ranks poorly and says so.
    """

    name = "bias"
    config_type = BiasConfig

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        if train.rating is None or train.rating_range is None:
            raise InputError(
                f"bias: {train.name} has no ratings, only implicit feedback; choose another model"
            )
        self.mean = float(train.rating.mean(dtype=np.float64))
        self.range = train.rating_range
        rest = train.rating.astype(np.float64) - self.mean
        user_weight = np.bincount(train.user, minlength=train.n_users) + self.config.user_reg
        item_weight = np.bincount(train.item, minlength=train.n_items) + self.config.item_reg
        users, items = np.zeros(train.n_users), np.zeros(train.n_items)
        for _ in range(self.config.rounds):
            former = items
            items = np.bincount(train.item, rest - users[train.user], train.n_items) / item_weight
            users = np.bincount(train.user, rest - items[train.item], train.n_users) / user_weight
            if np.abs(items - former).max() <= self.config.tolerance:
                break
        self.user_bias, self.item_bias = users, items

    def predict(self, users: Indices, items: Indices) -> NDArray[np.float32]:
        """Predicted rating of each pair (arrays of one shape), within the data set's rating range.

        A user or item without ratings in training has bias 0. Raises InputError for an unknown index.
        """
        users = self._checked("user", users, self.n_users)
        items = self._checked("item", items, self.n_items)
        ratings = self.mean + self.user_bias[users] + self.item_bias[items]
        return np.clip(ratings, *self.range).astype(np.float32)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return (self.mean + self.user_bias[users][:, None] + self.item_bias).astype(np.float32)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "user_bias": self.user_bias,
            "item_bias": self.item_bias,
            "mean": np.array(self.mean),
            "range": np.array(self.range),
        }

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.user_bias, self.item_bias = arrays["user_bias"], arrays["item_bias"]
        self.mean = float(arrays["mean"])
        self.range = (float(arrays["range"][0]), float(arrays["range"][1]))
