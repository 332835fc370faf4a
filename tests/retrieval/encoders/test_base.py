"""The tables at the start."""

from __future__ import annotations

import math

import pytest
import torch

from tastemaker.retrieval.encoders.base import tables


def test_xavier_normal_and_seeded() -> None:
    made = tables(4000, 1000, 64, seed=3)
    assert {name: tuple(table.shape) for name, table in made.items()} == {
        "users": (4000, 64),
        "items": (1000, 64),
    }
    for table in made.values():
        assert float(table.mean()) == pytest.approx(0.0, abs=1e-3)
        assert float(table.std()) == pytest.approx(math.sqrt(2 / (len(table) + 64)), rel=0.02)
    assert torch.equal(made["users"], tables(4000, 1000, 64, seed=3)["users"])
    assert not torch.equal(made["users"], tables(4000, 1000, 64, seed=4)["users"])
