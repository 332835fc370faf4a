"""Small batches in float64, and the check that every objective's gradient has to pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from tastemaker.retrieval.encoders.mf import MatrixFactorization
from tastemaker.retrieval.objectives.base import Batch, Objective

N_USERS, N_ITEMS, SIZE = 6, 8, 3

PAIRS = {
    "mixed": [(0, 6), (0, 2), (3, 2), (1, 0), (3, 5), (3, 6)],
    "one user": [(3, 2), (3, 5), (3, 6)],
    "one item": [(0, 6), (3, 6), (5, 6)],
    "repeated": [(3, 2), (3, 2), (0, 2)],
}


@dataclass
class Case:
    """Embeddings x [u, d] and y [i, d] of a batch's rows, and the interactions that it is of."""

    x: Tensor
    y: Tensor
    batch: Batch
    matrix: csr_matrix

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Places of each pair's user and item in x and y."""
        return list(zip(self.batch.user.tolist(), self.batch.item.tolist(), strict=True))


MakeCase = Callable[..., Case]


@pytest.fixture(params=PAIRS)
def case(request: pytest.FixtureRequest, make_case: MakeCase) -> Case:
    """Batches over their distinct rows."""
    return make_case(PAIRS[request.param])


@pytest.fixture(params=PAIRS)
def whole_case(request: pytest.FixtureRequest, make_case: MakeCase) -> Case:
    """Batches over all users and items."""
    return make_case(PAIRS[request.param], whole=True)


@pytest.fixture(scope="session")
def make_case() -> MakeCase:
    """`make_case(pairs, whole, negatives)`: user 4 and item 7 have no interactions."""

    def make(pairs: list[tuple[int, int]], whole: bool = False, negatives: int = 0) -> Case:
        entries = sorted({*PAIRS["mixed"], *PAIRS["one item"], (1, 1), (2, 3), (2, 4), (0, 3), (1, 5)})
        matrix = csr_matrix((np.ones(len(entries)), np.array(entries).T), shape=(N_USERS, N_ITEMS))
        generator = torch.Generator().manual_seed(1)
        user, item = (torch.tensor(column) for column in zip(*pairs, strict=True))
        negative = torch.randint(N_ITEMS, (len(pairs), negatives), generator=generator)
        users, items = torch.unique(user), torch.unique(torch.cat([item, negative.flatten()]))
        if whole:
            users, items = torch.arange(N_USERS), torch.arange(N_ITEMS)
        batch = Batch(
            users,
            items,
            torch.searchsorted(users, user),
            torch.searchsorted(items, item),
            torch.searchsorted(items, negative) if negatives else None,
        )
        x, y = (
            torch.randn(count, SIZE, dtype=torch.float64, generator=generator)
            for count in (len(users), len(items))
        )
        return Case(x, y, batch, matrix)

    return make


def started(objective: Objective, case: Case) -> Objective:
    """Told of the interactions, its own tensors drawn anew in float64."""
    objective.start(case.matrix, MatrixFactorization(N_USERS, N_ITEMS, SIZE, seed=0), seed=0)
    generator = torch.Generator().manual_seed(2)
    for tensor in (*objective.parameters().values(), *objective.state().values()):
        tensor.data = torch.randn(tensor.shape, dtype=torch.float64, generator=generator)
    return objective


@pytest.fixture(scope="session")
def start() -> Callable[[Objective, Case], Objective]:
    """`start(objective, case)`: see `started`."""
    return started


@pytest.fixture(scope="session")
def check_gradient() -> Callable[[Objective, Case], None]:
    """`check_gradient(objective, case)`: autograd's gradient is that of finite differences, and the
    objective's own is autograd's.
    """

    def check(objective: Objective, case: Case) -> None:
        x, y = (table.clone().requires_grad_() for table in (case.x, case.y))
        own = tuple(objective.parameters().values())
        assert torch.autograd.gradcheck(lambda x, y, *own: objective.loss(x, y, case.batch), (x, y, *own))
        loss = objective.loss(x, y, case.batch)
        wanted = torch.autograd.grad(loss, (x, y, *own), materialize_grads=True)
        value, *found = objective.gradient(case.x, case.y, case.batch)
        assert value == pytest.approx(loss.item(), abs=1e-12)
        for tensor in own:
            assert tensor.grad is not None
            found.append(tensor.grad)
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-10)

    return check
