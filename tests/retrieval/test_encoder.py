"""The encoder's tables at the start."""

from __future__ import annotations

import math

import pytest
import torch

from tastemaker.retrieval.encoder import MatrixFactorization


def test_xavier_normal_and_seeded() -> None:
    encoder = MatrixFactorization(4000, 1000, 64, seed=3)
    users, items = encoder.embed()
    assert users.shape == (4000, 64)
    assert items.shape == (1000, 64)
    assert float(users.detach().std()) == pytest.approx(math.sqrt(2 / 4064), rel=0.02)
    assert float(items.detach().std()) == pytest.approx(math.sqrt(2 / 1064), rel=0.02)
    assert set(encoder.parameters()) == {"users", "items"}
    assert all(table.requires_grad and table.is_leaf for table in encoder.parameters().values())
    assert torch.equal(users, MatrixFactorization(4000, 1000, 64, seed=3).users)
    assert not torch.equal(users, MatrixFactorization(4000, 1000, 64, seed=4).users)
