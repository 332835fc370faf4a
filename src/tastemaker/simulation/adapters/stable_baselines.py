"""A world as a `VecEnv` of Stable-Baselines3.

Needs the extra `adapters`. All users step at once; only the dicts of infos, which the library wants for each
of them, are made one by one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.simulation.world import Observation, World

try:
    from stable_baselines3.common.vec_env import VecEnv
except ImportError as error:
    raise InputError("Stable-Baselines3 is not installed; install tastemaker[adapters]") from error


class StableBaselinesWorld(VecEnv):
    """Takes policies for dicts of observations (`MultiInputPolicy`), which see users and items one-hot.

    Observations: `user`; `recent` [window], the latest items + 1, 0 at an empty place (torch has taken the
    name items); `rewards` [window]; `turn` [1]. When a session ends, its info holds `terminal_observation`,
    `episode` (return r, length l, seconds t) and `TimeLimit.truncated`, which makes the library's algorithms
    bootstrap through the last turn.
    """

    def __init__(self, world: World) -> None:
        """Raises InputError for a world that these algorithms cannot act in: one that shows slates, forbids
        repeats, or does not begin ended sessions anew.
        """
        if world.slate != 1 or not world.mode.repeats:
            raise InputError(
                "Stable-Baselines3 chooses among all items: it needs a world of slate 1 that allows repeats"
            )
        if world.metadata["autoreset_mode"] != AutoresetMode.SAME_STEP:
            raise InputError("Stable-Baselines3 needs a world with autoreset=AutoresetMode.SAME_STEP")
        self.world = world
        space = spaces.Dict(
            {
                "user": spaces.Discrete(world.n_users),
                "recent": spaces.MultiDiscrete(np.full(world.window, world.n_items + 1)),
                "rewards": spaces.Box(-np.inf, np.inf, (world.window,), np.float32),
                "turn": spaces.Box(0, world.max_turns, (1,), np.float32),
            }
        )
        super().__init__(world.num_envs, space, world.single_action_space)
        self._returns = np.zeros(world.num_envs)
        self._began = time.monotonic()
        self._actions: NDArray[np.integer] = np.zeros(world.num_envs, np.int64)

    def reset(self) -> dict[str, NDArray[Any]]:
        """Begin sessions, with the seed that `seed` was given; one seed serves all users."""
        observation, _ = self.world.reset(seed=self._seeds[0], options=self._options[0])
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0
        return _encoded(observation)

    def step_async(self, actions: NDArray[np.integer]) -> None:
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        observation, rewards, terminated, truncated, found = self.world.step(self._actions)
        self._returns += rewards
        ended = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if ended.any():
            last = _encoded(found["final_obs"])
            seconds = round(time.monotonic() - self._began, 6)
            for place in np.flatnonzero(ended):
                infos[place] = {
                    "terminal_observation": {key: value[place] for key, value in last.items()},
                    "TimeLimit.truncated": bool(truncated[place]),
                    "episode": {
                        "r": float(self._returns[place]),
                        "l": int(last["turn"][place, 0]),
                        "t": seconds,
                    },
                }
            self._returns[ended] = 0
        return _encoded(observation), rewards, ended, infos

    def close(self) -> None:
        self.world.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """What the world has, for each of the users."""
        value = getattr(self.world, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise InputError("the users of a world share its attributes; set them on the world")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise InputError("the users of a world have no methods of their own; call the world's")

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[None]:
        return [None] * self.num_envs


def _encoded(observation: Observation) -> dict[str, NDArray[Any]]:
    return {
        "user": observation["user"],
        "recent": observation["items"].astype(np.int64) + 1,
        "rewards": observation["rewards"],
        "turn": observation["turn"][:, None].astype(np.float32),
    }
