"""Readers: small files written here, worked by hand; and the real ones against their published figures."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers import amazon, coat, lightgcn, movielens, recbole
from tastemaker.data.readers.titles import split_title
from tastemaker.data.registry import official_split, read
from tastemaker.errors import InputError

HERE = Source("written here", "none")


def triples(dataset: Dataset) -> set[tuple[str, str, float | None, int]]:
    ratings = dataset.rating.tolist() if dataset.rating is not None else [None] * len(dataset)
    users, items = dataset.users["id"].to_list(), dataset.items["id"].to_list()
    parts = (dataset.user.tolist(), dataset.item.tolist(), ratings, dataset.time.tolist())
    return {(users[u], items[i], r, t) for u, i, r, t in zip(*parts, strict=True)}


@pytest.mark.parametrize(
    ("raw", "title", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("Matrix, The (1999)", "The Matrix", 1999),
        ("Ennui, L' (1998)", "L'Ennui", 1998),
        ("Bronx Tale, A (1993)", "A Bronx Tale", 1993),
        ("Postino, Il (1994)", "Il Postino", 1994),
        ("My Life as a Dog (Mitt liv som hund) (1985)", "My Life as a Dog (Mitt liv som hund)", 1985),
        ("Enfants, Les (Children, The) (1990)", "Les Enfants (The Children)", 1990),
        ("Land Before Time III (1995) (V)", "Land Before Time III", 1995),
        ("Two Friends (1986) ", "Two Friends", 1986),
        ("Paris, Texas (1984)", "Paris, Texas", 1984),
        ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968),
        ("unknown", "unknown", None),
    ],
)
def test_titles(raw: str, title: str, year: int | None) -> None:
    assert split_title(raw) == (title, year)


def write_ml_100k(folder: Path) -> None:
    (folder / "u.genre").write_text("unknown|0\nAction|1\nComedy|2\n\n")
    films = "7|Amélie, The (2001)|01-Jan-2001||http://x|0|0|1\n9|unknown||||1|0|0\n"
    (folder / "u.item").write_bytes(films.encode("latin-1"))
    (folder / "u.user").write_text("1|24|M|writer|85711\n2|53|F|other|94043\n")
    with gzip.open(folder / "u.data.gz", "wt") as file:
        file.write("2\t7\t4\t200\n1\t7\t5\t300\n2\t9\t1\t100\n")


def test_ml_100k_form(tmp_path: Path) -> None:
    write_ml_100k(tmp_path)
    dataset = movielens.read_100k(tmp_path)
    assert triples(dataset) == {("2", "7", 4.0, 200), ("1", "7", 5.0, 300), ("2", "9", 1.0, 100)}
    assert dataset.items.rows() == [("7", "The Amélie", ["Comedy"], 2001), ("9", "unknown", [], None)]
    assert dataset.users.rows() == [("1", 24, "M", "writer"), ("2", 53, "F", "other")]
    assert (dataset.clock, dataset.rating_range) == ("timestamp", (1.0, 5.0))


@pytest.mark.parametrize("timed", [True, False])
def test_ml_1m_form(tmp_path: Path, timed: bool) -> None:
    (tmp_path / "movies.dat").write_bytes("3::Misérables, Les (1995)::Drama|Musical\n".encode("latin-1"))
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")
    if timed:
        (tmp_path / "ratings.dat").write_text("2::3::5::978300760\n1::3::2::978302109\n")
    else:
        (tmp_path / "ratings_no_timestamp.dat").write_text("2::3::5\n1::3::2\n")
    dataset = movielens.read_1m(tmp_path)
    times = (978300760, 978302109) if timed else (0, 0)
    assert triples(dataset) == {("2", "3", 5.0, times[0]), ("1", "3", 2.0, times[1])}
    assert dataset.clock == ("timestamp" if timed else "none")
    assert dataset.items.rows() == [("3", "Les Misérables", ["Drama", "Musical"], 1995)]
    assert dataset.users["age"].to_list() == ["under 18", "56 or over"]
    assert dataset.users["occupation"].to_list() == ["K-12 student", "self-employed"]


@pytest.mark.parametrize(
    ("file", "content", "text"),
    [
        ("u.data.gz", None, "there is no file u.data"),
        ("u.data.gz", b"\x1f\x8b\x08cut", "not a whole gzip file"),
        ("u.data", b"1\t7\tfive\t3\n", "not in the expected form"),
        ("u.item", b"7|Film\n", "2 fields instead of 8"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, file: str, content: bytes | None, text: str) -> None:
    write_ml_100k(tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match=text):
        movielens.read_100k(tmp_path)


def test_recbole_form(tmp_path: Path) -> None:
    (tmp_path / "x.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\ti\t3.5\t12\n"
    )
    item = "item_id:token\tmovie_title:token_seq\tclass:token_seq\tvec:float_seq\n"
    (tmp_path / "x.item").write_text(item + "j\tOther One\tA B\t0.5 1\ni\tThe One\tA\t2\n")
    dataset = recbole.read(tmp_path, "x", HERE)
    assert triples(dataset) == {("u", "i", 3.5, 12)}
    assert dataset.items["title"].to_list() == ["Other One", "The One"]
    assert dataset.items["categories"].to_list() == [["A", "B"], ["A"]]
    assert dataset.items["vec"].to_list() == [[0.5, 1.0], [2.0]]


def test_recbole_without_tables_or_header(tmp_path: Path) -> None:
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\nu\ti\nv\ti\n")
    dataset = recbole.read(tmp_path, "x", HERE)
    assert (dataset.rating, dataset.clock, dataset.users["id"].to_list()) == (None, "none", ["u", "v"])
    assert dataset.items.rows() == [("i", "i", [])]
    (tmp_path / "x.inter").write_text("u\ti\n")
    with pytest.raises(InputError, match="field:type"):
        recbole.read(tmp_path, "x", HERE)
    (tmp_path / "x.inter").write_text("user_id:token\tfilm:token\nu\ti\n")
    with pytest.raises(InputError, match="no field item_id; there are user_id, film"):
        recbole.read(tmp_path, "x", HERE)


def test_both_forms_of_ml_100k_agree(ml100k: Dataset, recbole_folder: Path) -> None:
    other = read("ml-100k", folder=recbole_folder)
    assert other.fingerprint == ml100k.fingerprint
    assert other.users.equals(ml100k.users)
    differing = [b for a, b in zip(ml100k.items.rows(), other.items.rows(), strict=True) if a != b]
    assert [row[0] for row in differing] == ["267"]  # the entry without a title, which RecBole misspells


def test_ml_100k_against_the_raw_lines(ml100k: Dataset, data_folder: Path) -> None:
    with gzip.open(data_folder / "ml-100k/u.data.gz", "rt") as file:
        raw = {(u, i, float(r), int(t)) for u, i, r, t in csv.reader(file, delimiter="\t")}
    assert (ml100k.n_users, ml100k.n_items, len(ml100k)) == (943, 1682, 100_000)
    assert triples(ml100k) == raw
    assert ml100k.items.filter(id="50").rows() == [
        ("50", "Star Wars", ["Action", "Adventure", "Romance", "Sci-Fi", "War"], 1977)
    ]


def test_ml_1m_published_figures(data_folder: Path) -> None:
    dataset = real("ml-1m", data_folder)
    assert (dataset.n_users, len(np.unique(dataset.item)), len(dataset)) == (6040, 3706, 1_000_209)
    assert dataset.rating is not None
    assert np.bincount(dataset.rating.astype(int)).tolist() == [0, 56_174, 107_557, 261_197, 348_971, 226_310]


def test_lightgcn_form(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 4 2\n1 0\n2\n")
    (tmp_path / "test.txt").write_text("0 1\n2 3 4\n")
    split = lightgcn.read_split(tmp_path, "x", HERE)
    assert triples(split.train) == {("0", "4", None, 0), ("0", "2", None, 1), ("1", "0", None, 0)}
    assert triples(split.test) == {("0", "1", None, 2), ("2", "3", None, 0), ("2", "4", None, 1)}
    assert split.train.clock == "order"
    assert len(split.valid) == 0
    whole = lightgcn.read(tmp_path, "x", HERE)
    assert {row[:2] for row in triples(whole)} == {
        row[:2] for row in triples(split.train) | triples(split.test)
    }
    assert whole.clock == "none"
    (tmp_path / "test.txt").write_text("0 one\n")
    with pytest.raises(InputError, match=r"test\.txt: not lines of"):
        lightgcn.read(tmp_path, "x", HERE)


def test_gowalla_published_figures(data_folder: Path) -> None:
    folder = place("gowalla", data_folder)
    split = official_split("gowalla", folder=folder)
    assert (len(split.train), len(split.test)) == (810_128, 217_242)
    assert (split.train.n_users, split.train.n_items) == (29_858, 40_981)
    with gzip.open(folder / "test.txt.gz", "rt") as file:
        lines = [[int(part) for part in line.split()] for line in file]
    for line in lines[::997]:
        assert split.test.item[split.test.history(line[0])].tolist() == line[1:]


def test_beauty_form(tmp_path: Path) -> None:
    (tmp_path / "Beauty.txt").write_text("1 2 1\n2 1\n")
    files = {
        "datamaps.json": {"user2id": {"ANN": "1", "BOB": "2"}, "item2id": {"B01": "1", "B02": "2"}},
        "item_id_to_int.json": {"B01": 70, "B02": 80},
        "Beauty_item2attributes.json": {"1": [5, 6]},
        "attribute_names.json": {"5": "Makeup", "6": "Face"},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "products_lookup.csv").write_text(
        ',global_product_id,name\n0,70,"Soap &amp; Co, 2 oz"\n1,80,\n'
    )
    dataset = amazon.read_beauty(tmp_path)
    assert triples(dataset) == {("ANN", "B02", None, 0), ("ANN", "B01", None, 1), ("BOB", "B01", None, 0)}
    assert dataset.items.rows() == [("B01", "Soap & Co, 2 oz", ["Makeup", "Face"]), ("B02", "B02", [])]
    assert dataset.clock == "order"
    (tmp_path / "item_id_to_int.json").write_text('{"B01": 70}')
    with pytest.raises(InputError, match="B02"):
        amazon.read_beauty(tmp_path)


def test_beauty_published_figures(data_folder: Path) -> None:
    dataset = real("amazon-beauty", data_folder)
    assert (dataset.n_users, dataset.n_items, len(dataset)) == (22_363, 12_101, 198_502)
    assert min(np.diff(dataset.user_ptr)) >= 5
    assert (
        dataset.items["title"] == dataset.items["id"]
    ).sum() == 7  # items whose title is empty at the source


def test_coat_form(tmp_path: Path) -> None:
    features = tmp_path / "user_item_features"
    features.mkdir()
    (features / "item_features_map.txt").write_text(
        "gender:men\ngender:women\njackettype:rain\ncolor:red\nonfrontpage:yes"
    )
    (features / "item_features.ascii").write_text("1 0 1 1 0\n0 1 1 1 1\n")
    (features / "user_features_map.txt").write_text(
        "gender:men\nage:20-30\nlocation:urban\nfashioninterest:very"
    )
    (features / "user_features.ascii").write_text("1 1 1 1\n")
    (tmp_path / "train.ascii").write_text("0 3\n")
    (tmp_path / "test.ascii").write_text("5 0\n")
    split = coat.read_split(tmp_path)
    assert triples(split.train) == {("0", "1", 3.0, 0)}
    assert triples(split.test) == {("0", "0", 5.0, 0)}
    assert split.train.items.row(1) == ("1", "Red jacket (rain) for women", ["rain", "red", "women"], True)
    assert split.train.users.row(0) == ("0", "20-30", "men", "urban", "very")
    (tmp_path / "train.ascii").write_text("0 3 1\n")
    with pytest.raises(InputError, match="1 users and 2 coats"):
        coat.read(tmp_path)


def test_coat_published_figures(data_folder: Path) -> None:
    folder = place("coat", data_folder)
    split = official_split("coat", folder=folder)
    assert (split.train.n_users, split.train.n_items, len(split.train), len(split.test)) == (
        290,
        300,
        6960,
        4640,
    )
    with (folder / "random.txt").open() as file:
        assert triples(split.test) == {(u, i, float(r), 0) for u, i, r in csv.reader(file)}


def place(name: str, data_folder: Path) -> Path:
    if not (data_folder / name).is_dir():
        pytest.skip(f"TASTEMAKER_DATA has no folder {name}")
    return data_folder / name


def real(name: str, data_folder: Path) -> Dataset:
    return read(name, folder=place(name, data_folder))


@pytest.fixture(scope="module")
def recbole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ML-100K out of the RecBole wheel, from the package index."""
    from tastemaker.assets import CATALOGUE, locate
    from tastemaker.errors import AssetError

    original = CATALOGUE["ml-100k"]
    asset = original.model_copy(update={"archives": (), "forms": original.forms[1:]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASTEMAKER_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("TASTEMAKER_DATA", raising=False)
        try:
            return locate(asset).folder
        except AssetError as error:
            pytest.skip(f"no package index: {error}")
