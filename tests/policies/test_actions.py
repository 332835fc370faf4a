"""From vectors to items."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.errors import InputError
from tastemaker.policies.actions import head, masked, nearest


def test_a_head_gives_one_number_for_each_output_near_zero() -> None:
    outputs = head(4, 8, 5)(torch.randn(3, 4))
    assert outputs.shape == (3, 5)
    assert outputs.abs().max() < 0.5


def test_masked_logits_have_no_probability() -> None:
    allowed = torch.tensor([[True, False, True]])
    assert torch.softmax(masked(torch.zeros(1, 3), allowed), 1).tolist() == [[0.5, 0.0, 0.5]]
    assert masked(torch.zeros(1, 3), None).tolist() == [[0.0, 0.0, 0.0]]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), n_items=st.integers(1, 12), d=st.integers(1, 4))
def test_the_nearest_item_is_the_best_of_the_allowed_by_brute_force(
    seed: int, n: int, n_items: int, d: int
) -> None:
    rng = np.random.default_rng(seed)
    vectors, items = rng.normal(size=(n, d)), rng.normal(size=(n_items, d)) * 100
    allowed = rng.random((n, n_items)) < 0.3
    allowed[np.arange(n), rng.integers(n_items, size=n)] = True
    found = nearest(torch.from_numpy(vectors), torch.from_numpy(items), torch.from_numpy(allowed))
    for row, item in enumerate(found.tolist()):
        assert allowed[row, item]
        best = max(vectors[row] @ items[other] for other in np.flatnonzero(allowed[row]))
        assert vectors[row] @ items[item] == pytest.approx(best)


def test_a_banned_item_never_wins_even_if_all_products_are_negative() -> None:
    items = -torch.ones(3, 2) * torch.tensor([[1.0], [2.0], [3.0]])
    allowed = torch.tensor([[False, False, True]])
    assert nearest(torch.ones(1, 2), items, allowed).tolist() == [2]


@pytest.mark.parametrize("shape", [(2, 3), (2, 5), (4,), (2, 4, 1)])
def test_a_continuous_action_of_the_wrong_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="a continuous action is 4 numbers for each user"):
        nearest(torch.zeros(shape), torch.zeros(7, 4), None)
