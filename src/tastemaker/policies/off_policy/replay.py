"""The replay: a ring of the latest turns of many sessions at once, and samples of it with n-step returns.

A row of the ring is one turn of all sessions, so the turns that follow one stand below it. Knows nothing of
values and actors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tastemaker.policies.state import State, Transitions


class Sample(NamedTuple):
    """n turns, and how they went on for up to n_step turns."""

    state: State
    action: Tensor
    """[n] int64 items."""
    returns: Tensor
    """[n] float32 discounted rewards of the turns from this one until `next_state`."""
    discount: Tensor
    """[n] float32 what a value of `next_state` counts: gamma to the number of turns, 0 after the end."""
    next_state: State
    next_allowed: Tensor | None
    """[n, n_items] bool what could come in `next_state`, None where everything could."""


class Replay:
    """The last `rows` turns of `sessions` sessions each."""

    def __init__(self, rows: int, sessions: int, window: int, n_items: int, repeats: bool) -> None:
        """Where `repeats` are forbidden, what was allowed is kept too, in n_items / 8 bytes a turn."""
        ring = (rows, sessions)
        self.n_items = n_items
        self.tensors = {
            "user": torch.zeros(ring, dtype=torch.int32),
            "items": torch.zeros((*ring, window), dtype=torch.int32),
            "rewards": torch.zeros((*ring, window)),
            "action": torch.zeros(ring, dtype=torch.int32),
            "reward": torch.zeros(ring),
            "done": torch.zeros(ring, dtype=torch.bool),
            "cut": torch.zeros(ring, dtype=torch.bool),
            "allowed": torch.zeros((*ring, 0 if repeats else -(-n_items // 8)), dtype=torch.uint8),
        }
        self.added = 0

    @property
    def rows(self) -> int:
        """Turns of every session that the ring holds when it is full."""
        return len(self.tensors["reward"])

    def __len__(self) -> int:
        """Turns that it holds, over all sessions."""
        sessions: int = self.tensors["reward"].shape[1]
        return min(self.added, self.rows) * sessions

    def add(self, turns: Transitions, allowed: NDArray[np.bool_] | None) -> None:
        """One turn of every session; `allowed` [sessions, n_items] is what could have come in it."""
        row = self.added % self.rows
        new = {
            "user": turns.state.user,
            "items": turns.state.items,
            "rewards": turns.state.rewards,
            "action": turns.action,
            "reward": turns.reward,
            "done": turns.done,
            "cut": turns.done,
        }
        for name, values in new.items():
            self.tensors[name][row] = values
        if allowed is not None:
            self.tensors["allowed"][row] = torch.from_numpy(np.packbits(allowed, axis=1, bitorder="little"))
        self.added += 1

    def cut(self) -> None:
        """The sessions are broken off here: what is added next does not follow from the latest turns."""
        self.tensors["cut"][(self.added - 1) % self.rows] = True

    def sample(self, n: int, gamma: float, n_step: int, generator: torch.Generator) -> Sample:
        """n turns, each as likely as any other, with replacement. Returns stop early at the end of a session
        and at the newest turn of the ring.
        """
        sessions = self.tensors["reward"].shape[1]
        place = torch.randint(len(self), (n,), generator=generator)
        age, session = place // sessions, place % sessions
        steps = torch.arange(n_step)
        rows = (self.added - 1 - age[:, None] + steps) % self.rows
        follows = self._at("cut", rows, session[:, None]).logical_not_()
        follows = (follows & (age[:, None] > steps))[:, :-1]
        seen = torch.cat((torch.ones(n, 1, dtype=torch.bool), follows.cumprod(1).bool()), 1)
        returns = (self._at("reward", rows, session[:, None]) * seen * gamma**steps).sum(1)
        count = seen.sum(1)
        last = rows.gather(1, (count - 1)[:, None])[:, 0]
        latest = self._turns(last, session)
        return Sample(
            self._turns(rows[:, 0], session).state,
            self._at("action", rows[:, 0], session).long(),
            returns,
            gamma ** count.float() * ~latest.done,
            latest.next_state,
            self._allowed_after(latest.action, last, session),
        )

    def state(self) -> dict[str, Tensor]:
        """The ring itself, which together with `added` is all there is."""
        return dict(self.tensors)

    @classmethod
    def restore(cls, tensors: Mapping[str, Tensor], added: int, n_items: int) -> Replay:
        """A replay from `state()` and `added`."""
        rows, sessions, window = tensors["items"].shape
        replay = cls(rows, sessions, window, n_items, repeats=tensors["allowed"].shape[2] == 0)
        for name, tensor in replay.tensors.items():
            tensor.copy_(tensors[name])
        replay.added = added
        return replay

    def _at(self, name: str, rows: Tensor, sessions: Tensor) -> Tensor:
        return self.tensors[name][rows, sessions]

    def _turns(self, rows: Tensor, sessions: Tensor) -> Transitions:
        return Transitions(
            State(
                self._at("user", rows, sessions).long(),
                self._at("items", rows, sessions).long(),
                self._at("rewards", rows, sessions),
            ),
            self._at("action", rows, sessions).long(),
            self._at("reward", rows, sessions),
            self._at("done", rows, sessions),
        )

    def _allowed_after(self, action: Tensor, rows: Tensor, sessions: Tensor) -> Tensor | None:
        packed = self._at("allowed", rows, sessions)
        if not packed.shape[1]:
            return None
        bits = (packed[..., None] >> torch.arange(8, dtype=torch.uint8)) & 1
        allowed = bits.flatten(1)[:, : self.n_items].bool()
        return allowed.scatter_(1, action[:, None], False)
