"""The commands on policies, as called from a shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tastemaker.policies import baselines, registry
from tastemaker.policies.evaluation import METRICS

Call = Any
QUICK = ("--set", "epochs=2", "--set", "turns=60", "--set", "steps=3", "--set", "batch_size=8")


def test_list(tastemaker: Call) -> None:
    code, out, _ = tastemaker("policy", "list", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["policy"] for row in rows] == registry.names()
    assert next(row for row in rows if row["policy"] == "bc")["settings"]["epochs"] >= 1
    assert "dorl" in tastemaker("policy", "list")[1]


def test_train_then_evaluate_the_run(tastemaker: Call, tmp_path: Path) -> None:
    words = ("policy", "train", "bc", "--world", "toy", *QUICK, "--run", "run", "--json")
    code, out, _ = tastemaker(*words)
    trained = json.loads(out)
    assert code == 0
    assert {row["mode"] for row in trained["rows"]} == {"FreeB"}
    assert (tmp_path / "run" / "config.toml").is_file()
    again = json.loads(tastemaker(*words)[1])
    assert again == trained
    code, out, _ = tastemaker("policy", "evaluate", "run", "--world", "toy", "--json")
    measured = json.loads(out)["rows"]
    assert code == 0
    assert measured[0]["reward"]["mean"] == pytest.approx(trained["rows"][0]["reward"])
    assert measured[0]["coverage"] == trained["rows"][0]["coverage"]


def test_evaluate_a_baseline_in_a_mode(tastemaker: Call) -> None:
    code, out, _ = tastemaker("policy", "evaluate", "oracle", "--world", "toy", "--mode", "NX_8", "--json")
    (row,) = json.loads(out)["rows"]
    assert code == 0
    # all eight items, each once
    assert (row["length"]["mean"], row["coverage"], row["gain"]["mean"]) == (8, 1, pytest.approx(0, abs=1e-5))


def test_compare_trains_stores_and_prints_what_is_stored(tastemaker: Call, tmp_path: Path) -> None:
    words = ("policy", "compare", "--world", "toy")
    stored = "results/policies-toy.json"
    code, out, error = tastemaker(*words)
    assert (code, out) == (2, "")
    assert "no such file; measure with --train" in error
    code, out, _ = tastemaker(
        *words, "--train", "--policies", "bc,random", "--seeds", "2", *QUICK, "--results", stored, "--json"
    )
    measured = json.loads(out)
    assert code == 0
    assert [row["policy"] for row in measured["rows"]] == [*baselines.NAMES, "bc"]
    file = json.loads((tmp_path / stored).read_text())
    assert (file["seeds"], file["rows"]) == ([0, 1], measured["rows"])
    assert json.loads(tastemaker(*words, "--json")[1]) == measured
    code, out, _ = tastemaker(*words, "--plots", "plots")
    assert code == 0
    assert all(name in out for name in (*METRICS, *baselines.NAMES, "bc", "seeds 0, 1"))
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert drawn == ["policies-toy-coverage.png", "policies-toy-curves.png"]
    shown = json.loads(tastemaker(*words, "--policies", "oracle", "--json")[1])
    assert [row["policy"] for row in shown["rows"]] == list(baselines.NAMES)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "a2cc", "--world", "toy"), "did you mean a2c?"),
        (("train", "oracle", "--world", "toy"), "learns nothing"),
        (("train", "bc", "--world", "toy", "--set", "epoch=1"), "bc has no setting 'epoch'"),
        (("evaluate", "oracle", "--world", "toy", "--mode", "Free"), "no mode is named 'Free'"),
        (("evaluate", "oracle", "--world", "toy", "--mode", "NX_9"), "9 turns without repeats need 9 items"),
        (("evaluate", "bc", "--world", "toy"), "was not trained yet"),
        (("evaluate", "nowhere", "--world", "toy"), "neither a run folder nor a policy"),
        (("compare", "--world", "toy", "--train", "--policies", "bc,x"), "no policy is named 'x'"),
        (("compare", "--world", "toy", "--runs", "r"), "belong to --train"),
    ],
)
def test_wrong_use_is_one_line(tastemaker: Call, words: tuple[str, ...], message: str) -> None:
    code, out, error = tastemaker("policy", *words)
    assert (code, out) == (2, "")
    assert message in error
    assert "Traceback" not in error
