"""What a conversion lost is put back only where the conversation tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tastemaker.assets import data_folder
from tastemaker.errors import InputError
from tastemaker.records import Trajectory
from tastemaker.synthesis.verification.bench import acceptance, plainly_accepted, speed
from tastemaker.synthesis.verification.conversations import read_conversations
from tastemaker.synthesis.verification.rules import verify
from tastemaker.synthesis.verification.specimens import specimens


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "dict", "properties": {"code": {"type": "string"}}, "required": ["code"]}
    return {"name": name, "description": "Looks up.", "parameters": parameters}


def _record(call: str, response: str) -> dict[str, Any]:
    tools = [_tool("Format Number"), _tool("Check Number"), _tool("by/zip")]
    turns = [
        ("human", "Look up 10001."),
        ("function_call", json.dumps({"name": call, "arguments": {"code": 10001}})),
        ("observation", json.dumps([{"name": response, "results": {"ok": True}}])),
        ("gpt", "It is fine."),
    ]
    return {
        "system": f"Functions: {json.dumps(tools)}",
        "conversations": [{"from": who, "value": value} for who, value in turns],
    }


def _read(tmp_path: Path, record: Any, mend: bool) -> Trajectory | str:
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([record]))
    ((id, read),) = read_conversations(file, mend=mend)
    assert id == "0"
    return read


@pytest.mark.parametrize(
    ("call", "response", "whole"),
    [
        ("Number", "Check Number", "Check Number"),
        ("zip", "by/zip", "by/zip"),
        ("Number", "Number", "Number"),
        ("umber", "Check Number", "umber"),
    ],
)
def test_cut_names_and_lost_quotes(tmp_path: Path, call: str, response: str, whole: str) -> None:
    read = _read(tmp_path, _record(call, response), mend=True)
    assert isinstance(read, Trajectory)
    (made,) = read.messages[2].calls
    assert made.name == whole
    assert made.arguments == {"code": 10001 if whole == call else "10001"}
    assert verify(read).accepted is (whole != call)


def test_unmended_it_is_as_it_was(tmp_path: Path) -> None:
    read = _read(tmp_path, _record("zip", "by/zip"), mend=False)
    assert isinstance(read, Trajectory)
    assert read.messages[2].calls[0].name == "zip"


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert "conversations" in str(_read(tmp_path, {"system": ""}, mend=True))
    with pytest.raises(InputError, match="JSON list"):
        _read_all = list(read_conversations(_file(tmp_path, "{}"), mend=True))
    with pytest.raises(InputError):
        _read_all = list(read_conversations(tmp_path / "nowhere", mend=True))


def _file(folder: Path, text: str) -> Path:
    file = folder / "other.json"
    file.write_text(text)
    return file


def test_the_plain_way_agrees_and_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    from tastemaker.synthesis.verification import bench

    monkeypatch.setattr(bench, "_SECONDS", 0.01)
    samples = list(specimens(12, seed=4))
    row = speed("dialogues", samples)
    assert row["ratio"] == pytest.approx(row["ours_per_cpu_second"] / row["reference_per_cpu_second"])
    assert all(plainly_accepted(sample) for sample in samples)


def test_the_real_excerpt_is_accepted_but_for_lost_text() -> None:
    folder = data_folder()
    file = folder / "toolace-excerpt" / "sharegpt_func_fixed.json" if folder is not None else None
    if file is None or not file.is_file():
        pytest.skip("TASTEMAKER_DATA has no toolace-excerpt")
    (_, mended), kept = acceptance(file)
    assert mended["size"] == 100
    assert len(kept) == mended["accepted"] >= 95
