"""SimpleX's cosine contrastive loss: draw the positive near, push away negatives that are too near."""

from __future__ import annotations

from typing import Any

import torch
from numba import njit
from torch import Tensor

from tastemaker.errors import InputError
from tastemaker.retrieval.objectives.base import Batch
from tastemaker.retrieval.objectives.cosine import CosineObjective
from tastemaker.retrieval.objectives.sphere import tangent, unit


class SimpleX(CosineObjective):
    """L = mean over pairs of (1 − s_ui) + w/n Σ_j max(0, s_uj − m), s the cosine and j over n uniform
    negatives of the pair (Mao et al., CIKM 2021; arXiv 2109.12613, eq. 1).

    The loss alone, as the paper's MF-CCL: a user is an embedding, not an aggregate of behaviour.
    """

    def __init__(self, negatives: int, margin: float, negative_weight: float) -> None:
        self.negatives = negatives
        self.margin = margin
        self.negative_weight = negative_weight

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        x, y = (torch.nn.functional.normalize(rows, dim=1) for rows in (x, y))
        users = x[batch.user]
        near = (users[:, None] * y[_negative(batch)]).sum(dim=2)
        together = 1 - (users * y[batch.item]).sum(dim=1)
        return (together + self.negative_weight * torch.relu(near - self.margin).mean(dim=1)).mean()

    def gradient(self, x: Tensor, y: Tensor, batch: Batch) -> tuple[float, Tensor, Tensor]:
        b, negative = len(batch), _negative(batch)
        (x, x_length), (y, y_length) = unit(x), unit(y)
        left, right = x[batch.user], y[batch.item]
        x_gradient = torch.zeros_like(x).index_add_(0, batch.user, right, alpha=-1 / b)
        y_gradient = torch.zeros_like(y).index_add_(0, batch.item, left, alpha=-1 / b)
        weight = self.negative_weight / negative.numel()
        arrays = (part.numpy() for part in (x, y, batch.user, negative, x_gradient, y_gradient))
        too_near = _push(*arrays, self.margin, weight)
        loss = 1 - float(torch.dot(left.flatten(), right.flatten())) / b + weight * too_near
        return loss, tangent(x, x_length, x_gradient), tangent(y, y_length, y_gradient)


def _negative(batch: Batch) -> Tensor:
    if batch.negative is None:
        raise InputError("SimpleX: the batch has no negatives")
    return batch.negative


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})  # type: ignore[untyped-decorator]
def _push(
    x: Any, y: Any, user: Any, negative: Any, x_gradient: Any, y_gradient: Any, margin: float, weight: float
) -> float:
    """Sum of s − m over the negatives with s > m; adds to the gradients. The negatives' rows are read in
    place, never gathered: most lie within the margin and cost one product.
    """
    total, step = 0.0, x.dtype.type(weight)
    for pair in range(len(user)):
        one, by_one = x[user[pair]], x_gradient[user[pair]]
        for place in negative[pair]:
            other, by_other = y[place], y_gradient[place]
            cosine = one[0] * other[0]
            for k in range(1, len(one)):
                cosine += one[k] * other[k]
            if cosine > margin:
                total += cosine - margin
                for k in range(len(one)):
                    by_one[k] += step * other[k]
                    by_other[k] += step * one[k]
    return total
