"""What a policy is, and what every policy that learns has in common.

Knows nothing of how any one policy learns, and of run folders.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from tastemaker.policies.trackers.base import TrackerConfig
from tastemaker.simulation.world import Observation


class Policy(Protocol):
    """Chooses an item for every user."""

    window: int
    """How many of the latest items it has to be shown."""

    @property
    def name(self) -> str: ...

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """[n] an item for each user. Where `allowed` [n, n_items] is given, only among its items, of which
        each user has one or more. Draws, where it draws, from `rng` alone.
        """
        ...


class PolicyConfig(TrackerConfig):
    """What every policy that learns has to set."""

    gamma: float = Field(default=0.99, ge=0, le=1)
    """Discount of a reward one turn later."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Adam's step size."""
    hidden_size: int = Field(default=64, ge=1)
    """Width of the layer between state and action."""
    epochs: int = Field(default=50, ge=1)
    """Epochs of training; the policy's own settings say what an epoch is."""
    seed: int = Field(default=0, ge=0)
    """Of the initial parameters and everything that is drawn in training."""
    threads: int = Field(default=1, ge=1)
    """Processor threads; the networks are so small that more cost more than they give."""


PolicyConfigT = TypeVar("PolicyConfigT", bound=PolicyConfig)
SourceT = TypeVar("SourceT")


class LearnedPolicy(ABC, Generic[PolicyConfigT, SourceT]):
    """Base of the policies that learn: from a `World` of a user model, or from `Transitions` of a log.

    A subclass makes its modules and optimisers after `super().__init__`, and every epoch draws anew from
    `self.begin_epoch()`, so a training that goes on from `state()` is the one that was not interrupted.
    """

    name: ClassVar[str]
    config_type: ClassVar[type[PolicyConfig]]
    learns_from: ClassVar[Literal["world", "log"]]

    def __init__(self, config: PolicyConfigT, n_users: int, n_items: int) -> None:
        self.config = config
        self.n_users, self.n_items = n_users, n_items
        self.window = config.window
        self.epochs_done = 0
        self.generator = torch.Generator().manual_seed(config.seed)
        torch.manual_seed(config.seed)

    @abstractmethod
    def epoch(self, source: SourceT) -> dict[str, float]:
        """One epoch of training; gives its figures by name (loss, reward, …).

        Raises TastemakerError when a loss or gradient is not finite, leaving the parameters of the last good
        step.
        """

    @abstractmethod
    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """As `Policy.act`: what it does when it is evaluated."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that training goes on from: tensors, and what fits into JSON (`epochs_done` among it)."""

    @abstractmethod
    def load_state(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Go on from `state()`. Raises InputError when it is another policy's."""

    def begin_epoch(self) -> int:
        """A seed for this epoch, which is also given to `generator`; the same for the same seed and epoch."""
        seed = int(np.random.SeedSequence([self.config.seed, self.epochs_done]).generate_state(1)[0])
        self.generator.manual_seed(seed)
        return seed


def moments(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """What an optimiser remembers of each parameter, as `PREFIX.number.name`."""
    remembered = optimiser.state_dict()["state"]
    return {
        f"{prefix}.{number}.{name}": tensor
        for number, own in remembered.items()
        for name, tensor in own.items()
    }


def load_moments(optimiser: torch.optim.Optimizer, prefix: str, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser copies of what `moments` took."""
    found: dict[int, dict[str, Tensor]] = {}
    for key, tensor in under(prefix, tensors).items():
        number, name = key.split(".")
        found.setdefault(int(number), {})[name] = tensor.clone()
    optimiser.load_state_dict({**optimiser.state_dict(), "state": found})


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those whose names begin with `PREFIX.`, by the rest of their names."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
