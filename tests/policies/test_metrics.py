from __future__ import annotations

import numpy as np
import pytest

from tastemaker.policies import metrics

# two sessions among four items, the first of three turns, the second of one
ITEMS = np.array([[0, 2, 0, -1], [3, -1, -1, -1]], np.int32)


def test_lengths() -> None:
    assert metrics.lengths(ITEMS).tolist() == [3, 1]


def test_diversity_is_over_the_true_turns_alone() -> None:
    distances = np.arange(16.0).reshape(4, 4)
    distances = (distances + distances.T) * (1 - np.eye(4))
    # pairs (2, 0), (0, 0), (0, 2): 10, 0, 10
    expected = [20 / 3, 0]
    assert metrics.diversity(ITEMS, distances) == pytest.approx(expected)
    padded = np.pad(ITEMS, ((0, 0), (0, 5)), constant_values=-1)
    assert metrics.diversity(padded, distances) == pytest.approx(expected)


def test_surprise_is_finite_for_items_that_nobody_took() -> None:
    assert metrics.surprise(np.array([3, 0, 0, 1])) == pytest.approx([1, 3, 3, 2])


def test_novelty_is_the_mean_over_true_turns() -> None:
    assert metrics.novelty(ITEMS, np.array([1.0, 3, 3, 2])) == pytest.approx([(1 + 3 + 1) / 3, 2])


def test_coverage() -> None:
    assert metrics.coverage(ITEMS, 4) == pytest.approx(3 / 4)
    assert metrics.coverage(ITEMS, 300) == pytest.approx(3 / 300)


def test_gini_by_its_definition() -> None:
    counts = np.array([2, 0, 1, 1])
    apart = np.abs(counts[:, None] - counts).sum()
    assert metrics.gini(ITEMS, 4) == pytest.approx(apart / (2 * 4 * counts.sum()))
    assert metrics.gini(np.array([[0, 1, 2, 3]], np.int32), 4) == 0
    assert metrics.gini(np.array([[2, 2, 2]], np.int32), 4) == pytest.approx(3 / 4)


def test_distances_are_root_mean_squares_of_differences() -> None:
    truth = np.random.default_rng(0).normal(3, 1, (1500, 6)).astype(np.float32)
    truth[:, 5] = truth[:, 4]
    apart = truth[:, :, None].astype(np.float64) - truth[:, None]
    found = metrics.item_distances(truth)
    assert found == pytest.approx(np.sqrt((apart**2).mean(0)), abs=1e-6)
    assert found[4, 5] == 0


def test_interval_over_seeds_is_students() -> None:
    # mean 2, standard deviation 1, t(2 degrees of freedom) 4.3027
    found = metrics.over_seeds([1.0, 2.0, 3.0])
    assert found["mean"] == pytest.approx(2)
    assert found["high"] - 2 == pytest.approx(4.302653 / np.sqrt(3), rel=1e-5)
    assert 2 - found["low"] == pytest.approx(4.302653 / np.sqrt(3), rel=1e-5)
    assert metrics.over_seeds([1.5]) == {"mean": 1.5, "low": 1.5, "high": 1.5}
