"""LightGCN against powers of the normalised graph as a dense matrix in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, random_array

from tastemaker.retrieval.encoders.base import Gradient
from tastemaker.retrieval.encoders.lightgcn import LightGCN
from tastemaker.retrieval.encoders.mf import MatrixFactorization

N_USERS, N_ITEMS, SIZE = 23, 17, 5


def graph(seed: int = 0) -> csr_matrix:
    """Users 3 and 11 and item 6 have no interactions, user 0 has many."""
    matrix = random_array((N_USERS, N_ITEMS), density=0.2, rng=np.random.default_rng(seed)).toarray() > 0
    matrix[0] = True
    matrix[[3, 11]] = False
    matrix[:, 6] = False
    return csr_matrix(matrix.astype(np.float32))


def smoothed(matrix: csr_matrix, layers: int) -> NDArray[np.float64]:
    """[n, n] the linear map from both tables, users first, to both embeddings."""
    taken = matrix.toarray().astype(np.float64)
    n = N_USERS + N_ITEMS
    both = np.zeros((n, n))
    both[:N_USERS, N_USERS:], both[N_USERS:, :N_USERS] = taken, taken.T
    scale = np.where(both.sum(axis=1) > 0, np.maximum(both.sum(axis=1), 1) ** -0.5, 0)
    both = scale[:, None] * both * scale
    powers = [np.linalg.matrix_power(both, k) for k in range(layers + 1)]
    mean: NDArray[np.float64] = np.mean(powers, axis=0)
    return mean


def stacked(users: torch.Tensor, items: torch.Tensor) -> NDArray[np.float64]:
    rows: NDArray[np.float64] = torch.cat([users, items]).double().numpy()
    return rows


def dense(gradient: Gradient, rows: int) -> torch.Tensor:
    if gradient.rows is None:
        return gradient.values
    return torch.zeros(rows, SIZE).index_add(0, gradient.rows, gradient.values)


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_is_the_mean_of_the_powers(layers: int) -> None:
    encoder = LightGCN(graph(), SIZE, layers, seed=0)
    wanted = smoothed(graph(), layers) @ stacked(*encoder.parameters().values())
    np.testing.assert_allclose(stacked(*encoder.embed()), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_some_rows_are_those_of_all(layers: int) -> None:
    encoder = LightGCN(graph(), SIZE, layers, seed=0)
    users, items = torch.tensor([0, 3, 9, 22]), torch.tensor([2, 6, 16])
    for found, all_rows, rows in zip(
        encoder.forward(users, items), encoder.embed(), (users, items), strict=True
    ):
        torch.testing.assert_close(found, all_rows[rows], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_backward_is_the_adjoint_of_forward(layers: int) -> None:
    encoder = LightGCN(graph(), SIZE, layers, seed=0)
    users, items = torch.tensor([0, 3, 9, 22]), torch.tensor([2, 6, 16])
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(len(rows), SIZE, generator=generator) for rows in (users, items))
    gradients = encoder.backward(users, items, x, y)
    found = torch.cat([dense(gradients["users"], N_USERS), dense(gradients["items"], N_ITEMS)])
    everywhere = torch.zeros(N_USERS + N_ITEMS, SIZE)
    everywhere[torch.cat([users, N_USERS + items])] = torch.cat([x, y])
    wanted = smoothed(graph(), layers).T @ everywhere.double().numpy()
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5, atol=1e-6)
    there = sum(float((e * g).sum()) for e, g in zip(encoder.forward(users, items), (x, y), strict=True))
    back = float((torch.cat(list(encoder.parameters().values())) * found).sum())
    assert there == pytest.approx(back, rel=1e-5)


def test_without_layers_it_is_matrix_factorisation() -> None:
    plain, encoder = MatrixFactorization(N_USERS, N_ITEMS, SIZE, seed=2), LightGCN(graph(), SIZE, 0, seed=2)
    for one, other in zip(plain.embed(), encoder.embed(), strict=True):
        assert torch.equal(one, other)
    users, items = torch.tensor([5]), torch.tensor([1, 4])
    gradients = encoder.backward(users, items, torch.ones(1, SIZE), torch.ones(2, SIZE))
    assert gradients["users"].rows is not None
    assert torch.equal(gradients["users"].rows, users)


def test_without_neighbours_only_the_own_row_counts() -> None:
    encoder = LightGCN(graph(), SIZE, 2, seed=0)
    own = encoder.parameters()
    torch.testing.assert_close(encoder.embed()[0][3], own["users"][3] / 3)
    torch.testing.assert_close(encoder.embed()[1][6], own["items"][6] / 3)
