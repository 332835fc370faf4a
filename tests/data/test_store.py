"""Prepared data sets come back equal, and damage is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tastemaker.data import store
from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import by_ratio
from tastemaker.errors import InputError


def same(a: Dataset, b: Dataset) -> bool:
    arrays = all(np.array_equal(x, y) for x, y in ((a.user, b.user), (a.item, b.item), (a.time, b.time)))
    nothing = np.zeros(0)
    rated = np.array_equal(
        nothing if a.rating is None else a.rating, nothing if b.rating is None else b.rating
    )
    plain = all(getattr(a, name) == getattr(b, name) for name in ("name", "clock", "source", "rating_range"))
    return arrays and rated and plain and a.users.equals(b.users) and a.items.equals(b.items)


def test_round_trip(toy: Dataset, tmp_path: Path) -> None:
    store.save(toy, tmp_path / "toy", {"from": "hand"})
    assert same(store.load(tmp_path / "toy"), toy)
    assert store.read_meta(tmp_path / "toy")["notes"] == {"from": "hand"}


def test_saving_again_replaces_and_leaves_nothing_else(toy: Dataset, tmp_path: Path) -> None:
    store.save(toy, tmp_path / "toy")
    part = by_ratio(toy).train
    store.save(part, tmp_path / "toy")
    assert same(store.load(tmp_path / "toy"), part)
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]


def test_altered_interactions_are_refused(toy: Dataset, tmp_path: Path) -> None:
    store.save(toy, tmp_path / "toy")
    table = pl.read_parquet(tmp_path / "toy/interactions.parquet")
    table.with_columns(item=pl.col("item").reverse()).write_parquet(tmp_path / "toy/interactions.parquet")
    with pytest.raises(InputError, match="fingerprint; prepare it again"):
        store.load(tmp_path / "toy")


@pytest.mark.parametrize("file", ["interactions.parquet", "users.parquet", "items.parquet"])
def test_half_a_file_is_refused(toy: Dataset, tmp_path: Path, file: str) -> None:
    store.save(toy, tmp_path / "toy")
    path = tmp_path / "toy" / file
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="damaged"):
        store.load(tmp_path / "toy")


def test_another_version_is_refused(toy: Dataset, tmp_path: Path) -> None:
    store.save(toy, tmp_path / "toy")
    meta = json.loads((tmp_path / "toy/meta.json").read_text())
    (tmp_path / "toy/meta.json").write_text(json.dumps({**meta, "version": 0}))
    with pytest.raises(InputError, match="another version"):
        store.load(tmp_path / "toy")


def test_real_data_is_small_on_disk(ml100k: Dataset, tmp_path: Path) -> None:
    store.save(ml100k, tmp_path / "ml")
    assert sum(path.stat().st_size for path in (tmp_path / "ml").iterdir()) < 20_000_000
    assert same(store.load(tmp_path / "ml"), ml100k)
