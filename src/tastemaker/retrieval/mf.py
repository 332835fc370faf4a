"""Matrix factorisation as retrieval models: BPR-MF and DirectAU-MF. Both score with the raw dot product, user
· item.

A fitted model is two tables of numbers: torch is needed to train it, not to use it, and is imported then.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.base import Indices, OnEpoch, Retriever, TrainingConfig
from tastemaker.retrieval.evaluator import questions
from tastemaker.retrieval.metrics import ranking_metrics
from tastemaker.retrieval.ranking import NOTHING, largest, top_n

if TYPE_CHECKING:
    from tastemaker.retrieval.objectives import Objective
    from tastemaker.retrieval.trainer import Validate


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


TrainingConfigT = TypeVar("TrainingConfigT", bound=TrainingConfig)


class EmbeddingRetriever(Retriever[TrainingConfigT]):
    """A model that ends as two tables: trains an encoder with an objective and keeps what it embeds."""

    stops_early = True
    embeddings: Embeddings

    @abstractmethod
    def _objective(self) -> Objective:
        """The objective that its config describes."""

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        from tastemaker.retrieval import trainer
        from tastemaker.retrieval.encoder import MatrixFactorization

        config = self.config
        encoder = MatrixFactorization(train.n_users, train.n_items, config.embedding_size, config.seed)
        job = trainer.Job(
            name=self.name,
            encoder=encoder,
            objective=self._objective(),
            matrix=train.matrix(),
            config=config,
            data=train.fingerprint + ("" if valid is None else f" {valid.fingerprint}"),
            validate=None if valid is None else _validator(train, valid),
        )
        trainer.train(job, folder, on_epoch)
        users, items = (table.detach().numpy() for table in encoder.embed())
        self.embeddings = Embeddings(users, items)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return self.embeddings.score(users)

    def similar(self, items: Indices, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items whose embeddings point the same way: cosine, in [−1, 1]."""
        items = self._checked("item", items, self.n_items)
        table = self.embeddings.items
        unit = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
        cosine = unit[items] @ unit.T
        cosine[np.arange(len(items)), items] = -np.inf
        found, value = largest(cosine, n)
        return found, np.where(found == NOTHING, np.float32(0), value)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"users": self.embeddings.users, "items": self.embeddings.items}

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.embeddings = Embeddings(arrays["users"], arrays["items"])


def _validator(train: Dataset, valid: Dataset) -> Validate | None:
    """ndcg@20 by full ranking on the valid part; None when it holds nothing to rank for."""
    try:
        asked = questions(train, valid)
    except InputError:
        return None

    def validate(users: Any, items: Any) -> float:
        ranked, _ = top_n(Embeddings(users.numpy(), items.numpy()), asked.users, 20, asked.exclude)
        return float(ranking_metrics(ranked, asked.relevant, (20,))["ndcg@20"].mean())

    return validate


class BPRConfig(TrainingConfig):
    """BPR-MF; the defaults did best on the valid part of MovieLens-100K, random 80/10/10 within user."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=2e-5, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter."""
    epochs: int = Field(default=200, ge=1)
    """Most passes over the training pairs."""


class BPRMF(EmbeddingRetriever[BPRConfig]):
    """Matrix factorisation with the BPR objective and uniform negatives."""

    name = "bpr"
    config_type = BPRConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives import BPR

        return BPR()


class DirectAUConfig(TrainingConfig):
    """DirectAU-MF; the defaults did best on the valid part of MovieLens-100K, random 80/10/10 within user.

    That is a small and dense data set. The paper's settings for its sparse ones: learning_rate 1e-3,
    weight_decay 1e-6, gamma 0.5 (Beauty, batch_size 256), 1 (Yelp2018) and 5 (Gowalla).
    """

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter."""
    epochs: int = Field(default=100, ge=1)
    """Most passes over the training pairs."""
    gamma: float = Field(default=0.4, ge=0)
    """γ, the weight of uniformity against alignment."""


class DirectAUMF(EmbeddingRetriever[DirectAUConfig]):
    """Matrix factorisation with the DirectAU objective."""

    name = "directau"
    config_type = DirectAUConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives import DirectAU

        return DirectAU(self.config.gamma)
