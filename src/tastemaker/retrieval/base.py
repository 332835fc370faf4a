"""What every retrieval model looks like: a frozen config, `fit`, `score`, `save`, `load`.

`Scorer` is the contract that the evaluator, the tools and the agents rely on; `Retriever` is the base of the
models here and does what they have in common (checks, saving). Knows nothing of metrics, splits or any one
model.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval import saved

Indices = NDArray[np.integer]
"""User or item indices."""

OnEpoch = Callable[[Mapping[str, Any]], None]
"""Called after each epoch of a trained model with one row: epoch, epochs, loss, seconds, ndcg@20 (with valid
data), best.
"""


class TrainingConfig(Config):
    """What every embedding model has to set."""

    embedding_size: int = Field(default=64, ge=1)
    """Length d of the embeddings."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=0.0, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter."""
    batch_size: int = Field(default=1024, ge=2)
    """Most pairs in a batch; an epoch is cut into batches of nearly equal size."""
    epochs: int = Field(default=300, ge=1)
    """Most passes over the training pairs."""
    patience: int = Field(default=10, ge=1)
    """Training ends after so many epochs in a row without a better ndcg@20 on the valid part."""
    seed: int = Field(default=0, ge=0)
    """Of the initial weights, the order of the pairs and the negatives."""
    threads: int = Field(default=1, ge=1)
    """Threads of torch and BLAS while training. The steps are short: beside other load more threads can be
    slower than one.
    """


@runtime_checkable
class Scorer(Protocol):
    """Anything that gives every item a score for a user."""

    name: str
    fitted_until: int
    """Largest interaction time that it was fitted on, on the data set's clock (early stopping included)."""

    def fit(self, train: Dataset, valid: Dataset | None = None) -> Self:
        """Learn from `train`; `valid` serves early stopping only."""

    def score(self, users: Indices) -> NDArray[np.float32]:
        """[len(users), n_items] scores, higher is better; nothing is masked."""

    def save(self, folder: Path) -> None:
        """Write the fitted model into a folder."""

    @classmethod
    def load(cls, folder: Path, train: Dataset) -> Self:
        """Read what `save` wrote; `train` must be the data that it was fitted on."""


@runtime_checkable
class ItemScorer(Scorer, Protocol):
    """A scorer that also knows which items are alike."""

    def similar(self, items: Indices, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The `n` items most like each of `items`, best first, itself left out: indices and similarities,
        both [m, n].

        Where fewer are known the row ends in index −1 and similarity 0.
        """


@runtime_checkable
class HistoryScorer(Scorer, Protocol):
    """A scorer that can serve users who were not in training, from their items alone (fold-in)."""

    def score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        """[m, n_items] scores from the binary matrix `histories` [m, n_items]; nothing is masked.

        A row without items scores as the model's docstring says.
        """


class RatingModel(Protocol):
    """What predicts ratings."""

    name: str
    fitted_until: int

    def predict(self, users: Indices, items: Indices) -> NDArray[np.float32]:
        """Predicted rating of each pair."""


@runtime_checkable
class HistoryRater(RatingModel, Protocol):
    """What predicts ratings from the ratings at hand, so also from those after it was fitted."""

    def predict_for(
        self, taken: Indices, ratings: NDArray[np.floating], items: Indices
    ) -> NDArray[np.float32]:
        """Predicted rating of each item for someone who rated the items `taken` so."""


ConfigT = TypeVar("ConfigT", bound=Config)


class Retriever(ABC, Generic[ConfigT]):
    """Base of the models: a subclass says how to fit, to score, and which arrays it consists of."""

    name: str
    config_type: type[ConfigT]
    version: int = 1
    """Raised when the same config and data would give another model: saved fits of other versions are not
    used.
    """

    stops_early: bool = False
    """Whether `fit` learns from the valid part too: when to stop."""

    def __init__(self, config: ConfigT | None = None) -> None:
        self.config: ConfigT = config or self.config_type()
        self.fitted_until = 0
        self.fit_seconds = 0.0
        """Wall-clock time of `fit`; of its last part where a training was interrupted."""
        self.data = ""
        """Fingerprint of the training data, empty before `fit`."""
        self.n_users = 0
        self.n_items = 0

    def fit(
        self,
        train: Dataset,
        valid: Dataset | None = None,
        *,
        folder: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> Self:
        """Learn from `train`; models that are trained in epochs stop early by `valid`.

        `folder` is where such a model keeps its checkpoint and goes on from, `on_epoch` is told of each
        epoch; models in closed form use neither. Raises InputError when there is nothing to learn from.
        """
        if len(train) == 0:
            raise InputError(f"{self.name}: the training part of {train.name} has no interactions")
        started = time.perf_counter()
        self._fit(train, valid, folder, on_epoch)
        self.fit_seconds = time.perf_counter() - started
        self._belongs_to(train)
        seen = [train] if valid is None or not self.stops_early else [train, valid]
        self.fitted_until = max(int(part.time.max()) for part in seen if len(part))
        return self

    def score(self, users: Indices) -> NDArray[np.float32]:
        """[len(users), n_items] scores, higher is better; nothing is masked. Raises InputError for an unknown
        user.
        """
        return self._score(self._checked("user", users, self.n_users))

    def save(self, folder: Path) -> None:
        """Write the model's arrays and a `meta.json` into the folder, the latter last."""
        self._require_fit()
        saved.write(folder, self._arrays(), self._meta())

    @classmethod
    def load(cls, folder: Path, train: Dataset) -> Self:
        """Read a saved fit. Raises InputError when it is damaged, of another kind, or of other data."""
        arrays, meta = saved.read(folder)
        for what, mine in (("model", cls.name), ("version", cls.version), ("data", train.fingerprint)):
            if meta.get(what) != mine:
                raise InputError(
                    f"{folder}: saved with {what} {meta.get(what)!r}, wanted {mine!r}; fit it again"
                )
        try:
            model = cls(cls.config_type.model_validate(meta["config"]))
            model.fitted_until, model.fit_seconds = int(meta["fitted_until"]), float(meta["fit_seconds"])
            model._restore(arrays, train)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder}: the saved model is damaged ({error!r}); fit it again") from None
        model._belongs_to(train)
        return model

    def _belongs_to(self, train: Dataset) -> None:
        self.data = train.fingerprint
        self.n_users, self.n_items = train.n_users, train.n_items

    def _meta(self) -> dict[str, Any]:
        return {
            "model": self.name,
            "version": self.version,
            "config": self.config.model_dump(mode="json"),
            "data": self.data,
            "fitted_until": self.fitted_until,
            "fit_seconds": self.fit_seconds,
        }

    def _require_fit(self) -> None:
        if not self.data:
            raise TastemakerError(f"{self.name}: not fitted yet; call fit first")

    def _checked(self, what: str, indices: Indices, count: int) -> Indices:
        self._require_fit()
        indices = np.asarray(indices)
        if indices.size and not (indices.min() >= 0 and indices.max() < count):
            wrong = int(indices[(indices < 0) | (indices >= count)][0])
            raise InputError(f"{self.name}: no {what} with index {wrong}; indices run from 0 to {count - 1}")
        return indices

    @abstractmethod
    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        """Learn from the data."""

    @abstractmethod
    def _score(self, users: Indices) -> NDArray[np.float32]:
        """Scores of all items for users that exist."""

    @abstractmethod
    def _arrays(self) -> dict[str, NDArray[Any]]:
        """What the fitted model consists of, apart from its training data."""

    @abstractmethod
    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        """Take up the arrays that `_arrays` gave."""


class HistoryRetriever(Retriever[ConfigT]):
    """Base of the models that are `HistoryScorer`s."""

    def score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        """[m, n_items] scores from the binary matrix `histories` [m, n_items]; nothing is masked.

        A row without items scores as the model's docstring says. Raises InputError for another number of
        items.
        """
        self._require_fit()
        if histories.shape[1] != self.n_items:
            raise InputError(
                f"{self.name}: histories have {histories.shape[1]} items, the model {self.n_items}"
            )
        return self._score_histories(histories)

    @abstractmethod
    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        """Scores of all items for histories of the right width."""
