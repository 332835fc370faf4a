"""A world: many simulated users at once, as a native `gymnasium.vector.VectorEnv`.

In every turn each user is shown an item (or a slate, of which they take one), gives a reward, and may quit.
A world is put together from a `Reward`, a `QuitRule` and a `Mode`; no step loops over users. Where the parts
come from is told elsewhere (`scenario`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypedDict

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import NeverQuits, QuitRule
from tastemaker.simulation.rewards import Reward


class Observation(TypedDict):
    """What is known of each user's session."""

    user: NDArray[np.int64]
    """[n] who it is."""
    items: NDArray[np.int32]
    """[n, window] the latest items, the last one in the last column; -1 is an empty place."""
    rewards: NDArray[np.float32]
    """[n, window] what they gave for those items; 0 at an empty place."""
    turn: NDArray[np.int32]
    """[n] turns that were played."""


@dataclass(frozen=True)
class Mode:
    """Whether items may come again, and whether users quit: the three ways to evaluate of EasyRL4Rec
    (section 3.5).
    """

    name: str
    repeats: bool
    """Whether an item may be shown to a user again in the same session."""
    quitting: bool
    """Whether the quit rule holds; the last turn ends every session anyway."""
    turns: int | None = None
    """Length of a session, where the mode fixes it."""

    @classmethod
    def parse(cls, name: str) -> Mode:
        """FreeB (repeats allowed, quitting ends a session), NX_0 (no repeats, quitting ends it), or NX_X for
        any X from 1 (no repeats, no quitting, X turns). Raises InputError for another name.
        """
        if name == "FreeB":
            return cls(name, repeats=True, quitting=True)
        if name == "NX_0":
            return cls(name, repeats=False, quitting=True)
        if re.fullmatch(r"NX_[1-9][0-9]{0,5}", name):
            return cls(name, repeats=False, quitting=False, turns=int(name[3:]))
        raise InputError(
            f"no mode is named {name!r}; there are FreeB, NX_0, and NX_X with X turns, like NX_10"
        )


FREE = Mode.parse("FreeB")


class World(VectorEnv[Any, Any, Any]):
    """`num_envs` simulated users at once.

    Actions are items [n], or slates [n, slate] of different items. A user quitting is a termination, the
    last turn a truncation. Under `AutoresetMode.SAME_STEP` an ended session begins anew at once, with another
    user, and `infos["final_obs"]` holds the observation before that, which counts where
    `infos["_final_obs"]` [n] is True. Under `DISABLED` ended sessions stand still and earn 0 until `reset`.
    `infos["item"]` [n] is the item that was taken, -1 where the session had ended before.
    """

    def __init__(
        self,
        reward: Reward,
        quit_rule: QuitRule,
        num_envs: int,
        *,
        mode: Mode = FREE,
        max_turns: int = 30,
        window: int = 10,
        slate: int = 1,
        temperature: float = 1.0,
        autoreset: AutoresetMode = AutoresetMode.SAME_STEP,
    ) -> None:
        """Of a slate a user takes one item, drawn by a softmax of the rewards over `temperature` (the
        multinomial logit choice of SlateQ, Ie et al. 2019). `mode.turns` overrules `max_turns`.

        Raises InputError for sizes that do not fit together.
        """
        turns = mode.turns or max_turns
        known = quit_rule.n_items
        _check(
            (num_envs >= 1, f"a world needs 1 user at a time or more, not {num_envs}"),
            (turns >= 1, f"a session has 1 turn or more, not {turns}"),
            (1 <= window <= turns, f"the window of {window} does not fit a session of {turns} turns"),
            (1 <= slate <= reward.n_items, f"no slate of {slate} can be made of {reward.n_items} items"),
            (
                temperature > 0,
                f"the temperature of the choice from a slate must be above 0, not {temperature:g}",
            ),
            (
                mode.repeats or turns * slate <= reward.n_items,
                f"{turns} turns without repeats need {turns * slate} items; there are {reward.n_items}",
            ),
            (
                known is None or known == reward.n_items,
                f"the quit rule knows {known} items, the rewards {reward.n_items}",
            ),
            (
                autoreset in (AutoresetMode.SAME_STEP, AutoresetMode.DISABLED),
                "a world begins ended sessions anew in the same step, or leaves it to reset",
            ),
        )
        self.reward = reward
        self.quit_rule = quit_rule if mode.quitting else NeverQuits()
        self.mode = mode
        self.max_turns = turns
        self.window = window
        self.slate = slate
        self.temperature = temperature
        self.num_envs = num_envs
        self.n_users, self.n_items = reward.n_users, reward.n_items
        self.metadata = {"autoreset_mode": autoreset}
        items = gymnasium.spaces.Discrete(self.n_items)
        self.single_action_space = (
            items if slate == 1 else gymnasium.spaces.MultiDiscrete(np.full(slate, self.n_items))
        )
        self.single_observation_space = gymnasium.spaces.Dict(
            {
                "user": gymnasium.spaces.Discrete(self.n_users),
                "items": gymnasium.spaces.Box(-1, self.n_items - 1, (window,), np.int32),
                "rewards": gymnasium.spaces.Box(-np.inf, np.inf, (window,), np.float32),
                "turn": gymnasium.spaces.Box(0, turns, (), np.int32),
            }
        )
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        # One row a turn, the latest last: the rows of all users then move in one go.
        n_recent = max(window, self.quit_rule.n_recent, reward.n_recent)
        self._items = np.full((n_recent, num_envs), -1, np.int32)
        self._rewards = np.zeros((n_recent, num_envs), np.float32)
        self._user = np.zeros(num_envs, np.int64)
        self._turn = np.zeros(num_envs, np.int32)
        self._gone = np.ones(num_envs, np.bool_)
        self._shown = None if mode.repeats else np.zeros((num_envs, self.n_items), np.bool_)
        self._every = np.arange(num_envs)

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin sessions.

        `options["users"]` [n] says who comes, otherwise users are drawn evenly; `options["reset_mask"]` [n]
        leaves the sessions that it is False for as they are. Raises InputError for other options, and for a
        user that there is not.
        """
        if isinstance(seed, list):
            raise InputError("a world draws all its users from one seed; give a number")
        super().reset(seed=seed)
        given = dict(options or {})
        mask = np.asarray(given.pop("reset_mask", np.ones(self.num_envs, np.bool_)))
        users = given.pop("users", None)
        chosen = np.zeros(self.num_envs, np.int64) if users is None else np.asarray(users)
        _check(
            (not given, f"reset has no option {', '.join(map(repr, given))}; it has users and reset_mask"),
            (
                mask.shape == (self.num_envs,) and mask.dtype == np.bool_,
                f"reset_mask is {self.num_envs} booleans, not {mask.dtype} of {mask.shape}",
            ),
            (
                chosen.shape == (self.num_envs,)
                and chosen.dtype.kind in "iu"
                and bool(((chosen >= 0) & (chosen < self.n_users)).all()),
                f"users are {self.num_envs} numbers from 0 to {self.n_users - 1}",
            ),
        )
        if mask.all():
            self.reward.begin(self.np_random)
        places = np.flatnonzero(mask)
        self._begin(places, self._draw(len(places)) if users is None else chosen[places])
        return self._observe(), {}

    def step(
        self, actions: NDArray[np.integer], *, only: NDArray[np.bool_] | None = None
    ) -> tuple[Observation, NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """One turn of every user, or of those whom `only` [n] is True for; the others stand still, whatever
        their actions.

        Raises InputError for an item outside the world, one that was shown already where the mode forbids it,
        a reward that is not finite, and when all sessions have ended.
        """
        going = ~self._ended()
        if not going.any():
            raise InputError("every session has ended; call reset first")
        if only is not None:
            going &= only
        slates = self._slates(np.asarray(actions), going)
        items, rewards = self._take(slates)
        quits = self.quit_rule.quits(self._recent(self.quit_rule.n_recent), items)
        where: NDArray[np.bool_] | bool = True
        if not going.all():
            where = going
            items = np.where(going, items, np.int32(-1))
            rewards = np.where(going, rewards, np.float32(0))
            quits &= going
        for memory, latest in ((self._items, items), (self._rewards, rewards)):
            np.copyto(memory[:-1], memory[1:], where=where)
            np.copyto(memory[-1], latest, where=where)
        self._turn += going
        if self._shown is not None:
            self._shown[self._every[going, None], slates[going]] = True
        self._gone |= quits
        terminated = self._gone.copy()
        ended = self._ended()
        infos: dict[str, Any] = {"item": items}
        if self.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP and ended.any():
            infos["final_obs"] = self._observe()
            infos["_final_obs"] = ended
            over = np.flatnonzero(ended)
            self._begin(over, self._draw(len(over)))
        return self._observe(), rewards, terminated, ended & ~terminated, infos

    def allowed(self) -> NDArray[np.bool_] | None:
        """[n, n_items] the items that may be shown now, None where all may."""
        return None if self._shown is None else ~self._shown

    def _draw(self, n: int) -> NDArray[np.int64]:
        return self.np_random.integers(self.n_users, size=n)

    def _begin(self, places: NDArray[np.integer], users: NDArray[np.integer]) -> None:
        self._user[places] = users
        self._items[:, places] = -1
        self._rewards[:, places] = 0
        self._turn[places] = 0
        self._gone[places] = False
        if self._shown is not None:
            self._shown[places] = False

    def _ended(self) -> NDArray[np.bool_]:
        """[n] sessions that are over; before the first `reset` all are."""
        return self._gone | (self._turn >= self.max_turns)

    def _recent(self, n: int) -> NDArray[np.int32]:
        """[num_envs, n] the latest items."""
        return self._items[len(self._items) - n :].T

    def _observe(self) -> Observation:
        rows = slice(len(self._items) - self.window, None)
        return {
            "user": self._user.copy(),
            "items": self._items[rows].copy().T,
            "rewards": self._rewards[rows].copy().T,
            "turn": self._turn.copy(),
        }

    def _take(self, slates: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The item of each slate that its user takes, and what they give for it."""
        users = np.repeat(self._user, self.slate) if self.slate > 1 else self._user
        window = self._recent(self.reward.n_recent)
        if self.slate > 1:
            window = np.repeat(window, self.slate, axis=0)
        items = slates.ravel().astype(np.int32)
        rewards = self.reward(users, items, window)
        if not np.isfinite(rewards).all():
            bad = int(np.argmin(np.isfinite(rewards)))
            raise InputError(
                f"user {users[bad]} gives {rewards[bad]} for item {items[bad]}, which is no reward"
            )
        if self.slate == 1:
            return items, rewards
        worth = rewards.reshape(slates.shape) / self.temperature
        taken = np.argmax(worth + self.np_random.gumbel(size=slates.shape), axis=1)
        taken += self._every * self.slate
        return items[taken], rewards[taken]

    def _slates(self, actions: NDArray[np.integer], going: NDArray[np.bool_]) -> NDArray[np.integer]:
        """The actions as [n, slate], checked; what is shown in sessions that ended need only be items."""
        expected = (self.num_envs,) if self.slate == 1 else (self.num_envs, self.slate)
        if actions.shape != expected or actions.dtype.kind not in "iu":
            raise InputError(
                f"actions are whole numbers of shape {expected}, not {actions.dtype} of {actions.shape}"
            )
        lowest, highest = actions.min(), actions.max()
        if lowest < 0 or highest >= self.n_items:
            raise InputError(
                f"item {lowest if lowest < 0 else highest} is outside this world, "
                f"whose items are 0 to {self.n_items - 1}"
            )
        slates = actions.reshape(self.num_envs, self.slate)
        if self.slate > 1 and (np.diff(np.sort(slates[going], axis=1), axis=1) == 0).any():
            raise InputError("a slate holds an item twice")
        if self._shown is not None:
            again = self._shown[self._every[:, None], slates] & going[:, None]
            if again.any():
                place, column = np.argwhere(again)[0]
                raise InputError(
                    f"user {self._user[place]} was shown item {slates[place, column]} already, "
                    f"which the mode {self.mode.name} forbids; choose among allowed()"
                )
        return slates


def _check(*conditions: tuple[bool, str]) -> None:
    for holds, message in conditions:
        if not holds:
            raise InputError(message)
