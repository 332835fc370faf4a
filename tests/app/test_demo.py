"""The demo as a newcomer runs it, made short, with the real data and the real model; and a second time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.llm.weights import Weights

SHORT = ("demo", "--people", "1", "--users", "4", "--run", "demo", "--json")


def run(folder: Path) -> tuple[dict[str, Any], str]:
    ran = subprocess.run(
        [sys.executable, "-m", "tastemaker", *SHORT],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout), ran.stderr


@pytest.mark.model
def test_demo_recommends_rates_and_measures(tmp_path: Path, ml100k: Dataset, smollm2: Weights) -> None:
    first, steps = run(tmp_path)
    [recommended] = first["lists"]
    user = ml100k.user_index(recommended["user"])
    ids = [item["id"] for item in recommended["items"]]
    assert recommended["outcome"] == "answered"
    assert len(set(ids)) == 10
    assert all(ml100k.item_index(id) in range(ml100k.n_items) for id in ids)
    assert "User Analyst" in steps
    assert f"user {ml100k.users['id'][user]}" in steps
    [rating] = first["ratings"]
    assert 1 <= rating["predicted"] <= 5
    assert [row["model"] for row in first["rows"]] == [
        "popularity",
        "itemknn",
        "ease",
        "bpr",
        "directau",
        "agent team",
    ]
    team = first["rows"][-1]
    assert (team["n"], team["failed"]) == (4, 0)
    assert 2 <= team["calls"] <= 24
    second, _ = run(tmp_path)
    for told in ("ratings", "rows", "protocol"):
        assert second[told] == first[told]
    assert second["lists"][0]["items"] == recommended["items"]
    assert second["lists"][0]["usage"]["replayed"] == second["lists"][0]["usage"]["requests"]
