"""Every off-policy policy on a small world: it learns, repeats, goes on, and keeps to what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from tastemaker.errors import InputError, TastemakerError
from tastemaker.policies.off_policy.actor_critic import DDPG, SAC, TD3
from tastemaker.policies.off_policy.learner import OffPolicyLearner
from tastemaker.policies.off_policy.values import C51, DQN, QRDQN, DoubleDQN
from tastemaker.policies.state import State
from tastemaker.simulation.quit_rules import DistanceQuit, NeverQuits
from tastemaker.simulation.rewards import MatrixReward
from tastemaker.simulation.world import Mode, World

USERS, ITEMS, WINDOW, SESSIONS = 6, 16, 3, 50
REWARDS = np.random.default_rng(0).random((USERS, ITEMS)).astype(np.float32)
TYPES: list[type[OffPolicyLearner[Any]]] = [DQN, DoubleDQN, QRDQN, C51, DDPG, TD3, SAC]
EVERY = pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)


def world(mode: str = "FreeB", sessions: int = SESSIONS, **settings: Any) -> World:
    """Users who quit at an item that was among the last 3, after 10 turns at most."""
    rule = DistanceQuit(np.arange(ITEMS, dtype=float)[:, None], 0.5, 3)
    chosen: dict[str, Any] = {"max_turns": 10, "window": WINDOW} | settings
    return World(MatrixReward(REWARDS), rule, sessions, mode=Mode.parse(mode), **chosen)


def policy(kind: type[OffPolicyLearner[Any]], **settings: Any) -> OffPolicyLearner[Any]:
    small = {"window": WINDOW, "embedding_size": 8, "hidden_size": 16, "batch_size": 64, "turns": 10}
    return kind(kind.config_type(**(small | settings)), USERS, ITEMS)


def mean_return(policy: OffPolicyLearner[Any] | None) -> float:
    """Of sessions that a policy plays, or of uniformly random items."""
    arena = world(sessions=120, autoreset=AutoresetMode.DISABLED)
    rng = np.random.default_rng(0)
    observation, _ = arena.reset(seed=0)
    total, ended = 0.0, np.zeros(120, np.bool_)
    while not ended.all():
        items = rng.integers(ITEMS, size=120) if policy is None else policy.act(observation, None, rng)
        observation, rewards, terminated, truncated, _ = arena.step(items)
        total += float(rewards.sum())
        ended = terminated | truncated
    return total / 120


@EVERY
def test_learns(kind: type[OffPolicyLearner[Any]]) -> None:
    learner = policy(kind, epochs=8, learning_rate=0.01)
    arena = world()
    figures = [learner.epoch(arena) for _ in range(8)]
    assert set(figures[-1]) == {"loss", "reward"}
    assert mean_return(learner) > 1.3 * mean_return(None)


@EVERY
def test_going_on_is_as_never_interrupted(kind: type[OffPolicyLearner[Any]]) -> None:
    settings: dict[str, Any] = {"epochs": 3, "turns": 5, "replay_size": 350, "n_step": 2}
    whole, first, rest = (policy(kind, **settings) for _ in range(3))
    figures = [whole.epoch(world("NX_0")) for _ in range(3)]
    again = [first.epoch(world("NX_0"))]
    rest.load_state(*first.state())
    again += [rest.epoch(world("NX_0")) for _ in range(2)]
    assert again == figures
    (ours, values), (theirs, their_values) = rest.state(), whole.state()
    assert values == their_values
    assert ours.keys() == theirs.keys()
    assert all(ours[name].equal(theirs[name]) for name in ours)


@EVERY
def test_never_acts_what_is_banned(kind: type[OffPolicyLearner[Any]]) -> None:
    learner = policy(kind, epochs=2)
    arena = world("NX_10")
    learner.epoch(arena)  # the world raises at an item that is not allowed
    observation, _ = arena.reset(seed=1)
    rng = np.random.default_rng(0)
    free = learner.act(observation, None, rng)
    for _ in range(ITEMS - 1):
        allowed = np.ones((SESSIONS, ITEMS), np.bool_)
        allowed[:, np.unique(free)] = False
        if not allowed.any():
            break
        chosen = learner.act(observation, allowed, rng)
        assert allowed[np.arange(SESSIONS), chosen].all()
        free = np.concatenate([free, chosen])


@EVERY
def test_divergence_is_an_error_and_keeps_the_parameters(kind: type[OffPolicyLearner[Any]]) -> None:
    learner = policy(kind)
    learner.epoch(world())
    assert learner.replay is not None
    learner.replay.tensors["rewards"].fill_(float("inf"))
    before = {name: tensor for name, tensor in learner.state()[0].items() if name.startswith("module")}
    with pytest.raises(TastemakerError, match="lower learning_rate"):
        learner.epoch(world())
    after = learner.state()[0]
    assert all(tensor.equal(after[name]) for name, tensor in before.items())


@pytest.mark.parametrize("kind", [DQN, DDPG])
def test_what_does_not_fit_is_refused(kind: type[OffPolicyLearner[Any]]) -> None:
    learner = policy(kind)
    with pytest.raises(InputError, match="window=3"):
        learner.epoch(world(window=2))
    with pytest.raises(InputError, match="the world has 6 and 15"):
        learner.epoch(World(MatrixReward(REWARDS[:, 1:]), NeverQuits(), 5, window=3, max_turns=10))
    other = policy(TD3 if kind is DDPG else DoubleDQN)
    with pytest.raises(InputError, match="another policy"):
        learner.load_state(*other.state())
    with pytest.raises(InputError, match="another config"):
        learner.load_state(*policy(kind, hidden_size=8).state())
    learner.epoch(world())
    with pytest.raises(InputError, match="50 sessions at a time"):
        learner.epoch(world(sessions=7))


def test_every_session_has_its_own_coin() -> None:
    learner = policy(DQN, first_epsilon=0.5, last_epsilon=0.5)
    arena = world(sessions=400)
    observation, _ = arena.reset(seed=0, options={"users": np.zeros(400, np.int64)})
    state = State.of(observation, WINDOW, ITEMS)
    with torch.no_grad():
        strayed = (learner.explore(state, None, 0.0) != learner.greedy(state, None)).float().mean()
    assert 0.35 < strayed.item() < 0.6  # half of 15/16 on average; one coin for all would give 0 or 15/16


def test_exploration_sinks_in_a_line() -> None:
    learner = policy(DQN, first_epsilon=1.0, last_epsilon=0.0, exploring=0.5)
    observation, _ = world(sessions=2000).reset(seed=0, options={"users": np.zeros(2000, np.int64)})
    state = State.of(observation, WINDOW, ITEMS)
    with torch.no_grad():
        best = learner.greedy(state, None)
        strayed = [
            (learner.explore(state, None, at) != best).float().mean().item() for at in (0, 0.25, 0.5, 1)
        ]
    assert strayed == pytest.approx([15 / 16, 15 / 32, 0, 0], abs=0.04)


def test_atoms_span_the_returns_of_a_session() -> None:
    learner = policy(C51, gamma=0.5, atoms=3)
    assert isinstance(learner, C51)
    learner.epoch(world())
    top = REWARDS.max() * (2 - 2**-9)
    assert learner.support.tolist() == pytest.approx([0, top / 2, top], rel=1e-4)
    set_by_hand = policy(C51, atoms=3, v_min=-1.0, v_max=1.0)
    assert isinstance(set_by_hand, C51)
    set_by_hand.epoch(world())
    assert set_by_hand.support.tolist() == [-1, 0, 1]


def test_a_target_can_be_a_copy_now_and_then() -> None:
    learner = policy(DQN, target_share=1.0, target_every=10, updates=1, turns=19)
    learner.epoch(world())
    online, target = learner.modules["network"].state_dict(), learner.modules["network_target"].state_dict()
    assert learner.steps == 18  # 50 turns are too few for a batch of 64 at first
    assert any(not online[name].equal(target[name]) for name in online)
    while learner.steps % 10:
        learner._update(learner.replay)  # type: ignore[arg-type]
    online = learner.modules["network"].state_dict()
    assert all(online[name].equal(target[name]) for name in online)
