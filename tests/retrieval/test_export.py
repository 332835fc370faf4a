"""Exported embeddings, read back by numpy and by another Parquet reader's eyes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.export import export


@pytest.fixture
def tables(toy: Dataset) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    users, items = (generator.standard_normal((n, 5)).astype(np.float32) for n in (toy.n_users, toy.n_items))
    return users, items


def test_npz_round_trip(toy: Dataset, tables: tuple[NDArray[np.float32], ...], tmp_path: Path) -> None:
    users, items = tables
    target = tmp_path / "deep" / "er" / "all.npz"
    assert export(users, items, toy, target) == [target]
    with np.load(target, allow_pickle=False) as read:
        assert set(read.files) == {"user_ids", "users", "item_ids", "items"}
        assert read["user_ids"].tolist() == ["ada", "ben", "kai", "lea", "max", "nil"]
        assert read["item_ids"].tolist() == list("abcdefgh")
        np.testing.assert_array_equal(read["users"], users)
        np.testing.assert_array_equal(read["items"], items)
        assert read["items"].dtype == np.float32
    assert [path.name for path in target.parent.iterdir()] == ["all.npz"]


def test_parquet_round_trip(toy: Dataset, tables: tuple[NDArray[np.float32], ...], tmp_path: Path) -> None:
    users, items = tables
    files = export(users, items, toy, tmp_path / "out")
    assert sorted((tmp_path / "out").iterdir()) == sorted(files)
    for name, ids, vectors in (("users", toy.users["id"], users), ("items", toy.items["id"], items)):
        read = pl.read_parquet(tmp_path / "out" / f"{name}.parquet")
        assert read.schema == {"id": pl.String, "vector": pl.Array(pl.Float32, 5)}
        assert read["id"].to_list() == ids.to_list()
        np.testing.assert_array_equal(read["vector"].to_numpy(), vectors)


@pytest.mark.parametrize("name", ["all.npz", "folder"])
def test_nothing_is_replaced_unasked(
    name: str, toy: Dataset, tables: tuple[NDArray[np.float32], ...], tmp_path: Path
) -> None:
    users, items = tables
    files = export(users, items, toy, tmp_path / name)
    before = [file.read_bytes() for file in files]
    with pytest.raises(InputError, match="exists; choose another name, or give --force"):
        export(2 * users, 2 * items, toy, tmp_path / name)
    assert [file.read_bytes() for file in files] == before
    export(2 * users, 2 * items, toy, tmp_path / name, force=True)
    assert [file.read_bytes() for file in files] != before


def test_wrong_targets_and_tables_are_refused(
    toy: Dataset, tables: tuple[NDArray[np.float32], ...], tmp_path: Path
) -> None:
    users, items = tables
    with pytest.raises(InputError, match="users and items are two tables; name a folder"):
        export(users, items, toy, tmp_path / "all.parquet")
    with pytest.raises(InputError, match="5 users and 8 items do not fit toy, which has 6 and 8"):
        export(users[:5], items, toy, tmp_path / "all.npz")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file; name a folder"):
        export(users, items, toy, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
