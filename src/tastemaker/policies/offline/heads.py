"""The network of the offline learners: a tracker and a hidden layer under one or more heads.

Knows nothing of what the heads are trained for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tastemaker.policies.actions import repeated
from tastemaker.policies.offline.config import OfflineConfig
from tastemaker.policies.state import State
from tastemaker.policies.trackers.registry import build


class ItemHead(nn.Linear):
    """A number for every item, with one more added for those of the window, by place: a log of ratings shows
    nothing twice, and the narrow layer below could not tell every item of the window from all others.
    """

    def __init__(self, hidden_size: int, n_items: int, window: int) -> None:
        super().__init__(hidden_size, n_items)
        self.again = nn.Parameter(torch.zeros(window))

    def forward(self, hidden: Tensor, items: Tensor) -> Tensor:
        """[n, n_items] of `hidden` [n, hidden_size] and windows of `items` [n, window]."""
        return repeated(super().forward(hidden), items, self.again)


class Heads(nn.Module):
    """States to several outputs, by name: `value` is [n], the others are [n, n_items]."""

    def __init__(self, config: OfflineConfig, n_users: int, n_items: int, names: Sequence[str]) -> None:
        super().__init__()
        self.tracker = build(config, n_users, n_items)
        self.body = nn.Sequential(nn.Linear(self.tracker.size, config.hidden_size), nn.ReLU())
        hidden = config.hidden_size
        self.items = nn.ModuleDict(
            {name: ItemHead(hidden, n_items, config.window) for name in names if name != "value"}
        )
        self.value = nn.Linear(hidden, 1) if "value" in names else None

    def forward(self, state: State) -> dict[str, Tensor]:
        hidden = self.body(self.tracker(state))
        out = {name: head(hidden, state.items) for name, head in self.items.items()}
        if self.value is not None:
            out["value"] = self.value(hidden)[:, 0]
        return out
