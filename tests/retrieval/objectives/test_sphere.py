"""Alignment and uniformity at known points, and against all pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.errors import InputError
from tastemaker.retrieval.objectives.sphere import (
    alignment,
    counts,
    tangent,
    uniformity,
    uniformity_gradient,
    unit,
)


def test_known_points() -> None:
    axes = torch.eye(3, dtype=torch.float64)
    assert float(alignment(axes, axes.roll(1, 0))) == pytest.approx(2.0)
    # Three orthogonal rows are all at squared distance 2; the same row twice is at distance 0.
    assert float(uniformity(axes, torch.ones(3, dtype=torch.float64))) == pytest.approx(-4.0)
    assert float(uniformity(axes[:1], torch.tensor([2.0], dtype=torch.float64))) == pytest.approx(0.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=5, max_size=5).filter(lambda c: sum(c) > 1), st.integers(0, 99))
def test_uniformity_is_that_of_all_pairs(count: list[int], seed: int) -> None:
    rows, _ = unit(torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))
    often = np.repeat(rows.numpy(), count, axis=0)
    pairs = list(itertools.combinations(often, 2))
    wanted = math.log(sum(math.exp(-2 * float(((a - b) ** 2).sum())) for a, b in pairs) / len(pairs))
    weights = torch.tensor(count, dtype=torch.float64)
    assert float(uniformity(rows, weights)) == pytest.approx(wanted, abs=1e-12)
    value, gradient = uniformity_gradient(rows, weights, 0.7)
    assert value == pytest.approx(wanted, abs=1e-12)
    leaf = rows.clone().requires_grad_()
    (full,) = torch.autograd.grad(uniformity(leaf, weights), leaf)
    one = torch.ones(5, 1, dtype=torch.float64)
    torch.testing.assert_close(
        tangent(rows, one, gradient), 0.7 * tangent(rows, one, full), atol=1e-12, rtol=1e-10
    )


def test_tangent_is_the_gradient_by_rows_of_any_length() -> None:
    leaf = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weights = torch.arange(12, dtype=torch.float64).reshape(4, 3)
    (wanted,) = torch.autograd.grad((unit(leaf)[0] * weights).sum(), leaf)
    rows, length = unit(leaf.detach())
    torch.testing.assert_close(tangent(rows, length, weights), wanted)


def test_a_row_of_zeros_stays_one() -> None:
    rows, length = unit(torch.zeros(1, 3))
    assert torch.equal(rows, torch.zeros(1, 3))
    assert length > 0


def test_counts() -> None:
    found = counts(torch.tensor([2, 0, 2]), torch.zeros(4, 1, dtype=torch.float64))
    assert found.tolist() == [1.0, 0.0, 2.0, 0.0]
    assert found.dtype == torch.float64


def test_one_pair_has_no_uniformity() -> None:
    one = torch.eye(1, dtype=torch.float64)
    with pytest.raises(InputError, match="at least two pairs"):
        uniformity(one, torch.ones(1, dtype=torch.float64))
    with pytest.raises(InputError, match="at least two pairs"):
        uniformity_gradient(one, torch.ones(1, dtype=torch.float64), 1.0)
