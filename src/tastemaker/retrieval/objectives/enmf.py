"""ENMF: every user and item pair is learned from, taken or not, and none is sampled."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.objectives.base import Batch, Objective


class ENMF(Objective):
    """Σ over users of Σ_{taken} ((1 − c) s² − 2 s) + c Σ_{all items} s², with s = h·(u ∘ i), h learned and c
    the weight of what was not taken: the squared error of s against 1 for taken and 0 for all else, less a
    constant (Chen et al., TOIS 2020; DOI 10.1145/3373807, eq. 8-10).

    The sum over all items is Σ_kl h_k h_l (Σ_u u_k u_l)(Σ_i i_k i_l): two matrices [d, d] in place of all
    pairs. The paper's batches are of users, with all that they took; here they are of pairs, and a user's sum
    over all items is put on each of their pairs in equal parts. `loss` is the batch's mean over pairs: that
    times their number, summed over the batches of an epoch, is the paper's loss of all users who took
    something. The paper's dropout of user embeddings is left out, and h starts at ones, as plain MF.
    """

    whole = True

    def __init__(self, negative_weight: float) -> None:
        self.negative_weight = negative_weight

    def start(self, matrix: csr_matrix, encoder: Encoder, seed: int) -> None:
        share = 1 / np.maximum(np.diff(matrix.indptr), 1)
        self._share = torch.from_numpy(share.astype(np.float32))
        self._h = torch.ones(encoder.parameters()["users"].shape[1], requires_grad=True)

    def parameters(self) -> dict[str, Tensor]:
        return {"h": self._h}

    def embed(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        return users * self._h, items

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        x = x * self._h
        score = (x[batch.user] * y[batch.item]).sum(dim=1)
        taken = ((1 - self.negative_weight) * score.square() - 2 * score).sum()
        share = torch.bincount(batch.user, minlength=len(x)) * self._share
        everything = ((x.T @ (share[:, None] * x)) * (y.T @ y)).sum()
        return (taken + self.negative_weight * everything) / len(batch)
