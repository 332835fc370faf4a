"""MAWU: alignment with a margin that each user and item learns, uniformity weighted apart."""

from __future__ import annotations

import math

import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.objectives.base import Batch, Objective
from tastemaker.retrieval.objectives.sphere import counts, tangent, uniformity, uniformity_gradient, unit

_STRAIGHT = 1 - 1e-6
"""Cosines beyond this are taken for it: the angle has no derivative at 0 and π."""


class MAWU(Objective):
    """L = −mean cos(min(θ_ui + M_ui, π)) + γ₁ uniformity of users + γ₂ uniformity of items, θ the angle
    between the two and M_ui = 1 − σ(m_u + m_i) the margin in radians, m learned and 0 at the start (Park et
    al., CIKM 2023; arXiv 2308.06091).

    Uniformity is DirectAU's, as in the paper. (Code in circulation averages over all b² entries of a matrix
    of which only one triangle is filled, so that a constant dampens it.)
    """

    def __init__(self, gamma_user: float, gamma_item: float) -> None:
        self.gamma_user = gamma_user
        self.gamma_item = gamma_item

    def start(self, matrix: csr_matrix, encoder: Encoder, seed: int) -> None:
        self._margins = {
            name: torch.zeros(count, requires_grad=True)
            for name, count in zip(("users", "items"), matrix.shape, strict=True)
        }

    def parameters(self) -> dict[str, Tensor]:
        return self._margins

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        x, y = (torch.nn.functional.normalize(rows, dim=1) for rows in (x, y))
        cosine = (x[batch.user] * y[batch.item]).sum(dim=1).clamp(-_STRAIGHT, _STRAIGHT)
        apart = torch.arccos(cosine) + 1 - torch.sigmoid(self._margin(batch))
        spread = self.gamma_user * uniformity(x, counts(batch.user, x))
        spread = spread + self.gamma_item * uniformity(y, counts(batch.item, y))
        return spread - torch.cos(apart.clamp(max=math.pi)).mean()

    def gradient(self, x: Tensor, y: Tensor, batch: Batch) -> tuple[float, Tensor, Tensor]:
        b = len(batch)
        (x, x_length), (y, y_length) = unit(x), unit(y)
        x_spread, x_gradient = uniformity_gradient(x, counts(batch.user, x), self.gamma_user)
        y_spread, y_gradient = uniformity_gradient(y, counts(batch.item, y), self.gamma_item)
        left, right = x[batch.user], y[batch.item]
        cosine = (left * right).sum(dim=1)
        within = cosine.clamp(-_STRAIGHT, _STRAIGHT)
        inside = torch.sigmoid(self._margin(batch).detach())
        apart = torch.arccos(within) + 1 - inside
        slope = torch.where(apart <= math.pi, torch.sin(apart), 0) / b
        pull = (slope / (1 - within.square()).sqrt()).where(within == cosine, 0)[:, None]
        x_gradient.index_add_(0, batch.user, pull * right, alpha=-1)
        y_gradient.index_add_(0, batch.item, pull * left, alpha=-1)
        by_margin = -slope * inside * (1 - inside)
        for margin, index in zip(self._margins.values(), _indices(batch), strict=True):
            margin.grad = torch.zeros_like(margin).index_add_(0, index, by_margin)
        loss = self.gamma_user * x_spread + self.gamma_item * y_spread
        loss -= float(torch.cos(apart.clamp(max=math.pi)).mean())
        return loss, tangent(x, x_length, x_gradient), tangent(y, y_length, y_gradient)

    def _margin(self, batch: Batch) -> Tensor:
        """[b] m_u + m_i of each pair."""
        users, items = _indices(batch)
        return self._margins["users"][users] + self._margins["items"][items]


def _indices(batch: Batch) -> tuple[Tensor, Tensor]:
    """[b] and [b]: the pairs' users and items among all."""
    return batch.users[batch.user], batch.items[batch.item]
