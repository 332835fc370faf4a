"""Decision Transformer (Chen et al. 2021, arXiv 2106.01345): what to show is predicted from the return that
is wanted from here on, so the log's good sessions are imitated where a good session is asked for.

A window becomes 2 * window + 1 tokens, return-to-go and item in turn, the last one the return that is wanted
now; the user, the one thing of a state that is not past items, is added to every return. A causal transformer
predicts the item that follows each return. It has this form of its own, so it uses none of the trackers.
"""

from __future__ import annotations

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from tastemaker.policies.offline import losses
from tastemaker.policies.offline.config import OfflineConfig
from tastemaker.policies.offline.heads import ItemHead
from tastemaker.policies.offline.learner import OfflinePolicy
from tastemaker.policies.state import State, Transitions
from tastemaker.simulation.world import Observation


class DecisionTransformerConfig(OfflineConfig):
    """Settings of the Decision Transformer; `hidden_size` is that of its feed-forward layers."""

    batch_size: int = Field(default=64, ge=1)
    """Turns of one step, each with its window, of which every item is predicted."""

    layers: int = Field(default=2, ge=1)
    """Blocks of attention and feed-forward."""
    attention_heads: int = Field(default=2, ge=1)
    """Heads of attention, which share `embedding_size`."""
    quantile: float = Field(default=0.95, ge=0, le=1)
    """Of the returns that the log's sessions have ahead of them, which one is asked for in evaluation."""


def returns_to_go(reward: Tensor, done: Tensor) -> Tensor:
    """[n] float32, the sum of the rewards from each turn to its session's end. The turns of a session stand
    together and in order, and its last one, alone, is `done`.
    """
    until = reward.double().cumsum(0)
    ends = done.nonzero()[:, 0]
    end = ends[torch.searchsorted(ends, torch.arange(len(done)))]
    return (until[end] - until + reward).float()


class CausalTransformer(nn.Module):
    """Windows and returns to a vector for every item to be predicted, and the head that predicts it."""

    def __init__(self, config: DecisionTransformerConfig, n_users: int, n_items: int) -> None:
        super().__init__()
        d, places = config.embedding_size, 2 * config.window + 1
        self.n_items = n_items
        self.users = nn.Embedding(n_users, d)
        self.items = nn.Embedding(n_items + 1, d, padding_idx=n_items)
        self.returns = nn.Linear(1, d)
        self.places = nn.Parameter(torch.zeros(places, d))
        layer = nn.TransformerEncoderLayer(
            d, config.attention_heads, config.hidden_size, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, config.layers, nn.LayerNorm(d), enable_nested_tensor=False)
        self.head = ItemHead(d, n_items, config.window)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("later", torch.ones(places, places, dtype=torch.bool).triu(1), persistent=False)
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, state: State, wanted: Tensor) -> Tensor:
        """[n, window + 1, embedding_size] for windows and the returns wanted now [n]: what is known before
        each item of a window, and now.
        """
        ahead = state.rewards.flip(1).cumsum(1).flip(1)
        returns = torch.cat((ahead + wanted[:, None], wanted[:, None]), 1) / self.scale
        asked = self.returns(returns[..., None]) + self.users(state.user)[:, None]
        shown = self.items(state.items)
        tokens = torch.cat((torch.stack((asked[:, :-1], shown), 2).flatten(1, 2), asked[:, -1:]), 1)
        empty = (state.items == self.n_items).repeat_interleave(2, 1)
        # an empty place may look at itself, lest a row of attention be without any entry
        hidden_from = self.later | nn.functional.pad(empty, (0, 1))[:, None]
        hidden_from = hidden_from & ~torch.eye(tokens.shape[1], dtype=torch.bool)
        heads = self.blocks.layers[0].self_attn.num_heads
        out = self.blocks(tokens + self.places, mask=hidden_from.repeat_interleave(heads, 0))
        known: Tensor = out[:, ::2]
        return known


class DecisionTransformer(OfflinePolicy[DecisionTransformerConfig]):
    """Asks, in every turn, for the return that the better of the log's sessions had ahead of them."""

    name = "dt"
    config_type = DecisionTransformerConfig

    def __init__(self, config: DecisionTransformerConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        self.network.register_buffer("wanted", torch.zeros(()))

    def build(self) -> nn.Module:
        return CausalTransformer(self.config, self.n_users, self.n_items)

    def prepare(self, source: Transitions) -> Transitions:
        """The turns with their returns-to-go in the place of rewards."""
        ahead = returns_to_go(source.reward, source.done)
        self.network.scale.fill_(ahead.abs().max().clamp(min=1e-6))
        self.network.wanted.fill_(float(np.quantile(ahead.numpy(), self.config.quantile)))
        return source._replace(reward=ahead)

    def loss(self, batch: Transitions) -> Tensor:
        """Mean cross-entropy over the items of the windows and the one that follows."""
        known = self.network(batch.state, batch.reward)
        items = torch.cat((batch.state.items, batch.action[:, None]), 1)
        taken = items != self.n_items
        before = nn.functional.pad(batch.state.items, (self.window, 0), value=self.n_items)
        windows = before.unfold(1, self.window, 1)
        return losses.imitation(self.network.head(known[taken], windows[taken]), items[taken])

    def scores(self, observation: Observation) -> Tensor:
        state = State.of(observation, self.window, self.n_items)
        known = self.network(state, self.network.wanted.expand(len(state.user)))
        logits: Tensor = self.network.head(known[:, -1], state.items)
        return logits
