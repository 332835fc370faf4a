from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.policies.ope import Rewards, effective_n, estimate, per_decision, popularity_propensities

LOGGING = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
TARGET = np.array([[0.1, 0.3, 0.6], [0.5, 0.25, 0.25]])
MEAN = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 2.0]])
TRUTH = float((TARGET * MEAN).sum(1).mean())


def logged(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Contexts, items drawn by `LOGGING`, and rewards that scatter about `MEAN`."""
    rng = np.random.default_rng(seed)
    context = rng.integers(2, size=n)
    item = (rng.random(n)[:, None] > LOGGING[context].cumsum(1)).sum(1)
    return context, item, MEAN[context, item] + rng.normal(0, 0.5, n)


def model_of(context: NDArray[np.int64], item: NDArray[np.int64], table: NDArray[np.float64]) -> Rewards:
    return Rewards(table[context, item], (TARGET * table).sum(1)[context])


def test_worked_by_hand() -> None:
    reward, logging, target = [1.0, 0.0, 5.0], [0.5, 0.25, 0.2], [0.25, 0.5, 0.1]  # weights .5, 2, .5
    assert estimate("ips", reward, logging, target).value == pytest.approx((0.5 + 0 + 2.5) / 3)
    assert estimate("snips", reward, logging, target).value == pytest.approx(3.0 / 3.0)
    model = Rewards(np.array([2.0, 1.0, 4.0]), np.array([1.0, 1.0, 2.0]))
    assert estimate("dr", reward, logging, target, model=model).value == pytest.approx((0.5 - 1.0 + 2.5) / 3)
    assert estimate("ips", reward, logging, target, clip=1.0).value == pytest.approx((0.5 + 0 + 2.5) / 3)
    assert estimate("ips", reward, logging, target).effective_n == pytest.approx(9 / 4.5)


def test_normal_interval_worked_by_hand() -> None:
    found = estimate("ips", [1.0, 3.0], [0.5, 0.5], [0.5, 0.5], interval="normal")
    reach = 1.959964 * np.sqrt(2) / np.sqrt(2)
    assert (found.low, found.high) == pytest.approx((2 - reach, 2 + reach), abs=1e-5)


def simulated(method: str, table: NDArray[np.float64], logging: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of 200 logs of 200 turns, told with the model `table` and the probabilities `logging`."""
    values = []
    for seed in range(200):
        context, item, reward = logged(200, seed)
        found = estimate(
            method,  # type: ignore[arg-type]
            reward,
            logging[context, item],
            TARGET[context, item],
            model=model_of(context, item, table),
            interval="normal",
        )
        values.append(found.value)
    return np.array(values)


def test_ips_and_dr_are_unbiased_and_a_good_model_lowers_the_variance() -> None:
    wrong_model, wrong_logging = np.full((2, 3), 2.0), np.full((2, 3), 1 / 3)
    ips = simulated("ips", MEAN, LOGGING)
    dr = simulated("dr", MEAN, LOGGING)
    for values in (
        ips,
        dr,
        simulated("dr", wrong_model, LOGGING),
        simulated("dr", MEAN, wrong_logging),
        simulated("snips", MEAN, LOGGING),
    ):
        assert abs(values.mean() - TRUTH) < 4 * values.std() / 200**0.5 + 0.01
    assert dr.std() < 0.6 * ips.std()
    assert abs(simulated("ips", MEAN, wrong_logging).mean() - TRUTH) > 0.1


@pytest.mark.parametrize("interval", ["bootstrap", "normal"])
@pytest.mark.parametrize("method", ["ips", "snips", "dr"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(method: str, interval: str) -> None:
    covered = 0
    for seed in range(100):
        context, item, reward = logged(200, 1000 + seed)
        found = estimate(
            method,  # type: ignore[arg-type]
            reward,
            LOGGING[context, item],
            TARGET[context, item],
            model=model_of(context, item, np.full((2, 3), 2.0)),
            interval=interval,  # type: ignore[arg-type]
            confidence=0.9,
            resamples=100,
            seed=seed,
        )
        assert found.low <= found.value <= found.high
        covered += found.low <= TRUTH <= found.high
    assert 0.78 <= covered / 100 <= 0.98


@given(st.floats(-50, 50), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_snips_moves_with_the_rewards_and_stays_in_their_range(shift: float, seed: int) -> None:
    context, item, reward = logged(30, seed)
    probabilities = LOGGING[context, item], TARGET[context, item]
    plain = estimate("snips", reward, *probabilities, interval="normal").value
    moved = estimate("snips", reward + shift, *probabilities, interval="normal").value
    assert moved == pytest.approx(plain + shift, abs=1e-8)
    assert reward.min() - 1e-9 <= plain <= reward.max() + 1e-9


def test_the_logging_policy_itself_is_worth_the_mean_reward() -> None:
    context, item, reward = logged(50, 3)
    p = LOGGING[context, item]
    for method in ("ips", "snips"):
        found = estimate(method, reward, p, p)
        assert found.value == pytest.approx(reward.mean())
        assert found.effective_n == pytest.approx(50)


def test_effective_n_worked_by_hand() -> None:
    assert effective_n(np.array([1.0, 1.0, 0.0, 0.0])) == 2
    assert effective_n(np.zeros(3)) == 0


def test_per_decision_worked_by_hand() -> None:
    session = np.array([4, 4, 2])
    found = per_decision([1.0, 2.0, 3.0], [0.5, 0.5, 0.2], [0.25, 1.0, 0.4], session, gamma=0.5)
    first, second = 0.5 * 1 + 0.5 * 2.0 * 2 * 0.5, 2 * 3
    assert found.value == pytest.approx((first + second) / 2)
    assert found.effective_n == pytest.approx((1 + 2) ** 2 / (1 + 4))


def test_per_decision_finds_the_true_return_of_two_turns() -> None:
    rng = np.random.default_rng(0)
    n, logging, target, reward_of = 20_000, np.array([0.8, 0.2]), np.array([0.4, 0.6]), np.array([1.0, 3.0])
    first, second = (rng.random(n) < logging[1]).astype(int), (rng.random(n) < logging[1]).astype(int)
    items = np.stack([first, second], 1)
    rewards = np.stack([reward_of[first], reward_of[second] * (1 + first)], 1).ravel()
    found = per_decision(
        rewards, logging[items].ravel(), target[items].ravel(), np.repeat(np.arange(n), 2), resamples=100
    )
    mean = target @ reward_of
    truth = mean + mean * (1 + target[1])
    assert found.low < truth < found.high


def test_popularity_propensities_worked_by_hand() -> None:
    found = popularity_propensities(np.array([0, 0, 2]), 3, smoothing=1.0)
    assert found == pytest.approx([3 / 6, 3 / 6, 2 / 6])


@pytest.mark.parametrize(
    ("method", "reward", "logging", "target", "message"),
    [
        ("ips", [1.0, np.nan], [0.5, 0.5], [0.5, 0.5], "rewards hold values that are not finite"),
        ("ips", [1.0], [0.5, 0.5], [0.5, 0.5], "one number for each"),
        ("ips", [], [], [], "one number for each"),
        ("ips", [1.0, 1.0], [0.5, 0.0], [0.5, 0.5], "logging probability 0 of turn 1"),
        ("ips", [1.0, 1.0], [0.5, 0.5], [1.5, 0.5], "target probability 1.5 of turn 0"),
        ("dr", [1.0], [0.5], [0.5], "needs a model"),
        ("snips", [1.0], [0.5], [0.0], "none of the logged items"),
    ],
)
def test_what_does_not_fit_is_refused(
    method: str, reward: list[float], logging: list[float], target: list[float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        estimate(method, reward, logging, target)  # type: ignore[arg-type]


def test_sessions_that_are_interrupted_are_refused() -> None:
    with pytest.raises(InputError, match="stand together"):
        per_decision([1.0] * 3, [0.5] * 3, [0.5] * 3, np.array([0, 1, 0]))
