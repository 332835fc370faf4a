"""`tastemaker data …`: what is printed, as tables and as JSON, and what wrong use is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tastemaker.app.commands.data import app
from tastemaker.errors import InputError

LOG = "uid,film,stars,ts\nann,x,4,100\nbob,y,2,50\nann,y,1,70\nann,y,5,80\n"
ITEMS = "film,name,kinds\nx,The X,Drama|War\ny,The Y,\n"
PREPARE = ["prepare", "mine", "--from", "log.csv", "--columns", "user=uid,item=film,rating=stars,time=ts"]
WITH_ITEMS = [*PREPARE, "--items", "items.csv", "--item-columns", "id=film,title=name,categories=kinds"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TASTEMAKER_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "items.csv").write_text(ITEMS)
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_own_table_from_csv_to_description() -> None:
    made = run_json(*WITH_ITEMS)
    assert (made["users"], made["items"], made["interactions"], made["repeats_left_out"]) == (2, 2, 3, 1)
    listed = {row["name"]: row for row in run_json("list")}
    assert listed["mine"]["prepared"]
    assert listed["mine"]["interactions"] == 3
    assert not listed["ml-1m"]["prepared"]
    figures = run_json("describe", "mine", "--plot", "mine.png")
    assert figures["ratings"] == {"2": 1, "4": 1, "5": 1}
    assert figures["density"] == 0.75
    assert Path("mine.png").read_bytes().startswith(b"\x89PNG")


def test_tables_for_people() -> None:
    assert "3" in run(*PREPARE)
    assert "your own table" in run("list")
    shown = run("describe", "mine")
    assert "0.7500" in shown
    assert "1970-01-01 to 1970-01-01" in shown


def test_known_data_set(ml100k: object) -> None:
    made = run_json("prepare", "ml-100k")
    assert (made["users"], made["items"], made["interactions"]) == (943, 1682, 100_000)
    assert run_json("describe", "ml-100k")["ratings"]["5"] == 21_201


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["describe", "none-such"], "no data set is named 'none-such'"),
        (["prepare", "none-such"], "no data set is named 'none-such'"),
        (["prepare", "ml-100k", "--columns", "user=a,item=b"], "--columns belongs to a table of your own"),
        (["prepare", "ml-100k", "--k-core", "5"], "--k-core belongs to a table of your own"),
        (["prepare", "mine", "--from", "log.csv"], "--from needs --columns, for example"),
        (
            ["prepare", "mine", "--from", "gone.csv", "--columns", "user=uid,item=film"],
            "gone.csv: there is no such file",
        ),
        (["prepare", "mine", "--from", "log.csv", "--columns", "user=uid"], "--columns lacks item=COLUMN"),
        (["prepare", "mine", "--from", "log.csv", "--columns", "user=uid,film"], "'film' is not KEY=COLUMN"),
        (
            ["prepare", "mine", "--from", "log.csv", "--columns", "user=uid,item=it"],
            "there is no column 'it'",
        ),
        (
            ["prepare", "mine", "--from", "log.csv", "--columns", "users=uid"],
            "one of user, item, rating, time",
        ),
        ([*PREPARE, "--items", "items.csv"], "--items and --item-columns go together"),
        ([*PREPARE, "--k-core", "9"], "choose a smaller k"),
    ],
)
def test_wrong_use_is_told_in_one_line(place: Path, arguments: list[str], complaint: str) -> None:
    with pytest.raises(InputError) as error:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    assert not (place / "cache").exists()


def test_help_gives_examples_and_is_light() -> None:
    for command in ("list", "prepare", "describe"):
        assert f"tastemaker data {command}" in run(command, "--help")
    heavy = "[name for name in ('numpy', 'polars', 'torch', 'matplotlib') if name in sys.modules]"
    code = f"import sys, tastemaker.app.commands.data; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
