"""Losses against the formulas written out over pairs in float64, and their gradients against finite
differences.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tastemaker.errors import InputError
from tastemaker.retrieval.objectives import BPR, Batch, DirectAU, alignment, uniformity


def tables(seed: int = 0) -> tuple[Tensor, Tensor, Batch]:
    generator = torch.Generator().manual_seed(seed)
    users = torch.randn(5, 3, dtype=torch.float64, generator=generator)
    items = torch.randn(7, 3, dtype=torch.float64, generator=generator)
    batch = Batch(
        torch.tensor([0, 0, 3, 1, 3, 3]), torch.tensor([6, 2, 2, 0, 5, 6]), torch.tensor([1, 1, 4, 2, 0, 3])
    )
    return users, items, batch


def uniformity_by_pairs(rows: NDArray[np.float64]) -> float:
    pairs = list(itertools.combinations(rows, 2))
    return math.log(sum(math.exp(-2 * float(((a - b) ** 2).sum())) for a, b in pairs) / len(pairs))


@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0])
def test_directau_is_the_formula(gamma: float) -> None:
    users, items, batch = tables()
    x = users.numpy()[batch.user.numpy()]
    y = items.numpy()[batch.item.numpy()]
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    y = y / np.linalg.norm(y, axis=1, keepdims=True)
    aligned = float(np.mean([((a - b) ** 2).sum() for a, b in zip(x, y, strict=True)]))
    wanted = aligned + gamma * (uniformity_by_pairs(x) + uniformity_by_pairs(y)) / 2
    assert float(DirectAU(gamma).loss(users, items, batch)) == pytest.approx(wanted, abs=1e-12)


def test_bpr_is_the_formula() -> None:
    users, items, batch = tables()
    assert batch.negative is not None
    wanted = 0.0
    for u, i, j in zip(batch.user.tolist(), batch.item.tolist(), batch.negative.tolist(), strict=True):
        ahead = float(users[u] @ items[i] - users[u] @ items[j])
        wanted -= math.log(1 / (1 + math.exp(-ahead))) / len(batch.user)
    assert float(BPR().loss(users, items, batch)) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("objective", [BPR(), DirectAU(0.7)])
def test_gradient_is_that_of_finite_differences(objective: BPR | DirectAU) -> None:
    users, items, batch = tables()
    users.requires_grad_()
    items.requires_grad_()
    assert torch.autograd.gradcheck(lambda u, i: objective.loss(u, i, batch), (users, items))
    value = objective.backward(users, items, batch)
    wanted = torch.autograd.grad(objective.loss(users, items, batch), (users, items))
    assert value == pytest.approx(objective.loss(users, items, batch).item())
    assert torch.equal(users.grad, wanted[0])
    assert torch.equal(items.grad, wanted[1])


def test_parts_of_directau_at_known_points() -> None:
    unit = torch.eye(3, dtype=torch.float64)
    assert float(alignment(unit, unit.roll(1, 0))) == pytest.approx(2.0)
    # Three orthogonal rows are all at squared distance 2; the same row twice is at distance 0.
    assert float(uniformity(unit, torch.tensor([1, 1, 1]))) == pytest.approx(-4.0)
    assert float(uniformity(unit[:1], torch.tensor([2]))) == pytest.approx(0.0)


def test_batches_that_cannot_be_scored() -> None:
    users, items, _ = tables()
    one = Batch(torch.tensor([0]), torch.tensor([1]))
    with pytest.raises(InputError, match="at least two pairs"):
        DirectAU(1.0).loss(users, items, one)
    with pytest.raises(InputError, match="no negatives"):
        BPR().loss(users, items, one)
