"""Policies that learn by the gradient of what they do: REINFORCE, A2C and PPO, over items or over a space
of their directions, and A2C weighted by inverse propensity.

An epoch is one rollout of the world and gradient steps on minibatches of its turns. The
algorithms differ in three places: what an action was worth (`_lessons`), what is minimised (`_surrogate`) and
how many passes are made.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from tastemaker.errors import InputError, TastemakerError
from tastemaker.policies.actions import head
from tastemaker.policies.base import LearnedPolicy, PolicyConfig, load_moments, moments, under
from tastemaker.policies.on_policy import losses
from tastemaker.policies.on_policy.actors import Actor, ItemActor, Sight, VectorActor
from tastemaker.policies.on_policy.rollout import Choice, Rollout, collect
from tastemaker.policies.state import State, mask_of
from tastemaker.policies.trackers.registry import build
from tastemaker.simulation.world import Observation, World

_MEMORY = 0.9
"""How much a moving mean keeps at an epoch."""


class OnPolicyConfig(PolicyConfig):
    """An epoch is one rollout: as many turns as a session has at most, of all sessions of the world. The step
    size falls to 0 over the epochs, in a straight line.
    """

    tracker: Literal["average", "gru", "caser", "sasrec", "nextitnet"] = "average"
    reward_in_state: Literal["none", "concatenate", "multiply"] = "none"
    learning_rate: float = Field(default=3e-3, gt=0)
    epochs: int = Field(default=120, ge=1)
    gamma: float = Field(default=0.9, ge=0, le=1)
    sessions: int = Field(default=300, ge=1)
    """Users at a time in the world that is made for training."""
    batch_size: int = Field(default=1000, ge=1)
    """Turns in a gradient step."""
    passes: int = Field(default=1, ge=1)
    """How often every turn of a rollout is used."""
    entropy_bonus: float = Field(default=0.02, ge=0)
    """Weight of the entropy of what actions are drawn from."""
    max_gradient: float = Field(default=1.0, gt=0)
    """Longer gradients are shortened to this norm."""
    greedy: bool = True
    """Whether the likeliest action is taken in evaluation, not one that is drawn."""


class A2CConfig(OnPolicyConfig):
    """Advantages by a critic."""

    gae_lambda: float = Field(default=0.0, ge=0, le=1)
    """How far advantages trust rewards to come (1) over the critic (0). A turn's reward and whether the user
    quits follow from the state and the item, so at 0 an action is not charged with the luck of later ones.
    """
    value_weight: float = Field(default=0.5, ge=0)
    """Weight of the critic's squared error."""


class PPOConfig(A2CConfig):
    """Several passes within a trust region."""

    learning_rate: float = Field(default=1e-2, gt=0)
    epochs: int = Field(default=80, ge=1)
    passes: int = Field(default=4, ge=1)
    clip: float = Field(default=0.2, gt=0)
    """How far the probability of an action may move, as a ratio."""


class A2CIPSConfig(A2CConfig):
    """Advantages weighted by inverse propensity."""

    largest_weight: float = Field(default=10, ge=1)
    """Largest weight of an item, where an item of mean propensity has 1."""


class Lessons(NamedTuple):
    """What is to be learnt from T turns of n sessions."""

    rows: Tensor
    """[m] int64 the turns to learn from, among T * n."""
    worth: Tensor
    """[T * n] how much better each turn went than was to be expected."""
    target: Tensor
    """[T * n] what the critic should have said."""


class OnPolicy(LearnedPolicy[OnPolicyConfig, World]):
    """What all of them share: a tracker, an actor, and a loop of rollouts and gradient steps."""

    learns_from: ClassVar[Literal["world", "log"]] = "world"
    config_type: ClassVar[type[PolicyConfig]] = OnPolicyConfig
    continuous: ClassVar[bool] = False

    def __init__(self, config: OnPolicyConfig, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        self.tracker = build(config, n_users, n_items)
        size = self.tracker.size
        self.actor: Actor = (
            VectorActor(size, config.hidden_size, config.embedding_size, n_items, config.window)
            if self.continuous
            else ItemActor(size, config.hidden_size, n_items, config.window)
        )
        self.network = nn.ModuleDict({"tracker": self.tracker, "actor": self.actor})
        self.moving: dict[str, Tensor] = {}
        """Moving means that training goes on from."""
        self._extend()
        self.optimiser = torch.optim.Adam(self.network.parameters(), config.learning_rate, fused=True)

    def epoch(self, source: World) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * (1 - self.epochs_done / self.config.epochs)
        with torch.no_grad():
            rollout = collect(source, self.begin_epoch(), self.window, self._choose)
            lessons = self._lessons(rollout)
        total = steps = 0.0
        for _ in range(self.config.passes):
            order = lessons.rows[torch.randperm(len(lessons.rows), generator=self.generator)]
            for rows in order.tensor_split(-(-len(order) // self.config.batch_size)):
                total += self._step(rollout, lessons, rows)
                steps += 1
        self.epochs_done += 1
        return {"loss": total / steps, "reward": rollout.mean_return}

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        with torch.no_grad():
            sight = self._see(State.of(observation, self.window, self.n_items))
            mask = mask_of(allowed)
            if self.config.greedy:
                actions = self.actor.best(sight, mask)
            else:
                generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
                actions, _ = self.actor.draw(sight, mask, generator)
            items: NDArray[np.int64] = self.actor.items(actions, mask).numpy()
        return items

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"moving.{name}": tensor for name, tensor in self.moving.items()}
        tensors |= moments(self.optimiser, "adam")
        return (
            {name: tensor.clone() for name, tensor in tensors.items()},
            self._identity() | {"epochs_done": self.epochs_done},
        )

    def load_state(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        if {name: value for name, value in values.items() if name != "epochs_done"} != self._identity():
            raise InputError(
                f"{self.name}: what was to be gone on from is a training of another policy, config or data;"
                " choose another folder"
            )
        self.network.load_state_dict(under("network", tensors))
        self.moving = {name: tensor.clone() for name, tensor in under("moving", tensors).items()}
        load_moments(self.optimiser, "adam", tensors)
        self.epochs_done = values["epochs_done"]

    def _identity(self) -> dict[str, Any]:
        config = self.config.model_dump(mode="json", exclude={"threads", "greedy"})
        return {"policy": self.name, "config": config, "users": self.n_users, "items": self.n_items}

    def _choose(self, state: State, left: Tensor, allowed: Tensor | None) -> Choice:
        sight = self._see(state)
        action, log_prob = self.actor.draw(sight, allowed, self.generator)
        return Choice(self.actor.items(action, allowed), action, log_prob, self._values(sight.encoded, left))

    def _see(self, state: State) -> Sight:
        return Sight(self.tracker(state), state)

    def _step(self, rollout: Rollout, lessons: Lessons, rows: Tensor) -> float:
        """One gradient step on some turns; the loss before it."""
        allowed = None if rollout.allowed is None else rollout.allowed[rows]
        sight = self._see(rollout.state.rows(rows))
        log_prob, entropy = self.actor.judge(sight, rollout.action[rows], allowed)
        loss = self._surrogate(log_prob, rollout.log_prob[rows], lessons.worth[rows])
        loss = loss - self.config.entropy_bonus * entropy.mean()
        loss = loss + self._critic_loss(sight.encoded, rollout.left[rows], lessons.target[rows])
        self.optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.max_gradient)
        if not (loss.isfinite() and norm.isfinite()):
            raise TastemakerError(
                f"{self.name}: the loss or its gradient is no longer finite in epoch {self.epochs_done + 1};"
                " lower learning_rate"
            )
        self.optimiser.step()
        return float(loss.detach())

    def _moving_mean(self, name: str, latest: Tensor) -> Tensor:
        former = self.moving.get(name, latest)
        self.moving[name] = _MEMORY * former + (1 - _MEMORY) * latest
        return self.moving[name]

    def _extend(self) -> None:
        """Add to the network what the algorithm needs besides."""

    def _values(self, states: Tensor, left: Tensor) -> Tensor:
        """[n] what is to be expected of `states` [n, size] when the share `left` [n] of the turns is left."""
        return torch.zeros(len(states))

    @abstractmethod
    def _lessons(self, rollout: Rollout) -> Lessons:
        """What is to be learnt from a rollout."""

    def _surrogate(self, log_prob: Tensor, former: Tensor, worth: Tensor) -> Tensor:
        """What is minimised, apart from the critic's error and the entropy."""
        return losses.policy_gradient(log_prob, worth)

    def _critic_loss(self, states: Tensor, left: Tensor, target: Tensor) -> Tensor | float:
        return 0.0


class PG(OnPolicy):
    """REINFORCE with rewards to go; the baseline is the moving mean of the returns from the same turn on.

    It learns from the first session of each place alone, which a rollout shows to its end.
    """

    name = "pg"

    def _lessons(self, rollout: Rollout) -> Lessons:
        returns = losses.returns_to_go(rollout.reward, rollout.done, self.config.gamma)
        first = rollout.first
        mean = (returns * first).sum(1) / first.sum(1).clamp(min=1)
        baseline = self._moving_mean("baseline", mean)
        rows = first.flatten().nonzero()[:, 0]
        worth = (returns - baseline[:, None]).flatten()
        worth[rows] = losses.standardised(worth[rows])
        return Lessons(rows, worth, returns.flatten())


class A2C(OnPolicy):
    """Advantage actor-critic (Mnih et al., ICML 2016), synchronous, with generalised advantage estimates.

    The critic says what a session gives per share of its turns that is left, in units of the moving root
    mean square of returns; its states are the actor's.
    """

    name = "a2c"
    config_type = A2CConfig
    config: A2CConfig

    def _extend(self) -> None:
        self.critic = head(self.tracker.size + 1, self.config.hidden_size, 1)
        self.network["critic"] = self.critic

    def _rate(self, states: Tensor, left: Tensor) -> Tensor:
        rate: Tensor = self.critic(torch.cat((states, left[:, None]), 1))[:, 0]
        return rate

    def _values(self, states: Tensor, left: Tensor) -> Tensor:
        return left * self._rate(states, left)

    def _critic_loss(self, states: Tensor, left: Tensor, target: Tensor) -> Tensor | float:
        return self.config.value_weight * (self._rate(states, left) - target).square().mean()

    def _lessons(self, rollout: Rollout) -> Lessons:
        gamma, every = self.config.gamma, torch.arange(len(rollout.item))
        returns = losses.returns_to_go(rollout.reward, rollout.done, gamma)
        reward = rollout.reward / self._moving_mean("scale", returns.square().mean().sqrt())
        value = rollout.value[:-1]
        worth = losses.advantages(
            reward, value, rollout.value[1:], rollout.done, gamma, self.config.gae_lambda
        )
        target = (worth + value).flatten() / rollout.left
        return Lessons(every, losses.standardised(worth).flatten(), target)


class PPO(A2C):
    """A2C in several passes with a clipped ratio: proximal policy optimisation (Schulman 2017)."""

    name = "ppo"
    config_type = PPOConfig
    config: PPOConfig

    def _surrogate(self, log_prob: Tensor, former: Tensor, worth: Tensor) -> Tensor:
        return losses.clipped_gradient(log_prob, former, worth, self.config.clip)


class ContinuousPG(PG):
    """REINFORCE over a space of items' directions; the nearest item is shown."""

    name = "pg-continuous"
    continuous = True


class ContinuousA2C(A2C):
    """A2C over a space of items' directions; the nearest item is shown."""

    name = "a2c-continuous"
    continuous = True


class ContinuousPPO(PPO):
    """PPO over a space of items' directions; the nearest item is shown."""

    name = "ppo-continuous"
    continuous = True


class A2CIPS(A2C):
    """A2C whose advantages are weighted by how rarely the log shows an item."""

    name = "a2c-ips"
    config_type = A2CIPSConfig
    config: A2CIPSConfig

    def __init__(
        self, config: A2CIPSConfig, n_users: int, n_items: int, propensities: NDArray[np.floating]
    ) -> None:
        """`propensities` [n_items] are how likely the log shows each item, on any scale."""
        super().__init__(config, n_users, n_items)
        self.weights = losses.inverse_propensity(propensities, config.largest_weight)

    def _lessons(self, rollout: Rollout) -> Lessons:
        lessons = super()._lessons(rollout)
        return lessons._replace(worth=lessons.worth * self.weights[rollout.item])
