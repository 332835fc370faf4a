"""What all offline learners have in common, tested for each: learning, exact resume, banned items."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from tastemaker.errors import InputError, TastemakerError
from tastemaker.policies import registry
from tastemaker.policies.offline.buffers import transitions
from tastemaker.policies.offline.decision_transformer import (
    CausalTransformer,
    DecisionTransformerConfig,
    returns_to_go,
)
from tastemaker.policies.offline.learner import OfflinePolicy
from tastemaker.policies.state import State, Transitions
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Observation

NAMES = ["bc", "bcq", "cql", "crr", "sqn", "iql", "dt"]
SMALL = {"window": 3, "turns": 3000, "embedding_size": 16, "hidden_size": 32, "batch_size": 128, "steps": 40}


def create(name: str, scenario: Scenario, **settings: Any) -> OfflinePolicy[Any]:
    policy = registry.create(name, scenario, SMALL | settings)
    assert isinstance(policy, OfflinePolicy)
    return policy


def played(scenario: Scenario, policy: OfflinePolicy[Any] | None, mode: str = "FreeB") -> float:
    """Mean return of 300 sessions, of a policy or of items drawn evenly."""
    world = scenario.world(300, mode=mode, window=3, autoreset=AutoresetMode.DISABLED)
    observation, _ = world.reset(seed=5)
    rng, total = np.random.default_rng(5), 0.0
    for _ in range(scenario.max_turns):
        if policy is None:
            chosen: NDArray[np.int64] = rng.integers(world.n_items, size=300)
        else:
            chosen = policy.act(observation, world.allowed(), rng)
        observation, rewards, terminated, truncated, _ = world.step(chosen)
        total += float(rewards.sum())
        if (terminated | truncated).all():
            break
    return total / 300


def tensors_of(policy: OfflinePolicy[Any]) -> dict[str, torch.Tensor]:
    return policy.state()[0]


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_from_the_log_alone(scenario: Scenario, name: str) -> None:
    policy = create(name, scenario, **({"batch_size": 32} if name == "dt" else {}))
    source = transitions(scenario, policy.config)
    sessions = int(source.done.sum())
    logged = float(source.reward.sum()) / sessions
    returns = []
    for _ in range(10):
        assert np.isfinite(policy.epoch(source)["loss"])
        returns.append(played(scenario, policy))
    much = 1.5 if name == "cql" else 1.15
    assert np.mean(returns[-4:]) > much * max(logged, played(scenario, None))


@pytest.mark.parametrize("name", NAMES)
def test_going_on_from_a_state_is_the_training_that_was_not_interrupted(
    scenario: Scenario, name: str
) -> None:
    whole, part, other = (create(name, scenario, steps=5) for _ in range(3))
    source = transitions(scenario, whole.config)
    for _ in range(3):
        figures = whole.epoch(source)
    part.epoch(source)
    torch.manual_seed(123)
    other.load_state(*part.state())
    assert other.epochs_done == 1
    other.epoch(source)
    assert other.epoch(source) == figures
    ours, theirs = tensors_of(other), tensors_of(whole)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert other.state()[1] == whole.state()[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(scenario: Scenario, name: str) -> None:
    losses = []
    for seed in (0, 0, 1):
        policy = create(name, scenario, steps=3, seed=seed)
        losses.append(policy.epoch(transitions(scenario, policy.config))["loss"])
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("name", NAMES)
def test_banned_items_are_never_shown(scenario: Scenario, name: str) -> None:
    policy = create(name, scenario, steps=10)
    policy.epoch(transitions(scenario, policy.config))
    rng = np.random.default_rng(0)
    observation: Observation = {
        "user": rng.integers(12, size=200),
        "items": rng.integers(-1, 16, size=(200, 5)).astype(np.int32),
        "rewards": rng.random((200, 5)).astype(np.float32),
        "turn": np.full(200, 5, np.int32),
    }
    allowed = rng.random((200, 16)) < 0.1
    allowed[np.arange(200), rng.integers(16, size=200)] = True
    chosen = policy.act(observation, allowed, rng)
    assert allowed[np.arange(200), chosen].all()
    assert chosen.shape == (200,)
    assert played(scenario, policy, "NX_0") > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_that_is_not_finite_ends_the_training_with_the_last_good_step(
    scenario: Scenario, name: str
) -> None:
    policy = create(name, scenario, steps=3)
    source = transitions(scenario, policy.config)
    before = tensors_of(policy)
    spoilt = source.state._replace(rewards=torch.full_like(source.state.rewards, torch.inf))
    with pytest.raises(TastemakerError, match="lower learning_rate"):
        policy.epoch(source._replace(state=spoilt))
    kept = tensors_of(policy)
    weights = [key for key in before if key.startswith("network.")]
    assert weights
    assert all(kept[key].isfinite().all() for key in weights)
    assert policy.epochs_done == 0


@pytest.mark.parametrize("name", ["cql", "dt"])
def test_a_buffer_without_turns_is_refused(scenario: Scenario, name: str) -> None:
    policy = create(name, scenario)
    nothing = transitions(scenario, policy.config).rows(torch.zeros(0, dtype=torch.int64))
    with pytest.raises(InputError, match="no turns to learn from"):
        policy.epoch(nothing)


def test_the_state_of_another_policy_is_refused(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="another policy"):
        create("cql", scenario).load_state(*create("sqn", scenario).state())
    with pytest.raises(InputError, match="other sizes"):
        create("cql", scenario, hidden_size=8).load_state(*create("cql", scenario).state())


def test_the_target_follows_by_its_rate(scenario: Scenario) -> None:
    policy = create("cql", scenario, steps=1, target_rate=0.25)
    before = tensors_of(policy)
    policy.epoch(transitions(scenario, policy.config))
    after = tensors_of(policy)
    name = "body.0.weight"
    expected = 0.75 * before[f"target.{name}"] + 0.25 * after[f"network.{name}"]
    assert not torch.equal(before[f"network.{name}"], after[f"network.{name}"])
    assert torch.allclose(after[f"target.{name}"], expected)


def test_returns_to_go_by_hand() -> None:
    reward = torch.tensor([1.0, 2.0, 3.0, 5.0, 7.0])
    done = torch.tensor([False, False, True, False, True])
    assert returns_to_go(reward, done).tolist() == [6, 5, 3, 12, 7]


def test_the_transformer_looks_at_no_later_turn_and_no_padding(scenario: Scenario) -> None:
    config = DecisionTransformerConfig(window=4, embedding_size=8, hidden_size=8)
    network = CausalTransformer(config, 3, 16)
    user = torch.tensor([2])
    items, rewards = torch.tensor([[16, 3, 5, 7]]), torch.tensor([[0.0, 1.0, 2.0, 4.0]])
    wanted = torch.tensor([10.0])
    base = network(State(user, items, rewards), wanted)
    # 7 and its reward of 4 come last: what is wanted before then stays as it was if 4 + 10 is 9 + 5
    later = network(
        State(user, torch.tensor([[16, 3, 5, 9]]), torch.tensor([[0.0, 1.0, 2.0, 9.0]])), wanted - 5
    )
    assert torch.allclose(base[:, :4], later[:, :4], atol=1e-6)
    assert not torch.allclose(base[:, 4], later[:, 4], atol=1e-4)
    network.items.weight.data[16] = 3.0
    padded = network(State(user, items, rewards), wanted)
    assert torch.allclose(base[:, 1:], padded[:, 1:], atol=1e-6)


def test_a_decision_transformer_shows_what_gives_the_return_that_is_wanted(scenario: Scenario) -> None:
    """Sessions of one turn in which item i earns i: whoever wants 12 is shown item 12."""
    policy = create("dt", scenario, batch_size=64, steps=120)
    action = torch.arange(16).repeat(20)
    n = len(action)
    source = Transitions(
        State(torch.arange(n) // 16 % 12, torch.full((n, 3), 16), torch.zeros(n, 3)),
        action,
        action.float(),
        torch.ones(n, dtype=torch.bool),
    )
    for _ in range(2):
        policy.epoch(source)
    observation: Observation = {
        "user": np.arange(12),
        "items": np.full((12, 3), -1, np.int32),
        "rewards": np.zeros((12, 3), np.float32),
        "turn": np.zeros(12, np.int32),
    }
    for wanted in (2, 7, 12):
        policy.network.wanted.fill_(wanted)
        chosen = policy.act(observation, None, np.random.default_rng(0))
        assert abs(chosen - wanted).max() <= 1
