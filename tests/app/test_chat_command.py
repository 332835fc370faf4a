"""`tastemaker chat` with a model over HTTP, said on the command line and typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tastemaker.agents.memory import Memory
from tastemaker.app.commands import chat
from tastemaker.errors import InputError

pytestmark = pytest.mark.usefixtures("place")

APP = typer.Typer()
APP.command()(chat.chat)


def invoke(server: Any, *words: str, typed: str | None = None, code: int = 0) -> str:
    model = f"openai:m@http://127.0.0.1:{server.server_port}/v1"
    done = CliRunner().invoke(
        APP, [*words, "--data", "mine", "--model", model], input=typed, catch_exceptions=False
    )
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.mark.parametrize("answers", ["own", "edits"])
@pytest.mark.parametrize("workflow", ["single", "interpret", "chat"])
def test_what_is_said_is_answered(server: Any, workflow: str, answers: str) -> None:
    said = ["--say", "I liked Title [3] and Title [4]", "--say", "More"]
    words = [*said, "--workflow", workflow, "--answers", answers, "--n", "3", "--json"]
    turns = json.loads(invoke(server, *words))["turns"]
    assert [turn["said"] for turn in turns] == said[1::2]
    shown = [item["id"] for turn in turns for item in turn["items"]]
    assert len(set(shown)) == 6
    assert not {"i3", "i4"} & set(shown)
    assert all(turn["outcome"] == "answered" and turn["reply"] == server.reason for turn in turns)


def test_a_conversation_is_typed_and_remembered(server: Any, tmp_path: Path) -> None:
    typed = "I liked Title [3]\n\n/profile\n/forget i3\n/forget i3\n/what\nno drama\n/quit\nnever read\n"
    file = tmp_path / "kept.sqlite3"
    printed = invoke(server, "--as", "lea", "--memory", str(file), "--workflow", "single", typed=typed)
    assert printed.count(f"team {server.reason}") == 1  # everything here is a drama
    assert "i3 Title [3]" in printed
    assert "forgotten" in printed
    assert "there is no such thing" in printed
    assert "/forget TEXT" in printed
    with Memory(file) as memory:
        assert memory.profile("lea", "mine").likes == ()
        assert memory.profile("lea", "mine").notes == ("avoids Drama",)


def test_the_end_of_the_input_ends_the_conversation(server: Any) -> None:
    assert "team" in invoke(server, "--workflow", "single", "--steps", typed="hello\n")


def test_a_model_that_is_down_is_said(server: Any) -> None:
    server.broken = True
    told = json.loads(invoke(server, "--say", "hello", "--workflow", "single", "--json", code=1))
    assert told["turns"][0]["outcome"] == "failed"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--memory", "x"], "add --as NAME"),
        (["--json"], "--json needs what to say"),
        (["--say", "hello", "--user", "u99"], "no user 'u99'"),
        (
            ["--say", "hello", "--workflow", "plan"],
            "not for the task conversation; these are: single",
        ),
        (["--say", " "], "say something"),
    ],
)
def test_wrong_use_is_one_clear_line(server: Any, words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        invoke(server, *words)
