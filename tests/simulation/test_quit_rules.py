"""Quit rules beside rules worked out item by item, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import CategoryQuit, DistanceQuit, NeverQuits

CATEGORIES = [["a"], ["a", "b"], ["b", "b"], [], ["c", "a", "b"]]


def windows(lists: list[list[int]], n_recent: int) -> NDArray[np.int32]:
    return np.array([[-1] * (n_recent - len(row)) + row for row in lists], np.int32).reshape(-1, n_recent)


rows = st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=4), st.integers(0, 4)), min_size=1, max_size=8)


@settings(deadline=None)
@given(rows, st.integers(0, 4), st.booleans())
def test_categories_are_counted_over_all_earlier_items(
    sessions: list[tuple[list[int], int]], threshold: int, transposed: bool
) -> None:
    rule = CategoryQuit(CATEGORIES, threshold, 4)
    window = windows([past for past, _ in sessions], 4)
    if transposed:
        window = np.asfortranarray(window)
    found = rule.quits(window, np.array([item for _, item in sessions]))
    for quits, (past, item) in zip(found, sessions, strict=True):
        assert quits == any(
            sum(category in CATEGORIES[old] for old in past) > threshold for category in set(CATEGORIES[item])
        )


@settings(deadline=None)
@given(rows, st.floats(0, 4), st.integers(0, 1000))
def test_distances_are_taken_to_all_earlier_items(
    sessions: list[tuple[list[int], int]], threshold: float, seed: int
) -> None:
    positions = np.random.default_rng(seed).normal(size=(5, 3))
    distances = cdist(positions, positions)
    rule = DistanceQuit(positions, threshold, 4)
    found = rule.quits(windows([past for past, _ in sessions], 4), np.array([item for _, item in sessions]))
    for quits, (past, item) in zip(found, sessions, strict=True):
        assert quits == any(distances[old, item] < threshold for old in past)


def test_the_window_at_the_first_turns_holds_every_earlier_item() -> None:
    """With t items played, t < n_recent, all t are compared: the window never begins before the session."""
    rule = DistanceQuit(np.array([[0.0], [10.0], [20.0], [30.0]]), 1.0, 7)
    past = [0, 1, 2]
    for length in range(4):
        window = windows([past[:length]], 7)
        for item in range(4):
            assert rule.quits(window, np.array([item]))[0] == (item in past[:length])


def test_an_item_is_near_to_itself_and_a_threshold_of_zero_is_never_met() -> None:
    positions = np.array([[1e8, 1.0], [1e8, 1.0], [1e8, 2.5]])
    same = np.arange(3)
    assert DistanceQuit(positions, 1e-9, 1).quits(same[:, None].astype(np.int32), same).all()
    assert not DistanceQuit(positions, 0, 1).quits(same[:, None].astype(np.int32), same).any()


def test_more_items_than_one_block_of_distances() -> None:
    positions = np.random.default_rng(0).normal(size=(1100, 2))
    rule = DistanceQuit(positions, 0.5, 1)
    np.testing.assert_array_equal(rule.near[:-1], cdist(positions, positions) < 0.5)
    assert not rule.near[-1].any()


def test_windows_of_more_than_255_items() -> None:
    rule = CategoryQuit([["a"]], 255, 256)
    assert rule.quits(np.zeros((1, 256), np.int32), np.array([0]))[0]
    assert not rule.quits(windows([[0] * 255], 256), np.array([0]))[0]


def test_nobody_quits() -> None:
    assert not NeverQuits().quits(np.zeros((3, 0), np.int32), np.array([0, 1, 2])).any()


def test_all_items_at_once_are_judged_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    categories = [[str(rng.integers(6)) for _ in range(rng.integers(3))] for _ in range(40)]
    for rule in (
        DistanceQuit(rng.normal(size=(40, 2)), 0.7, 3),
        CategoryQuit(categories, 1, 4),
        CategoryQuit(categories, 0, 4),
        NeverQuits(),
    ):
        recent = rng.integers(-1, 40, (30, rule.n_recent)).astype(np.int32)
        found = rule.all_quits(recent, 40)
        for item in range(40):
            assert np.array_equal(found[:, item], rule.quits(recent, np.full(30, item)))


def test_rules_say_what_they_are() -> None:
    assert NeverQuits().describe() == "nobody quits"
    assert "nearer than 6 " in DistanceQuit(np.eye(2), 6, 7).describe()
    assert "last 7" in DistanceQuit(np.eye(2), 6, 7).describe()
    assert "more than 1 times in the last 9" in CategoryQuit(CATEGORIES, 1, 9).describe()


def test_a_rule_without_categories_is_refused() -> None:
    nothing: list[list[list[str]]] = [[], [[], []]]
    for categories in nothing:
        with pytest.raises(InputError, match="no item of this world has any"):
            CategoryQuit(categories, 1, 9)


def test_wrong_settings_are_refused() -> None:
    line = np.arange(3.0)[:, None]
    for positions, threshold, n_recent, message in (
        (line * np.nan, 1.0, 1, "NaN"),
        (line, -1.0, 1, "at least 0"),
        (line, np.nan, 1, "at least 0"),
        (line, 1.0, 0, "1 or more of the latest items"),
        (line[:, 0], 1.0, 1, "table of items by dimensions"),
    ):
        with pytest.raises(InputError, match=message):
            DistanceQuit(positions, threshold, n_recent)
    with pytest.raises(InputError, match="at least 0"):
        CategoryQuit(CATEGORIES, -1, 3)
    with pytest.raises(InputError, match="1 or more"):
        CategoryQuit(CATEGORIES, 1, 0)
