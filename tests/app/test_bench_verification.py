"""`tastemaker bench verification` as it is called from a shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tastemaker.synthesis.verification import bench

Call = Callable[..., tuple[int, str, str]]


def test_speed_found_defects_and_acceptance(
    tastemaker: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TASTEMAKER_DATA", raising=False)
    monkeypatch.setattr(bench.good, "__defaults__", (24, 0))
    monkeypatch.setattr(bench, "_SECONDS", 0.01)
    talk = {"conversations": [{"from": "human", "value": "Hi!"}, {"from": "gpt", "value": "Hello!"}]}
    file, kept = tmp_path / "talk.json", tmp_path / "rows.json"
    file.write_text(json.dumps([talk, {"conversations": 3}]))
    code, out, err = tastemaker(
        "bench", "verification", "--conversations", str(file), "--results", str(kept), "--json"
    )
    assert (code, err) == (0, "")
    rows = json.loads(out)["rows"]
    assert json.loads(kept.read_text())["rows"] == rows
    by_name = {row["what"]: row for row in rows}
    assert by_name["rule layer, specimens (dialogues)"]["size"] == 24
    assert by_name["rule all, specimens"]["false share"] == 0.0
    assert by_name["conversations, mended"] == {
        "what": "conversations, mended",
        "size": 2,
        "accepted": 1,
        "accepted share": 0.5,
        "rejected by": {"unreadable": 1},
    }


def test_a_file_that_is_not_there_is_one_line(tastemaker: Call) -> None:
    code, out, err = tastemaker("bench", "verification", "--conversations", "nowhere.json")
    assert (code, out) == (2, "")
    assert "nowhere.json" in err
    assert "Traceback" not in err
