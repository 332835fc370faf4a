"""Uniform negatives: for each positive, an item that the user does not have in training.

One draw each, without rejection: the r-th missing item of a user with sorted items i_0 < i_1 < … is r + #{j :
i_j − j ≤ r}, and that count is a binary search. Exactly uniform, however many items a user has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


class UniformNegatives:
    """Draws items outside the rows of a binary matrix [n_users, n_items]."""

    def __init__(self, matrix: csr_matrix) -> None:
        matrix = matrix.sorted_indices()
        degree = np.diff(matrix.indptr).astype(np.int64)
        self._start = matrix.indptr[:-1].astype(np.int64)
        self._width = matrix.shape[1] + 1
        owner = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), degree)
        rank = np.arange(len(owner)) - self._start[owner]
        self._gaps = owner * self._width + matrix.indices - rank
        self.room: NDArray[np.int64] = matrix.shape[1] - degree
        """[n_users] number of items that each user does not have."""

    def draw(self, users: NDArray[np.integer], generator: np.random.Generator) -> NDArray[np.int64]:
        """One item per entry of `users`, uniform over the items that the user lacks. Each user must lack at
        least one.
        """
        users = users.astype(np.int64)
        place: NDArray[np.int64] = generator.integers(0, self.room[users])
        taken: NDArray[np.int64] = (
            np.searchsorted(self._gaps, users * self._width + place, side="right") - self._start[users]
        )
        return place + taken
