"""Training rewards against numbers worked by hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import exp, log, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import NeverQuits
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.training_rewards import DrawnReward, SetEntropy, distances, training_reward
from tastemaker.simulation.user_model import UserModel
from tastemaker.simulation.world import World

MEAN = np.array([[1, 2, 4], [3, 5, 2]], np.float32)
LARGEST = np.array([[1, 0, 2], [0, 1, 0]], np.float32)
MODEL = UserModel(MEAN, LARGEST / np.float32(2), LARGEST, 1.0, 1)
USERS, ITEMS = np.array([0, 1, 1]), np.array([2, 0, 1])


def make_log(rows: list[tuple[int, int]], n_users: int = 2, n_items: int = 3) -> Dataset:
    return Dataset.build(
        "log",
        pl.DataFrame({"id": [str(u) for u in range(n_users)]}),
        pl.DataFrame({"id": [str(i) for i in range(n_items)]}),
        np.array([user for user, _ in rows]),
        np.array([item for _, item in rows]),
        source=Source("here", "none"),
    )


def scenario_of(rows: list[tuple[int, int]]) -> Scenario:
    return Scenario("log", make_log(rows), MEAN, NeverQuits(), 5, "by hand")


SCENARIO = scenario_of([(0, 0), (0, 1), (0, 0), (0, 2), (1, 0), (1, 1), (1, 2)])


def nothing(n: int, width: int) -> np.ndarray:
    return np.full((n, width), -1, np.int32)


def test_base_begins_at_zero() -> None:
    reward = training_reward("base", SCENARIO, MODEL)
    assert reward(USERS, ITEMS, nothing(3, 0)).tolist() == [3, 2, 4]


def test_mopo_takes_the_largest_variance_off() -> None:
    # r̂ − 0.5 σ²: [[.5, 2, 3], [3, 4.5, 2]], whose least is .5
    reward = training_reward("mopo", SCENARIO, MODEL, penalty=0.5)
    assert reward(USERS, ITEMS, nothing(3, 0)).tolist() == [2.5, 2.5, 4]


def test_dorl_adds_the_entropy_of_what_follows_in_the_log() -> None:
    # after {0}: 1, 2 and 1, after {1}: 0 and 2, after {2}: nothing; after {0, 1}: 0, 2 and 2
    third = log(3) - 2 / 3 * log(2)
    first = {0: third / log(3), 1: log(2) / log(3), 2: 0.0}
    reward = training_reward("dorl", SCENARIO, MODEL, penalty=0, bonus=4, longest=2)
    assert reward.n_recent == 1
    window = np.array([[-1], [1], [0]], np.int32)
    expected = [3 + 2 * first[2], 2 + 2 * (first[0] + third / log(3)), 4 + 2 * (first[1] + third / log(3))]
    np.testing.assert_allclose(reward(USERS, ITEMS, window), expected, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=25), st.integers(1, 3))
def test_entropy_of_sets_equals_counting(rows: list[tuple[int, int]], size: int) -> None:
    data = make_log(rows, 3, 4)
    after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for user in range(3):
        own = data.item[data.history(user)].tolist()
        for end in range(size, len(own)):
            after[tuple(sorted(own[end - size : end]))][own[end]] += 1
    entropy = SetEntropy(data, size)
    sets = np.array(np.meshgrid(*[np.arange(-1, 4)] * size)).reshape(size, -1).T
    for latest, found in zip(sets.tolist(), entropy(sets), strict=True):
        counts = after.get(tuple(sorted(latest)), Counter())
        share = [count / counts.total() for count in counts.values()]
        assert found == pytest.approx(-sum(p * log(p) for p in share) / log(4), abs=1e-6)


def test_cirs_divides_by_what_is_felt_of_earlier_items() -> None:
    # columns (1, 3), (2, 5), (4, 2), each less its user's mean, which leaves distances as they are
    d01, d02, d12 = sqrt(5), sqrt(10), sqrt(13)
    middle = (d01 + d02 + d12) / 3
    np.testing.assert_allclose(distances(MEAN)[0], [0, d01 / middle, d02 / middle], rtol=1e-6)
    reward = training_reward(
        "cirs", SCENARIO, MODEL, tau=2, n_recent=2, user_sensitivity=(1, 3), item_sensitivity=0.5
    )
    window = np.array([[-1, -1], [-1, 0], [0, 2]], np.int32)
    felt = [0.0, exp(0), exp(-2 * d01 / middle / 2) + exp(-1 * d12 / middle / 2)]
    expected = [3 / 1, 2 / (1 + 3 * 0.5 * felt[1]), 4 / (1 + 3 * 0.5 * felt[2])]
    np.testing.assert_allclose(reward(USERS, ITEMS, window), expected, rtol=1e-5)


def test_intrinsic_adds_distance_and_rarity() -> None:
    scenario = scenario_of([(0, 0), (0, 0), (0, 1), (1, 1)])
    reward = training_reward("intrinsic", scenario, MODEL, diversity=2, novelty=3, n_recent=2)
    d = distances(MEAN)
    window = np.array([[-1, -1], [-1, 1], [0, 2]], np.int32)
    expected = [
        3 + 3 * log(3 / 1),
        2 + 3 * log(3 / 2) + 2 * d[0, 1],
        4 + 3 * log(3 / 3) + 2 * (d[1, 0] + d[1, 2]) / 2,
    ]
    np.testing.assert_allclose(reward(USERS, ITEMS, window), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("best", {}, "there are base, mopo, dorl, cirs, intrinsic"),
        ("mopo", {"lambda": 1}, "its settings: penalty"),
        ("dorl", {"longest": 0}, "greater than or equal to 1"),
        ("cirs", {"user_sensitivity": (1, 2, 3)}, "user_sensitivity is one number or 2"),
    ],
)
def test_wrong_names_and_settings_are_told(name: str, setting: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        training_reward(name, SCENARIO, MODEL, **setting)


def test_users_are_drawn_anew_with_every_reset_around_the_prediction() -> None:
    mean = np.full((200, 50), 3.0, np.float32)
    deviation = np.linspace(0, 1, 50, dtype=np.float32) * np.ones((200, 1), np.float32)
    reward = DrawnReward(mean, deviation, (1.0, 5.0))
    world = World(reward, NeverQuits(), 200, max_turns=3, window=1)
    users, items = np.repeat(np.arange(200), 50), np.tile(np.arange(50), 200)
    nothing = np.zeros((len(users), 0), np.int32)

    def people(seed: int) -> NDArray[np.float32]:
        world.reset(seed=seed)
        world.step(np.zeros(200, np.int64))
        return reward(users, items, nothing).reshape(200, 50)

    first = people(0)
    np.testing.assert_array_equal(first, people(0))
    assert (first[:, 1:] != people(1)[:, 1:]).any()
    assert first.min() >= 1
    assert first.max() <= 5
    np.testing.assert_array_equal(first[:, 0], 3)
    np.testing.assert_allclose(first.std(0), deviation[0], atol=0.2)
    np.testing.assert_allclose(first.mean(0), 3, atol=0.3)
