"""DirectAU: what belongs together is drawn together, and all is spread over the unit hypersphere."""

from __future__ import annotations

import torch
from torch import Tensor

from tastemaker.retrieval.objectives.base import Batch, Objective
from tastemaker.retrieval.objectives.sphere import (
    alignment,
    counts,
    tangent,
    uniformity,
    uniformity_gradient,
    unit,
)


class DirectAU(Objective):
    """L = alignment + γ (uniformity of the batch's users + of its items) / 2 (Wang et al., KDD 2022; arXiv
    2206.12811, eq. 5-7).

    A user or item that occurs more than once in the batch counts as often, so uniformity is weighted by
    popularity. `align` weighs alignment: 0 leaves uniformity alone, γ = 0 alignment alone. Raises InputError
    for a batch of one pair.
    """

    def __init__(self, gamma: float, align: float = 1.0) -> None:
        self.gamma = gamma
        self.align = align

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        x, y = (torch.nn.functional.normalize(rows, dim=1) for rows in (x, y))
        spread = uniformity(x, counts(batch.user, x)) + uniformity(y, counts(batch.item, y))
        return self.align * alignment(x[batch.user], y[batch.item]) + self.gamma * spread / 2

    def gradient(self, x: Tensor, y: Tensor, batch: Batch) -> tuple[float, Tensor, Tensor]:
        b = len(batch)
        (x, x_length), (y, y_length) = unit(x), unit(y)
        x_spread, x_gradient = uniformity_gradient(x, counts(batch.user, x), self.gamma / 2)
        y_spread, y_gradient = uniformity_gradient(y, counts(batch.item, y), self.gamma / 2)
        left, right = x[batch.user], y[batch.item]
        together = 2 - 2 * float(torch.dot(left.flatten(), right.flatten())) / b
        pull = -2 * self.align / b
        x_gradient.index_add_(0, batch.user, right, alpha=pull)
        y_gradient.index_add_(0, batch.item, left, alpha=pull)
        loss = self.align * together + self.gamma * (x_spread + y_spread) / 2
        return loss, tangent(x, x_length, x_gradient), tangent(y, y_length, y_gradient)
