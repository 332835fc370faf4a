"""A world that Stable-Baselines3 trains in."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.rewards import MatrixReward
from tastemaker.simulation.world import Mode, World

sb3 = pytest.importorskip("stable_baselines3", reason="Stable-Baselines3, of the extra adapters, is missing")


def world(**settings: Any) -> World:
    matrix = np.random.default_rng(0).normal(size=(4, 9))
    rule = DistanceQuit(matrix.T, 1.2, 3)
    return World(MatrixReward(matrix), rule, 6, **({"max_turns": 5, "window": 3} | settings))


def env(made: World) -> Any:
    from tastemaker.simulation.adapters.stable_baselines import StableBaselinesWorld

    return StableBaselinesWorld(made)


def test_steps_are_the_worlds_and_sessions_are_counted() -> None:
    adapted, same = env(world()), world()
    adapted.seed(5)
    seen = adapted.reset()
    observation, _ = same.reset(seed=5)
    rng = np.random.default_rng(0)
    totals, lengths, ends = np.zeros(6), np.zeros(6, int), set()
    for _ in range(60):
        assert adapted.observation_space.contains({key: value[0] for key, value in seen.items()})
        np.testing.assert_array_equal(seen["user"], observation["user"])
        np.testing.assert_array_equal(seen["recent"] - 1, observation["items"])
        np.testing.assert_array_equal(seen["rewards"], observation["rewards"])
        np.testing.assert_array_equal(seen["turn"][:, 0], observation["turn"])
        actions = rng.integers(9, size=6)
        seen, rewards, dones, infos = adapted.step(actions)
        observation, wanted, quits, lasts, more = same.step(actions)
        np.testing.assert_array_equal(rewards, wanted)
        np.testing.assert_array_equal(dones, quits | lasts)
        totals += rewards
        lengths += 1
        for place in range(6):
            if not dones[place]:
                assert infos[place] == {}
                continue
            info = infos[place]
            ends.add(info["TimeLimit.truncated"])
            assert info["TimeLimit.truncated"] == lasts[place]
            assert info["episode"]["r"] == pytest.approx(totals[place])
            assert info["episode"]["l"] == lengths[place]
            last = info["terminal_observation"]
            np.testing.assert_array_equal(last["recent"] - 1, more["final_obs"]["items"][place])
            assert last["user"] == more["final_obs"]["user"][place]
            assert adapted.observation_space.contains(last)
        totals[dones], lengths[dones] = 0, 0
    assert ends == {True, False}


def test_a_seed_serves_one_reset() -> None:
    adapted = env(world())
    adapted.seed(5)
    first, second = adapted.reset()["user"], adapted.reset()["user"]
    adapted.seed(5)
    np.testing.assert_array_equal(adapted.reset()["user"], first)
    assert (first != second).any()


def test_a_policy_trains_and_its_returns_are_the_worlds() -> None:
    adapted = env(world())
    model = sb3.PPO("MultiInputPolicy", adapted, n_steps=32, batch_size=64, n_epochs=2, seed=1, device="cpu")
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(400)
    assert model.num_timesteps >= 400
    episodes = list(model.ep_info_buffer)
    assert len(episodes) > 20
    assert np.isfinite([episode["r"] for episode in episodes]).all()
    assert {episode["l"] for episode in episodes} <= {1, 2, 3, 4, 5}
    assert any((value != before[name]).any() for name, value in model.policy.state_dict().items())

    from stable_baselines3.common.evaluation import evaluate_policy

    returns, lengths = evaluate_policy(
        model, env(world()), n_eval_episodes=12, return_episode_rewards=True, warn=False
    )
    assert len(returns) == 12
    assert np.isfinite(returns).all()
    assert set(lengths) <= {1, 2, 3, 4, 5}


def test_worlds_that_it_cannot_act_in_are_refused() -> None:
    for settings, message in (
        ({"slate": 2}, "slate 1"),
        ({"mode": Mode.parse("NX_0")}, "allows repeats"),
        ({"autoreset": AutoresetMode.DISABLED}, "SAME_STEP"),
    ):
        with pytest.raises(InputError, match=message):
            env(world(**settings))


def test_users_share_the_worlds_attributes() -> None:
    adapted = env(world())
    assert adapted.get_attr("max_turns", indices=[0, 3]) == [5, 5]
    assert not adapted.has_attr("none_such")
    with pytest.raises(InputError, match="set them on the world"):
        adapted.set_attr("max_turns", 3)
    with pytest.raises(InputError, match="no methods of their own"):
        adapted.env_method("reset")


@pytest.mark.parametrize(
    ("module", "library"), [("stable_baselines", "stable_baselines3"), ("tianshou", "tianshou")]
)
def test_a_missing_library_is_named_with_its_extra(module: str, library: str) -> None:
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from tastemaker.errors import InputError\n"
        f"try:\n    import tastemaker.simulation.adapters.{module}\n"
        "except InputError as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "is not installed; install tastemaker[adapters]" in told
