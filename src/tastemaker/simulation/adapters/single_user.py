"""One user of a world as a plain `gymnasium.Env`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.simulation.world import Observation, World


class SingleUser(gymnasium.Env[dict[str, Any], Any]):
    """A world of one user at a time, without its axis of users.

    Where the mode forbids repeats, `info["action_mask"]` [n_items] int8 says what may be shown, as
    `action_space.sample(mask=…)` takes it.
    """

    def __init__(self, world: World) -> None:
        """Raises InputError for a world of more users, or one that begins ended sessions anew by itself."""
        if world.num_envs != 1 or world.metadata["autoreset_mode"] != AutoresetMode.DISABLED:
            raise InputError("one user needs a world of 1, with autoreset=AutoresetMode.DISABLED")
        self.world = world
        self.observation_space = world.single_observation_space
        self.action_space = world.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin a session; `options` are those of `World.reset`."""
        super().reset(seed=seed)
        self.world.np_random = self.np_random
        observation, _ = self.world.reset(options=options)
        return _first(observation), self._mask()

    def step(
        self, action: int | NDArray[np.integer]
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """One turn. Raises InputError as `World.step` does."""
        observation, reward, terminated, truncated, infos = self.world.step(np.asarray(action)[None])
        info = {"item": int(infos["item"][0])} | self._mask()
        return _first(observation), float(reward[0]), bool(terminated[0]), bool(truncated[0]), info

    def _mask(self) -> dict[str, NDArray[np.int8]]:
        allowed = self.world.allowed()
        return {} if allowed is None else {"action_mask": allowed[0].astype(np.int8)}


def _first(observation: Observation) -> dict[str, Any]:
    return {
        "user": observation["user"][0],
        "items": observation["items"][0],
        "rewards": observation["rewards"][0],
        "turn": np.asarray(observation["turn"][0]),
    }
