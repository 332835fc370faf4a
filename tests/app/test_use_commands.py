"""`tastemaker retrieval export`, `similar`, `index` and `tastemaker recommend --history` from a shell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tastemaker.data import registry, store
from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import by_ratio
from tastemaker.retrieval.ease import EASE

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tastemaker: Call) -> Call:
    return tastemaker


@pytest.fixture
def run_folder(call: Call, tmp_path: Path) -> str:
    folder = str(tmp_path / "run")
    words = [
        "retrieval",
        "train",
        "bpr",
        "--data",
        "toy",
        "--seed",
        "3",
        "--set",
        "epochs=2",
        "--run",
        folder,
    ]
    assert call(*words)[0] == 0
    return folder


def test_export_writes_the_embeddings_of_the_run(
    call: Call, run_folder: str, toy: Dataset, tmp_path: Path
) -> None:
    code, printed, _ = call("retrieval", "export", run_folder, "--to", str(tmp_path / "all.npz"))
    assert code == 0
    assert "6 users and 8 items, 64 dimensions" in printed
    call("retrieval", "export", run_folder, "--to", str(tmp_path / "tables"), "--json")
    with np.load(tmp_path / "all.npz") as read, np.load(Path(run_folder) / "model" / "arrays.npz") as model:
        np.testing.assert_array_equal(read["items"], model["items"])
        np.testing.assert_array_equal(read["users"], model["users"])
        table = pl.read_parquet(tmp_path / "tables" / "users.parquet")
        assert table["id"].to_list() == read["user_ids"].tolist() == toy.users["id"].to_list()
        np.testing.assert_array_equal(table["vector"].to_numpy(), model["users"])
    code, _, told = call("retrieval", "export", run_folder, "--to", str(tmp_path / "all.npz"))
    assert code == 2
    assert "exists; choose another name, or give --force" in told
    assert call("retrieval", "export", run_folder, "--to", str(tmp_path / "all.npz"), "--force")[0] == 0


def test_index_is_written_and_measured(call: Call, run_folder: str, tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="faiss, of the extra index, is not installed")
    from tastemaker.retrieval.index import ItemIndex

    words = ["retrieval", "index", run_folder, "--to", str(tmp_path / "index"), "--ef-search", "50"]
    code, printed, _ = call(*words, "--json")
    found = json.loads(printed)
    assert code == 0
    assert (found["row"]["items"], found["row"]["dimensions"]) == (8, 64)
    assert found["row"]["recall@20"] == 1.0
    assert found["config"]["ef_search"] == 50
    index = ItemIndex.load(tmp_path / "index")
    with np.load(Path(run_folder) / "model" / "arrays.npz") as model:
        np.testing.assert_array_equal(index.items, model["items"])
    code, _, told = call(*words)
    assert code == 2
    assert "holds an index; choose another folder, or give --force" in told
    code, printed, _ = call(*words, "--force", "--kind", "exact")
    assert code == 0
    assert "recall@20" in printed


def test_similar_items_of_a_named_model_and_of_a_run(call: Call, run_folder: str, toy: Dataset) -> None:
    code, printed, _ = call("retrieval", "similar", "c", "--data", "toy", "-n", "3", "--json")
    found = json.loads(printed)
    items, values = EASE().fit(toy).similar(np.array([2]), 3)
    assert code == 0
    known = [(int(item), value) for item, value in zip(items[0], values[0], strict=True) if item >= 0]
    assert [row["id"] for row in found["items"]] == [toy.items["id"][item] for item, _ in known]
    assert [row["similarity"] for row in found["items"]] == pytest.approx([value for _, value in known])
    assert all(row["title"] == toy.items["title"][toy.item_index(row["id"])] for row in found["items"])
    code, printed, _ = call("retrieval", "similar", "c", "--model", run_folder, "-n", "2")
    assert code == 0
    assert "Like Robots at Dawn" in printed
    assert "bpr on toy" in printed


def test_an_item_that_nobody_took_is_told(call: Call) -> None:
    code, _, told = call("retrieval", "similar", "h", "--data", "toy", "--model", "itemknn")
    assert code == 0
    assert "has seen nobody take this item" in told


def test_a_history_from_outside_gets_what_the_model_ranks_first(call: Call, toy: Dataset) -> None:
    words = ["recommend", "--history", "b, c,b", "--data", "toy", "--retriever", "ease", "--n", "4", "--json"]
    code, printed, _ = call(*words)
    found = json.loads(printed)
    matrix = toy.matrix().toarray().astype(np.float64)
    inverse = np.linalg.inv(matrix.T @ matrix + EASE().config.reg * np.eye(8))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    scores = weights[[1, 2]].sum(axis=0)
    wanted = [item for item in np.argsort(-scores, kind="stable") if item not in (1, 2)][:4]
    assert code == 0
    assert [row["id"] for row in found["items"]] == [toy.items["id"][int(item)] for item in wanted]
    assert [row["score"] for row in found["items"]] == pytest.approx(scores[wanted].tolist(), rel=1e-3)
    code, printed, _ = call("recommend", "--history", '"b",c', "--data", "toy")
    assert code == 0
    assert "For someone who took Night Train to Oslo, Robots at Dawn" in " ".join(printed.split())
    assert "ease on toy" in printed


@pytest.mark.parametrize("retriever", ["popularity", "itemknn", "bpr"])
def test_what_was_taken_is_not_recommended_again(call: Call, retriever: str, toy: Dataset) -> None:
    words = ["recommend", "--history", "a,b,c,d", "--data", "toy", "--n", "25", "--retriever", retriever]
    code, printed, _ = call(*words, "--json")
    assert code == 0
    assert {row["id"] for row in json.loads(printed)["items"]} == {"e", "f", "g", "h"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("recommend", "--data", "toy"), "say for whom: --user ID, or --history ID,ID,…"),
        (("recommend", "--history", "a,zz", "--data", "toy"), "toy: no item 'zz'; for example:"),
        (("recommend", "--history", " , ", "--data", "toy"), "--history names no item"),
        (
            ("recommend", "--history", "a", "--user", "ada", "--data", "toy"),
            "--user does not go with --history",
        ),
        (("recommend", "--history", "a", "--workflow", "single"), "--workflow does not go with --history"),
        (
            ("recommend", "--history", "a", "--data", "toy", "--retriever", "bias"),
            "bias cannot serve people who are not in the data; these can: popularity, itemknn, ease",
        ),
        (("retrieval", "similar", "a"), "--data is missing"),
        (("retrieval", "similar", "robots", "--data", "toy"), "toy: no item 'robots'"),
        (
            ("retrieval", "similar", "a", "--data", "toy", "--model", "popularity"),
            "popularity knows no similar items; these do: itemknn, ease",
        ),
        (
            ("retrieval", "similar", "a", "--data", "toy", "--model", "eaze"),
            "no retrieval model is named 'eaze'",
        ),
        (("retrieval", "export", "nowhere", "--to", "x.npz"), "nowhere/config.toml: no readable config"),
        (("retrieval", "index", "nowhere", "--to", "x", "--kind", "tree"), "--kind 'tree': Input should be"),
        (
            ("retrieval", "index", "x", "--to", "x", "--ef-search", "0"),
            "--ef-search 0: Input should be greater",
        ),
        (("bench", "index", "--items", "many"), "--items 'many': write numbers of items"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(call: Call, words: tuple[str, ...], message: str) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_run_without_embeddings_or_without_end_is_refused(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "ease"
    call("retrieval", "train", "ease", "--data", "toy", "--run", str(folder))
    code, _, told = call("retrieval", "export", str(folder), "--to", str(tmp_path / "x.npz"))
    assert code == 2
    assert "ease has no embeddings" in told
    (folder / "model" / "meta.json").unlink()
    code, _, told = call("retrieval", "similar", "a", "--model", str(folder))
    assert code == 2
    assert "the training has not ended" in told


def test_a_run_whose_data_changed_is_refused(
    call: Call, run_folder: str, toy: Dataset, tmp_path: Path
) -> None:
    store.save(by_ratio(toy, seed=1).train, registry.home("toy"))
    code, _, told = call("retrieval", "export", run_folder, "--to", str(tmp_path / "x.npz"))
    assert code == 2
    assert "saved with data" in told


def test_bench_index_shows_exact_beside_hnsw(call: Call, tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="faiss, of the extra index, is not installed")
    code, printed, _ = call(
        "bench", "index", "--items", "2000", "--results", str(tmp_path / "r.json"), "--json"
    )
    rows = json.loads(printed)["rows"]
    assert code == 0
    assert [row["what"].split(",")[0] for row in rows] == ["exact", "hnsw", "exact", "hnsw"]
    assert [row["size"] for row in rows] == [2000] * 4
    assert all(row["recall@20"] == 1.0 for row in rows[::2])
    assert all(row["recall@20"] > 0.9 for row in rows[1::2])
    for row in rows:
        assert row["ratio"] == pytest.approx(row["ours_per_cpu_second"] / row["reference_per_cpu_second"])
    assert "1 thread" in json.loads((tmp_path / "r.json").read_text())["protocol"]


def test_the_command_modules_import_nothing_heavy() -> None:
    program = (
        "import sys, tastemaker.app.commands.use, tastemaker.app.commands.bench_index; "
        "print([m for m in ('numpy', 'polars', 'torch', 'scipy', 'faiss') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
