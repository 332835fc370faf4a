"""Negatives: never an item of the user's, and uniform over the rest."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from tastemaker.retrieval.negatives import UniformNegatives


@given(st.integers(1, 8), st.integers(2, 12), st.floats(0, 0.95), st.integers(0, 2**32 - 1))
def test_a_negative_is_an_item_that_the_user_lacks(
    n_users: int, n_items: int, density: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    has = generator.random((n_users, n_items)) < density
    sampler = UniformNegatives(csr_matrix(has))
    assert sampler.room.tolist() == (~has).sum(axis=1).tolist()
    users = np.repeat(np.flatnonzero(sampler.room), 20)
    drawn = sampler.draw(users, generator)
    assert ((drawn >= 0) & (drawn < n_items)).all()
    assert not has[users, drawn].any()


def test_uniform_over_the_missing_items() -> None:
    has = np.zeros((3, 10), bool)
    has[1, [0, 1, 2, 5, 9]] = True
    has[2] = True
    has[2, 6] = False
    sampler = UniformNegatives(csr_matrix(has))
    n = 50_000
    counts = np.bincount(sampler.draw(np.full(n, 1), np.random.default_rng(0)), minlength=10)
    expected = np.where(has[1], 0, n / 5)
    chi_square = ((counts - expected)[~has[1]] ** 2 / (n / 5)).sum()
    assert (counts[has[1]] == 0).all()
    assert chi_square < 18.5  # 0.999 quantile at 4 degrees of freedom
    assert set(sampler.draw(np.full(50, 2), np.random.default_rng(0))) == {6}
