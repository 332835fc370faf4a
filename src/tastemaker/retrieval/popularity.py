"""The most popular items for everyone: the baseline that a personal model has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.retrieval.base import HistoryRetriever, Indices, OnEpoch


class PopularityConfig(Config):
    """Popularity has nothing to set."""


class Popularity(HistoryRetriever[PopularityConfig]):
    """An item's score is the number of users who took it; the same for every user and every history."""

    name = "popularity"
    config_type = PopularityConfig

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        self.counts = np.bincount(train.matrix().indices, minlength=train.n_items).astype(np.float32)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return np.tile(self.counts, (len(users), 1))

    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        return np.tile(self.counts, (histories.shape[0], 1))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"counts": self.counts}

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.counts = arrays["counts"]
