"""LightGCN: an embedding is the mean of what L rounds of averaging over neighbours make of the tables (He et
al., SIGIR 2020; arXiv 2002.02126).

With Ã = D^−½ A D^−½ on the bipartite graph, E = (E₀ + Ã E₀ + … + Ã^L E₀) / (L + 1). A step needs E in the
batch's rows alone, so the last round is worked out for those rows only, and so is the first round of the way
back; the rounds between take one sparse product each way. Nothing is approximated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from tastemaker.retrieval.encoders.base import Gradient, tables

Table = NDArray[np.float32]


class LightGCN:
    """Embeddings smoothed over the graph of interactions, `layers` rounds of it."""

    def __init__(self, matrix: csr_matrix, embedding_size: int, layers: int, seed: int) -> None:
        n_users, n_items = matrix.shape
        self.layers = layers
        self._tables = tables(n_users, n_items, embedding_size, seed)
        self.graph = Graph(matrix)

    def parameters(self) -> dict[str, Tensor]:
        return self._tables

    def embed(self) -> tuple[Tensor, Tensor]:
        rounds = self._propagate(self.layers)
        users, items = (sum(parts[1:], start=parts[0]) for parts in zip(*rounds, strict=True))
        scale = np.float32(1 / (self.layers + 1))
        return torch.from_numpy(users * scale), torch.from_numpy(items * scale)

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        rounds = self._propagate(max(self.layers - 1, 0))
        x, y = (
            sum((parts[k][rows.numpy()] for k in range(1, len(parts))), start=parts[0][rows.numpy()])
            for parts, rows in zip(zip(*rounds, strict=True), (users, items), strict=True)
        )
        if self.layers:
            self.graph.to_users.rows(users.numpy(), rounds[-1][1], x)
            self.graph.to_items.rows(items.numpy(), rounds[-1][0], y)
        scale = np.float32(1 / (self.layers + 1))
        return torch.from_numpy(x * scale), torch.from_numpy(y * scale)

    def backward(self, users: Tensor, items: Tensor, x: Tensor, y: Tensor) -> dict[str, Gradient]:
        scale = np.float32(1 / (self.layers + 1))
        x_rows, y_rows = x.numpy() * scale, y.numpy() * scale
        if not self.layers:
            return {
                "users": Gradient(users, torch.from_numpy(x_rows)),
                "items": Gradient(items, torch.from_numpy(y_rows)),
            }
        by_users, by_items = (np.zeros(tuple(table.shape), np.float32) for table in self._tables.values())
        self.graph.to_users.spread(users.numpy(), x_rows, by_items)
        self.graph.to_items.spread(items.numpy(), y_rows, by_users)
        by_users[users.numpy()] += x_rows
        by_items[items.numpy()] += y_rows
        for _ in range(self.layers - 1):
            by_users, by_items = self.graph.to_users.all(by_items), self.graph.to_items.all(by_users)
            by_users[users.numpy()] += x_rows
            by_items[items.numpy()] += y_rows
        return {
            "users": Gradient(None, torch.from_numpy(by_users)),
            "items": Gradient(None, torch.from_numpy(by_items)),
        }

    def keep(self, columns: slice) -> None:
        self._tables = {name: table[:, columns].clone() for name, table in self._tables.items()}

    def _propagate(self, rounds: int) -> list[tuple[Table, Table]]:
        """Both tables after 0, 1, …, `rounds` rounds."""
        made = [(self._tables["users"].numpy(), self._tables["items"].numpy())]
        for _ in range(rounds):
            users, items = made[-1]
            made.append((self.graph.to_users.all(items), self.graph.to_items.all(users)))
        return made


class Graph:
    """The normalised bipartite graph of a binary matrix [n_users, n_items], both ways."""

    def __init__(self, matrix: csr_matrix) -> None:
        degrees = (np.diff(matrix.indptr), np.bincount(matrix.indices, minlength=matrix.shape[1]))
        user, item = (np.maximum(degree, 1).astype(np.float64) ** -0.5 for degree in degrees)
        weighed = matrix.multiply(user[:, None]).multiply(item[None, :]).tocsr().astype(np.float32)
        self.to_users = Half(weighed)
        self.to_items = Half(weighed.T.tocsr())


class Half:
    """One way of the graph: sums over the neighbours of each of n rows, from a table of m rows."""

    def __init__(self, matrix: csr_matrix) -> None:
        self._parts = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
        self._n = matrix.shape[0]

    def all(self, table: Table) -> Table:
        """[n, d] sums for all rows."""
        out = np.zeros((self._n, table.shape[1]), np.float32)
        self.rows(np.arange(self._n), table, out)
        return out

    def rows(self, rows: NDArray[np.int64], table: Table, out: Table) -> None:
        """Add the sums of some rows to `out` [len(rows), d]."""
        _gather(*self._parts, rows, table, out)

    def spread(self, rows: NDArray[np.int64], values: Table, out: Table) -> None:
        """The adjoint of `rows`: add `values` [len(rows), d] to the neighbours' rows of `out` [m, d]."""
        _spread(*self._parts, rows, values, out)


@njit(cache=True, error_model="numpy", fastmath={"contract"})  # type: ignore[untyped-decorator]
def _gather(start: Any, neighbour: Any, weight: Any, rows: Any, table: Any, out: Any) -> None:
    for place in range(len(rows)):
        total, edge, stop = out[place], start[rows[place]], start[rows[place] + 1]
        while edge + 4 <= stop:
            w0, w1, w2, w3 = weight[edge], weight[edge + 1], weight[edge + 2], weight[edge + 3]
            n0, n1 = table[neighbour[edge]], table[neighbour[edge + 1]]
            n2, n3 = table[neighbour[edge + 2]], table[neighbour[edge + 3]]
            for k in range(len(total)):
                total[k] += (w0 * n0[k] + w1 * n1[k]) + (w2 * n2[k] + w3 * n3[k])
            edge += 4
        for last in range(edge, stop):
            one, scale = table[neighbour[last]], weight[last]
            for k in range(len(total)):
                total[k] += scale * one[k]


@njit(cache=True, error_model="numpy", fastmath={"contract"})  # type: ignore[untyped-decorator]
def _spread(start: Any, neighbour: Any, weight: Any, rows: Any, values: Any, out: Any) -> None:
    for place in range(len(rows)):
        value = values[place]
        for edge in range(start[rows[place]], start[rows[place] + 1]):
            total, scale = out[neighbour[edge]], weight[edge]
            for k in range(len(value)):
                total[k] += scale * value[k]
