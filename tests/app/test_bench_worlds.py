"""`tastemaker bench worlds` as it is called from a shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.policies import bench as training
from tastemaker.simulation import bench, scenarios
from tastemaker.simulation.quit_rules import NeverQuits
from tastemaker.simulation.scenario import Scenario

Call = Callable[..., tuple[int, str, str]]


def test_worlds_are_timed_beside_one_user_at_a_time(
    tastemaker: Call, toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.ones((toy.n_users, toy.n_items), np.float32)
    monkeypatch.setitem(
        scenarios._PUBLISHED, "toy", lambda: Scenario("toy", toy, truth, NeverQuits(), 12, "drawn")
    )
    monkeypatch.setattr(bench.bench, "__defaults__", ((2, 5), 100))
    monkeypatch.setattr(training.bench, "__defaults__", (10, 1, 1))
    file = tmp_path / "worlds.json"
    code, out, err = tastemaker("bench", "worlds", "--world", "toy", "--results", str(file), "--json")
    rows = json.loads(out)["rows"]
    assert (code, err) == (0, "")
    assert [row["size"] for row in rows] == [2, 5, 10]
    assert [row["what"].split(" ")[0] for row in rows] == ["world", "world", "training"]
    for row in rows:
        assert row["ratio"] == pytest.approx(row["ours_per_cpu_second"] / row["reference_per_cpu_second"])
    written = json.loads(file.read_text())
    assert written["rows"] == rows
    assert "FreeB" in written["protocol"]


def test_an_unknown_world_is_one_line(tastemaker: Call) -> None:
    code, out, err = tastemaker("bench", "worlds", "--world", "mars")
    assert (code, out) == (2, "")
    assert "mars" in err
    assert "Traceback" not in err
