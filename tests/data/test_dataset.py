"""The data set's look-ups against plain loops, on drawn logs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError

Log = list[tuple[int, int, int]]
Draw = Callable[..., Dataset]

logs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 12)), min_size=1, max_size=60)


def rows(dataset: Dataset) -> list[tuple[int, int, int, float]]:
    assert dataset.rating is not None
    return list(
        zip(*(a.tolist() for a in (dataset.user, dataset.item, dataset.time, dataset.rating)), strict=True)
    )


@given(logs, st.integers(0, 5), st.integers(0, 8), st.none() | st.integers(-1, 14))
def test_histories_before_a_moment(
    dataset_of: Draw, log: Log, user: int, item: int, before: int | None
) -> None:
    dataset = dataset_of(log)
    earlier = [row for row in rows(dataset) if before is None or row[2] < before]
    mine = rows(dataset.take(np.arange(len(dataset))[dataset.history(user, before)]))
    assert sorted(mine) == sorted(row for row in earlier if row[0] == user)
    assert [row[2] for row in mine] == sorted(row[2] for row in mine)
    places = dataset.item_history(item, before)
    everything = rows(dataset)
    theirs = [everything[place] for place in places]
    assert sorted(theirs) == sorted(row for row in earlier if row[1] == item)
    assert [row[2] for row in theirs] == sorted(row[2] for row in theirs)


@given(logs)
def test_matrix_counts_repeated_pairs_once(dataset_of: Draw, log: Log) -> None:
    dense = dataset_of(log).matrix().toarray()
    assert {(int(u), int(i)) for u, i in zip(*np.nonzero(dense), strict=True)} == {row[:2] for row in log}
    assert set(np.unique(dense)) <= {0.0, 1.0}


def test_unknown_ids_offer_near_ones(toy: Dataset) -> None:
    assert toy.user_index("kai") == 2
    with pytest.raises(InputError, match="no user 'kay'; for example: kai"):
        toy.user_index("kay")
    with pytest.raises(InputError, match="toy: no item 'zz'"):
        toy.item_index("zz")


@given(logs, st.data())
def test_fingerprint_changes_with_any_interaction(dataset_of: Draw, log: Log, data: st.DataObject) -> None:
    dataset = dataset_of(log)
    place = data.draw(st.integers(0, len(dataset) - 1))
    changed = np.array(dataset.time)
    changed[place] += 1
    other = Dataset(**{**{f: getattr(dataset, f) for f in dataset.__dataclass_fields__}, "time": changed})
    assert dataset.fingerprint == dataset_of(log).fingerprint != other.fingerprint


def test_in_order_keeps_the_order_within_users_alone() -> None:
    users, items = (pl.DataFrame({"id": [f"{kind}{i}" for i in range(3)]}) for kind in "ui")
    data = Dataset.build(
        "d", users, items, np.array([0, 0, 2, 2, 2]), np.array([1, 0, 2, 0, 1]),
        time=np.array([50, 9, 7, 7, 3]), clock="timestamp", source=Source("-", "-"),
    ).in_order()  # fmt: skip
    assert (data.clock, data.time.tolist(), data.item.tolist()) == ("order", [0, 1, 0, 1, 2], [0, 1, 1, 2, 0])
