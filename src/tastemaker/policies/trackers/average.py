"""The mean of the window's entries: a tracker that does not know in which order items came."""

from __future__ import annotations

from torch import Tensor, nn

from tastemaker.policies.trackers.base import Tracker, TrackerConfig


class AverageTracker(Tracker):
    """A projection of the mean over the places that are taken."""

    def __init__(self, config: TrackerConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        self.project = nn.Linear(self.input_size, config.embedding_size, bias=False)

    def encode(self, entries: Tensor, taken: Tensor) -> Tensor:
        weight = taken / taken.sum(1, keepdim=True).clamp(min=1)
        encoded: Tensor = self.project((weight[:, None] @ entries)[:, 0])
        return encoded
