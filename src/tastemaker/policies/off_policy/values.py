"""Policies that act by values of items: DQN, double DQN, QR-DQN and C51.

One learner; they differ in what a value is (a number, quantiles, a distribution over atoms) and in the loss.
The networks are duelling (Wang et al. 2016): a value of the state, and of each item the product of a vector
of the state with the item's own embedding, the one that the tracker reads.
"""

from __future__ import annotations

import copy

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tastemaker.policies.actions import masked
from tastemaker.policies.off_policy import losses
from tastemaker.policies.off_policy.learner import OffPolicyConfig, OffPolicyLearner
from tastemaker.policies.off_policy.replay import Sample
from tastemaker.policies.state import State
from tastemaker.policies.trackers.registry import build
from tastemaker.simulation.world import World


class ValueConfig(OffPolicyConfig):
    """What the policies by values have to set."""

    first_epsilon: float = Field(default=1.0, ge=0, le=1)
    """Share of random items at the start of the training."""
    last_epsilon: float = Field(default=0.02, ge=0, le=1)
    """Share of random items once it has sunk, in a line."""
    exploring: float = Field(default=0.5, gt=0, le=1)
    """Part of the training over which it sinks."""


class QRDQNConfig(ValueConfig):
    """What QR-DQN has to set."""

    quantiles: int = Field(default=20, ge=2)
    """Quantiles of each item's return."""


class C51Config(ValueConfig):
    """What C51 has to set. Its epochs are fewer, as one of them costs several of the others'."""

    epochs: int = Field(default=20, ge=1)
    atoms: int = Field(default=31, ge=2)
    """Returns between v_min and v_max over which a distribution is learnt."""
    v_min: float | None = None
    """Smallest return; by default the world's smallest reward (0 if that is positive) in every turn."""
    v_max: float | None = None
    """Largest return; by default the world's largest reward (0 if that is negative) in every turn."""


class ValueNetwork(nn.Module):
    """[n] states to [n, n_items, width] values."""

    def __init__(self, config: ValueConfig, n_users: int, n_items: int, width: int) -> None:
        super().__init__()
        self.tracker = build(config, n_users, n_items)
        size, d = self.tracker.size, config.embedding_size
        self.body = nn.Sequential(nn.Linear(size, config.hidden_size), nn.ReLU())
        self.value = nn.Linear(size + config.hidden_size, width)
        self.wish = nn.Linear(size + config.hidden_size, width * d)
        self.width = width
        self.bias = nn.Parameter(torch.zeros(n_items, width))

    def forward(self, state: State) -> Tensor:
        value, wish = self._heads(state)
        items = self.tracker.items.weight[:-1]
        return value[:, None] + self.bias + (wish @ items.T).transpose(1, 2)

    def at(self, state: State, items: Tensor) -> Tensor:
        """[n, width] values of one item each."""
        value, wish = self._heads(state)
        return value + self.bias[items] + (wish @ self.tracker.items(items)[..., None])[..., 0]

    def mean(self, state: State) -> Tensor:
        """[n, n_items] the mean over the width, without the whole of it."""
        value, wish = self._heads(state)
        items = self.tracker.items.weight[:-1]
        return value.mean(1, keepdim=True) + self.bias.mean(1) + wish.mean(1) @ items.T

    def _heads(self, state: State) -> tuple[Tensor, Tensor]:
        seen = self.tracker(state)
        seen = torch.cat((seen, self.body(seen)), 1)
        return self.value(seen), self.wish(seen).unflatten(1, (self.width, -1))


class ValueLearner(OffPolicyLearner[ValueConfig]):
    """Base of the policies by values."""

    def __init__(self, config: ValueConfig, n_users: int, n_items: int, width: int = 1) -> None:
        super().__init__(config, n_users, n_items)
        network = ValueNetwork(config, n_users, n_items, width)
        self.modules["network"] = network
        self.modules["network_target"] = copy.deepcopy(network).requires_grad_(False)
        self.optimisers["network"] = torch.optim.Adam(network.parameters(), config.learning_rate)

    def values(self, network: nn.Module, state: State) -> Tensor:
        """[n, n_items] the mean return that a network expects."""
        values: Tensor = network.mean(state)
        return values

    def loss(self, sample: Sample) -> Tensor:
        """Of the learnt network, with targets by `next_item` and the target network."""
        network, target = self.modules["network"], self.modules["network_target"]
        with torch.no_grad():
            ahead = target.at(sample.next_state, self.next_item(sample))
        return self.compare(network.at(sample.state, sample.action), sample, ahead)

    def next_item(self, sample: Sample) -> Tensor:
        """[n] the item whose value in the next state counts: the target network's best."""
        values = self.values(self.modules["network_target"], sample.next_state)
        return masked(values, sample.next_allowed).argmax(1)

    def compare(self, now: Tensor, sample: Sample, ahead: Tensor) -> Tensor:
        """The loss of the outputs `now` [n, width] for the items that came, given those `ahead` [n, width]:
        the Huber loss of DQN (Mnih et al. 2015).
        """
        target = losses.bootstrapped(sample.returns, sample.discount, ahead[:, 0])
        return F.huber_loss(now[:, 0], target)

    def explore(self, state: State, allowed: Tensor | None, progress: float) -> Tensor:
        config = self.config
        sunk = min(progress / config.exploring, 1.0)
        epsilon = config.first_epsilon + (config.last_epsilon - config.first_epsilon) * sunk
        coin = torch.rand(len(state.user), generator=self.generator) < epsilon
        return torch.where(coin, self._anything(len(coin), allowed), self.greedy(state, allowed))

    def greedy(self, state: State, allowed: Tensor | None) -> Tensor:
        return masked(self.values(self.modules["network"], state), allowed).argmax(1)

    def update(self, sample: Sample) -> float:
        loss = self.descend("network", self.loss(sample), self.modules["network"].parameters())
        self.follow("network")
        return loss

    def _anything(self, n: int, allowed: Tensor | None) -> Tensor:
        if allowed is None:
            return torch.randint(self.n_items, (n,), generator=self.generator)
        return torch.multinomial(allowed.float(), 1, generator=self.generator)[:, 0]


class DQN(ValueLearner):
    """Deep Q-learning (Mnih et al. 2015)."""

    name = "dqn"
    config_type = ValueConfig


class DoubleDQN(ValueLearner):
    """DQN whose learnt network chooses the item that the target network values (van Hasselt et al. 2016)."""

    name = "ddqn"
    config_type = ValueConfig

    def next_item(self, sample: Sample) -> Tensor:
        values = self.values(self.modules["network"], sample.next_state)
        return masked(values, sample.next_allowed).argmax(1)


class QRDQN(ValueLearner):
    """DQN over quantiles of the return (Dabney et al. 2018)."""

    name = "qrdqn"
    config_type = QRDQNConfig

    def __init__(self, config: QRDQNConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items, config.quantiles)

    def compare(self, now: Tensor, sample: Sample, ahead: Tensor) -> Tensor:
        target = losses.bootstrapped(sample.returns, sample.discount, ahead)
        return losses.quantile_loss(now, target)


class C51(ValueLearner):
    """DQN over a distribution of the return on fixed atoms (Bellemare et al. 2017)."""

    name = "c51"
    config_type = C51Config

    def __init__(self, config: C51Config, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items, config.atoms)
        self.ends = (config.v_min, config.v_max)
        self.modules["network"].register_buffer("support", torch.zeros(config.atoms))

    def prepare(self, world: World) -> None:
        """Lay the atoms over the returns that the rewards of 10,000 random users and items allow."""
        rng = torch.Generator().manual_seed(self.config.seed)
        users = torch.randint(self.n_users, (10_000,), generator=rng).numpy()
        items = torch.randint(self.n_items, (10_000,), generator=rng).numpy()
        empty = torch.full((10_000, world.reward.n_recent), -1, dtype=torch.int32).numpy()
        rewards = world.reward(users, items, empty)
        horizon = sum(self.config.gamma**turn for turn in range(world.max_turns))
        low, high = min(float(rewards.min()), 0.0), max(float(rewards.max()), 0.0)
        v_min, v_max = self.ends
        low = low * horizon if v_min is None else v_min
        high = high * horizon if v_max is None else v_max
        self.support.copy_(torch.linspace(low, high, len(self.support)))

    @property
    def support(self) -> Tensor:
        """[atoms] returns."""
        support: Tensor = self.modules["network"].get_buffer("support")
        return support

    def values(self, network: nn.Module, state: State) -> Tensor:
        logits = network(state)
        # A softmax over so few atoms takes four times as long as its parts.
        shares = (logits - logits.amax(-1, keepdim=True)).exp_()
        values: Tensor = (shares @ self.support) / shares.sum(-1)
        return values

    def compare(self, now: Tensor, sample: Sample, ahead: Tensor) -> Tensor:
        returns = losses.bootstrapped(sample.returns, sample.discount, self.support.expand_as(ahead))
        return losses.categorical_loss(now, losses.project(ahead.softmax(1), returns, self.support))
