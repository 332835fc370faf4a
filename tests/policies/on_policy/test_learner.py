"""On-policy policies in a small world, whose best return is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from tastemaker.errors import InputError, TastemakerError
from tastemaker.policies.on_policy.learner import (
    A2C,
    A2CIPS,
    PG,
    PPO,
    A2CIPSConfig,
    ContinuousA2C,
    ContinuousPG,
    ContinuousPPO,
    OnPolicy,
    OnPolicyConfig,
)
from tastemaker.policies.on_policy.rollout import Rollout, collect
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.rewards import MatrixReward
from tastemaker.simulation.world import Mode, World

USERS, ITEMS, TURNS = 6, 12, 8
ALL = [PG, A2C, PPO, ContinuousPG, ContinuousA2C, ContinuousPPO, A2CIPS]
MATRIX = np.random.default_rng(0).random((USERS, ITEMS)).astype(np.float32)


def world(
    mode: str = "FreeB", num_envs: int = 128, autoreset: AutoresetMode = AutoresetMode.SAME_STEP
) -> World:
    """Users quit over an item that is among the last two."""
    return World(
        MatrixReward(MATRIX),
        DistanceQuit(np.eye(ITEMS), 1.0, 2),
        num_envs,
        mode=Mode.parse(mode),
        max_turns=TURNS,
        window=3,
        autoreset=autoreset,
    )


def policy(kind: type[OnPolicy], **settings: object) -> OnPolicy:
    given = {"tracker": "average", "window": 3, "embedding_size": 8, "batch_size": 256, **settings}
    if kind is A2CIPS:
        return A2CIPS(A2CIPSConfig.model_validate(given), USERS, ITEMS, np.ones(ITEMS))
    config = kind.config_type.model_validate(given)
    assert isinstance(config, OnPolicyConfig)
    return kind(config, USERS, ITEMS)


def mean_return(learnt: OnPolicy | None, mode: str = "FreeB") -> float:
    """Of one session of each user; of uniformly drawn items where no policy is given."""
    rng = np.random.default_rng(0)
    n = USERS if learnt else 6000
    played = world(mode, n, autoreset=AutoresetMode.DISABLED)
    observation, _ = played.reset(seed=0, options={"users": np.arange(n) % USERS})
    total = 0.0
    over = False
    while not over:
        items = learnt.act(observation, played.allowed(), rng) if learnt else rng.integers(ITEMS, size=n)
        observation, reward, terminated, truncated, _ = played.step(items)
        total += float(reward.sum())
        over = bool((terminated | truncated).all())
    return total / n


def best_return() -> float:
    """Of each user's three best items in turn, which nobody quits over."""
    best = np.sort(MATRIX, 1)[:, ::-1][:, :3]
    return float(sum(best[:, turn % 3].mean() for turn in range(TURNS)))


@pytest.mark.parametrize(("kind", "epochs"), [(PG, 90), (A2C, 50), (PPO, 20)])
def test_a_policy_learns_nearly_the_best_of_a_small_world(kind: type[OnPolicy], epochs: int) -> None:
    learnt = policy(kind, learning_rate=0.01, entropy_bonus=0.05 if kind is not PPO else 0.02)
    for _ in range(epochs):
        learnt.epoch(world())
    assert mean_return(None) < 0.45 * best_return()
    assert mean_return(learnt) > 0.75 * best_return()


@pytest.mark.parametrize("kind", [ContinuousPG, ContinuousA2C, ContinuousPPO, A2CIPS])
def test_the_other_policies_earn_more_from_epoch_to_epoch(kind: type[OnPolicy]) -> None:
    learnt = policy(kind, learning_rate=0.01 if kind is ContinuousPPO else 0.003, entropy_bonus=0.01)
    rewards = [learnt.epoch(world())["reward"] for _ in range(20 if kind is ContinuousPPO else 70)]
    assert np.mean(rewards[-5:]) > 1.2 * np.mean(rewards[:2])


@pytest.mark.parametrize("greedy", [True, False])
@pytest.mark.parametrize("kind", [A2C, ContinuousA2C])
def test_no_item_comes_again_where_the_world_forbids_it(kind: type[OnPolicy], greedy: bool) -> None:
    """The world raises InputError at the first banned item."""
    learnt = policy(kind, greedy=greedy, seed=1)
    learnt.epoch(world("NX_8", 16))
    assert mean_return(learnt, "NX_8") > 0


@pytest.mark.parametrize("kind", ALL)
def test_a_resumed_training_is_the_one_that_was_not_interrupted(kind: type[OnPolicy]) -> None:
    whole, first, second = (policy(kind, tracker="gru") for _ in range(3))
    small = world(num_envs=16)
    expected = [whole.epoch(small) for _ in range(4)]
    assert [first.epoch(small) for _ in range(2)] == expected[:2]
    second.load_state(*first.state())
    assert second.epochs_done == 2
    assert [second.epoch(small) for _ in range(2)] == expected[2:]
    (tensors, values), (others, other_values) = whole.state(), second.state()
    assert values == other_values
    assert tensors.keys() == others.keys()
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)


def test_another_seed_trains_another_policy() -> None:
    assert policy(A2C, seed=0).epoch(world()) != policy(A2C, seed=1).epoch(world())


def test_a_state_of_another_policy_is_refused() -> None:
    with pytest.raises(InputError, match="training of another policy"):
        policy(PPO).load_state(*policy(A2C).state())
    with pytest.raises(InputError, match="training of another policy"):
        policy(A2C, hidden_size=3).load_state(*policy(A2C).state())


def test_divergence_is_told_and_keeps_the_last_good_parameters() -> None:
    diverging = policy(A2C, learning_rate=1e30, batch_size=10_000)
    diverging.epoch(world(num_envs=64))
    with pytest.raises(TastemakerError, match="lower learning_rate") as caught:
        diverging.epoch(world(num_envs=64))
    assert caught.value.exit_code == 1
    assert all(tensor.isfinite().all() for tensor in diverging.state()[0].values())


def test_drawing_follows_the_given_generator_and_greedy_does_not() -> None:
    observation, _ = world(num_envs=200).reset(seed=0)
    drawn, greedy = policy(A2C, greedy=False), policy(A2C)

    def act(of: OnPolicy, seed: int) -> list[int]:
        return [int(item) for item in of.act(observation, None, np.random.default_rng(seed))]

    assert act(drawn, 0) == act(drawn, 0) != act(drawn, 1)
    assert act(greedy, 0) == act(greedy, 1)


def test_weights_scale_what_an_action_was_worth() -> None:
    config = A2CIPSConfig(embedding_size=4, window=3, largest_weight=3)
    propensities = np.arange(1.0, ITEMS + 1)
    weighted, plain = A2CIPS(config, USERS, ITEMS, propensities), A2C(config, USERS, ITEMS)
    played = roll(plain)
    with torch.no_grad():
        ratio = weighted._lessons(played).worth / plain._lessons(played).worth
    expected = np.minimum(propensities.mean() / propensities, 3)[played.item.numpy()]
    np.testing.assert_allclose(ratio.numpy(), expected, rtol=1e-4)


def test_pg_learns_from_whole_sessions_alone() -> None:
    learner = policy(PG)
    played = roll(learner)
    with torch.no_grad():
        rows = learner._lessons(played).rows.numpy()
    place = np.arange(played.reward.numel()).reshape(played.reward.shape)
    expected = []
    for n, done in enumerate(played.done.numpy().T):
        expected += place[: int(np.argmax(done)) + 1, n].tolist()
    assert played.done.any(0).all()
    assert rows.tolist() == sorted(expected)


def test_a_rollout_is_what_the_world_played() -> None:
    played = roll(policy(A2C), num_envs=5)
    replayed = world(num_envs=5)
    observation, _ = replayed.reset(seed=3)
    items = played.item.reshape(TURNS, 5).numpy()
    for turn in range(TURNS):
        rows = slice(5 * turn, 5 * turn + 5)
        assert played.state.user[rows].tolist() == observation["user"].tolist()
        window = np.where(observation["items"] < 0, ITEMS, observation["items"])
        assert played.state.items[rows].tolist() == window.tolist()
        np.testing.assert_allclose(played.left[rows], 1 - observation["turn"] / TURNS, rtol=1e-6)
        observation, reward, terminated, truncated, _ = replayed.step(items[turn])
        assert played.reward[turn].tolist() == reward.tolist()
        assert played.done[turn].tolist() == (terminated | truncated).tolist()


def roll(learner: OnPolicy, num_envs: int = 64) -> Rollout:
    with torch.no_grad():
        return collect(world(num_envs=num_envs), 3, 3, learner._choose)
