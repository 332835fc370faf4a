"""The policies that every other is measured beside: random ones, and greedy ones that keep clear of the items
over which a user would quit now.

A benchmark that leaves these out lets cycling over a few items pass for personalisation.
Knows nothing of learning; the greedy ones are given their scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.policies.base import Policy
from tastemaker.simulation.quit_rules import NeverQuits, QuitRule
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Mode, Observation

NAMES = {
    "random": "any item, evenly",
    "random-avoid": "any item over which nobody would quit now, evenly",
    "popularity-avoid": "the item with most interactions in the log, of those",
    "item-mean-avoid": "the item with the best mean rating in the log, of those",
    "user-model-avoid": "the item that the user model predicts most for, of those",
    "best-cycle": "the item with the best true mean, of those: the same for everybody",
    "oracle": "the item that the user would truly give most for, of those",
}
"""What each takes."""
SHRINKAGE = 5
"""Ratings at the overall mean that an item's mean begins with."""


class Random:
    """Uniform over the allowed items."""

    window = 1

    def __init__(self, n_items: int) -> None:
        self.name = "random"
        self.n_items = n_items

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        if allowed is None:
            return rng.integers(self.n_items, size=len(observation["user"]))
        return _best(rng.random(allowed.shape, np.float32), allowed)


class Avoiding:
    """The best-scored allowed item that the quit rule would not punish now; where it would punish them all,
    the best-scored allowed one. Of equal scores the first item wins.
    """

    def __init__(self, name: str, scores: NDArray[np.floating] | None, rule: QuitRule, n_items: int) -> None:
        """`scores` are [n_items], the same for everybody, or [n_users, n_items]; None draws them anew in
        every turn.
        """
        self.name = name
        self.window = max(rule.n_recent, 1)
        self.rule = rule
        self.n_items = n_items
        self._scores = scores

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        users = observation["user"]
        if self._scores is None:
            scores: NDArray[np.floating] = rng.random((len(users), self.n_items), np.float32)
        else:
            scores = self._scores[users] if self._scores.ndim == 2 else self._scores
        items = observation["items"]
        good = ~self.rule.all_quits(items[:, items.shape[1] - self.rule.n_recent :], self.n_items)
        if allowed is not None:
            good &= allowed
        stuck = ~good.any(1)
        good[stuck] = True if allowed is None else allowed[stuck]
        return _best(scores, good)


def baseline(
    name: str, scenario: Scenario, mode: Mode, predicted: NDArray[np.float32] | None = None
) -> Policy:
    """The baseline of that name, one of `NAMES`, for sessions of a mode: where nobody quits, nothing is
    avoided. `predicted` [n_users, n_items] is what the user model expects, which `user-model-avoid` needs.

    Raises InputError for another name.
    """
    n_items = scenario.log.n_items
    rule = scenario.quit_rule if mode.quitting else NeverQuits()
    if name == "random":
        return Random(n_items)
    scores: NDArray[np.floating] | None
    if name == "random-avoid":
        scores = None
    elif name == "popularity-avoid":
        scores = np.bincount(scenario.log.item, minlength=n_items).astype(np.float64)
    elif name == "item-mean-avoid":
        scores = item_means(scenario.log)
    elif name == "user-model-avoid":
        if predicted is None:
            raise ValueError("user-model-avoid needs what the user model predicts")
        scores = predicted
    elif name == "best-cycle":
        scores = scenario.truth.mean(0, dtype=np.float64)
    elif name == "oracle":
        scores = scenario.truth
    else:
        raise InputError(f"no baseline is named {name!r}; there are {', '.join(NAMES)}")
    return Avoiding(name, scores, rule, n_items)


def item_means(log: Dataset) -> NDArray[np.float64]:
    """[n_items] mean rating of each item, as if `SHRINKAGE` more had rated it with the overall mean; without
    ratings, the number of interactions.
    """
    counts = np.bincount(log.item, minlength=log.n_items).astype(np.float64)
    if log.rating is None:
        return counts
    total = np.bincount(log.item, log.rating, log.n_items)
    means: NDArray[np.float64] = (total + SHRINKAGE * float(log.rating.mean())) / (counts + SHRINKAGE)
    return means


def _best(scores: NDArray[np.floating], good: NDArray[np.bool_]) -> NDArray[np.int64]:
    best: NDArray[np.int64] = np.where(good, scores, -np.inf).argmax(1)
    return best
