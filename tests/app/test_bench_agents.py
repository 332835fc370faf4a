"""`tastemaker bench agents`: its rows, and that its model makes calls that fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from tastemaker.app.commands import bench_agents
from tastemaker.data import registry, store
from tastemaker.data.dataset import Dataset, Source

APP = typer.Typer()
APP.callback()(lambda: None)
APP.command("agents")(bench_agents.agents)


def test_overhead_and_requests_in_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bench_agents, "REQUESTS", 3)
    monkeypatch.setattr(bench_agents, "SLOW_REQUESTS", 20)
    monkeypatch.setattr(bench_agents, "DELAY", 0.02)
    generator = np.random.default_rng(3)
    mine = Dataset.build(
        "mine",
        pl.DataFrame({"id": [f"u{number}" for number in range(30)]}),
        pl.DataFrame(
            {"id": [f"i{number}" for number in range(40)], "title": ["A"] * 40, "categories": [["B"]] * 40}
        ),
        np.repeat(np.arange(30), 15),
        np.concatenate([generator.choice(40, 15, replace=False) for _ in range(30)]),
        rating=generator.integers(1, 6, 450).astype(np.float32),
        time=np.tile(np.arange(15), 30) * 30 + np.repeat(np.arange(30), 15),
        clock="timestamp",
        source=Source("made up", "Apache-2.0"),
        rating_range=(1.0, 5.0),
    )
    store.save(mine, registry.home("mine"))
    options = ["agents", "--data", "mine", "--results", str(tmp_path / "out.json"), "--json"]
    result = CliRunner().invoke(APP, options, catch_exceptions=False)
    single, analyse, slow = json.loads(result.stdout)["rows"]
    assert (single["size"], slow["size"], slow["peak"]) == (3 * 2, 20, 16)
    assert analyse["size"] > single["size"]
    for row in (single, analyse):
        assert 0 < row["reference_cpu_ms_per_call"] < row["cpu_ms_per_call"]
    assert slow["seconds"] >= slow["reference_seconds"] == pytest.approx(20 * 2 * 0.02 / 16)
    kept = json.loads((tmp_path / "out.json").read_text())
    assert len(kept["rows"]) == 3
    assert "time inside tools" in kept["protocol"]
