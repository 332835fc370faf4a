"""What every state tracker has in common: embeddings of users and items, and how rewards enter.

A tracker makes a vector of a session: the user's embedding beside an encoding of the window. Subclasses say
how a window is encoded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tastemaker.config import Config
from tastemaker.policies.state import State


class TrackerConfig(Config):
    """What the trackers have to set."""

    tracker: Literal["average", "gru", "caser", "sasrec", "nextitnet"] = "gru"
    """How a window is encoded."""
    window: int = Field(default=10, ge=1)
    """How many of the latest items are looked at."""
    embedding_size: int = Field(default=32, ge=1)
    """Length of the embeddings of users and items, and of the encoded window."""
    reward_in_state: Literal["none", "concatenate", "multiply"] = "concatenate"
    """Whether an item's reward stands beside its embedding, multiplies it, or stays out."""


class Tracker(nn.Module, ABC):
    """Sessions to vectors of `size` numbers.

    `forward` is [n] sessions -> [n, size]. Padding never counts: an encoding does not change with what
    stands at empty places, and that of an empty window is that of the user alone.
    """

    def __init__(self, config: TrackerConfig, n_users: int, n_items: int) -> None:
        super().__init__()
        self.config = config
        d = config.embedding_size
        self.users = nn.Embedding(n_users, d)
        self.items = nn.Embedding(n_items + 1, d, padding_idx=n_items)
        self.n_items = n_items
        self.input_size = d + (config.reward_in_state == "concatenate")
        self.size = 2 * d
        nn.init.normal_(self.users.weight, std=0.1)
        with torch.no_grad():
            self.items.weight[:-1].normal_(std=0.1)

    def forward(self, state: State) -> Tensor:
        taken = state.items != self.n_items
        entries = self.items(state.items)
        if self.config.reward_in_state == "concatenate":
            entries = torch.cat((entries, state.rewards[..., None]), -1)
        elif self.config.reward_in_state == "multiply":
            entries = entries * state.rewards[..., None]
        return torch.cat((self.users(state.user), self.encode(entries, taken)), -1)

    @abstractmethod
    def encode(self, entries: Tensor, taken: Tensor) -> Tensor:
        """[n, embedding_size] of entries [n, window, input_size]; `taken` [n, window] is False at empty
        places. Zeros where no place is taken.
        """
