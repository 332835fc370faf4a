"""Actors: the distribution that an action is drawn from, over items or over the space of their embeddings."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tastemaker.policies.actions import head, masked, nearest, repeated
from tastemaker.policies.state import State

_ALMOST_ONE = 1 - 1e-6
"""Keeps what is drawn below the last sum of probabilities in spite of rounding."""


class Sight(NamedTuple):
    """What an actor sees of n sessions."""

    encoded: Tensor
    """[n, size] by the tracker."""
    state: State
    """The windows themselves."""


class Actor(nn.Module, ABC):
    """A distribution of actions for each of n sessions; `allowed` [n, n_items] are the items that
    may be shown, None if all may.
    """

    @abstractmethod
    def draw(self, sight: Sight, allowed: Tensor | None, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """[n, …] actions and [n] their log-probabilities."""

    @abstractmethod
    def best(self, sight: Sight, allowed: Tensor | None) -> Tensor:
        """[n, …] the likeliest actions."""

    @abstractmethod
    def judge(self, sight: Sight, actions: Tensor, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        """[n] log-probabilities of `actions` [n, …] and [n] the entropies of their distributions."""

    @abstractmethod
    def items(self, actions: Tensor, allowed: Tensor | None) -> Tensor:
        """[n] int64 the items that actions stand for."""


class ItemActor(Actor):
    """A softmax over the items: the action is an item.

    Beside the network's, an item has a logit that is linear in the state: its dot product with the user and
    with the encoded window, by which tastes are learnt sooner. An item of the window has one more, by how
    long ago it was shown and what it earned then.
    """

    def __init__(self, size: int, hidden_size: int, n_items: int, window: int) -> None:
        super().__init__()
        self.network = head(size, hidden_size, n_items)
        self.direct = nn.Linear(size, n_items, bias=False)
        nn.init.normal_(self.direct.weight, std=0.1)
        self.again = nn.Parameter(torch.zeros(2, window))
        """For each place of the window: what is added, and what is added for each unit of reward."""

    def logits(self, sight: Sight) -> Tensor:
        """[n, n_items]."""
        fresh = self.network(sight.encoded) + self.direct(sight.encoded)
        return repeated(fresh, sight.state.items, self.again[0] + self.again[1] * sight.state.rewards)

    def draw(self, sight: Sight, allowed: Tensor | None, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        log_probs = torch.log_softmax(masked(self.logits(sight), allowed), 1)
        below = log_probs.exp().cumsum(1)
        point = torch.rand((len(below), 1), generator=generator) * (below[:, -1:] * _ALMOST_ONE)
        # The first item beyond the point; a network that has diverged has none, which its loss will tell.
        actions = torch.searchsorted(below, point, right=True)[:, 0].clamp_(max=below.shape[1] - 1)
        return actions, _at(log_probs, actions)

    def best(self, sight: Sight, allowed: Tensor | None) -> Tensor:
        found: Tensor = masked(self.logits(sight), allowed).argmax(1)
        return found

    def judge(self, sight: Sight, actions: Tensor, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        log_probs = torch.log_softmax(masked(self.logits(sight), allowed), 1)
        finite = log_probs if allowed is None else log_probs.masked_fill(~allowed, 0)
        return _at(log_probs, actions), -(log_probs.exp() * finite).sum(1)

    def items(self, actions: Tensor, allowed: Tensor | None) -> Tensor:
        return actions


class VectorActor(Actor):
    """A normal distribution around a point of the space in which every item has a direction: the action is
    the vector that was drawn, which stands for the allowed item whose direction is nearest.

    Directions are drawn once and stay, so that a vector means the same item for the whole training. Beside
    the network's, the point has a part that is linear in the state, and steps along the directions of the
    items of the window, by how long ago they were shown: without these a policy cannot turn away from what
    it has just shown.
    """

    directions: Tensor
    """[n_items + 1, d] of length 1; the last is that of an empty place, 0."""

    def __init__(self, size: int, hidden_size: int, d: int, n_items: int, window: int) -> None:
        super().__init__()
        self.network = head(size, hidden_size, d)
        self.direct = nn.Linear(size, d, bias=False)
        nn.init.normal_(self.direct.weight, std=0.1)
        self.again = nn.Parameter(torch.zeros(window))
        """For each place of the window: how far the point moves in the direction of its item."""
        self.log_deviation = nn.Parameter(torch.full((d,), -1.0))
        drawn = nn.functional.normalize(torch.randn(n_items, d))
        self.register_buffer("directions", nn.functional.pad(drawn, (0, 0, 0, 1)))

    def mean(self, sight: Sight) -> Tensor:
        """[n, d] the points that vectors are drawn around."""
        point = self.network(sight.encoded) + self.direct(sight.encoded)
        found: Tensor = point + self.again @ self.directions[sight.state.items]
        return found

    def draw(self, sight: Sight, allowed: Tensor | None, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        mean = self.mean(sight)
        noise = torch.empty_like(mean).normal_(generator=generator)
        actions = mean + noise * self.log_deviation.exp()
        return actions, self._log_probs(mean, actions)

    def best(self, sight: Sight, allowed: Tensor | None) -> Tensor:
        return self.mean(sight)

    def judge(self, sight: Sight, actions: Tensor, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        entropy = (self.log_deviation + 0.5 * math.log(2 * math.pi * math.e)).sum()
        return self._log_probs(self.mean(sight), actions), entropy.expand(len(actions))

    def items(self, actions: Tensor, allowed: Tensor | None) -> Tensor:
        return nearest(actions, self.directions[:-1], allowed)

    def _log_probs(self, mean: Tensor, actions: Tensor) -> Tensor:
        scaled = (actions - mean) * (-self.log_deviation).exp()
        found: Tensor = -(0.5 * scaled.square() + self.log_deviation + 0.5 * math.log(2 * math.pi)).sum(1)
        return found


def _at(log_probs: Tensor, actions: Tensor) -> Tensor:
    found: Tensor = log_probs.gather(1, actions[:, None])[:, 0]
    return found
