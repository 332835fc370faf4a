"""Actors: the distribution that an action is drawn from, over items or over the space of their embeddings."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tastemaker.policies.actions import head, masked, nearest
from tastemaker.policies.state import State


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
    def items(self, actions: Tensor, embeddings: Tensor, allowed: Tensor | None) -> Tensor:
        """[n] int64 the items that actions stand for, by the items' `embeddings` [n_items, d]."""


class ItemActor(Actor):
    """A softmax over the items: the action is an item.

    Beside the network's, an item has a logit that is linear in the state: its dot product with the user and
    with the encoded window, by which tastes are learnt sooner. An item of the window has one more, by how
    long ago it was shown and what it earned then: whether to show it again is learnt once for all items (as
    RepeatNet, Ren et al. 2019, arXiv 1812.02646, learns when to repeat).
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
        again = self.again[0] + self.again[1] * sight.state.rewards
        n_items = fresh.shape[1]
        taken = sight.state.items < n_items
        return fresh.scatter_add(1, sight.state.items.where(taken, 0), again * taken)

    def draw(self, sight: Sight, allowed: Tensor | None, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        log_probs = torch.log_softmax(masked(self.logits(sight), allowed), 1)
        race = torch.empty_like(log_probs).exponential_(generator=generator)  # Gumbel-max without a logarithm
        actions = (log_probs.exp() / race).argmax(1)
        return actions, _at(log_probs, actions)

    def best(self, sight: Sight, allowed: Tensor | None) -> Tensor:
        found: Tensor = masked(self.logits(sight), allowed).argmax(1)
        return found

    def judge(self, sight: Sight, actions: Tensor, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        log_probs = torch.log_softmax(masked(self.logits(sight), allowed), 1)
        finite = log_probs if allowed is None else log_probs.masked_fill(~allowed, 0)
        return _at(log_probs, actions), -(log_probs.exp() * finite).sum(1)

    def items(self, actions: Tensor, embeddings: Tensor, allowed: Tensor | None) -> Tensor:
        return actions


class VectorActor(Actor):
    """A normal distribution around a point of the embedding space: the action is the vector that was drawn,
    which stands for the allowed item whose embedding's direction is nearest.
    """

    def __init__(self, size: int, hidden_size: int, embedding_size: int) -> None:
        super().__init__()
        self.mean = head(size, hidden_size, embedding_size)
        self.log_deviation = nn.Parameter(torch.full((embedding_size,), -1.0))

    def draw(self, sight: Sight, allowed: Tensor | None, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        mean = self.mean(sight.encoded)
        noise = torch.empty_like(mean).normal_(generator=generator)
        actions = mean + noise * self.log_deviation.exp()
        return actions, self._log_probs(mean, actions)

    def best(self, sight: Sight, allowed: Tensor | None) -> Tensor:
        found: Tensor = self.mean(sight.encoded)
        return found

    def judge(self, sight: Sight, actions: Tensor, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        entropy = (self.log_deviation + 0.5 * math.log(2 * math.pi * math.e)).sum()
        return self._log_probs(self.mean(sight.encoded), actions), entropy.expand(len(actions))

    def items(self, actions: Tensor, embeddings: Tensor, allowed: Tensor | None) -> Tensor:
        return nearest(actions, torch.nn.functional.normalize(embeddings), allowed)

    def _log_probs(self, mean: Tensor, actions: Tensor) -> Tensor:
        scaled = (actions - mean) * (-self.log_deviation).exp()
        found: Tensor = -(0.5 * scaled.square() + self.log_deviation + 0.5 * math.log(2 * math.pi)).sum(1)
        return found


def _at(log_probs: Tensor, actions: Tensor) -> Tensor:
    found: Tensor = log_probs.gather(1, actions[:, None])[:, 0]
    return found
