"""Training from logged turns: what all offline policies do alike.

A subclass names its networks and its loss. Here are the steps (Adam), the choice of items, and the complete
state for an exact resume. Knows nothing of how turns are made of a log.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from tastemaker.errors import InputError, TastemakerError
from tastemaker.policies.actions import masked
from tastemaker.policies.base import LearnedPolicy, load_moments, moments
from tastemaker.policies.offline.config import OfflineConfig
from tastemaker.policies.state import Transitions, mask_of
from tastemaker.simulation.world import Observation

OfflineConfigT = TypeVar("OfflineConfigT", bound=OfflineConfig)


class OfflinePolicy(LearnedPolicy[OfflineConfigT, Transitions]):
    """Base of the policies that learn from a log. It acts by the largest score among the items allowed."""

    learns_from: ClassVar[Literal["world", "log"]] = "log"

    def __init__(self, config: OfflineConfigT, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        self.network = self.build()
        self.parameters = list(self.network.parameters())
        self.optimiser = torch.optim.Adam(self.parameters, config.learning_rate, fused=True)

    @abstractmethod
    def build(self) -> nn.Module:
        """The network, with fresh parameters."""

    @abstractmethod
    def loss(self, batch: Transitions) -> Tensor:
        """Of a batch of turns, a single number."""

    @abstractmethod
    def scores(self, observation: Observation) -> Tensor:
        """[n, n_items] what it prefers to show, in evaluation."""

    def networks(self) -> dict[str, nn.Module]:
        """All that has a state, by name: the network, and others that follow it."""
        return {"network": self.network}

    def follow(self) -> None:
        """What is done after each step: nothing, where nothing follows the network."""
        return

    def prepare(self, source: Transitions) -> Transitions:
        """The turns as `loss` takes them."""
        return source

    def epoch(self, source: Transitions) -> dict[str, float]:
        if len(source.action) == 0:
            raise InputError(f"{self.name}: there are no turns to learn from")
        self.begin_epoch()
        turns = self.prepare(source)
        total = 0.0
        for _ in range(self.config.steps):
            drawn = torch.randint(len(turns.action), (self.config.batch_size,), generator=self.generator)
            total += self._step(turns.rows(drawn))
        self.epochs_done += 1
        return {"loss": total / self.config.steps}

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        with torch.no_grad():
            scores = masked(self.scores(observation), mask_of(allowed))
        chosen: NDArray[np.int64] = scores.argmax(1).numpy()
        return chosen

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = self._tensors() | moments(self.optimiser, "adam")
        values = {"policy": self.name, "epochs_done": self.epochs_done}
        return {name: tensor.detach().clone() for name, tensor in tensors.items()}, values

    def load_state(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        own = self._tensors()
        found = {name: tensor.shape for name, tensor in tensors.items() if not name.startswith("adam.")}
        if values.get("policy") != self.name or found != {name: t.shape for name, t in own.items()}:
            raise InputError(
                f"{self.name}: the state belongs to another policy ({values.get('policy')}), or one of other"
                " sizes"
            )
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
        load_moments(self.optimiser, "adam", tensors)
        self.epochs_done = int(values["epochs_done"])

    def _tensors(self) -> dict[str, Tensor]:
        """The tensors of the networks, which share memory with them."""
        return {
            f"{prefix}.{name}": tensor
            for prefix, module in self.networks().items()
            for name, tensor in module.state_dict().items()
        }

    def _step(self, batch: Transitions) -> float:
        loss = self.loss(batch)
        self.optimiser.zero_grad()
        loss.backward()
        norm = get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if not (loss.isfinite() and norm.isfinite()):
            raise TastemakerError(
                f"{self.name}: the loss is {loss.item():g} and the gradient's length {norm.item():g} in epoch"
                f" {self.epochs_done + 1}; lower learning_rate"
            )
        self.optimiser.step()
        self.follow()
        return float(loss.detach())
