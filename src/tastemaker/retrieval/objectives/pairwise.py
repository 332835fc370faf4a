"""Pairwise ranking: a taken item is to score higher than one that was not taken."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from tastemaker.errors import InputError
from tastemaker.retrieval.objectives.base import Batch, Objective


class BPR(Objective):
    """Bayesian personalised ranking: −mean log σ(x·y⁺ − x·y⁻) (Rendle et al., UAI 2009; arXiv 1205.2618).

    With more than one candidate the hardest of them, the one that scores highest now, is the negative:
    dynamic negative sampling (Zhang et al., SIGIR 2013).
    """

    def __init__(self, candidates: int = 1) -> None:
        self.negatives = candidates

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        if batch.negative is None:
            raise InputError("BPR: the batch has no negatives")
        users = x[batch.user]
        negative = batch.negative[:, 0]
        if self.negatives > 1:
            score = (users.detach()[:, None] * y.detach()[batch.negative]).sum(dim=2)
            negative = batch.negative.gather(1, score.argmax(dim=1, keepdim=True))[:, 0]
        ahead = y[batch.item] - y[negative]
        return functional.softplus(-(users * ahead).sum(dim=1)).mean()
