"""Filters against brute force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.data.dataset import Dataset
from tastemaker.data.filters import k_core, latest_of_pairs
from tastemaker.errors import InputError

Log = list[tuple[int, int, int]]
Draw = Callable[..., Dataset]

logs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 12)), min_size=1, max_size=60)


def rows(dataset: Dataset) -> list[tuple[int, int, int, float]]:
    assert dataset.rating is not None
    return list(
        zip(*(a.tolist() for a in (dataset.user, dataset.item, dataset.time, dataset.rating)), strict=True)
    )


def named(dataset: Dataset) -> list[tuple[str, str, int, float]]:
    users, items = dataset.users["id"], dataset.items["id"]
    return sorted((users[u], items[i], t, r) for u, i, t, r in rows(dataset))


def brute_core(log: list[tuple[str, str, int, float]], k: int) -> list[tuple[str, str, int, float]]:
    while True:
        users, items = Counter(row[0] for row in log), Counter(row[1] for row in log)
        kept = [row for row in log if users[row[0]] >= k and items[row[1]] >= k]
        if len(kept) == len(log):
            return sorted(kept)
        log = kept


@given(logs, st.integers(1, 4))
def test_k_core_equals_brute_force(dataset_of: Draw, log: Log, k: int) -> None:
    dataset = dataset_of(log)
    expected = brute_core(named(dataset), k)
    if not expected:
        with pytest.raises(InputError, match="choose a smaller k"):
            k_core(dataset, k)
        return
    core = k_core(dataset, k)
    assert named(core) == expected
    assert set(core.users["id"]) == {row[0] for row in expected}
    assert set(core.items["id"]) == {row[1] for row in expected}


def test_k_core_keeps_the_catalogue_beside_its_items(toy: Dataset) -> None:
    core = k_core(toy, 2)
    assert "h" not in core.items["id"]
    assert core.items.filter(id="c")["title"].to_list() == ["Robots at Dawn"]
    assert "nil" not in core.users["id"]


def test_real_core_is_a_core(ml100k: Dataset) -> None:
    core = k_core(ml100k, 10)
    users, items = Counter(core.user.tolist()), Counter(core.item.tolist())
    assert min(users.values()) >= 10
    assert min(items.values()) >= 10
    assert (len(users), len(items)) == (core.n_users, core.n_items)


@given(logs)
def test_latest_of_pairs(dataset_of: Draw, log: Log) -> None:
    dataset = dataset_of(log)
    latest: dict[tuple[int, int], tuple[int, int, int, float]] = {}
    for row in rows(dataset):
        latest[row[:2]] = row
    assert sorted(rows(latest_of_pairs(dataset))) == sorted(latest.values())
