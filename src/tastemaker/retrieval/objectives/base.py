"""What an objective is: it takes the embeddings of a batch's distinct users and items, and gives a loss and
its gradient.

Working on distinct rows makes a step's cost follow the batch, not the catalogue, and a user or item that
occurs c times is embedded once and weighs c. Knows nothing of encoders, optimisers or how batches are drawn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from scipy.sparse import csr_matrix
from torch import Tensor

if TYPE_CHECKING:
    from tastemaker.retrieval.encoders.base import Encoder


@dataclass(frozen=True)
class Batch:
    """b positive pairs over u distinct users and i distinct items, n negatives each."""

    users: Tensor
    """[u] int64 distinct users, ascending; all users where the objective asks for `whole` tables."""
    items: Tensor
    """[i] int64 distinct items, positives and negatives, ascending; all items for `whole`."""
    user: Tensor
    """[b] int64 place of each pair's user in `users`."""
    item: Tensor
    """[b] int64 place of each pair's item in `items`."""
    negative: Tensor | None = None
    """[b, n] int64 places in `items`, where the objective asks for negatives."""

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.user)


class Objective(ABC):
    """Maps a batch to a loss; one that knows its own gradient overrides `gradient`."""

    negatives: int = 0
    """How many negatives each pair must come with."""
    whole: bool = False
    """Whether batches must hold all users and items, not only those of their pairs."""

    def start(self, matrix: csr_matrix, encoder: Encoder, seed: int) -> None:
        """Told once, before training, of the interactions [n_users, n_items] and the encoder."""
        return

    def parameters(self) -> dict[str, Tensor]:
        """Trainable tensors of the objective's own, leaves that require a gradient."""
        return {}

    def state(self) -> dict[str, Tensor]:
        """Tensors that change in other ways than by gradients; a resumed run restores them in place."""
        return {}

    def embed(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """The tables to recommend with, by dot product, from the encoder's."""
        return users, items

    @abstractmethod
    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        """The loss, a scalar, from the embeddings x [u, d] of `batch.users` and y [i, d] of `batch.items`."""

    def gradient(self, x: Tensor, y: Tensor, batch: Batch) -> tuple[float, Tensor, Tensor]:
        """Loss, and its gradients by x and y; those by `parameters` are left in their `grad`."""
        x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
        loss = self.loss(x, y, batch)
        loss.backward()
        return float(loss.detach()), _given(x), _given(y)


def _given(leaf: Tensor) -> Tensor:
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
