"""Policies that act by a vector, whose nearest item is shown: DDPG, TD3 and SAC.

One learner; they differ in the actor (a point, or a Gaussian), in the number of critics, and in what the
next state is worth. Critics value the *item* that was shown, by its embedding scaled to length 1 (as in
Dulac-Arnold et al. 2015): turns are stored as items, so embeddings may go on learning while old turns stay
true. They are the embeddings that the critics' tracker reads, shaped by the critics' losses.
"""

from __future__ import annotations

import copy

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tastemaker.policies.actions import nearest
from tastemaker.policies.off_policy import losses
from tastemaker.policies.off_policy.learner import OffPolicyConfig, OffPolicyLearner
from tastemaker.policies.off_policy.replay import Sample
from tastemaker.policies.state import State
from tastemaker.policies.trackers.registry import build


class ActorCriticConfig(OffPolicyConfig):
    """What the policies by an actor and critics have to set."""

    actor_learning_rate: float = Field(default=3e-3, gt=0)
    """Adam's step size for the actor, which has to be slower than the critics."""
    noise: float = Field(default=0.2, ge=0)
    """Standard deviation of what is added to each number of the actor's vector when it explores."""
    random_turns: float = Field(default=0.1, ge=0, lt=1)
    """Part of the training, from its start, in which vectors are drawn evenly."""


class TD3Config(ActorCriticConfig):
    """What TD3 has to set."""

    target_noise: float = Field(default=0.1, ge=0)
    """Standard deviation of what is added to the vector of the next state."""
    noise_limit: float = Field(default=0.3, gt=0)
    """Most that is added to it."""
    actor_every: int = Field(default=2, ge=1)
    """Steps of the critics for one of the actor."""


class SACConfig(ActorCriticConfig):
    """What SAC has to set."""

    alpha: float = Field(default=0.01, ge=0)
    """What a unit of the actor's entropy is worth, in units of the reward."""


class Critic(nn.Module):
    """[n] states and vectors [n, d] to [critics, n] values: one of the state, and one of the vector that is
    linear in it. Its best direction is what an actor can find, and vectors between items are valued between
    them.
    """

    def __init__(self, config: ActorCriticConfig, n_users: int, n_items: int, critics: int) -> None:
        super().__init__()
        self.tracker = build(config, n_users, n_items)
        size, d = self.tracker.size, config.embedding_size
        self.heads = nn.ModuleList(SkipHead(size, config.hidden_size, 1 + d) for _ in range(critics))

    def items(self) -> Tensor:
        """[n_items, d] the items' vectors, of length 1."""
        return F.normalize(self.tracker.items.weight[:-1], dim=1)

    def forward(self, seen: Tensor, vectors: Tensor) -> Tensor:
        """Of states that the tracker has encoded; only the direction of a vector counts."""
        out = torch.stack([head(seen) for head in self.heads])
        return out[..., 0] + (out[..., 1:] * F.normalize(vectors, dim=1)).sum(-1)


class SkipHead(nn.Module):
    """[n, size] encoded states to [n, outputs], through a hidden layer and past it."""

    def __init__(self, size: int, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(size, hidden_size), nn.ReLU())
        self.out = nn.Linear(size + hidden_size, outputs)

    def forward(self, seen: Tensor) -> Tensor:
        out: Tensor = self.out(torch.cat((seen, self.body(seen)), 1))
        return out


class ActorCriticLearner(OffPolicyLearner[ActorCriticConfig]):
    """Base of the policies by an actor and critics: DDPG, unless a subclass says otherwise."""

    critics = 1
    outputs = 1
    """Numbers that the actor gives for each dimension."""

    def __init__(self, config: ActorCriticConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        self.critic = Critic(config, n_users, n_items, self.critics)
        size = self.critic.tracker.size
        self.actor = SkipHead(size, config.hidden_size, self.outputs * config.embedding_size)
        for name, module, rate in (
            ("critic", self.critic, config.learning_rate),
            ("actor", self.actor, config.actor_learning_rate),
        ):
            self.modules[name] = module
            self.modules[f"{name}_target"] = copy.deepcopy(module).requires_grad_(False)
            self.optimisers[name] = torch.optim.Adam(module.parameters(), rate)

    def next_vector(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """[n, d] the vectors of next states, and [n] what their entropy costs."""
        return self.modules["actor_target"](seen).tanh(), torch.zeros(len(seen))

    def actor_loss(self, seen: Tensor) -> Tensor:
        """Less the better the first critic thinks of the actor's vectors (Silver et al. 2014)."""
        return -self.critic(seen, self.actor(seen).tanh())[0].mean()

    def target(self, sample: Sample) -> Tensor:
        """[n] what the critics should say: they value the item nearest to the next vector."""
        critic = self.modules["critic_target"]
        seen = critic.tracker(sample.next_state)
        vectors, cost = self.next_vector(seen)
        items = critic.items()
        ahead = critic(seen, items[nearest(vectors, items, sample.next_allowed)])
        return losses.bootstrapped(sample.returns, sample.discount, losses.lower_value(ahead, cost))

    def update(self, sample: Sample) -> float:
        with torch.no_grad():
            target = self.target(sample)
        seen = self.critic.tracker(sample.state)
        values = self.critic(seen, self.critic.tracker.items(sample.action))
        loss = self.descend("critic", losses.critic_loss(values, target), self.critic.parameters())
        if self.steps % self.actor_every == 0:
            self.critic.requires_grad_(False)
            try:
                self.descend("actor", self.actor_loss(seen.detach()), self.actor.parameters())
            finally:
                self.critic.requires_grad_(True)
        self.follow("critic", "actor")
        return loss

    @property
    def actor_every(self) -> int:
        """Steps of the critics for one of the actor."""
        return 1

    def explore(self, state: State, allowed: Tensor | None, progress: float) -> Tensor:
        if progress < self.config.random_turns:
            shape = (len(state.user), self.config.embedding_size)
            vectors = torch.randn(shape, generator=self.generator)
        else:
            vectors = self.noisy(self.critic.tracker(state))
        return nearest(vectors, self.critic.items(), allowed)

    def noisy(self, seen: Tensor) -> Tensor:
        """[n, d] vectors to explore with."""
        vectors = self.actor(seen).tanh()
        return vectors + self.config.noise * self.draw(vectors)

    def draw(self, like: Tensor) -> Tensor:
        """Normal noise of the shape of a tensor."""
        return torch.randn(like.shape, generator=self.generator)

    def greedy(self, state: State, allowed: Tensor | None) -> Tensor:
        vectors = self.actor(self.critic.tracker(state))[:, : self.config.embedding_size].tanh()
        return nearest(vectors, self.critic.items(), allowed)


class DDPG(ActorCriticLearner):
    """Deep deterministic policy gradient (Lillicrap et al. 2016)."""

    name = "ddpg"
    config_type = ActorCriticConfig


class TD3(ActorCriticLearner):
    """DDPG with the lower of two critics, noise in the target, and an actor that learns less often (Fujimoto
    et al. 2018).
    """

    name = "td3"
    config_type = TD3Config
    critics = 2
    config: TD3Config

    @property
    def actor_every(self) -> int:
        return self.config.actor_every

    def next_vector(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        vectors, cost = super().next_vector(seen)
        limit = self.config.noise_limit
        noise = (self.config.target_noise * self.draw(vectors)).clamp_(-limit, limit)
        return (vectors + noise).clamp(-1, 1), cost


class SAC(ActorCriticLearner):
    """Soft actor-critic: an actor that draws its vectors, and is paid for entropy (Haarnoja et al. 2018)."""

    name = "sac"
    config_type = SACConfig
    critics = 2
    outputs = 2
    config: SACConfig

    def next_vector(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        vectors, log_density = self._drawn(seen)
        return vectors, self.config.alpha * log_density

    def actor_loss(self, seen: Tensor) -> Tensor:
        vectors, log_density = self._drawn(seen)
        return -losses.lower_value(self.critic(seen, vectors), self.config.alpha * log_density).mean()

    def noisy(self, seen: Tensor) -> Tensor:
        return self._drawn(seen)[0]

    def _drawn(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_deviation = self.actor(seen).chunk(2, 1)
        return losses.squashed(mean, log_deviation.clamp(-5, 2), self.draw(mean))
