"""Encoders: what turns parameters into one embedding for each user and each item.

An encoder knows nothing of objectives or data loading; the trainer moves its `parameters` and asks it to
`embed`.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Encoder(Protocol):
    """Parameters, and the embeddings that they give."""

    def parameters(self) -> dict[str, Tensor]:
        """The trainable tensors by name: leaves that require a gradient."""

    def embed(self) -> tuple[Tensor, Tensor]:
        """All embeddings, users [n_users, d] and items [n_items, d], differentiable in the parameters."""


class MatrixFactorization:
    """Two tables, Xavier-normal at the start: each row ~ N(0, 2 / (rows + d)) (Glorot & Bengio, AISTATS
    2010).
    """

    def __init__(self, n_users: int, n_items: int, embedding_size: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.users = torch.empty(n_users, embedding_size)
        self.items = torch.empty(n_items, embedding_size)
        for table in (self.users, self.items):
            torch.nn.init.xavier_normal_(table, generator=generator)
            table.requires_grad_()

    def parameters(self) -> dict[str, Tensor]:
        return {"users": self.users, "items": self.items}

    def embed(self) -> tuple[Tensor, Tensor]:
        return self.users, self.items
