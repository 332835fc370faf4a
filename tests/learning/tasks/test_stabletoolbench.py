"""The benchmark's files: one written by hand, and the real ones where they are."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tastemaker.errors import InputError
from tastemaker.learning.tasks.stabletoolbench import read_queries, read_tool
from tastemaker.llm.signature import signature
from tastemaker.tools.tool import Tool

API: dict[str, Any] = {
    "category_name": "Tide, Sea",
    "tool_name": "Tide & Wave",
    "api_name": "/high/Water",
    "api_description": "High  water\nat a station.",
    "required_parameters": [
        {"name": "station id", "type": "STRING", "description": "Which one.", "default": "K7"},
        {"name": "days", "type": "NUMBER", "description": "", "default": ""},
    ],
    "optional_parameters": [
        {"name": "from", "type": "DATE (YYYY-MM-DD)", "description": "First day.", "default": ""},
        {"name": "exact", "type": "BOOLEAN", "description": "", "default": False},
    ],
    "method": "GET",
}
QUERY = {
    "api_list": [API, API | {"api_name": "list", "required_parameters": [], "optional_parameters": []}],
    "query": "When is high water at K7?",
    "relevant APIs": [["Tide & Wave", "/high/Water"]],
    "query_id": 17,
}


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(
        gzip.compress(json.dumps(value).encode()) if path.suffix == ".gz" else json.dumps(value).encode()
    )
    return path


@pytest.mark.parametrize("name", ["queries.json", "queries.json.gz"])
def test_a_query_becomes_specifications(tmp_path: Path, name: str) -> None:
    [task] = read_queries(write(tmp_path / name, [QUERY]))
    assert (task.id, task.question) == ("17", "When is high water at K7?")
    assert task.relevant == ("high_water_for_tide_wave",)
    first, second = task.apis
    assert (first.category, first.tool, first.api) == ("Tide, Sea", "tide_wave", "high_water")
    assert signature(first.spec) == (
        "high_water_for_tide_wave(station_id: str, days: float, is_from?: str, exact?: bool)"
        "  # High water at a station."
    )
    assert first.spec.parameters["properties"]["is_from"]["description"] == "First day.; DATE (YYYY-MM-DD)"
    assert first.spec.parameters["properties"]["station_id"]["examples"] == ["K7"]
    assert second.spec.name == "list_for_tide_wave"


def test_calls_of_one_name_are_told_apart(tmp_path: Path) -> None:
    [task] = read_queries(
        write(tmp_path / "q.json", [QUERY | {"api_list": [API, API, API | {"api_name": "x" * 90}]}])
    )
    names = [api.spec.name for api in task.apis]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= 64


def test_a_tool_file(tmp_path: Path) -> None:
    listed = [
        {key: API[key] for key in ("required_parameters", "optional_parameters")}
        | {"name": "water", "description": "Water."}
    ]
    path = write(
        tmp_path / "Tides" / "tide.json",
        {"tool_name": "Tide & Wave", "tool_description": "", "api_list": listed},
    )
    [api] = read_tool(path)
    assert (api.category, api.tool, api.api, api.spec.name) == (
        "Tides",
        "tide_wave",
        "water",
        "water_for_tide_wave",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON"),
        (b"{}", "a list of queries is expected"),
        (b"[3]", "query 1: an object is expected"),
        (b'[{"api_list": 3, "query": "a"}]', "query 1: api_list must be a list"),
        (b'[{"api_list": [], "query": ""}]', "query 1: query must be a text"),
        (b'[{"api_list": [{"tool_name": "a"}], "query": "a"}]', "query 1: api_name must be a text"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "queries.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_queries(path)


def test_a_missing_or_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_queries(tmp_path / "none.json")
    (tmp_path / "bad.json.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="cannot be read"):
        read_queries(tmp_path / "bad.json.gz")


def test_the_solvable_queries(data_folder: Path) -> None:
    folder = data_folder / "stabletoolbench" / "test_instruction"
    if not folder.is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder stabletoolbench")
    tasks = [task for path in sorted(folder.iterdir()) for task in read_queries(path)]
    assert len(tasks) == 765  # the published number
    for task in tasks:
        assert task.question
        assert task.relevant
        assert len({api.spec.name for api in task.apis}) == len(task.apis)
    for task in tasks[::20]:
        for api in task.apis:
            Tool(api.spec, print)
