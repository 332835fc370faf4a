"""Several models as one: a weighted sum of their scores, each brought to the same scale for each user.

Models that go about it in different ways err on different users, so a sum is often better than any of its
parts. The weights are found on a valid part, or given. Knows nothing of how its members work.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split, by_ratio
from tastemaker.errors import InputError
from tastemaker.retrieval import registry
from tastemaker.retrieval.base import HistoryRetriever, HistoryScorer, Indices, OnEpoch, Retriever
from tastemaker.retrieval.evaluator import questions
from tastemaker.retrieval.metrics import ranking_metrics
from tastemaker.retrieval.ranking import largest, masked

_HELD_OUT = (0.9, 0.1, 0.0)
"""How train is split to find weights where there is no valid part."""
_USERS = 2000
"""How many users of the valid part the weights are chosen by."""
_STEPS = (0.0, 0.25, 0.5, 0.7, 1.4, 2.0)
"""What a weight is multiplied by in search of a better one."""
_SOMETHING = 0.1
"""What a weight of 0 is tried at."""


class Member(Config):
    """One model of a blend."""

    model: str
    """Its name in the registry."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What differs from its defaults."""
    weight: float | None = Field(default=None, ge=0)
    """Of its scores in the sum; None lets the valid part decide, for all members; without a
    valid part, a tenth of the training interactions, after which the members are fitted to all of them."""


class BlendConfig(Config):
    """Which models are summed."""

    members: tuple[Member, ...] = (Member(model="ease"), Member(model="itemknn"))
    """Two or more models."""
    seed: int = Field(default=0, ge=0)
    """Given to the members that have one and do not set it."""


class Blend(HistoryRetriever[BlendConfig]):
    """Weighted sum of the members' scores, each less its mean over the items and over their standard
    deviation, user by user.
    """

    name = "blend"
    version = 2
    config_type = BlendConfig
    stops_early = True

    def __init__(self, config: BlendConfig | None = None) -> None:
        super().__init__(config)
        if len(self.config.members) < 2:
            raise InputError("blend: members must name at least two models")
        self.members = [registry.create(one.model, **self._settings(one)) for one in self.config.members]
        self.weights = np.ones(len(self.members))

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        given = [one.weight for one in self.config.members]
        if None not in given:
            self.weights = np.array(given, np.float64)
            self.members = self._members(train, valid, on_epoch)
        elif valid is not None and len(valid):
            self.members = self._members(train, valid, on_epoch)
            self.weights = _best_weights(self.members, train, valid)
        else:
            part = by_ratio(train, _HELD_OUT, self.config.seed)
            wanted = part.valid.matrix()
            if (wanted - wanted.multiply(part.train.matrix())).count_nonzero():
                tried = self._members(part.train, part.valid, on_epoch)
                self.weights = _best_weights(tried, part.train, part.valid)
            self.members = self._members(train, None, on_epoch)

    def _members(
        self, train: Dataset, valid: Dataset | None, on_epoch: OnEpoch | None
    ) -> list[Retriever[Any]]:
        nothing = train.take(np.zeros(len(train), bool))
        split = Split(train, nothing if valid is None else valid, nothing, "")
        return [
            registry.fit_cached(one.model, split, on_epoch=on_epoch, **self._settings(one))
            for one in self.config.members
        ]

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return self._sum([_standard(member.score(users)) for member in self.members])

    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        """By the members that know users from their items alone. Raises InputError when none does."""
        able = [isinstance(member, HistoryScorer) for member in self.members]
        if not any(able):
            raise InputError("blend: none of its members can score a history")
        return self._sum(
            [
                _standard(member.score_histories(histories)) if isinstance(member, HistoryScorer) else None
                for member in self.members
            ]
        )

    def _settings(self, member: Member) -> dict[str, Any]:
        return {**registry.seed_of(member.model, self.config.seed), **member.settings}

    def _sum(self, scores: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32]:
        parts = [np.float32(w) * one for w, one in zip(self.weights, scores, strict=True) if one is not None]
        total: NDArray[np.float32] = np.add.reduce(parts)
        return total

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays = {
            f"{number}.{name}": array
            for number, member in enumerate(self.members)
            for name, array in member._arrays().items()
        }
        return arrays | {"weights": self.weights}

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.weights = arrays["weights"]
        for number, member in enumerate(self.members):
            mine = {
                name.partition(".")[2]: array
                for name, array in arrays.items()
                if name.startswith(f"{number}.")
            }
            member._restore(mine, train)
            member._belongs_to(train)


def _standard(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows less their mean, over their standard deviation; a row of equal scores becomes 0."""
    scores = scores - scores.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", scores, scores) / scores.shape[1])[:, None]
    scores /= np.maximum(spread, 1e-12)
    return scores


def _best_weights(members: Sequence[Retriever[Any]], train: Dataset, valid: Dataset) -> NDArray[np.float64]:
    """Weights by ndcg@20 on some users of the valid part: from equal ones, one at a time, until none of the
    steps helps.
    """
    asked = questions(train, valid)
    chosen = np.random.default_rng(0).permutation(len(asked.users))[:_USERS]
    users, relevant = asked.users[chosen], asked.relevant[chosen]
    scores = [_standard(member.score(users)) for member in members]
    seen = asked.exclude[users]

    def value(weights: NDArray[np.float64]) -> float:
        total = np.zeros_like(scores[0])
        for weight, one in zip(weights, scores, strict=True):
            total += np.float32(weight) * one
        ranked, _ = largest(masked(total, seen), 20)
        return float(ranking_metrics(ranked, relevant, (20,))["ndcg@20"].mean())

    weights = np.ones(len(members))
    best, improved = value(weights), True
    while improved:
        improved = False
        for number, step in itertools.product(range(len(members)), _STEPS):
            tried = weights.copy()
            tried[number] = tried[number] * step if tried[number] else _SOMETHING * step
            if tried.any() and (found := value(tried)) > best + 1e-5:
                weights, best, improved = tried, found, True
    found_weights: NDArray[np.float64] = weights / weights.max()
    return found_weights
