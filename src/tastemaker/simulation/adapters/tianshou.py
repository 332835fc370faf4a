"""A world as a vector environment of Tianshou 2, for its collectors.

Needs the extra `adapters`. All users step at once. The collector resets ended sessions itself and leaves
out users whom it needs no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.simulation.world import Observation, World

try:
    from tianshou.data import Batch
    from tianshou.env import BaseVectorEnv
except ImportError as error:
    raise InputError("Tianshou is not installed; install tastemaker[adapters]") from error

_Ids = int | Sequence[int] | NDArray[np.integer] | None


class TianshouWorld(BaseVectorEnv):
    """Observations are a `Batch` of `user`, `recent` (the world's `items`, a name that every `Batch` has
    taken), `rewards` and `turn`. Where the mode forbids repeats they are a `Batch` of `obs` (the same) and
    `mask` [n, n_items], by which Tianshou's Q-learning keeps to what may be shown.
    """

    def __init__(self, world: World) -> None:
        """Raises InputError for a world that shows slates or begins ended sessions anew by itself."""
        if world.slate != 1:
            raise InputError("Tianshou chooses one item: it needs a world of slate 1")
        if world.metadata["autoreset_mode"] != AutoresetMode.DISABLED:
            raise InputError("Tianshou needs a world with autoreset=AutoresetMode.DISABLED")
        self.world = world
        self.env_num = world.num_envs
        self.is_async = False
        self.is_closed = False
        self._seed: int | None = None

    def get_env_attr(self, key: str, id: _Ids = None) -> list[Any]:
        """What the world has, for each of the users."""
        single = {"action_space": "single_action_space", "observation_space": "single_observation_space"}
        return [getattr(self.world, single.get(key, key)) for _ in self._places(id)]

    def set_env_attr(self, key: str, value: Any, id: _Ids = None) -> None:
        raise InputError("the users of a world share its attributes; set them on the world")

    def seed(self, seed: int | list[int] | None = None) -> list[list[int] | None]:
        """Seeds the next `reset`; one seed serves all users."""
        self._seed = seed[0] if isinstance(seed, list) else seed
        return [None if self._seed is None else [self._seed]] * self.env_num

    def reset(self, env_id: _Ids = None, **kwargs: Any) -> tuple[Batch, NDArray[np.object_]]:
        """Begin sessions of some users, or of all; takes `seed` and `options` of `World.reset`."""
        places = self._places(env_id)
        mask = np.zeros(self.env_num, np.bool_)
        mask[places] = True
        seed, self._seed = self._seed, None
        options = {**(kwargs.get("options") or {}), "reset_mask": mask}
        observation, _ = self.world.reset(seed=kwargs.get("seed", seed), options=options)
        return self._rows(observation, places), _infos(places)

    def step(
        self, action: Any, id: _Ids = None
    ) -> tuple[Batch, NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.object_]]:
        """One turn of some users, or of all."""
        places = self._places(id)
        only = np.zeros(self.env_num, np.bool_)
        only[places] = True
        actions = np.zeros(self.env_num, np.int64)
        actions[places] = np.asarray(action)
        observation, rewards, terminated, truncated, _ = self.world.step(actions, only=only)
        return (
            self._rows(observation, places),
            rewards[places],
            terminated[places],
            truncated[places],
            _infos(places),
        )

    def render(self, **kwargs: Any) -> list[Any]:
        return [None] * self.env_num

    def close(self) -> None:
        self.world.close()
        self.is_closed = True

    def _places(self, chosen: _Ids) -> NDArray[np.intp]:
        return np.arange(self.env_num) if chosen is None else np.atleast_1d(np.asarray(chosen, np.intp))

    def _rows(self, observation: Observation, places: NDArray[np.intp]) -> Batch:
        rows = Batch(
            user=observation["user"][places],
            recent=observation["items"][places],
            rewards=observation["rewards"][places],
            turn=observation["turn"][places],
        )
        allowed = self.world.allowed()
        return rows if allowed is None else Batch(obs=rows, mask=allowed[places])


def _infos(places: NDArray[np.intp]) -> NDArray[np.object_]:
    return np.array([{"env_id": int(place)} for place in places], np.object_)
