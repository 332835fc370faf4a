"""Matrix factorisation: the tables are the embeddings."""

from __future__ import annotations

from torch import Tensor

from tastemaker.retrieval.encoders.base import Gradient, tables


class MatrixFactorization:
    """One free embedding for each user and item."""

    def __init__(self, n_users: int, n_items: int, embedding_size: int, seed: int) -> None:
        self._tables = tables(n_users, n_items, embedding_size, seed)

    def parameters(self) -> dict[str, Tensor]:
        return self._tables

    def embed(self) -> tuple[Tensor, Tensor]:
        return self._tables["users"], self._tables["items"]

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        return self._tables["users"][users], self._tables["items"][items]

    def backward(self, users: Tensor, items: Tensor, x: Tensor, y: Tensor) -> dict[str, Gradient]:
        return {"users": Gradient(users, x), "items": Gradient(items, y)}

    def keep(self, columns: slice) -> None:
        self._tables = {name: table[:, columns].clone() for name, table in self._tables.items()}
