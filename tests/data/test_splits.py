"""Splits: parts are disjoint and whole, sizes follow RecBole's rule, no part looks into another's future."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split, by_ratio, by_time, leave_last_out, make_split
from tastemaker.errors import InputError

Log = list[tuple[int, int, int]]
Draw = Callable[..., Dataset]

logs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 12)), min_size=1, max_size=60)
ratio_triples = st.tuples(st.floats(0.05, 1), st.floats(0, 1), st.floats(0, 1))


def rows(dataset: Dataset) -> list[tuple[int, int, int, float]]:
    assert dataset.rating is not None
    return list(
        zip(*(a.tolist() for a in (dataset.user, dataset.item, dataset.time, dataset.rating)), strict=True)
    )


def check_whole(split: Split, dataset: Dataset) -> None:
    parts = [rows(part) for part in (split.train, split.valid, split.test)]
    assert Counter(parts[0] + parts[1] + parts[2]) == Counter(rows(dataset))
    for part in (split.train, split.valid, split.test):
        assert part.users.equals(dataset.users)
        assert part.items.equals(dataset.items)


def recbole_sizes(n: int, ratios: tuple[float, float, float]) -> list[int]:
    """The rule as RecBole's documentation and behaviour give it, for one user, in plain loops."""
    shares = [ratio / sum(ratios) for ratio in ratios]
    sizes = [0, int(shares[1] * n + 1e-9), int(shares[2] * n + 1e-9)]
    sizes[0] = n - sizes[1] - sizes[2]
    for part in (2, 1):
        if sizes[0] <= 1:
            break
        if 0 < shares[part] * n < 1 and sizes[part] == 0:
            sizes[part] += 1
            sizes[0] -= 1
    return sizes


@given(logs, ratio_triples, st.integers(0, 9))
def test_ratio_keeps_everything_once_and_train_for_each_user(
    dataset_of: Draw, log: Log, ratios: tuple[float, float, float], seed: int
) -> None:
    dataset = dataset_of(log)
    split = by_ratio(dataset, ratios, seed)
    check_whole(split, dataset)
    for user in set(dataset.user.tolist()):
        n = int((dataset.user == user).sum())
        sizes = [int((part.user == user).sum()) for part in (split.train, split.valid, split.test)]
        assert sizes == recbole_sizes(n, ratios)
        assert sizes[0] >= 1 or ratios[0] / sum(ratios) * n < 1


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, [1, 0, 0]),
        (2, [1, 0, 1]),
        (3, [1, 1, 1]),
        (5, [3, 1, 1]),
        (10, [8, 1, 1]),
        (19, [17, 1, 1]),
        (20, [16, 2, 2]),
    ],
)
def test_ratio_sizes_worked_by_hand(dataset_of: Draw, n: int, expected: list[int]) -> None:
    dataset = dataset_of([(0, i % 9, i) for i in range(n)])
    split = by_ratio(dataset)
    assert [len(part) for part in (split.train, split.valid, split.test)] == expected


def test_ratio_repeats_under_a_seed_and_changes_with_it(toy: Dataset) -> None:
    same, again, other = by_ratio(toy, seed=3), by_ratio(toy, seed=3), by_ratio(toy, seed=4)
    assert rows(same.train) == rows(again.train)
    assert rows(same.train) != rows(other.train)
    assert same.protocol == "ratio 0.8/0.1/0.1 within user, seed 3"


def test_ratio_draws_each_interaction_equally_often(dataset_of: Draw) -> None:
    dataset = dataset_of([(0, i, i) for i in range(9)])
    drawn = Counter(
        int(item) for seed in range(2000) for item in by_ratio(dataset, (8, 0, 1), seed).test.item
    )
    expected = 2000 / 9
    assert (
        sum((drawn[i] - expected) ** 2 / expected for i in range(9)) < 26.1
    )  # chi-squared, 8 degrees, p = 0.001


@given(logs)
def test_leave_last_out_holds_the_last(dataset_of: Draw, log: Log) -> None:
    dataset = dataset_of(log)
    split = leave_last_out(dataset)
    check_whole(split, dataset)
    for user, n in Counter(dataset.user.tolist()).items():
        train, valid, test = (part.time[part.user == user] for part in (split.train, split.valid, split.test))
        assert (len(train), len(valid), len(test)) == (max(n - 2, 1), int(n >= 3), int(n >= 2))
        assert all(a.max() <= b.min() for a, b in pairwise([p for p in (train, valid, test) if len(p)]))


@given(logs, st.floats(0, 0.4), st.floats(0.05, 0.5))
def test_time_never_looks_ahead(dataset_of: Draw, log: Log, valid: float, test: float) -> None:
    dataset = dataset_of(log)
    try:
        split = by_time(dataset, valid, test)
    except InputError:
        return
    check_whole(split, dataset)
    times = [part.time for part in (split.train, split.valid, split.test) if len(part)]
    assert all(before.max() < after.min() for before, after in pairwise(times))
    assert len(split.test) >= max(round(len(dataset) * test), 1)


def test_time_worked_by_hand(toy: Dataset) -> None:
    """Of 22 interactions the latest 4 go to test and 2 to valid, of which one ties with a third."""
    split = by_time(toy)
    assert sorted(split.test.time.tolist()) == [850, 900, 950, 1000]
    assert sorted(split.valid.time.tolist()) == [700, 700, 800]
    assert len(split.train) == 15


def test_ties_go_to_the_later_part(dataset_of: Draw) -> None:
    split = by_time(dataset_of([(0, 0, 1), (0, 1, 1), (0, 2, 5), (0, 3, 5), (0, 4, 5), (0, 5, 5)]), 0, 0.2)
    assert split.train.time.tolist() == [1, 1]
    assert split.test.time.tolist() == [5, 5, 5, 5]


def test_refusals_say_what_to_do(dataset_of: Draw, toy: Dataset) -> None:
    unordered = dataset_of([(0, 0, 0), (0, 1, 0)], "none")
    for kind, dataset, text in (
        ("thirds", toy, "there are ratio, last, time"),
        ("last", unordered, "use the split 'ratio'"),
        ("time", unordered, "use the split 'ratio' or 'last'"),
        ("time", dataset_of([(0, 0, 7), (1, 1, 7)]), "too few distinct moments"),
    ):
        with pytest.raises(InputError, match=text):
            make_split(dataset, kind, 0)
    with pytest.raises(InputError, match="train needs a share"):
        by_ratio(toy, (0, 1, 1))


def test_real_data_sizes(ml100k: Dataset) -> None:
    split = make_split(ml100k, "ratio", 0)
    check_whole(split, ml100k)
    sizes = np.sum([recbole_sizes(int(n), (0.8, 0.1, 0.1)) for n in np.diff(ml100k.user_ptr)], axis=0)
    assert [len(split.train), len(split.valid), len(split.test)] == sizes.tolist()
