"""`tastemaker agents converse` with a model over HTTP, beside recommenders without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tastemaker.app.commands import agents
from tastemaker.errors import InputError

pytestmark = pytest.mark.usefixtures("place")

APP = typer.Typer()
APP.add_typer(agents.app, name="agents")


def invoke(*words: str) -> dict[str, Any]:
    options = ["agents", "converse", "--data", "mine", "--n", "3", "--turns", "2", "--json", *words]
    done = CliRunner().invoke(APP, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_team_stands_beside_recommenders_without_a_model(server: Any, tmp_path: Path) -> None:
    model = f"openai:m@http://127.0.0.1:{server.server_port}/v1"
    options = ["--model", model, "--run", str(tmp_path / "run"), "--results", str(tmp_path / "r.json")]
    found = invoke(*options)
    names = [row["model"] for row in found["rows"]]
    assert names == [f"single ({model})", "suggest", "retrieve", "popularity", "random"]
    assert found["rows"][0]["valid"] == 1.0
    assert "3 conversations of 2 turns" in found["protocol"]
    asked = server.asked
    assert asked >= 3 * 2 * 2
    assert invoke(*options)["rows"] == found["rows"]
    assert server.asked == asked
    assert json.loads((tmp_path / "r.json").read_text())["rows"][0]["data"] == "mine"
    alone = invoke("--model", "none")["rows"]
    assert alone == found["rows"][1:]


def test_wrong_use_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--model none has none; leave one out"):
        invoke("--model", "none", "--run", str(tmp_path))
    with pytest.raises(InputError, match="analyse is not for the task conversation"):
        invoke("--workflow", "analyse")
