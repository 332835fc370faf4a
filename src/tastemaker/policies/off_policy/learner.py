"""How every off-policy policy learns: a turn of all sessions goes into the replay, then some gradient steps
on samples of it.

What is learnt, and how it acts, is said by `values` and `actor_critic`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from tastemaker.errors import InputError, TastemakerError
from tastemaker.policies.base import LearnedPolicy, PolicyConfig, load_moments, moments, under
from tastemaker.policies.off_policy.replay import Replay, Sample
from tastemaker.policies.state import State, Transitions, mask_of
from tastemaker.simulation.world import Observation, World


class OffPolicyConfig(PolicyConfig):
    """What every off-policy policy has to set."""

    tracker: Literal["average", "gru", "caser", "sasrec", "nextitnet"] = "average"
    """How a window is encoded; which items came lately is what values hang on, less so in which order."""
    window: int = Field(default=7, ge=1)
    """How many of the latest items are looked at: best as many as the quit rule looks at."""
    gamma: float = Field(default=0.6, ge=0, le=1)
    """Discount of a reward one turn later. A low one is learnt much sooner, and quitting is still dear: it
    costs gamma / (1 - gamma) rewards.
    """
    learning_rate: float = Field(default=5e-3, gt=0)
    """Adam's step size."""
    sessions: int = Field(default=300, ge=1)
    """Users who play at a time."""
    turns: int = Field(default=30, ge=1)
    """Turns of all sessions in an epoch: turns × sessions environment steps."""
    updates: int = Field(default=4, ge=1)
    """Gradient steps after each turn of all sessions."""
    batch_size: int = Field(default=512, ge=1)
    """Turns in a gradient step."""
    replay_size: int = Field(default=100_000, ge=1)
    """Turns that the replay holds, rounded up to whole turns of all sessions."""
    n_step: int = Field(default=1, ge=1)
    """Turns whose rewards are summed before a value takes over."""
    target_share: float = Field(default=0.05, gt=0, le=1)
    """How far the target network moves to the learnt one at each of its updates; 1 is a copy."""
    target_every: int = Field(default=1, ge=1)
    """Gradient steps between updates of the target network."""
    clip_norm: float = Field(default=10.0, gt=0)
    """Longest gradient of a step."""


OffPolicyConfigT = TypeVar("OffPolicyConfigT", bound=OffPolicyConfig)


class OffPolicyLearner(LearnedPolicy[OffPolicyConfigT, World]):
    """Base of the off-policy policies. A subclass registers modules and optimisers in `modules` and
    `optimisers` when it is made; the target of module `x` is `x_target`.
    """

    learns_from: ClassVar[Literal["world", "log"]] = "world"

    def __init__(self, config: OffPolicyConfigT, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        self.modules = nn.ModuleDict()
        self.optimisers: dict[str, torch.optim.Adam] = {}
        self.replay: Replay | None = None
        self.steps = 0

    @abstractmethod
    def explore(self, state: State, allowed: Tensor | None, progress: float) -> Tensor:
        """[n] int64 the items to try; `progress` goes from 0 to 1 over the whole training."""

    @abstractmethod
    def update(self, sample: Sample) -> float:
        """One gradient step by `descend`; gives the loss."""

    @abstractmethod
    def greedy(self, state: State, allowed: Tensor | None) -> Tensor:
        """[n] int64 the items that are best by what was learnt."""

    def prepare(self, world: World) -> None:
        """Look at the world before the first epoch."""

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        with torch.no_grad():
            state = State.of(observation, self.window, self.n_items)
            chosen: NDArray[np.int64] = self.greedy(state, mask_of(allowed)).numpy()
        return chosen

    def epoch(self, source: World) -> dict[str, float]:
        """`turns` turns of all sessions of a world, each followed by `updates` gradient steps. Gives the mean
        loss of a step, and the mean return of the sessions that ended.

        Raises InputError for a world that does not fit, TastemakerError when the training diverges.
        """
        self._check(source)
        if self.replay is None:
            self.prepare(source)
            self.replay = Replay(
                -(-self.config.replay_size // source.num_envs),
                source.num_envs,
                self.window,
                self.n_items,
                source.mode.repeats,
            )
        observation, _ = source.reset(seed=self.begin_epoch())
        running = np.zeros(source.num_envs)
        ended: list[NDArray[np.float64]] = []
        losses = []
        for turn in range(self.config.turns):
            progress = (self.epochs_done + turn / self.config.turns) / self.config.epochs
            observation, rewards, done = self._turn(source, observation, self.replay, progress)
            running += rewards
            ended.append(running[done])
            running[done] = 0
            for _ in range(self.config.updates):
                if len(self.replay) >= self.config.batch_size:
                    losses.append(self._update(self.replay))
        self.replay.cut()
        self.epochs_done += 1
        finished = np.concatenate(ended)
        figures = {"loss": np.array(losses), "reward": finished}
        return {name: float(values.mean()) for name, values in figures.items() if len(values)}

    def descend(self, name: str, loss: Tensor, parameters: Iterable[nn.Parameter]) -> float:
        """A step of the optimiser `name` down a loss. Raises TastemakerError where loss or gradient is not
        finite, and then changes nothing.
        """
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        length = nn.utils.clip_grad_norm_(list(parameters), self.config.clip_norm)
        value = float(loss.item())
        if not np.isfinite(value) or not torch.isfinite(length):
            raise TastemakerError(
                f"{self.name}: the loss is {value:g} with a gradient of length {length.item():g} in epoch"
                f" {self.epochs_done + 1}; lower learning_rate (the parameters of the last good step stay)"
            )
        optimiser.step()
        return value

    def follow(self, *names: str) -> None:
        """Move the targets of these modules, when it is their turn."""
        if self.steps % self.config.target_every == 0:
            with torch.no_grad():
                for name in names:
                    torch._foreach_lerp_(
                        list(self.modules[f"{name}_target"].parameters()),
                        list(self.modules[name].parameters()),
                        self.config.target_share,
                    )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = {f"module.{name}": tensor for name, tensor in self.modules.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            tensors |= moments(optimiser, f"adam.{name}")
        if self.replay is not None:
            tensors |= {f"replay.{name}": tensor for name, tensor in self.replay.state().items()}
        values = {
            "policy": self.name,
            "epochs_done": self.epochs_done,
            "steps": self.steps,
            "added": self.replay.added if self.replay else 0,
        }
        return {name: tensor.detach().clone() for name, tensor in tensors.items()}, values

    def load_state(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        modules = under("module", tensors)
        own = self.modules.state_dict()
        if values.get("policy") != self.name or any(
            name not in modules or modules[name].shape != tensor.shape for name, tensor in own.items()
        ):
            raise InputError(
                f"{self.name}: the state is that of another policy ({values.get('policy')}), or of one with"
                " another config or other users and items"
            )
        self.modules.load_state_dict(modules)
        for name, optimiser in self.optimisers.items():
            load_moments(optimiser, f"adam.{name}", tensors)
        ring = under("replay", tensors)
        self.replay = Replay.restore(ring, values["added"], self.n_items) if ring else None
        self.epochs_done, self.steps = values["epochs_done"], values["steps"]

    def _turn(
        self, world: World, observation: Observation, replay: Replay, progress: float
    ) -> tuple[Observation, NDArray[np.float32], NDArray[np.bool_]]:
        state = State.of(observation, self.window, self.n_items)
        allowed = world.allowed()
        with torch.no_grad():
            action = self.explore(state, mask_of(allowed), progress)
        after, rewards, terminated, truncated, _ = world.step(action.numpy())
        done = terminated | truncated
        replay.add(Transitions(state, action, torch.from_numpy(rewards), torch.from_numpy(done)), allowed)
        return after, rewards, done

    def _update(self, replay: Replay) -> float:
        config = self.config
        sample = replay.sample(config.batch_size, config.gamma, config.n_step, self.generator)
        self.steps += 1
        return self.update(sample)

    def _check(self, world: World) -> None:
        sizes = (world.n_users, world.n_items)
        if sizes != (self.n_users, self.n_items):
            raise InputError(
                f"{self.name} was made for {self.n_users} users and {self.n_items} items;"
                f" the world has {sizes[0]} and {sizes[1]}"
            )
        shown = world.window
        if shown < self.window or world.slate != 1:
            raise InputError(
                f"{self.name} looks at {self.window} items and chooses 1; the world shows {shown} and asks"
                f" for {world.slate}: make it with window={self.window} and slate=1"
            )
        if self.replay is not None and self.replay.tensors["reward"].shape[1] != world.num_envs:
            raise InputError(
                f"{self.name} has learnt from {self.replay.tensors['reward'].shape[1]} sessions at a time;"
                f" the world has {world.num_envs}"
            )
