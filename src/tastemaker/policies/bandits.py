"""Bandits: the best-looking item now, with some exploration and no thought of later turns.

ε-greedy explores by chance, LinUCB (Li et al. 2010, arXiv 1003.0146) by how little the log says of a kind of
item for a kind of user. Both are fitted on the log and do not learn while they play.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.simulation.features import Features
from tastemaker.simulation.world import Observation


class EpsilonGreedy:
    """Each user gets any allowed item with probability ε, otherwise the allowed one with the best score."""

    window = 1

    def __init__(self, scores: NDArray[np.floating], epsilon: float = 0.1) -> None:
        """`scores` [n_users, n_items], for example a user model's mean. Raises InputError for an ε outside 0
        to 1.
        """
        if not 0 <= epsilon <= 1:
            raise InputError(f"epsilon is a probability from 0 to 1, not {epsilon:g}")
        self.name = "epsilon-greedy"
        self.epsilon = epsilon
        self._scores = scores

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        scores = self._scores[observation["user"]]
        explores = rng.random(len(scores)) < self.epsilon
        drawn = rng.random(scores.shape, np.float32)
        return _best(np.where(explores[:, None], drawn, scores), allowed)


class LinUCB:
    """The allowed item with the highest θ·x + α sqrt(xᵀ A⁻¹ x), where x holds all products of a user feature
    and an item feature, A = reg I + Σ x xᵀ and θ = A⁻¹ Σ r x over the log.

    One θ serves all items (the disjoint model of the paper's section 3.1 with shared parameters), so that
    items with few ratings learn from others like them. Users with the same features get the same scores. A
    log without ratings counts as rewards of 1.
    """

    window = 1

    def __init__(self, log: Dataset, alpha: float = 1.0, reg: float = 1.0) -> None:
        """Features are those of `Features.user_vectors` and `item_vectors`. Raises InputError for an α below
        0 or a reg that is not above 0.
        """
        if not (alpha >= 0 and reg > 0):
            raise InputError(f"LinUCB takes an alpha from 0 and a reg above 0, not {alpha:g} and {reg:g}")
        self.name = "linucb"
        features = Features.of(log)
        kinds, self._kind = np.unique(features.user_vectors(), axis=0, return_inverse=True)
        kinds, items = kinds.astype(np.float64), features.item_vectors().astype(np.float64)
        n_a, n_b = kinds.shape[1], items.shape[1]
        rewards = np.ones(len(log)) if log.rating is None else log.rating
        cell = self._kind[log.user] * log.n_items + log.item
        shape = (len(kinds), log.n_items)
        counts = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
        sums = np.bincount(cell, rewards, shape[0] * shape[1]).reshape(shape)
        # users of one kind share x, so the sum over the log is one over kinds
        moments = np.stack([(items * row[:, None]).T @ items for row in counts])
        squares = np.einsum("ka,kb->kab", kinds, kinds).reshape(len(kinds), -1)
        gram = (squares.T @ moments.reshape(len(kinds), -1)).reshape(n_a, n_a, n_b, n_b)
        gram = gram.transpose(0, 2, 1, 3).reshape(n_a * n_b, n_a * n_b) + reg * np.eye(n_a * n_b)
        inverse = np.linalg.inv(gram)
        self.theta: NDArray[np.float64] = inverse @ (kinds.T @ sums @ items).ravel()
        """[user features * item features] ridge weights, the item feature running fastest."""
        spread = inverse.reshape(n_a, n_b, n_a, n_b).transpose(0, 2, 1, 3).reshape(n_a * n_a, -1)
        forms = (squares @ spread).reshape(len(kinds), n_b, n_b)
        width = np.stack([np.einsum("ib,ib->i", items @ form, items) for form in forms])
        self._scores = kinds @ self.theta.reshape(n_a, n_b) @ items.T + alpha * np.sqrt(np.maximum(width, 0))

    def scores(self, users: NDArray[np.integer]) -> NDArray[np.float64]:
        """[n, n_items] upper confidence bounds."""
        found: NDArray[np.float64] = self._scores[self._kind[users]]
        return found

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        return _best(self.scores(observation["user"]), allowed)


def _best(scores: NDArray[np.floating], allowed: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    best: NDArray[np.int64] = (scores if allowed is None else np.where(allowed, scores, -np.inf)).argmax(1)
    return best
