"""Retrieval models that end as two tables: an encoder trained by an objective. All score with the raw dot
product, user · item.

A fitted model is numbers alone: torch is needed to train it, not to use it, and is imported then. A user or
item without training interactions keeps about its initial embedding, which is small: it scores near zero.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.base import HistoryRetriever, Indices, OnEpoch, TrainingConfig
from tastemaker.retrieval.evaluator import questions
from tastemaker.retrieval.fold_in import FoldIn
from tastemaker.retrieval.geometry import measure as measure_geometry
from tastemaker.retrieval.metrics import ranking_metrics
from tastemaker.retrieval.ranking import nearest, top_n

if TYPE_CHECKING:
    from tastemaker.retrieval.encoders.base import Encoder
    from tastemaker.retrieval.objectives.base import Objective
    from tastemaker.retrieval.trainer import Measure


class EmbeddingConfig(TrainingConfig):
    """What every model of an encoder and an objective has to set."""

    encoder: Literal["mf", "lightgcn"] = "mf"
    """mf: free tables · lightgcn: smoothed over the graph of interactions."""
    layers: int = Field(default=2, ge=0)
    """Rounds of smoothing L; lightgcn only."""
    optimizer: Literal["adam", "lazy-adam"] = "adam"
    """adam: dense Adam, exactly · lazy-adam: rows without a gradient stand still, moments and all."""
    schedule: Literal["constant", "linear"] = "constant"
    """linear: the step size falls to 0 over `epochs`, which settles in fewer of them; then `epochs` is how
    long to train rather than a bound."""
    start_from: str = ""
    """Folder with the checkpoint of another training of the same users and items (`checkpoints` of a run),
    whose best tables this one begins with. Of the optimiser and the objective nothing is taken over.
    """
    geometry: bool = False
    """Whether alignment and uniformity of the training part are logged after each epoch."""


@dataclass(frozen=True)
class Embeddings:
    """User and item tables that score by dot product."""

    users: NDArray[np.float32]
    """[n_users, d]."""
    items: NDArray[np.float32]
    """[n_items, d]."""

    def score(self, users: Indices) -> NDArray[np.float32]:
        """[len(users), n_items] dot products."""
        return self.users[users] @ self.items.T


EmbeddingConfigT = TypeVar("EmbeddingConfigT", bound=EmbeddingConfig)


class EmbeddingRetriever(HistoryRetriever[EmbeddingConfigT]):
    """Trains an encoder with an objective and keeps what it embeds.

    Histories are folded in (`FoldIn`); one without items scores as the mean user.
    """

    stops_early = True
    embeddings: Embeddings
    _matrix: csr_matrix
    _fold_in: FoldIn | None = None

    @abstractmethod
    def _objective(self) -> Objective:
        """The objective that its config describes."""

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        from tastemaker.retrieval import trainer

        matrix = train.matrix()
        job = trainer.Job(
            name=self.name,
            encoder=_encoder(self.config, matrix),
            objective=self._objective(),
            matrix=matrix,
            config=self.config,
            data=train.fingerprint + ("" if valid is None else f" {valid.fingerprint}"),
            measure=_measure(train, valid, matrix if self.config.geometry else None),
        )
        self._take(Embeddings(*trainer.train(job, folder, on_epoch)), matrix)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return self.embeddings.score(users)

    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        if self._fold_in is None:
            self._fold_in = FoldIn.fit(self.embeddings.users, self.embeddings.items, self._matrix)
        scores: NDArray[np.float32] = self._fold_in.users(histories) @ self.embeddings.items.T
        return scores

    def similar(self, items: Indices, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items whose embeddings point the same way: cosine, in [−1, 1]."""
        return nearest(self.embeddings.items, self._checked("item", items, self.n_items), n)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"users": self.embeddings.users, "items": self.embeddings.items}

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self._take(Embeddings(arrays["users"], arrays["items"]), train.matrix())

    def _take(self, embeddings: Embeddings, matrix: csr_matrix) -> None:
        self.embeddings, self._matrix, self._fold_in = embeddings, matrix, None


def _encoder(config: EmbeddingConfig, matrix: csr_matrix) -> Encoder:
    if config.encoder == "lightgcn":
        from tastemaker.retrieval.encoders.lightgcn import LightGCN

        return LightGCN(matrix, config.embedding_size, config.layers, config.seed)
    from tastemaker.retrieval.encoders.mf import MatrixFactorization

    n_users, n_items = matrix.shape
    return MatrixFactorization(n_users, n_items, config.embedding_size, config.seed)


def _measure(train: Dataset, valid: Dataset | None, geometry_of: csr_matrix | None) -> Measure:
    """ndcg@20 by full ranking on the valid part, if there is anything to rank for; geometry if asked for."""
    try:
        asked = None if valid is None else questions(train, valid)
    except InputError:
        asked = None

    def measure(users: Any, items: Any) -> Mapping[str, float]:
        tables = Embeddings(users.numpy(), items.numpy())
        figures: dict[str, float] = {}
        if asked is not None:
            ranked, _ = top_n(tables, asked.users, 20, asked.exclude)
            figures["ndcg@20"] = float(ranking_metrics(ranked, asked.relevant, (20,))["ndcg@20"].mean())
        if geometry_of is not None:
            figures |= measure_geometry(tables.users, tables.items, geometry_of)
        return figures

    return measure
