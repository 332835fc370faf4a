"""A world that Tianshou's collectors play in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import AutoresetMode
from torch import nn

from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.rewards import MatrixReward
from tastemaker.simulation.world import Mode, World

pytest.importorskip("tianshou", reason="Tianshou, of the extra adapters, is missing")
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer

from tastemaker.simulation.adapters.tianshou import TianshouWorld

MATRIX = np.random.default_rng(0).normal(size=(4, 9))


def world(num_envs: int = 5, mode: str = "FreeB", **settings: Any) -> World:
    rule = DistanceQuit(MATRIX.T, 1.2, 3)
    settings.setdefault("autoreset", AutoresetMode.DISABLED)
    return World(
        MatrixReward(MATRIX), rule, num_envs, mode=Mode.parse(mode), max_turns=5, window=3, **settings
    )


class Values(nn.Module):  # type: ignore[misc]
    """Action values of the mean of the latest items' embeddings and of the user."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(4, 8), nn.Embedding(10, 8)
        self.head = nn.Linear(16, 9)

    def forward(self, obs: Any, state: Any = None, info: Any = None) -> tuple[torch.Tensor, Any]:
        user = torch.as_tensor(obs.user)
        items = torch.as_tensor(obs.recent, dtype=torch.int64) + 1
        return self.head(torch.cat((self.users(user), self.items(items).mean(1)), 1)), state


def learner(made: TianshouWorld) -> DQN:
    torch.manual_seed(0)
    policy = DiscreteQLearningPolicy(model=Values(), action_space=Discrete(9), eps_training=0.5)
    return DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), target_update_freq=10)


def collector(made: TianshouWorld, algorithm: DQN, size: int = 2000) -> Collector[Any]:
    return Collector(algorithm, made, VectorReplayBuffer(size, len(made)), exploration_noise=True)


@pytest.mark.parametrize("mode", ["FreeB", "NX_0"])
def test_a_policy_trains_and_its_buffer_holds_the_worlds_sessions(mode: str) -> None:
    made = TianshouWorld(world(mode=mode))
    algorithm = learner(made)
    played = collector(made, algorithm)
    made.seed(4)
    played.reset()
    algorithm.policy.is_within_training_step = True
    before = {name: value.clone() for name, value in algorithm.policy.state_dict().items()}
    returns: list[float] = []
    for _ in range(6):
        stats = played.collect(n_step=50)
        returns += stats.returns.tolist()
        with torch.enable_grad():
            algorithm.policy.train()
            trained = algorithm.update(buffer=played.buffer, sample_size=32)
        assert np.isfinite(trained.loss)
    assert len(returns) > 50
    assert np.isfinite(returns).all()
    assert any((value != before[name]).any() for name, value in algorithm.policy.state_dict().items())

    sessions, totals = 0, []
    for place in range(5):
        rows = played.buffer.buffers[place]
        seen = rows.obs if mode == "FreeB" else rows.obs.obs
        after = rows.obs_next if mode == "FreeB" else rows.obs_next.obs
        same = world(1, mode)
        going = False
        for turn in range(len(rows)):
            if not going:
                same.reset(options={"users": [int(seen.user[turn])]})
                total = 0.0
            observation, rewards, quits, lasts, _ = same.step(np.array([int(rows.act[turn])]))
            np.testing.assert_array_equal(after.recent[turn], observation["items"][0])
            assert rows.rew[turn] == rewards[0]
            assert (rows.terminated[turn], rows.truncated[turn]) == (quits[0], lasts[0])
            going = not rows.done[turn]
            total += float(rewards[0])
            if not going:
                sessions += 1
                totals.append(total)
    assert sessions == len(returns)
    np.testing.assert_allclose(sorted(totals), sorted(returns), atol=1e-5)


def test_a_number_of_episodes_leaves_users_out_without_stepping_them() -> None:
    made = TianshouWorld(world())
    stats = collector(made, learner(made)).collect(n_episode=7, reset_before_collect=True)
    assert stats.n_collected_episodes == 7
    assert stats.n_collected_steps == stats.lens.sum()
    observation, _ = made.reset(seed=2)
    some, rewards, _, _, infos = made.step([3, 4], [4, 1])
    assert some.user.tolist() == observation.user[[4, 1]].tolist()
    assert some.turn.tolist() == [1, 1]
    assert [info["env_id"] for info in infos] == [4, 1]
    wanted = MATRIX[observation.user[[4, 1]], [3, 4]].astype(np.float32)
    assert rewards.tolist() == wanted.tolist()
    every, _, _, _, _ = made.step(np.zeros(5, int))
    assert every.turn.tolist() == [1, 2, 1, 1, 2]


def test_the_same_seed_draws_the_same_users() -> None:
    made, other = TianshouWorld(world(20)), TianshouWorld(world(20))
    made.seed(3)
    other.seed([3, 4, 5])
    first = made.reset()[0].user.tolist()
    assert other.reset()[0].user.tolist() == first
    assert made.reset(seed=3)[0].user.tolist() == first
    assert made.reset()[0].user.tolist() != first


def test_attributes_are_those_of_one_user() -> None:
    made = TianshouWorld(world())
    assert len(made) == 5
    assert made.action_space == [Discrete(9)] * 5
    assert made.get_env_attr("max_turns", [0, 1]) == [5, 5]
    with pytest.raises(InputError, match="set them on the world"):
        made.set_env_attr("max_turns", 3)


def test_worlds_that_it_cannot_act_in_are_refused() -> None:
    for settings, message in (
        ({"slate": 2}, "slate 1"),
        ({"autoreset": AutoresetMode.SAME_STEP}, "DISABLED"),
    ):
        with pytest.raises(InputError, match=message):
            TianshouWorld(world(**settings))
