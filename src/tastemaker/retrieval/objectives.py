"""Objectives: a batch of positive pairs and all embeddings in, a loss out.

An objective that knows its own gradient overrides `backward`; the others leave it to autograd. Knows nothing
of encoders, optimisers or how negatives are drawn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tastemaker.errors import InputError


@dataclass(frozen=True)
class Batch:
    """Positive pairs, and a negative item for each where the objective asks for them."""

    user: Tensor
    """[b] int64."""
    item: Tensor
    """[b] int64."""
    negative: Tensor | None = None
    """[b] int64."""


class Objective(ABC):
    """Maps a batch to a loss."""

    needs_negatives: bool = False
    """Whether batches must come with negatives."""

    @abstractmethod
    def loss(self, users: Tensor, items: Tensor, batch: Batch) -> Tensor:
        """The loss, a scalar, from all embeddings, users [n_users, d] and items [n_items, d]."""

    def backward(self, users: Tensor, items: Tensor, batch: Batch) -> float:
        """Accumulate the loss's gradient in the leaves behind `users` and `items`, and return the loss."""
        loss = self.loss(users, items, batch)
        loss.backward()
        return float(loss.detach())


class BPR(Objective):
    """Bayesian personalised ranking: −mean log σ(x·y⁺ − x·y⁻) (Rendle et al., UAI 2009; arXiv 1205.2618)."""

    needs_negatives = True

    def loss(self, users: Tensor, items: Tensor, batch: Batch) -> Tensor:
        if batch.negative is None:
            raise InputError("BPR: the batch has no negatives")
        ahead = items[batch.item] - items[batch.negative]
        return functional.softplus(-(users[batch.user] * ahead).sum(dim=1)).mean()


class DirectAU(Objective):
    """Alignment and uniformity on the unit sphere (Wang et al., KDD 2022; arXiv 2206.12811, eq. 5–7).

    L = alignment + γ (uniformity of the batch's users + uniformity of its items) / 2. A user or item that
    occurs more than once in the batch counts as often, so uniformity is weighted by popularity.
    """

    def __init__(self, gamma: float) -> None:
        self.gamma = gamma

    def loss(self, users: Tensor, items: Tensor, batch: Batch) -> Tensor:
        if len(batch.user) < 2:
            raise InputError("DirectAU: uniformity needs batches of at least two pairs; raise batch_size")
        user, user_place, user_count = torch.unique(batch.user, return_inverse=True, return_counts=True)
        item, item_place, item_count = torch.unique(batch.item, return_inverse=True, return_counts=True)
        x = functional.normalize(users[user], dim=1)
        y = functional.normalize(items[item], dim=1)
        spread = uniformity(x, user_count) + uniformity(y, item_count)
        return alignment(x[user_place], y[item_place]) + self.gamma * spread / 2


def alignment(x: Tensor, y: Tensor) -> Tensor:
    """mean ‖x − y‖² over the pairs; x, y [b, d] of unit length."""
    return (x - y).square().sum(dim=1).mean()


def uniformity(rows: Tensor, count: Tensor) -> Tensor:
    """log mean_{j<k} exp(−2 ‖z_j − z_k‖²) over the pairs of a batch, given its distinct rows and how often
    each occurs.

    `rows` [u, d] are of unit length, `count` [u] are whole numbers with sum b ≥ 2. Exact: a row that occurs c
    times makes c(c−1)/2 pairs at distance 0, and rows with counts c, c′ make c·c′ pairs, so u² distances do
    instead of b².
    """
    weight = count.to(rows.dtype)
    total = weight.sum()
    cosine = rows @ rows.T
    cosine.fill_diagonal_(-torch.inf)
    apart = weight @ torch.exp(4 * cosine - 4) @ weight
    same = (weight * (weight - 1)).sum()
    return torch.log((apart + same) / (total * (total - 1)))
