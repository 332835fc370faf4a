"""A stretch of play: what all sessions of a world did over some turns, as tensors.

Knows nothing of networks: `choose` picks the actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tastemaker.policies.state import State, mask_of
from tastemaker.simulation.world import World


class Choice(NamedTuple):
    """What a policy did in n sessions."""

    item: Tensor
    """[n] int64."""
    action: Tensor
    """[n, …] what was drawn: the item itself or a vector."""
    log_prob: Tensor
    """[n] of the action."""
    value: Tensor
    """[n] expected return of the state."""


class Rollout(NamedTuple):
    """T turns of n sessions, each turn in its own row; a session that ends is followed by the next one of
    its place.
    """

    state: State
    """T * n rows, turn by turn."""
    left: Tensor
    """[T * n] share of the session's turns that was left."""
    allowed: Tensor | None
    """[T * n, n_items] None if all items were."""
    item: Tensor
    """[T * n]."""
    action: Tensor
    """[T * n, …]."""
    log_prob: Tensor
    """[T * n]."""
    value: Tensor
    """[T + 1, n]; the last row is of the states after the last turn."""
    reward: Tensor
    """[T, n]."""
    done: Tensor
    """[T, n] whether the session ended with the turn."""

    @property
    def first(self) -> Tensor:
        """[T, n] whether the turn is of the first session of its place."""
        ended: Tensor = self.done.cumsum(0) - self.done.long() == 0
        return ended

    @property
    def mean_return(self) -> float:
        """Mean reward of the first sessions, all of which end when T is the most turns of a session."""
        return float((self.reward * self.first).sum() / self.reward.shape[1])


def collect(
    world: World, seed: int, window: int, choose: Callable[[State, Tensor, Tensor | None], Choice]
) -> Rollout:
    """Play as many turns as a session has at most, from fresh sessions. `choose` takes the states, the share
    of turns that is left [n], and the allowed items.
    """
    observation, _ = world.reset(seed=seed)
    states, masks, lefts, choices, rewards, dones = [], [], [], [], [], []
    for turn in range(world.max_turns + 1):
        states.append(State.of(observation, window, world.n_items))
        masks.append(mask_of(world.allowed()))
        lefts.append(1 - torch.from_numpy(observation["turn"]) / world.max_turns)
        choices.append(choose(states[-1], lefts[-1], masks[-1]))
        if turn == world.max_turns:
            break
        observation, reward, terminated, truncated, _ = world.step(choices[-1].item.numpy())
        rewards.append(reward)
        dones.append(terminated | truncated)
    played = choices[:-1]
    return Rollout(
        state=State(*(torch.cat(parts) for parts in zip(*states[:-1], strict=True))),
        left=torch.cat(lefts[:-1]),
        allowed=None if masks[0] is None else torch.cat([mask for mask in masks[:-1] if mask is not None]),
        item=torch.cat([choice.item for choice in played]),
        action=torch.cat([choice.action for choice in played]),
        log_prob=torch.cat([choice.log_prob for choice in played]),
        value=torch.stack([choice.value for choice in choices]),
        reward=torch.from_numpy(np.stack(rewards)),
        done=torch.from_numpy(np.stack(dones)),
    )
