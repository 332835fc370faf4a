"""Data sets by name: prepared once, found again; a user's own table; names that are not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tastemaker.data import registry, store
from tastemaker.data.dataset import Dataset
from tastemaker.data.readers.table import Columns
from tastemaker.errors import AssetError, InputError

COLUMNS = Columns(user="u", item="i", rating="r", time="t")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def table(folder: Path, lines: str) -> Path:
    (folder / "log.csv").write_text("u,i,r,t\n" + lines)
    return folder / "log.csv"


def test_load_prepares_once(ml100k: Dataset, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not registry.is_prepared("ml-100k")
    assert registry.load("ml-100k").fingerprint == ml100k.fingerprint
    assert registry.is_prepared("ml-100k")
    monkeypatch.delenv("TASTEMAKER_DATA")
    monkeypatch.setenv("TASTEMAKER_OFFLINE", "1")
    assert registry.load("ml-100k").fingerprint == ml100k.fingerprint


def test_a_damaged_preparation_is_made_anew(ml100k: Dataset, cache: Path) -> None:
    registry.load("ml-100k")
    (cache / "datasets/ml-100k/items.parquet").write_bytes(b"half")
    assert registry.load("ml-100k").items.equals(ml100k.items)


def test_own_table_is_found_under_its_name(tmp_path: Path) -> None:
    made = registry.prepare_table("mine", table(tmp_path, "a,x,1,1\na,x,3,9\na,y,5,2\nb,x,2,3\n"), COLUMNS)
    again = registry.load("mine")
    assert again.fingerprint == made.fingerprint
    assert "mine" in registry.names()
    assert len(again) == 3
    assert again.rating is not None
    assert again.rating[again.history(0)].tolist() == [5.0, 3.0]  # of a's two ratings of x the later one
    assert store.read_meta(registry.home("mine"))["notes"]["repeats_left_out"] == 1


def test_own_table_with_core(tmp_path: Path) -> None:
    lines = "a,x,1,1\na,y,2,2\nb,x,3,3\nb,y,4,4\nc,z,5,5\n"
    dataset = registry.prepare_table("mine", table(tmp_path, lines), COLUMNS, k=2)
    assert dataset.users["id"].to_list() == ["a", "b"]
    assert dataset.items["id"].to_list() == ["x", "y"]


def test_a_bad_table_leaves_the_old_preparation(tmp_path: Path) -> None:
    registry.prepare_table("mine", table(tmp_path, "a,x,1,1\n"), COLUMNS)
    with pytest.raises(InputError, match="is not a number"):
        registry.prepare_table("mine", table(tmp_path, "a,x,bad,1\n"), COLUMNS)
    assert len(registry.load("mine")) == 1


@pytest.mark.parametrize("name", ["ml-100k", "../out", "UPPER", "a/b", ""])
def test_names_that_cannot_be_given(tmp_path: Path, name: str, cache: Path) -> None:
    with pytest.raises(InputError, match=r"known data set|has to be"):
        registry.prepare_table(name, table(tmp_path, "a,x,1,1\n"), COLUMNS)
    assert not cache.exists()


def test_unknown_names_list_the_known() -> None:
    for ask in (registry.load, registry.read, registry.prepare):
        with pytest.raises(InputError, match="no data set is named 'ml-2k'; there are ml-100k, ml-1m"):
            ask("ml-2k")
    with pytest.raises(InputError, match="gowalla and coat have one"):
        registry.official_split("ml-100k")


def test_a_folder_without_the_files(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(AssetError, match=r"lacks u\.data, u\.item, u\.user, u\.genre"):
        registry.load("ml-100k", folder=tmp_path / "empty")
