"""What a user model is trained to do, on a batch of interactions and as many sampled negatives.

Members of the ensemble stand in the last axis; weights of 0 keep an interaction from a member. Knows nothing
of networks and epochs.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from tastemaker.data.dataset import Dataset

Loss = Literal["point", "point-negative", "pair", "both"]
WEIGHT_LIMIT = 10.0
"""Inverse propensities are cut off here, in multiples of their mean."""


def gaussian(mean: Tensor, log_variance: Tensor, rating: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of -log N(rating | mean, variance), up to a constant, all [n, members].

    As in beta-NLL with beta = 1 (Seitzer et al. 2022, arXiv 2203.09168) the mean learns as from squared
    errors, here over the batch's mean one, so that ratings which look noisy are not given up; the variance
    learns from the likelihood.
    """
    squared = (rating - mean).square()
    found = squared.detach()
    of_mean = squared / (2 * found.mean().clamp_min(1e-8))
    of_variance = (log_variance + found / log_variance.exp()) / 2
    return _weighted(of_mean + of_variance, weight)


def pairwise(positive: Tensor, negative: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of -log sigmoid(positive - negative), all [n, members] (BPR, Rendle et al. 2009)."""
    return _weighted(-F.logsigmoid(positive - negative), weight)


def _weighted(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp_min(1e-8)


def inverse_propensities(log: Dataset) -> NDArray[np.float32]:
    """[n] weight of each interaction: 1 / sqrt(its item's share of the most popular item's interactions), as
    in Saito et al. 2020 (arXiv 1909.03601), over their mean, at most `WEIGHT_LIMIT`.
    """
    counts = np.bincount(log.item, minlength=log.n_items)
    weights = np.sqrt(counts.max() / counts[log.item])
    limited: NDArray[np.float32] = np.minimum(weights / weights.mean(), WEIGHT_LIMIT).astype(np.float32)
    return limited


class Negatives:
    """Draws items that a user has not interacted with."""

    TRIES = 8
    """Draws after which a user who has nearly every item keeps one of their own."""

    def __init__(self, log: Dataset) -> None:
        self.n_items = log.n_items
        self._keys = torch.from_numpy(np.unique(log.user.astype(np.int64) * log.n_items + log.item))

    def draw(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """[n] an item for each of `users` [n], evenly among those not in the log."""
        items = torch.randint(self.n_items, users.shape, generator=generator)
        for _ in range(self.TRIES):
            keys = users * self.n_items + items
            places = torch.searchsorted(self._keys, keys).clamp_max(len(self._keys) - 1)
            known = torch.nonzero(self._keys[places] == keys).squeeze(1)
            if not len(known):
                break
            items[known] = torch.randint(self.n_items, known.shape, generator=generator)
        return items
