"""The window read in order by a gated recurrent unit (Hidasi et al., ICLR 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tastemaker.policies.trackers.base import Tracker, TrackerConfig


class GRUTracker(Tracker):
    """The hidden state after the latest item."""

    def __init__(self, config: TrackerConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        self.gru = nn.GRU(self.input_size, config.embedding_size, batch_first=True)

    def encode(self, entries: Tensor, taken: Tensor) -> Tensor:
        # A session begins at the first place, so that what is read after its end can be passed over.
        window = taken.shape[1]
        length = taken.sum(1)
        order = (torch.arange(window) + (window - length)[:, None]) % window
        hidden, _ = self.gru(entries.gather(1, order[..., None].expand_as(entries)))
        last = hidden[torch.arange(len(hidden)), (length - 1).clamp(min=0)]
        encoded: Tensor = last * (length > 0)[:, None]
        return encoded
