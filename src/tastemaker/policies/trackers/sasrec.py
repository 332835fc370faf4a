"""SASRec: self-attention over the window (Kang & McAuley, ICDM 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tastemaker.policies.trackers.base import Tracker, TrackerConfig

_BLOCKS = 2


class SASRecTracker(Tracker):
    """Blocks of causal self-attention with one head, each followed by a point-wise feed-forward network
    (section 3.2), read at the latest item. Places are counted from the latest item.
    """

    def __init__(self, config: TrackerConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        d = config.embedding_size
        self.project = nn.Linear(self.input_size, d)
        self.places = nn.Parameter(0.1 * torch.randn(config.window, d))
        self.blocks = nn.ModuleList(_block(d) for _ in range(_BLOCKS))
        self.norm = nn.LayerNorm(d)

    def encode(self, entries: Tensor, taken: Tensor) -> Tensor:
        encoded: Tensor = self.sequence(entries, taken)[:, -1] * taken[:, -1:]
        return encoded

    def sequence(self, entries: Tensor, taken: Tensor) -> Tensor:
        """[n, window, embedding_size] encodings, each of the places up to its own."""
        window = entries.shape[1]
        x = self.project(entries) + self.places[len(self.places) - window :]
        seen = torch.ones(window, window, dtype=torch.bool).tril() & taken[:, None]
        seen = seen | torch.eye(window, dtype=torch.bool)
        for block in self.blocks:
            y = block["before"](x)
            x = x + F.scaled_dot_product_attention(
                block["query"](y), block["key"](y), block["value"](y), attn_mask=seen
            )
            x = x + block["feed"](x)
        encoded: Tensor = self.norm(x)
        return encoded


def _block(d: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            "before": nn.LayerNorm(d),
            "query": nn.Linear(d, d, bias=False),
            "key": nn.Linear(d, d, bias=False),
            "value": nn.Linear(d, d, bias=False),
            "feed": nn.Sequential(nn.LayerNorm(d), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d)),
        }
    )
