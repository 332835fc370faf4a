"""CLRec: a user's item is to be told from all other items of the batch."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.objectives.base import Batch
from tastemaker.retrieval.objectives.cosine import CosineObjective
from tastemaker.retrieval.objectives.sphere import counts, tangent, unit


class CLRec(CosineObjective):
    """Sampled softmax with the batch's items as negatives: −mean log (exp(s_ui / τ) / Σ_j exp(s_uj / τ)), s
    the cosine and j over the items of the batch's b pairs (Zhou et al., KDD 2021; arXiv 2005.12964).

    An item is a negative as often as it is in the batch, that is by popularity p, and no log p is taken off:
    so s / τ learns by how much more than p the user takes the item, which is the paper's correction for
    exposure. `debias` says how much of that correction is made: the terms of the sum weigh p^(debias − 1), 1
    for the paper's loss, and at 0 the sum estimates the softmax over all items.

    The sum runs over distinct items, weighted by how often each occurs: the same figure. As in the paper,
    other items of the user that happen to be in the batch stay among the negatives. The batch is all the
    memory there is: no queue of former batches.
    """

    def __init__(self, temperature: float, debias: float = 1.0) -> None:
        self.temperature = temperature
        self.debias = debias

    def start(self, matrix: csr_matrix, encoder: Encoder, seed: int) -> None:
        super().start(matrix, encoder, seed)
        share = np.maximum(matrix.getnnz(axis=0), 1) / matrix.nnz
        self._weight = torch.from_numpy((share ** (self.debias - 1)).astype(np.float32))

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        x, y = (torch.nn.functional.normalize(rows, dim=1) for rows in (x, y))
        score = x @ y.T / self.temperature
        total = torch.logsumexp(score + self._weights(y, batch).log(), dim=1)
        return (total[batch.user] - score[batch.user, batch.item]).mean()

    def gradient(self, x: Tensor, y: Tensor, batch: Batch) -> tuple[float, Tensor, Tensor]:
        b = len(batch)
        (x, x_length), (y, y_length) = unit(x), unit(y)
        user_count, item_weight = counts(batch.user, x), self._weights(y, batch)
        score = (x / self.temperature) @ y.T
        own = score[batch.user, batch.item].sum()
        highest = score.amax(dim=1)
        likely = score.sub_(highest[:, None]).exp_()
        total = likely @ item_weight
        loss = float((user_count @ (total.log() + highest) - own) / b)
        push = likely.mul_((user_count / total)[:, None]).mul_(item_weight)
        x_gradient = (push @ y).index_add_(0, batch.user, y[batch.item], alpha=-1)
        y_gradient = (push.T @ x).index_add_(0, batch.item, x[batch.user], alpha=-1)
        scale = 1 / (b * self.temperature)
        return (
            loss,
            tangent(x, x_length, x_gradient.mul_(scale)),
            tangent(y, y_length, y_gradient.mul_(scale)),
        )

    def _weights(self, y: Tensor, batch: Batch) -> Tensor:
        """[i] what each item's term of the sum weighs."""
        return counts(batch.item, y) * self._weight[batch.items]
