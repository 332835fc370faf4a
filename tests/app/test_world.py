"""The commands on worlds, as called from a shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tastemaker.simulation import scenarios

Call = Any


def test_list_names_all(tastemaker: Call) -> None:
    code, out, _ = tastemaker("world", "list", "--json")
    assert code == 0
    assert [row["world"] for row in json.loads(out)] == scenarios.names()


def test_describe_a_prepared_data_set(tastemaker: Call) -> None:
    code, out, _ = tastemaker("world", "describe", "toy", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["world"]["users"], found["world"]["items"], found["world"]["turns at most"]) == (6, 8, 30)
    assert 0 <= found["world"]["quits over a random item after 1 random ones"] <= 1
    gain = {row["policy"]: row["gain"]["mean"] for row in found["baselines"]}
    assert gain["random"] < gain["best-cycle"] == 0
    assert "user-model-avoid" not in gain
    code, out, _ = tastemaker("world", "describe", "toy")
    assert code == 0
    assert "quit rule" in out
    assert "oracle" in out


def test_an_unknown_world_is_one_line(tastemaker: Call) -> None:
    for words in (("world", "describe", "mars"), ("policy", "evaluate", "oracle", "--world", "mars")):
        code, out, error = tastemaker(*words)
        assert (code, out) == (2, "")
        assert "no world is named 'mars'" in error
        assert "Traceback" not in error


def test_user_models_are_judged_beside_plainer_ones(tastemaker: Call, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    words = ("world", "user-model", "toy", "--set", "epochs=2", "--set", "members=2", "--seeds", "2")
    code, out, _ = tastemaker(*words, "--json", "--results", str(results))
    assert code == 0
    found = json.loads(out)
    assert "held out to judge by; 2 seeds" in found["protocol"]
    names = [row["user model"] for row in found["rows"]]
    assert names == ["item means, shrunk", "biased matrix factorisation", "point"]
    assert found["rows"][0]["rmse"] > 0
    pooled = found["rows"][2]["rmse"]
    assert pooled["low"] < pooled["mean"] < pooled["high"]
    assert json.loads(results.read_text())["rows"] == found["rows"]

    code, out, _ = tastemaker(*words[:-2], "--all")
    assert code == 0
    assert "point-negative" in out


def test_a_setting_that_a_user_model_has_not_is_one_line(tastemaker: Call) -> None:
    code, out, error = tastemaker("world", "user-model", "toy", "--set", "depth=3")
    assert (code, out) == (2, "")
    assert "the user model has no setting 'depth'" in error
