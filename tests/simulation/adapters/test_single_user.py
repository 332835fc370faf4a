"""One user as a gymnasium environment."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from tastemaker.errors import InputError
from tastemaker.simulation.adapters.single_user import SingleUser
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.rewards import MatrixReward
from tastemaker.simulation.world import Mode, World


def world(num_envs: int = 1, mode: str = "FreeB", autoreset: AutoresetMode = AutoresetMode.DISABLED) -> World:
    matrix = np.random.default_rng(0).normal(size=(4, 9))
    rule = DistanceQuit(matrix.T, 1.5, 3)
    return World(
        MatrixReward(matrix),
        rule,
        num_envs,
        mode=Mode.parse(mode),
        max_turns=5,
        window=3,
        autoreset=autoreset,
    )


@pytest.mark.parametrize("mode", ["FreeB", "NX_0", "NX_6"])
def test_gymnasium_finds_nothing_wrong(mode: str) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        check_env(SingleUser(world(mode=mode)), skip_render_check=True)
    # Rewards have no bounds, and a user is no entry of gymnasium's register.
    expected = ("is -infinity", "is infinity", "spec is None")
    assert [str(one.message) for one in told if not any(text in str(one.message) for text in expected)] == []


@pytest.mark.parametrize("mode", ["FreeB", "NX_0"])
def test_one_user_is_the_world_of_one(mode: str) -> None:
    env, same = SingleUser(world(mode=mode)), world(mode=mode)
    seen, info = env.reset(seed=3)
    observation, _ = same.reset(options={"users": [seen["user"]]})
    rng = np.random.default_rng(0)
    over = False
    while not over:
        mask = info.get("action_mask", np.ones(9, np.int8))
        action = int(rng.choice(np.flatnonzero(mask)))
        seen, reward, terminated, truncated, info = env.step(action)
        observation, rewards, quits, ends, infos = same.step(np.array([action]))
        assert (reward, terminated, truncated) == (rewards[0], quits[0], ends[0])
        assert info["item"] == infos["item"][0]
        for key, value in observation.items():
            np.testing.assert_array_equal(seen[key], value[0])  # type: ignore[index]
        over = terminated or truncated
    assert ("action_mask" in info) == (mode == "NX_0")
    with pytest.raises(InputError, match="call reset first"):
        env.step(0)


def test_options_and_masks_are_the_worlds() -> None:
    env = SingleUser(world(mode="NX_0"))
    seen, info = env.reset(options={"users": [2]})
    assert seen["user"] == 2
    assert info["action_mask"].tolist() == [1] * 9
    info = env.step(4)[4]
    assert info["action_mask"].tolist() == [1] * 4 + [0] + [1] * 4
    env.action_space.seed(0)
    assert all(env.action_space.sample(mask=info["action_mask"]) != 4 for _ in range(50))


def test_other_worlds_are_refused() -> None:
    for wrong in (world(2), world(autoreset=AutoresetMode.SAME_STEP)):
        with pytest.raises(InputError, match="a world of 1"):
            SingleUser(wrong)
