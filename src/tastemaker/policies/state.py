"""Sessions as tensors: the state that a tracker reads, and transitions from one state to the next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tastemaker.simulation.world import Observation


class State(NamedTuple):
    """Where n sessions stand."""

    user: Tensor
    """[n] int64."""
    items: Tensor
    """[n, window] int64, the latest last; an empty place is `n_items`, the padding row of the embeddings."""
    rewards: Tensor
    """[n, window] float32; 0 at an empty place."""

    @classmethod
    def of(cls, observation: Observation, window: int, n_items: int) -> State:
        """The state of what a world shows, whose window may be longer."""
        items = torch.from_numpy(observation["items"][:, -window:].astype(np.int64))
        return cls(
            torch.from_numpy(observation["user"]),
            items.masked_fill_(items < 0, n_items),
            torch.from_numpy(np.ascontiguousarray(observation["rewards"][:, -window:])),
        )

    def after(self, action: Tensor, reward: Tensor) -> State:
        """The state one turn later: `action` [n] int64 and `reward` [n] float32 enter the windows."""
        return State(
            self.user,
            torch.cat((self.items[:, 1:], action[:, None]), 1),
            torch.cat((self.rewards[:, 1:], reward[:, None]), 1),
        )

    def rows(self, places: Tensor) -> State:
        """Some of the sessions."""
        return State(self.user[places], self.items[places], self.rewards[places])


class Transitions(NamedTuple):
    """n single turns: in `state` came `action`, gave `reward`, and the session was `done` or went on to
    `next_state`.
    """

    state: State
    action: Tensor
    """[n] int64 items."""
    reward: Tensor
    """[n] float32."""
    done: Tensor
    """[n] bool."""

    @property
    def next_state(self) -> State:
        return self.state.after(self.action, self.reward)

    def rows(self, places: Tensor) -> Transitions:
        """Some of the turns."""
        return Transitions(
            self.state.rows(places), self.action[places], self.reward[places], self.done[places]
        )


def mask_of(allowed: NDArray[np.bool_] | None) -> Tensor | None:
    """What a world allows, as a tensor."""
    return None if allowed is None else torch.from_numpy(allowed)
