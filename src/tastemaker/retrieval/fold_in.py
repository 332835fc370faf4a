"""Vectors for users who were not in training, made from the items that they took.

Training leaves pairs of a history and a user's vector. The history's item vectors are summed and divided by
√(their number), so that a longer history says more; a linear map, fitted to the trained users by ridge
regression, makes a user's vector of that:

    û = (Σ_{i ∈ h} v_i / √|h|) W,   W = argmin Σ_u ‖x_u W − u‖² + λ ‖W‖²

The map learns what an objective makes of a history (scale, and which directions count), so one method serves
BPR and alignment and uniformity alike. Knows nothing of models or rankings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from tastemaker.errors import InputError

_RIDGE = 0.01
"""λ as a share of the mean of XᵀX's eigenvalues. From 0.001 to 0.03 it makes little difference."""
_TINY = 1e-12
"""Keeps the map defined where all items are zero."""


@dataclass(frozen=True)
class FoldIn:
    """The fitted map and what it works on. Make one with `fit`."""

    items: NDArray[np.float32]
    """[n_items, d] item embeddings."""
    weights: NDArray[np.float32]
    """[d, d], W."""
    unknown: NDArray[np.float32]
    """[d] the mean of the trained users, for someone without a history. It leans towards what is popular, but
    the popularity model serves such people better where data is sparse.
    """

    @classmethod
    def fit(cls, users: NDArray[np.floating], items: NDArray[np.floating], train: csr_matrix) -> FoldIn:
        """Learn the map from trained embeddings and the binary matrix that they were trained on.

        `users` is [n_users, d], `items` [n_items, d], `train` [n_users, n_items]; users without interactions
        are left out. Raises InputError when the shapes do not belong together or no user has interactions.
        """
        if train.shape != (len(users), len(items)) or users.shape[1] != items.shape[1]:
            raise InputError(
                f"fold-in: users {users.shape} and items {items.shape} do not fit interactions {train.shape}"
            )
        known = np.diff(train.indptr) > 0
        if not known.any():
            raise InputError("fold-in: no user has training interactions to learn from")
        summed, trained = _summed(train[known], items), users[known].astype(np.float64)
        gram = summed.T @ summed
        width = len(gram)
        ridge = _RIDGE * float(np.trace(gram)) / width + _TINY
        weights = np.linalg.solve(gram + ridge * np.eye(width), summed.T @ trained)
        return cls(
            np.asarray(items, np.float32), weights.astype(np.float32), trained.mean(axis=0).astype(np.float32)
        )

    def users(self, histories: csr_matrix) -> NDArray[np.float32]:
        """[m, d] user vectors for the rows of the binary matrix `histories` [m, n_items]; `unknown` for a row
        without items.

        Raises InputError when `histories` has another number of items.
        """
        if histories.shape[1] != len(self.items):
            raise InputError(
                f"fold-in: histories have {histories.shape[1]} items, the model {len(self.items)}"
            )
        found: NDArray[np.float32] = (_summed(histories, self.items) @ self.weights).astype(np.float32)
        found[np.diff(histories.indptr) == 0] = self.unknown
        return found


def _summed(histories: csr_matrix, items: NDArray[np.floating]) -> NDArray[np.float64]:
    """[m, d] sums of each row's item vectors over the root of their number."""
    length = np.maximum(np.diff(histories.indptr), 1)
    found: NDArray[np.float64] = diags(1 / np.sqrt(length)) @ (histories @ items.astype(np.float64))
    return found
