"""What a model expects to earn from where it stands: a linear layer on its hidden states.

A turn's value is read where the model has read all that came before the turn and nothing of it: at the place
whose next token is the turn's first. So it may serve as a baseline of what was sampled there. In a pack that
is the hidden state at `places[first]`, of the same rows as the logits, and costs nothing beside them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ValueHead(nn.Module):  # type: ignore[misc]
    """Expects 0 everywhere until it has learnt."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(size))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, hidden: Tensor) -> Tensor:
        """[M] values of hidden states [M, size]."""
        return hidden.to(self.weight.dtype) @ self.weight + self.bias
