"""`tastemaker memory`, on a file of two people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tastemaker.agents.memory import Memory
from tastemaker.app.commands import memory
from tastemaker.errors import InputError

APP = typer.Typer()
APP.add_typer(memory.app, name="memory")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path))
    with Memory() as profiles:
        profiles.note("lea", "toy", "like", "a", "c1")
        profiles.note("lea", "films", "like", "a", "c2")
        profiles.note("lea", "toy", "note", "no [red]blood", "c2")
        profiles.note("max", "toy", "dislike", "b", "c3")
        return profiles.path


def call(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(APP, ["memory", *words], input=typed)


def test_list_counts_what_is_kept(path: Path) -> None:
    rows = json.loads(call("list", "--json").stdout)
    assert [(row["name"], row["data"], row["likes"], row["dislikes"], row["notes"]) for row in rows] == [
        ("lea", "toy, films", 2, 0, 1),
        ("max", "toy", 0, 1, 0),
    ]
    assert "lea" in call("list", "--path", str(path)).stdout


def test_list_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "new"))
    assert "nothing is kept" in call("list").stdout
    assert json.loads(call("list", "--json").stdout) == []


def test_show_gives_every_entry_as_it_was_said(path: Path) -> None:
    rows = json.loads(call("show", "lea", "--json").stdout)
    assert [(row["data"], row["kind"], row["text"], row["conversation"]) for row in rows] == [
        ("toy", "like", "a", "c1"),
        ("films", "like", "a", "c2"),
        ("toy", "note", "no [red]blood", "c2"),
    ]
    assert "no [red]blood" in call("show", "lea").stdout


def test_forget_in_one_data_set_or_in_all(path: Path) -> None:
    assert call("forget", "lea", "a", "--data", "films").exit_code == 0
    with Memory(path) as profiles:
        assert profiles.profile("lea", "toy").likes == ("a",)
        assert profiles.profile("lea", "films").likes == ()
    assert json.loads(call("forget", "lea", "a", "--json").stdout)["data"] == ["toy"]
    fault = call("forget", "lea", "a").exception
    assert isinstance(fault, InputError)
    assert "nothing of lea reads 'a'" in str(fault)


def test_erase_asks_first(path: Path) -> None:
    refused = call("erase", "lea", typed="n\n")
    assert refused.exit_code == 1
    with Memory(path) as profiles:
        assert len(profiles.entries("lea")) == 3
    done = call("erase", "lea", typed="y\n")
    assert done.exit_code == 0
    assert "erased 3 entries of lea" in done.stdout
    with Memory(path) as profiles:
        assert profiles.names() == ["max"]


def test_erase_without_asking(path: Path) -> None:
    assert json.loads(call("erase", "max", "--yes", "--json").stdout) == {"name": "max", "erased": 1}


@pytest.mark.parametrize("words", [("show", "ann"), ("erase", "ann", "--yes"), ("forget", "ann", "a")])
def test_someone_unknown(path: Path, words: tuple[str, ...]) -> None:
    fault = call(*words).exception
    assert isinstance(fault, InputError)
    assert str(fault) == "nothing is kept of 'ann'; there is: lea, max"


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    fault = call("list", "--path", str(tmp_path / "typo")).exception
    assert isinstance(fault, InputError)
    assert not (tmp_path / "typo").exists()
