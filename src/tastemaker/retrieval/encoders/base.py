"""What an encoder is: tables of parameters, and the embeddings that follow from them.

All encoders here are linear in their tables, so a gradient by embeddings is carried back by the adjoint and
needs no record of the forward pass. Knows nothing of objectives, optimisers or data loading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gradient:
    """Gradient by a table [n, d], of which only some rows may be other than zero."""

    rows: Tensor | None
    """[m] int64 distinct rows, or None for all."""
    values: Tensor
    """[m, d], or [n, d] for all rows."""


class Encoder(Protocol):
    """Two tables, "users" [n_users, d] and "items" [n_items, d], and embeddings of the same shapes."""

    def parameters(self) -> dict[str, Tensor]:
        """The trainable tables by name."""

    def embed(self) -> tuple[Tensor, Tensor]:
        """All embeddings: users [n_users, d] and items [n_items, d]."""

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """The embeddings of some users and items, both distinct: [u, d] and [i, d]."""

    def backward(self, users: Tensor, items: Tensor, x: Tensor, y: Tensor) -> dict[str, Gradient]:
        """Gradients by the tables, given those, x [u, d] and y [i, d], by what `forward` gave."""

    def keep(self, columns: slice) -> None:
        """Drop all but some columns of both tables; each column's embeddings follow from it alone."""


def tables(n_users: int, n_items: int, embedding_size: int, seed: int) -> dict[str, Tensor]:
    """Tables at the start, Xavier-normal: each row ~ N(0, 2 / (rows + d)) (Glorot & Bengio, AISTATS 2010)."""
    generator = torch.Generator().manual_seed(seed)
    made = {"users": torch.empty(n_users, embedding_size), "items": torch.empty(n_items, embedding_size)}
    for table in made.values():
        torch.nn.init.xavier_normal_(table, generator=generator)
    return made
