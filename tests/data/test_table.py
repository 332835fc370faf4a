"""A user's own table: what is read, and what each kind of bad input is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.data.readers.table import Columns, ItemColumns, read
from tastemaker.errors import InputError

ALL = Columns(user="uid", item="film", rating="stars", time="ts")
LOG = "uid,film,stars,ts,note\nann,x,4,100,\nbob,y,2.5,50,hm\nann,y,1,70,\n"
ITEMS = 'film,name,kinds,made,about\ny,"Late, Again",Drama| Comedy ,1999,slow\nx,,,,\n'


def write(folder: Path, text: str, name: str = "log.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def rows(dataset: Dataset) -> list[tuple[str, str, float | None, int]]:
    ratings = dataset.rating.tolist() if dataset.rating is not None else [None] * len(dataset)
    users, items = dataset.users["id"].to_list(), dataset.items["id"].to_list()
    parts = (dataset.user.tolist(), dataset.item.tolist(), ratings, dataset.time.tolist())
    return [(users[u], items[i], r, t) for u, i, r, t in zip(*parts, strict=True)]


EXPECTED = [("ann", "y", 1.0, 70), ("ann", "x", 4.0, 100), ("bob", "y", 2.5, 50)]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_all_suffixes_give_the_same(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, LOG)
    table = pl.read_csv(path)
    other = tmp_path / f"other.{suffix}"
    if suffix == "parquet":
        table.write_parquet(other)
    else:
        table.write_csv(other, separator="," if suffix == "csv" else "\t")
    dataset = read(other, ALL, name="mine")
    assert rows(dataset) == EXPECTED
    assert (dataset.name, dataset.clock, dataset.rating_range) == ("mine", "timestamp", (1.0, 4.0))
    assert dataset.items.rows() == [("x", "x", []), ("y", "y", [])]


def test_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"\xef\xbb\xbf" + LOG.replace("\n", "\r\n").encode())
    columns = Columns(user="uid", item="film", rating="stars", time="ts")
    assert rows(read(tmp_path / "log.csv", columns, name="mine")) == EXPECTED


def test_implicit_and_unordered(tmp_path: Path) -> None:
    dataset = read(write(tmp_path, LOG), Columns(user="uid", item="film"), name="mine")
    assert rows(dataset) == [("ann", "x", None, 0), ("ann", "y", None, 0), ("bob", "y", None, 0)]
    assert dataset.clock == "none"


def test_items(tmp_path: Path) -> None:
    columns = ItemColumns(id="film", title="name", categories="kinds", year="made", text="about")
    log = write(tmp_path, LOG + "bob,z,3,60,\n")
    dataset = read(log, ALL, name="mine", items=write(tmp_path, ITEMS, "items.csv"), item_columns=columns)
    assert dataset.items.rows() == [
        ("y", "Late, Again", ["Drama", "Comedy"], 1999, "slow"),
        ("x", "x", [], None, None),
        ("z", "z", [], None, None),
    ]
    assert sorted(rows(dataset)) == sorted([*EXPECTED, ("bob", "z", 3.0, 60)])


MOMENT = datetime(2020, 3, 1, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        f"{int(MOMENT.timestamp())}",
        f"{MOMENT.timestamp():.3f}",
        f"{int(MOMENT.timestamp() * 1000)}",
        "2020-03-01T12:30:05",
        "2020-03-01 12:30:05",
        "2020-03-01T12:30:05Z",
        "2020-03-01T14:30:05.250+02:00",
        "2020-03-01 12:30:05.9",
    ],
)
def test_forms_of_time(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, f"u,i,t\na,b,{text}\n")
    dataset = read(path, Columns(user="u", item="i", time="t"), name="mine")
    assert dataset.time.tolist() == [int(MOMENT.timestamp())]


def test_dates_alone_are_midnights(tmp_path: Path) -> None:
    columns = Columns(user="u", item="i", time="t")
    dataset = read(write(tmp_path, "u,i,t\na,b,2020-03-01\na,c,2020-02-29\n"), columns, name="mine")
    assert dataset.time.tolist() == [1582934400, 1583020800]


def test_parquet_times(tmp_path: Path) -> None:
    table = pl.DataFrame({"u": [1, 2], "i": [3, 3], "t": [MOMENT, MOMENT.replace(year=2021)]})
    table.write_parquet(tmp_path / "log.parquet")
    dataset = read(tmp_path / "log.parquet", Columns(user="u", item="i", time="t"), name="mine")
    assert dataset.time.tolist() == [int(MOMENT.timestamp()), int(MOMENT.replace(year=2021).timestamp())]
    assert dataset.users["id"].to_list() == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "log.csv: the file is empty"),
        ("uid,film,stars,ts\n", "no rows below the header"),
        ("uid,movie,stars,ts\na,b,1,2\n", "there is no column 'film'; there are uid, movie, stars, ts"),
        (LOG + "cy,y,good,5,\n", "row 4, column 'stars': 'good' is not a number"),
        (LOG + "cy,y,,5,\n", "row 4, column 'stars': None is not a number"),
        (LOG + "cy,y,nan,5,\n", "row 4, column 'stars': 'nan' is not a number"),
        (LOG + "cy,y,1e300,5,\n", "row 4, column 'stars': '1e300' is not a number"),
        (LOG + "cy,y,1,9e187,\n", "row 4, column 'ts': '9e187' is not seconds since 1970 or an ISO date"),
        (LOG + "cy,y,1,soon,\n", "row 4, column 'ts': 'soon' is not seconds since 1970 or an ISO date"),
        (LOG + ",y,1,5,\n", "row 4 has no user id"),
        (LOG + "cy, ,1,5,\n", "row 4 has no item id"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, complaint: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as error:
        read(path, ALL, name="mine")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "log.csv", ALL, name="mine")
    with pytest.raises(InputError, match=r"unknown suffix '\.xlsx'; it has to be \.csv, \.tsv or \.parquet"):
        read(write(tmp_path, LOG, "log.xlsx"), ALL, name="mine")
    with pytest.raises(InputError, match="cannot be read as a parquet table"):
        read(write(tmp_path, LOG, "log.parquet"), ALL, name="mine")
    (tmp_path / "latin.csv").write_bytes("uid,film,stars,ts\nJosé,x,1,2\n".encode("latin-1"))
    with pytest.raises(InputError, match="cannot be read as a csv table"):
        read(tmp_path / "latin.csv", ALL, name="mine")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ITEMS + "x,again,,,\n", "the item 'x' occurs more than once"),
        (ITEMS + "w,t,,MCMXC,\n", "row 3, column 'made': 'MCMXC' is not a number"),
        (ITEMS.replace("made", "year"), "there is no column 'made'"),
    ],
)
def test_bad_item_tables(tmp_path: Path, text: str, complaint: str) -> None:
    columns = ItemColumns(id="film", title="name", year="made")
    with pytest.raises(InputError, match=complaint):
        read(
            write(tmp_path, LOG),
            ALL,
            name="m",
            items=write(tmp_path, text, "items.csv"),
            item_columns=columns,
        )
