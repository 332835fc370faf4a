"""What objectives that compare by cosine recommend with: directions alone."""

from __future__ import annotations

import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.objectives.base import Objective
from tastemaker.retrieval.objectives.sphere import unit


class CosineObjective(Objective):
    """Its scores are cosines, in [−1, 1]. A user or item without interactions has no direction but that of
    its initial embedding, and scores 0.
    """

    def start(self, matrix: csr_matrix, encoder: Encoder, seed: int) -> None:
        self._known = tuple(torch.from_numpy(matrix.getnnz(axis) > 0)[:, None] for axis in (1, 0))

    def embed(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        known_users, known_items = self._known
        return unit(users)[0] * known_users, unit(items)[0] * known_items
