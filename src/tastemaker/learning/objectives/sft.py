"""Supervised fine-tuning: the given tokens become likelier. RFT does the same on what `rft` keeps."""

from __future__ import annotations

from torch import Tensor

from tastemaker.learning.objectives.base import Loss


def likelihood_loss(log_probs: Tensor, mask: Tensor, total: float) -> Loss:
    """The negative log-likelihood of the tokens that count, from log-probabilities and a mask, both [N]."""
    loss = -log_probs[mask].sum() / total
    return Loss(loss, {"loss": float(loss.detach())})
