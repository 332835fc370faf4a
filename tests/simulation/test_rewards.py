"""Rewards from a matrix."""

from __future__ import annotations

import numpy as np
import pytest

from tastemaker.errors import InputError
from tastemaker.simulation.rewards import MatrixReward

NOTHING = np.zeros((3, 0), np.int32)


def test_rewards_are_looked_up() -> None:
    reward = MatrixReward(np.arange(6.0).reshape(2, 3))
    found = reward(np.array([1, 0, 1]), np.array([2, 1, 0]), NOTHING)
    assert found.tolist() == [5, 1, 3]
    assert found.dtype == np.float32
    assert (reward.n_users, reward.n_items) == (2, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rewards_that_are_not_finite_are_refused(bad: float) -> None:
    matrix = np.ones((3, 4))
    matrix[1, 2] = matrix[2, 0] = bad
    with pytest.raises(InputError, match="2 values that are not finite, the first for user 1 and item 2"):
        MatrixReward(matrix)


@pytest.mark.parametrize("shape", [(3,), (0, 4), (3, 0), (2, 2, 2)])
def test_rewards_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="matrix of users by items"):
        MatrixReward(np.ones(shape))
