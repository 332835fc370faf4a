"""NextItNet: dilated causal convolutions over the window (Yuan et al., WSDM 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tastemaker.policies.trackers.base import Tracker, TrackerConfig

_DILATIONS = (1, 2, 4)
_KERNEL = 3


class NextItNetTracker(Tracker):
    """Residual layers whose dilation doubles (section 3.3), read at the latest item. Empty places are zeros
    in every layer, as is what lies before the window.
    """

    def __init__(self, config: TrackerConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        d = config.embedding_size
        self.project = nn.Linear(self.input_size, d)
        self.layers = nn.ModuleList(nn.Conv1d(d, d, _KERNEL, dilation=dilation) for dilation in _DILATIONS)
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in _DILATIONS)

    def encode(self, entries: Tensor, taken: Tensor) -> Tensor:
        encoded: Tensor = self.sequence(entries, taken)[:, -1]
        return encoded

    def sequence(self, entries: Tensor, taken: Tensor) -> Tensor:
        """[n, window, embedding_size] encodings, each of the places up to its own."""
        mask = taken[..., None]
        x: Tensor = self.project(entries) * mask
        for layer, norm in zip(self.layers, self.norms, strict=True):
            before = layer.dilation[0] * (_KERNEL - 1)
            y = layer(F.pad(x.transpose(1, 2), (before, 0))).transpose(1, 2)
            x = x + torch.relu(norm(y)) * mask
        return x
