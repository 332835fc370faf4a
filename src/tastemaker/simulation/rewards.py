"""What a simulated user gives for an item.

A reward sees users, items and the window of earlier items, so that it can also depend on what was shown
before. It knows nothing of quitting and turns.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tastemaker.errors import InputError


class Reward(Protocol):
    """Gives a number for each shown item."""

    n_users: int
    n_items: int
    n_recent: int
    """How many of the latest items the reward looks at."""

    def begin(self, rng: np.random.Generator) -> None:
        """All sessions of a world begin anew: what is drawn of its users is drawn now."""
        ...

    def __call__(
        self, users: NDArray[np.integer], items: NDArray[np.integer], window: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """[n] rewards of `items` [n] for `users` [n] after `window` [n, n_recent], whose empty places are
        -1 and whose latest item stands last.
        """
        ...


class MatrixReward:
    """Looks rewards up in a matrix of all users and items."""

    n_recent = 0

    def __init__(self, matrix: NDArray[np.floating]) -> None:
        """`matrix` [n_users, n_items] on any scale. Raises InputError where it holds NaN or infinity."""
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise InputError(f"rewards are a matrix of users by items, not an array of shape {matrix.shape}")
        self.matrix = np.ascontiguousarray(matrix, np.float32)
        bad = np.argwhere(~np.isfinite(self.matrix))
        if len(bad):
            user, item = bad[0]
            raise InputError(
                f"the rewards hold {len(bad)} values that are not finite, the first for user {user} and "
                f"item {item}"
            )
        self.n_users, self.n_items = self.matrix.shape

    def begin(self, rng: np.random.Generator) -> None:
        """Nothing is drawn."""

    def __call__(
        self, users: NDArray[np.integer], items: NDArray[np.integer], window: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self.matrix[users, items]
        return found
