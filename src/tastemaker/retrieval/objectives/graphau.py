"""GraphAU: users and items are also aligned with what their neighbourhoods in the graph add up to."""

from __future__ import annotations

from typing import Any

import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn.functional import normalize

from tastemaker.errors import InputError
from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.encoders.lightgcn import Graph, Half, LightGCN
from tastemaker.retrieval.objectives.base import Batch, Objective
from tastemaker.retrieval.objectives.directau import DirectAU
from tastemaker.retrieval.objectives.sphere import alignment


class GraphAU(Objective):
    """L = mean over k = 0…K of αᵏ A_k + γ (uniformity of users + of items) / 2 (Yang et al., CIKM 2023; arXiv
    2308.09292).

    A_0 is DirectAU's alignment and A_k = (A(u, i⁽ᵏ⁾) + A(u⁽ᵏ⁾, i)) / 2, where u⁽ᵏ⁾ and i⁽ᵏ⁾ are the tables
    after k rounds of LightGCN's aggregation Ã; K is `hops` and α `decay`. Uniformity is of the tables alone,
    as in DirectAU, and so is what is recommended with. (Of the two versions in the released code one adds
    the aggregates' uniformity.) The graph is in the objective, so it takes the encoder mf and refuses
    another with an InputError.
    """

    whole = True

    def __init__(self, gamma: float, hops: int, decay: float) -> None:
        self._pairs = DirectAU(gamma, align=1 / (hops + 1))
        self._weights = [decay**k / (hops + 1) for k in range(1, hops + 1)]

    def start(self, matrix: csr_matrix, encoder: Encoder, seed: int) -> None:
        if isinstance(encoder, LightGCN):
            raise InputError("graphau: it aggregates over the graph itself; choose encoder=mf")
        self._graph = Graph(matrix)

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        near = _occurring(batch)
        return self._pairs.loss(x[near.users], y[near.items], near) + self._far(x, y, near)

    def gradient(self, x: Tensor, y: Tensor, batch: Batch) -> tuple[float, Tensor, Tensor]:
        near = _occurring(batch)
        loss, by_users, by_items = self._pairs.gradient(x[near.users], y[near.items], near)
        x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
        far = self._far(x, y, near)
        x_gradient, y_gradient = torch.autograd.grad(far, (x, y))
        x_gradient[near.users] += by_users
        y_gradient[near.items] += by_items
        return loss + float(far.detach()), x_gradient, y_gradient

    def _far(self, x: Tensor, y: Tensor, near: Batch) -> Tensor:
        """Σ over k ≥ 1 of αᵏ A_k / (K + 1), from the whole tables."""
        tables = [(x, y)]
        for _ in self._weights[1:]:
            users, items = tables[-1]
            tables.append(
                (
                    _around(self._graph.to_users, items, torch.arange(len(x))),
                    _around(self._graph.to_items, users, torch.arange(len(y))),
                )
            )
        own_users, own_items = (
            normalize(table[rows], dim=1)[place]
            for table, rows, place in ((x, near.users, near.user), (y, near.items, near.item))
        )
        total = x.new_zeros(())
        for weight, (users, items) in zip(self._weights, tables, strict=True):
            by_users = normalize(_around(self._graph.to_users, items, near.users), dim=1)[near.user]
            by_items = normalize(_around(self._graph.to_items, users, near.items), dim=1)[near.item]
            total = total + weight * (alignment(own_users, by_items) + alignment(by_users, own_items)) / 2
        return total


def _occurring(batch: Batch) -> Batch:
    """The batch over its distinct users and items alone."""
    users, user = torch.unique(batch.users[batch.user], return_inverse=True)
    items, item = torch.unique(batch.items[batch.item], return_inverse=True)
    return Batch(users, items, user, item)


def _around(half: Half, table: Tensor, rows: Tensor) -> Tensor:
    """[len(rows), d] sums over the neighbours in `table` [m, d]."""
    sums: Tensor = _Around.apply(table, half, rows)
    return sums


class _Around(torch.autograd.Function):  # type: ignore[misc]
    """`Half.rows`, and its adjoint on the way back."""

    @staticmethod
    def forward(context: Any, table: Tensor, half: Half, rows: Tensor) -> Tensor:
        context.half, context.rows, context.shape = half, rows, table.shape
        sums = table.new_zeros(len(rows), table.shape[1])
        half.rows(rows.numpy(), table.detach().numpy(), sums.numpy())
        return sums

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        by_table = gradient.new_zeros(context.shape)
        context.half.spread(context.rows.numpy(), gradient.contiguous().numpy(), by_table.numpy())
        return by_table, None, None
