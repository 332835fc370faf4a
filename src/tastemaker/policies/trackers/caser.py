"""Caser: the window as an image that horizontal and vertical filters pass over (Tang & Wang, WSDM 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tastemaker.policies.trackers.base import Tracker, TrackerConfig

_FILTERS = 8
"""Horizontal filters of each height."""
_HEIGHTS = 4
"""Horizontal filters are 1 to so many places high."""
_VERTICAL = 2
"""Vertical filters."""


class CaserTracker(Tracker):
    """Horizontal filters (equation 2) see successive items, vertical ones (equation 6) weigh places; a layer
    joins both. Places are counted from the latest item, and filters look over the edge of the window onto
    zeros, so empty places do not count.
    """

    def __init__(self, config: TrackerConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        heights = range(1, min(_HEIGHTS, config.window) + 1)
        self.horizontal = nn.ModuleList(
            nn.Conv1d(self.input_size, _FILTERS, height, padding=height - 1, bias=False) for height in heights
        )
        self.vertical = nn.Parameter(torch.randn(_VERTICAL, config.window) / config.window**0.5)
        joined = _FILTERS * len(heights) + _VERTICAL * self.input_size
        self.join = nn.Linear(joined, config.embedding_size, bias=False)

    def encode(self, entries: Tensor, taken: Tensor) -> Tensor:
        image = entries * taken[..., None]
        rows = image.transpose(1, 2)
        found = [torch.relu(filters(rows)).amax(2) for filters in self.horizontal]
        weights = self.vertical[:, self.vertical.shape[1] - image.shape[1] :]
        found.append((weights @ image).flatten(1))
        encoded: Tensor = torch.tanh(self.join(torch.cat(found, 1)))
        return encoded
