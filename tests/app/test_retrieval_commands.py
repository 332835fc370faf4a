"""`tastemaker retrieval …` as it is called from a shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tastemaker.app import console
from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import by_ratio, leave_last_out
from tastemaker.retrieval import recipes
from tastemaker.retrieval.ease import EASE, EASEConfig
from tastemaker.retrieval.evaluator import evaluate
from tastemaker.retrieval.recipes import Recipe, Reproduction
from tastemaker.retrieval.registry import create, names

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tastemaker: Call) -> Call:
    return partial(tastemaker, "retrieval")


def test_evaluate_prints_one_table_with_its_terms(call: Call) -> None:
    code, out, err = call("evaluate", "popularity", "ease", "--data", "toy", "--k", "2,1")
    assert (code, err) == (0, "")
    for text in (
        "popularity",
        "ease",
        "recall@1",
        "ndcg@2",
        "coverage@2",
        "ratio 0.8/0.1/0.1",
        "full ranking of 8",
    ):
        assert text in out


def test_evaluate_as_json_is_what_the_library_measures(call: Call, toy: Dataset) -> None:
    code, out, _ = call("evaluate", "ease", "--data", "toy", "--k", "3", "--json")
    found = json.loads(out)
    split = by_ratio(toy, seed=0)
    wanted = evaluate(EASE().fit(split.train), split, ks=(3,))
    assert code == 0
    assert found["protocol"] == wanted.protocol
    assert found["rows"][0]["recall@3"] == wanted.intervals()["recall@3"]


def test_evaluate_writes_a_results_file(call: Call, tmp_path: Path) -> None:
    words = [
        "evaluate",
        "popularity",
        "itemknn",
        "--data",
        "toy",
        "--seeds",
        "2",
        "--results",
        str(tmp_path / "r.json"),
    ]
    assert call(*words)[0] == 0
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["command"] == f"tastemaker retrieval {' '.join(words)}"
    assert found["seeds"] == [0, 1]
    assert [row["model"] for row in found["rows"]] == ["popularity", "itemknn"]
    assert {"mean", "low", "high"} == set(found["rows"][0]["ndcg@20"])
    assert {"versions", "machine", "seconds", "protocol"} <= set(found)


def test_train_keeps_its_run_folder_and_does_not_train_twice(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = [
        "train",
        "bpr",
        "--data",
        "toy",
        "--set",
        "epochs=3",
        "--seed",
        "5",
        "--run",
        str(folder),
        "--json",
    ]
    code, out, _ = call(*words)
    first = json.loads(out)["row"]
    assert code == 0
    assert first["config"]["epochs"] == 3
    assert first["config"]["seed"] == 5
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert "epochs = 3" in (folder / "config.toml").read_text()
    again = json.loads(call(*words)[1])["row"]
    assert again == first
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 3
    code, _, err = call(*words[:5], "epochs=4", *words[6:])
    assert code == 2
    assert "epochs is 3 there and 4 here" in err


def test_an_interrupted_training_goes_on(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tastemaker.retrieval import trainer

    whole, halved = tmp_path / "whole", tmp_path / "halved"
    words = ["train", "directau", "--data", "toy", "--set", "epochs=4", "--json", "--run"]
    wanted = json.loads(call(*words, str(whole))[1])["row"]
    one_epoch = trainer._one_epoch

    def interrupted(training: Any) -> float:
        if training.epoch == 3:
            raise KeyboardInterrupt
        return one_epoch(training)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "_one_epoch", interrupted)
        assert call(*words, str(halved))[:2] == (130, "")
    got = json.loads(call(*words, str(halved))[1])["row"]
    assert got["recall@10"] == wanted["recall@10"]
    assert len((halved / "metrics.jsonl").read_text().splitlines()) == 4
    assert (whole / "model" / "arrays.npz").read_bytes() == (halved / "model" / "arrays.npz").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("evaluate", "magic", "--data", "toy"),
            "no retrieval model is named 'magic'; there are popularity, bias",
        ),
        (("evaluate", "ease", "--data", "nowhere"), "no data set is named 'nowhere'"),
        (("evaluate", "ease", "--data", "toy", "--split", "half"), "no split is named 'half'"),
        (("evaluate", "ease", "--data", "toy", "--k", "0,5"), "--k '0,5': write list lengths from 1 up"),
        (("evaluate", "ease", "--data", "toy", "--k", "ten"), "--k 'ten': write list lengths from 1 up"),
        (
            ("train", "ease", "--data", "toy", "--set", "lambda=1"),
            "ease has no setting 'lambda'; its settings: reg",
        ),
        (("train", "ease", "--data", "toy", "--set", "reg"), "--set 'reg': write key=value"),
        (
            ("train", "ease", "--data", "toy", "--set", "reg=lots"),
            "ease: reg='lots': Input should be a valid number",
        ),
        (("train", "magic", "--data", "toy"), "no retrieval model is named 'magic'"),
        (("reproduce", "moon"), "no recipes are named 'moon'; there are beauty"),
        (("reproduce", "beauty", "--only", "magic"), "beauty has no recipe 'magic'; there are popularity"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(call: Call, words: tuple[str, ...], message: str) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_train_without_a_run_folder_uses_the_cache(call: Call, tmp_path: Path) -> None:
    first = json.loads(call("train", "ease", "--data", "toy", "--json")[1])
    again = json.loads(call("train", "ease", "--data", "toy", "--json")[1])
    assert first == again
    assert [path.name.split("-")[0] for path in (tmp_path / "cache" / "retrieval").iterdir()] == ["ease"]


@pytest.mark.parametrize("width", [80, 100])
def test_models_lists_every_setting_in_narrow_terminals_too(
    call: Call, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.out, "_width", width)
    code, out, err = call("models")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines)) <= width
    cells = [line.split("│")[1:-1] for line in lines if line.startswith("│")]
    assert [name for name, *_ in cells if name.strip()] == [
        name.ljust(14) for name in map(" {}".format, names())
    ]
    words = {word.strip(",") for row in cells for word in row[2].split()}
    caption = " ".join(lines[-4:]).replace(",", " ").split()
    assert {"neighbours=200", "score_exponent=null", "temperature=0.2", "gamma=0.4"} <= words
    for key in create("directau").config.model_dump():
        assert any(word.startswith(f"{key}=") for word in (*words, *caption))


def test_models_as_json_have_their_whole_configs(call: Call) -> None:
    rows = json.loads(call("models", "--json")[1])
    assert [row["model"] for row in rows] == names()
    for row in rows:
        assert row["settings"] == create(row["model"]).config.model_dump(mode="json")
        assert row["what"]
        assert row["what"] == " ".join(row["what"].split())


def test_reproduce_measures_recipes_beside_what_was_published(
    call: Call, toy: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear = Recipe("linear", "ease", {"reg": 7.0}, {"recall@20": 0.25})
    made = Reproduction("toy", "last", (Recipe("popularity", "popularity"), linear))
    monkeypatch.setattr(recipes, "REPRODUCTIONS", {"toys": made})
    words = ("reproduce", "toys", "--seeds", "1", "--only", "linear")
    (row,) = json.loads(call(*words, "--json")[1])["rows"]
    split = leave_last_out(toy)
    wanted = evaluate(EASE(EASEConfig(reg=7.0)).fit(split.train), split, ks=(20, 50)).intervals()
    assert row["model"] == "linear"
    assert row["config"]["reg"] == 7.0
    assert row["published recall@20"] == 0.25
    assert {key: row[key] for key in wanted} == wanted
    code, out, _ = call(*words)
    assert code == 0
    assert "published" in out
    assert "0.2500" in out
    assert "popularity" not in out


def test_a_run_of_a_model_with_an_unset_setting_is_kept(call: Call, tmp_path: Path) -> None:
    words = ("train", "gfcf", "--data", "toy", "--run", str(tmp_path / "run"), "--json")
    first = call(*words)
    assert first[0] == 0
    assert call(*words) == first
