from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.registry import official_split
from tastemaker.errors import InputError
from tastemaker.policies.baselines import NAMES, Avoiding, baseline, item_means
from tastemaker.policies.evaluation import Judge
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Mode, Observation

LINE = DistanceQuit(np.arange(5.0)[:, None], 1.5, 2)
"""Five items in a row: over an item or its neighbours a user quits, if it was among the last two."""


def seen(*windows: list[int]) -> Observation:
    items = np.array(windows, np.int32)
    n = len(items)
    return {
        "user": np.arange(n),
        "items": items,
        "rewards": np.zeros(items.shape, np.float32),
        "turn": np.zeros(n, np.int32),
    }


def log(user: list[int], item: list[int], rating: list[float] | None, n_users: int, n_items: int) -> Dataset:
    return Dataset.build(
        "tiny",
        pl.DataFrame({"id": [str(u) for u in range(n_users)]}),
        pl.DataFrame({"id": [str(i) for i in range(n_items)]}),
        np.array(user),
        np.array(item),
        rating=None if rating is None else np.array(rating, np.float32),
        source=Source("written by hand", "none"),
        rating_range=(1, 5),
    )


@pytest.fixture
def scenario() -> Scenario:
    """Two users, five items on a line; item 1 has most interactions, item 4 the best mean in the log."""
    truth = np.array([[5, 1, 1, 1, 2], [1, 1, 3, 1, 4.5]], np.float32)
    history = log([0, 0, 1, 1], [1, 4, 1, 0], [2, 5, 1, 2], 2, 5)
    return Scenario("tiny", history, truth, LINE, 4, "by hand")


def test_avoiding_takes_the_best_item_that_ends_no_session() -> None:
    policy = Avoiding("x", np.array([5.0, 4, 3, 2, 1]), LINE, 5)
    rng = np.random.default_rng(0)
    # windows: nothing; item 0 (0 and 1 punished); items 0 and 3 (all punished but none left: the best of all)
    got = policy.act(seen([-1, -1], [-1, 0], [0, 3]), None, rng)
    assert got.tolist() == [0, 2, 0]


def test_where_all_is_punished_the_best_allowed_item_is_taken() -> None:
    policy = Avoiding("x", np.array([5.0, 4, 3, 2, 1]), LINE, 5)
    allowed = np.array([[False, False, True, True, True], [False, False, False, True, True]])
    got = policy.act(seen([0, 3], [-1, 0]), allowed, np.random.default_rng(0))
    assert got.tolist() == [2, 3]


def test_the_window_may_be_longer_than_the_rule_looks() -> None:
    policy = Avoiding("x", np.array([5.0, 4, 3, 2, 1]), LINE, 5)
    assert policy.act(seen([0, 0, 4, 4]), None, np.random.default_rng(0)).tolist() == [0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["FreeB", "NX_0", "NX_3"])
def test_no_baseline_acts_a_banned_item(scenario: Scenario, name: str, mode: str) -> None:
    policy = baseline(name, scenario, Mode.parse(mode), scenario.truth)
    rng = np.random.default_rng(0)
    for _ in range(200):
        windows = rng.integers(-1, 5, (2, 2)).astype(np.int32)
        allowed = rng.random((2, 5)) < 0.3
        allowed[:, rng.integers(5)] = True
        chosen = policy.act(seen(*windows.tolist()), allowed, rng)
        assert allowed[[0, 1], chosen].all()


@pytest.mark.parametrize("name", ["random", "random-avoid"])
def test_random_ones_are_uniform_and_draw_for_each_user_alone(scenario: Scenario, name: str) -> None:
    policy = baseline(name, scenario, Mode.parse("FreeB"))
    rng = np.random.default_rng(0)
    start = seen(*[[-1, -1]] * 5000)
    start["user"] = np.zeros(5000, np.int64)
    for allowed in (None, np.ones((5000, 5), np.bool_)):
        counts = np.bincount(policy.act(start, allowed, rng), minlength=5)
        assert np.abs(counts / 5000 - 0.2).max() < 0.03


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("popularity-avoid", [1, 1]),
        ("item-mean-avoid", [4, 4]),
        ("user-model-avoid", [3, 0]),
        ("best-cycle", [4, 4]),
        ("oracle", [0, 4]),
    ],
)
def test_what_each_takes_first(scenario: Scenario, name: str, expected: list[int]) -> None:
    predicted = np.array([[0, 0, 0, 9, 0], [9, 0, 0, 0, 0]], np.float32)
    policy = baseline(name, scenario, Mode.parse("FreeB"), predicted)
    assert policy.act(seen([-1, -1], [-1, -1]), None, np.random.default_rng(0)).tolist() == expected


def test_nothing_is_avoided_where_nobody_quits(scenario: Scenario) -> None:
    rng = np.random.default_rng(0)
    free = baseline("oracle", scenario, Mode.parse("FreeB")).act(seen([-1, 0]), None, rng)
    kept = baseline("oracle", scenario, Mode.parse("NX_4")).act(seen([-1, 0]), None, rng)
    assert (free.tolist(), kept.tolist()) == ([4], [0])


def test_item_means_are_drawn_to_the_overall_mean(scenario: Scenario) -> None:
    overall = (2 + 5 + 1 + 2) / 4
    expected = [(2 + 5 * overall) / 6, (3 + 5 * overall) / 7, overall, overall, (5 + 5 * overall) / 6]
    assert item_means(scenario.log) == pytest.approx(expected)
    assert item_means(log([0, 0, 1], [1, 4, 1], None, 2, 5)).tolist() == [0, 2, 0, 0, 1]


def test_unknown_baseline(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="there are random, "):
        baseline("rand", scenario, Mode.parse("FreeB"))


@pytest.fixture(scope="module")
def coat(data_folder: Path) -> Scenario:
    path = data_folder / "coat" / "completed_ratings.ascii.gz"
    if not path.is_file():
        pytest.skip("TASTEMAKER_DATA has no completed matrix of Coat")
    with gzip.open(path, "rt") as file:
        matrix: NDArray[np.float32] = np.loadtxt(file).astype(np.float32)
    train = official_split("coat").train
    return Scenario("coat", train, matrix, DistanceQuit(matrix.T, 6, 7), 30, "completed")


@pytest.mark.parametrize(
    ("name", "reward", "length", "coverage"),
    [
        ("random", 26.35, 11.84, 1.0),
        ("random-avoid", 67.1, 30, 1.0),
        ("popularity-avoid", 72.6, 30, 0.027),
        ("best-cycle", 87.85, 30, 0.027),
        ("oracle", 93.6, 30, 0.353),
    ],
)
def test_coat_by_another_simulation(
    coat: Scenario, name: str, reward: float, length: float, coverage: float
) -> None:
    """Figures of 5,000 sessions of users drawn at random, by a script of its own over the same matrix."""
    found = (
        Judge(coat)
        .evaluate(baseline(name, coat, Mode.parse("FreeB")), rounds=4 if name == "random" else 1)
        .means()
    )
    assert found["reward"] == pytest.approx(reward, rel=0.03)
    assert found["length"] == pytest.approx(length, rel=0.03)
    assert found["coverage"] == pytest.approx(coverage, abs=0.001)
