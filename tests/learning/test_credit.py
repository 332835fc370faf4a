"""Credit beside double loops, numbers worked by hand, and what must hold of any batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tastemaker.errors import InputError
from tastemaker.learning.credit import (
    CreditConfig,
    Estimator,
    KLConfig,
    Rollout,
    Turn,
    group_outcome,
    kl_penalty,
    lay_out,
    next_kl_weight,
    outcome,
    rollout_of,
    token_gae,
    turn_gae,
    turn_group,
    turn_rewards,
    utterance,
)
from tastemaker.records import Outcome, Step, Task, Trajectory

PLAIN = CreditConfig(normalise=False)


def rollout(
    turns: Sequence[tuple[int, dict[str, float]]], *, group: str = "task", gaps: Sequence[int] = ()
) -> Rollout:
    """Turns of so many tokens, each after a gap (7 tokens unless told), and three tokens at the end."""
    place, made = 0, []
    for number, (size, rewards) in enumerate(turns):
        place += gaps[number] if gaps else 7
        made.append(Turn(place, place + size, rewards))
        place += size
    return Rollout(group, place + 3, tuple(made))


@st.composite
def batches(draw: st.DrawFn) -> list[Rollout]:
    """Rollouts of some tasks, with as many turns and tokens as it comes, and rewards of all kinds."""
    found = []
    score = st.sampled_from([0.0, 0.4, 1.0])
    for _ in range(draw(st.integers(1, 7))):
        steps: list[tuple[int, dict[str, float]]] = [
            (draw(st.integers(1, 4)), {"success": draw(score), "contribution": draw(score)})
            for _ in range(draw(st.integers(0, 3)))
        ]
        turns = [*steps, (draw(st.integers(1, 4)), {"outcome": draw(score)})]
        found.append(rollout(turns, group=draw(st.sampled_from("ab"))))
    return found


def drawn(size: int) -> Tensor:
    return torch.randn(size, dtype=torch.float64, generator=torch.Generator().manual_seed(size))


def slow_gae(rewards: Sequence[float], values: Sequence[float], gamma: float, lam: float) -> list[float]:
    """Equation 16 as a double sum over what is to come."""
    values = [*values, 0.0]
    change = [r + gamma * values[t + 1] - values[t] for t, r in enumerate(rewards)]
    return [
        sum((gamma * lam) ** (later - t) * change[later] for later in range(t, len(change)))
        for t in range(len(change))
    ]


@settings(deadline=None, max_examples=15)
@given(batches(), st.sampled_from([0.0, 0.9, 1.0]), st.sampled_from([0.0, 0.5, 1.0]))
def test_turn_advantages_are_those_of_a_double_loop(
    rollouts: list[Rollout], gamma: float, lam: float
) -> None:
    config = CreditConfig(gamma=gamma, gae_lambda=lam, normalise=False)
    batch = lay_out(rollouts, config)
    values = drawn(len(batch.turn_tokens))
    found = turn_gae(batch, values, config)
    expected: list[float] = []
    for one, said in zip(rollouts, values.split(batch.rollout_turns.tolist()), strict=True):
        by_turn = slow_gae(turn_rewards(one, config), said.tolist(), gamma, lam)
        expected += [
            worth for turn, worth in zip(one.turns, by_turn, strict=True) for _ in range(turn.start, turn.end)
        ]
    np.testing.assert_allclose(found.advantages.numpy(), expected, atol=1e-12)
    assert found.returns is not None
    np.testing.assert_allclose(
        found.returns.numpy(), (found.advantages[batch.last] + values).numpy(), atol=1e-12
    )


@settings(deadline=None, max_examples=15)
@given(batches(), st.sampled_from([0.9, 1.0]), st.sampled_from([0.0, 0.5, 1.0]))
def test_token_advantages_are_those_of_a_double_loop(
    rollouts: list[Rollout], gamma: float, lam: float
) -> None:
    config = CreditConfig(gamma=gamma, gae_lambda=lam, normalise=False)
    batch = lay_out(rollouts, config)
    values = drawn(len(batch.rewards))
    expected: list[float] = []
    for one, said in zip(rollouts, batch.split(values), strict=True):
        rewards: list[float] = []
        for turn, reward in zip(one.turns, turn_rewards(one, config), strict=True):
            rewards += [0.0] * (turn.end - turn.start - 1) + [reward]
        expected += slow_gae(rewards, said.tolist(), gamma, lam)
    np.testing.assert_allclose(token_gae(batch, values, config).advantages.numpy(), expected, atol=1e-12)


@settings(deadline=None, max_examples=15)
@given(batches())
def test_without_a_critic_a_turn_is_compared_with_the_other_tries(rollouts: list[Rollout]) -> None:
    batch = lay_out(rollouts, PLAIN)
    zeros = [0.0] * 9
    returns = [
        slow_gae(r, zeros[: len(r)], 0.99, 1.0) for r in (turn_rewards(one, PLAIN) for one in rollouts)
    ]
    expected = []
    for i, one in enumerate(rollouts):
        others = [returns[j] for j in range(len(rollouts)) if j != i and rollouts[j].group == one.group]
        for k, turn in enumerate(one.turns):
            here = [other[k] for other in others if k < len(other)] or [other[0] for other in others]
            worth = returns[i][k] - sum(here) / len(here) if here else 0.0
            expected += [worth] * (turn.end - turn.start)
    np.testing.assert_allclose(turn_group(batch, None, PLAIN).advantages.numpy(), expected, atol=1e-12)


ESTIMATORS: list[tuple[Estimator, str]] = [
    (turn_gae, "turn"),
    (turn_group, "none"),
    (group_outcome, "none"),
    (token_gae, "token"),
    (utterance, "turn"),
]


def values_for(rollouts: Sequence[Rollout], kind: str, numbers: Sequence[int]) -> Tensor | None:
    """Values that depend on the rollout's number and place alone."""
    if kind == "none":
        return None
    sizes = [one.sampled if kind == "token" else len(one.turns) for one in rollouts]
    pairs = zip(sizes, numbers, strict=True)
    return torch.cat([torch.sin(torch.arange(size, dtype=torch.float64) + n) for size, n in pairs])


@pytest.mark.parametrize(("estimator", "kind"), ESTIMATORS)
@settings(deadline=None, max_examples=12)
@given(rollouts=batches(), seed=st.integers(0, 99))
def test_the_order_of_rollouts_means_nothing(
    estimator: Estimator, kind: str, rollouts: list[Rollout], seed: int
) -> None:
    config = CreditConfig()
    order = np.random.default_rng(seed).permutation(len(rollouts)).tolist()
    mixed = [rollouts[n] for n in order]
    straight, other = lay_out(rollouts, config), lay_out(mixed, config)
    numbers = range(len(rollouts))
    before = straight.split(estimator(straight, values_for(rollouts, kind, numbers), config).advantages)
    after = other.split(estimator(other, values_for(mixed, kind, order), config).advantages)
    for n, part in zip(order, after, strict=True):
        np.testing.assert_allclose(part.numpy(), before[n].numpy(), atol=1e-6)


@pytest.mark.parametrize(("estimator", "kind"), ESTIMATORS)
@settings(deadline=None, max_examples=12)
@given(rollouts=batches(), gap=st.integers(1, 400))
def test_the_length_of_observations_means_nothing(
    estimator: Estimator, kind: str, rollouts: list[Rollout], gap: int
) -> None:
    config = CreditConfig()
    longer = []
    for one in rollouts:
        sizes = [(turn.end - turn.start, dict(turn.rewards)) for turn in one.turns]
        longer.append(rollout(sizes, group=one.group, gaps=[gap * (n + 1) for n in range(len(sizes))]))
    found = []
    for some in (rollouts, longer):
        batch = lay_out(some, config)
        values = values_for(some, kind, range(len(some)))
        found.append(estimator(batch, values, config).advantages)
    assert torch.equal(*found)


@pytest.mark.parametrize(("estimator", "kind"), [(e, k) for e, k in ESTIMATORS if e is not utterance])
def test_the_final_reward_reaches_every_turn(estimator: Estimator, kind: str) -> None:
    turns: list[tuple[int, dict[str, float]]] = [(20, {"success": 1.0}), (30, {"success": 1.0})]
    won, lost = ([*turns, (10, {"outcome": score})] for score in (1.0, 0.0))
    gaps = [50, 300, 300]
    lost_twice, won_once = (
        lay_out([rollout(last, gaps=gaps), rollout(lost, gaps=gaps)], PLAIN) for last in (lost, won)
    )
    values = values_for([rollout(won), rollout(lost)], kind, [0, 1])
    change = estimator(won_once, values, PLAIN).advantages - estimator(lost_twice, values, PLAIN).advantages
    by_turn = change[won_once.first][:3]
    assert (by_turn > 0.02).all()


def released(rollouts: Sequence[Rollout], gamma: float, lam: float) -> list[list[float]]:
    """Generalised advantages by token, through observations, as in the released code; values are 0."""
    found = []
    for one in rollouts:
        rewards = [0.0] * one.length
        for turn, reward in zip(one.turns, turn_rewards(one, PLAIN), strict=True):
            rewards[turn.end - 1] = reward
        advantage, carried = [0.0] * one.length, 0.0
        for t in reversed(range(one.length)):
            carried = rewards[t] + gamma * lam * carried
            advantage[t] = carried
        found.append(advantage)
    return found


def test_credit_that_fades_in_observations_does_not_fade_here() -> None:
    one = rollout([(60, {}), (60, {"outcome": 1.0})], gaps=[100, 300])
    batch = lay_out([one], PLAIN)
    last = one.turns[0].end - 1
    assert released([one], 0.99, 0.95)[0][last] == pytest.approx(2.6e-10, rel=0.02)
    by_token = one.on_dialogue(token_gae(batch, None, PLAIN).advantages)
    assert float(by_token[last]) == pytest.approx((0.99 * 0.95) ** 60)
    by_turn = one.on_dialogue(turn_gae(batch, None, PLAIN).advantages)
    assert float(by_turn[last]) == pytest.approx(0.99 * 0.95)


@settings(deadline=None, max_examples=20)
@given(batches())
def test_a_mask_holds_the_sampled_tokens_and_nothing_else(rollouts: list[Rollout]) -> None:
    batch = lay_out(rollouts, PLAIN)
    parts = batch.split(torch.ones_like(batch.rewards))
    for one, part in zip(rollouts, parts, strict=True):
        whole = one.on_dialogue(part)
        assert len(whole) == one.length
        assert int(one.mask().sum()) == int(whole.sum()) == one.sampled
        inside = {place for turn in one.turns for place in range(turn.start, turn.end)}
        assert set(one.mask().nonzero()[:, 0].tolist()) == inside
    assert batch.rewards.sum().item() == pytest.approx(batch.turn_rewards.sum().item())
    assert int(batch.ends.sum()) == len(rollouts)


def test_scaling_is_over_all_turns_however_long() -> None:
    rollouts = [rollout([(1, {"outcome": 1.0})]), rollout([(50, {"success": 1.0}), (9, {"outcome": 0.0})])]
    batch = lay_out(rollouts, CreditConfig())
    by_turn = turn_gae(batch, None, CreditConfig()).advantages[batch.first].numpy()
    raw = np.array([1.0, 0.2, 0.0])
    np.testing.assert_allclose(by_turn, (raw - raw.mean()) / raw.std(), atol=1e-6)


def test_a_task_tried_once_teaches_nothing_without_a_critic() -> None:
    rollouts = [
        rollout([(2, {"outcome": score})], group=group) for group, score in [("a", 1), ("b", 1), ("b", 0)]
    ]
    for estimator in (turn_group, group_outcome):
        batch = lay_out(rollouts, CreditConfig())
        assert estimator(batch, None, CreditConfig()).advantages[:2].tolist() == [0, 0]


def test_grpo_by_hand() -> None:
    scores = [("a", 1.0), ("b", 0.5), ("a", 0.0), ("b", 0.5), ("a", 0.0)]
    rollouts = [rollout([(1, {}), (2, {"outcome": s})], group=g) for g, s in scores]
    batch = lay_out(rollouts, PLAIN, steps=False)
    found = [part.tolist() for part in batch.split(group_outcome(batch, None, PLAIN).advantages)]
    deviation = math.sqrt(((2 / 3) ** 2 + 2 * (1 / 3) ** 2) / 2)
    for part, expected in zip(found, [2 / 3, 0, -1 / 3, 0, -1 / 3], strict=True):
        assert part == pytest.approx([expected / deviation] * 3, abs=1e-5)


@settings(deadline=None, max_examples=15)
@given(batches())
def test_steps_add_no_more_than_their_weights(rollouts: list[Rollout]) -> None:
    for one in rollouts:
        steps = sum(turn_rewards(one, PLAIN)) - outcome(one, PLAIN)
        assert -1e-12 <= steps <= 0.4 + 1e-12


def test_step_rewards_by_hand() -> None:
    one = rollout([(2, {"success": 1.0, "contribution": 0.4}), (3, {"success": 0.0}), (4, {"outcome": 0.5})])
    assert turn_rewards(one, PLAIN) == pytest.approx([(0.2 + 0.08) / 2, 0, 0.5])
    assert turn_rewards(one, PLAIN, steps=False) == [0, 0, 0.5]
    summed = CreditConfig(step_rewards="sum", step_weights={"success": 1.0, "contribution": 0.0})
    assert turn_rewards(one, summed) == [1.0, 0, 0.5]


def test_one_more_call_that_succeeds_earns_nothing() -> None:
    call: tuple[int, dict[str, float]] = (2, {"success": 1.0})
    end: tuple[int, dict[str, float]] = (2, {"outcome": 1.0})
    worth = [sum(turn_rewards(rollout([*[call] * n, end]), PLAIN)) for n in (1, 2, 9)]
    assert worth == pytest.approx([1.2] * 3)


def test_a_reward_without_a_weight_is_refused() -> None:
    with pytest.raises(InputError, match="'sucess' has no weight"):
        lay_out([rollout([(1, {"sucess": 1.0})])], PLAIN)


@pytest.mark.parametrize(
    "turns", [(), ((0, 2),), ((3, 3),), ((2, 4), (3, 5)), ((4, 5), (2, 3)), ((5, 11),), ((5, 4),)]
)
def test_turns_that_cannot_be_are_refused(turns: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(InputError, match="turns must"):
        Rollout("task", 10, tuple(Turn(start, end, {}) for start, end in turns))


def trajectory(*steps: Step) -> Trajectory:
    return Trajectory(
        id="t1", task=Task(kind="tool", id="task 4"), steps=steps, outcome=Outcome(kind="answered")
    )


def test_a_run_becomes_turns_where_it_sampled() -> None:
    first = Step(prompt_ids=(5, 6, 7), token_ids=(8, 9), rewards={"success": 1.0})
    unread = Step(error="your output could not be read")
    second = Step(prompt_ids=(5, 6, 7, 8, 9, 1, 1, 1), token_ids=(3,), rewards={"outcome": 0.5})
    found = rollout_of(trajectory(first, unread, second))
    assert found == Rollout("task 4", 9, (Turn(3, 5, {"success": 1.0}), Turn(8, 9, {"outcome": 0.5})))


def test_a_run_that_was_tokenised_anew_is_refused() -> None:
    first = Step(prompt_ids=(5, 6, 7), token_ids=(8, 9))
    second = Step(prompt_ids=(5, 6, 7, 89, 1, 1), token_ids=(3,))
    with pytest.raises(InputError, match="prompt of step 2"):
        rollout_of(trajectory(first, second))
    with pytest.raises(InputError, match="nothing to learn"):
        rollout_of(trajectory(Step(error="unread")))
    with pytest.raises(InputError, match="no sampled tokens"):
        rollout_of(trajectory(first, Step(error="unread", rewards={"outcome": 0.0})))


def test_the_penalty_makes_leaving_the_reference_dear() -> None:
    batch = lay_out([rollout([(2, {}), (1, {"outcome": 1.0})])], PLAIN)
    old = torch.tensor([-1.0, -2.0, -0.5], dtype=torch.float64)
    reference = torch.tensor([-1.5, -2.0, -0.1], dtype=torch.float64)
    shaped = batch.with_penalty(kl_penalty(old, reference, 0.3))
    assert shaped.rewards.tolist() == pytest.approx([-0.15, 0, 1.12])
    assert shaped.turn_rewards.tolist() == pytest.approx([-0.15, 1.12])
    assert batch.rewards.tolist() == [0, 0, 1]


def test_the_weight_of_the_divergence_is_steered() -> None:
    config = KLConfig()
    assert next_kl_weight(config, 0.3, 6.0, 64) == 0.3
    assert next_kl_weight(config, 0.3, 6.6, 500) == pytest.approx(0.3 * (1 + 0.1 * 0.05))
    assert next_kl_weight(config, 0.3, 60.0, 500) == pytest.approx(0.3 * 1.01)
    assert next_kl_weight(config, 0.3, 0.0, 500) == pytest.approx(0.3 * 0.99)
    assert next_kl_weight(KLConfig(target=None), 0.3, 60.0, 500) == 0.3
    weight, divergence = 0.3, 20.0
    for _ in range(3000):
        divergence = 3.0 / weight  # the dearer, the less
        weight = next_kl_weight(config, weight, divergence, 64)
    assert divergence == pytest.approx(6.0, rel=1e-3)


def test_archer_needs_its_critic() -> None:
    batch = lay_out([rollout([(2, {"outcome": 1.0})])], PLAIN)
    with pytest.raises(InputError, match="values are needed"):
        utterance(batch, None, PLAIN)
    spread = utterance(batch, torch.tensor([0.7]), PLAIN).advantages
    assert spread.tolist() == pytest.approx([0.7, 0.7])


def test_a_batch_is_left_as_it_was() -> None:
    batch = lay_out([rollout([(2, {"outcome": 1.0})])] * 2, PLAIN)
    kept = replace(batch, rewards=batch.rewards.clone())
    for estimator, _ in ESTIMATORS[:4]:
        estimator(batch, None, CreditConfig())
    assert torch.equal(batch.rewards, kept.rewards)
