"""`tastemaker learning`: what it refuses, in one line each, and a small model from nothing to the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tastemaker.app.commands.learning import evaluate, export, small, tasks, train
from tastemaker.app.commands.learning_compare import compare
from tastemaker.app.commands.learning_settings import flat, nested
from tastemaker.errors import InputError
from tastemaker.llm.weights import Weights
from tastemaker.records import read_jsonl

EASY = ["tasks.max_calls=3", "tasks.offered=2", "tasks.kinds.single=1"]
TRY = ["rollouts.turn_tokens=12", "rollouts.tries=1", "rollouts.samples=2"]


def test_settings_reach_configs_within_configs() -> None:
    pairs = ["kl.weight=0.05", "kl.target=3", "rounds=3"]
    assert nested(pairs) == {"kl": {"weight": "0.05", "target": "3"}, "rounds": "3"}
    assert flat(nested(pairs)) == pairs
    for wrong in (["kl=1", "kl.weight=2"], ["kl.weight=2", "kl=1"]):
        with pytest.raises(InputError, match=r"of (its|their) own"):
            nested(wrong)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": "ppo"}, "there is no such method; there is: sft, rft"),
        ({"model": "openai:gpt-5"}, "is not trained here"),
        ({"model": "local:nonsense"}, "local:FOLDER of a trained model"),
        ({"settings": ["kl.wieght=1"]}, "kl.wieght"),
        ({"settings": ["kl=1"]}, "kl="),
        ({"settings": ["rollouts.samples=0"]}, "rollouts.samples='0'"),
        ({"rounds": 0}, "rounds=0"),
    ],
)
def test_what_cannot_be_trained_is_told(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {"folder": tmp_path / "run", "model": "local:smollm2", "settings": []} | change
    with pytest.raises(InputError) as error:
        train(**given)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"methods": "sft,stepwise"}, "there is no such method"),
        ({"methods": "sft,a=steptool,a=grpo"}, "a name of its own"),
        ({"methods": "grpo"}, "--reference sft: it is none of those compared: start, grpo"),
        ({"settings": ["sfd:rounds=1"]}, "--set sfd:"),
        ({"settings": ["steptool:baseline=none"]}, "learning compare: steptool: baseline='none'"),
        ({"model": "openai:gpt-5"}, "is not trained here"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {
        "model": "local:smollm2",
        "folder": tmp_path / "runs",
        "reference": "sft",
    } | change
    with pytest.raises(InputError) as error:
        compare(**{**given, **change})
    assert says in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_what_cannot_be_evaluated_is_told(tmp_path: Path) -> None:
    for change, says in (
        ({"model": "local:nonsense"}, "local:FOLDER of a trained model"),
        ({"split": "tset"}, "tasks.split='tset'"),
        ({"settings": ["rollouts=1"]}, "write rollouts.SETTING=value"),
    ):
        given: dict[str, Any] = {"model": "local:smollm2", "folder": tmp_path / "run"}
        with pytest.raises(InputError) as error:
            evaluate(**{**given, **change})
        assert says in str(error.value)
        assert not (tmp_path / "run").exists()


def test_tasks_are_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks("test", 2, as_json=True)
    drawn = json.loads(capsys.readouterr().out)
    assert [task["split"] for task in drawn] == ["test", "test"]
    tasks("train", 3, dialogues=tmp_path / "gold.jsonl")
    gold = list(read_jsonl(tmp_path / "gold.jsonl"))
    assert [one.outcome.scores["solved"] for one in gold] == [1, 1, 1]
    with pytest.raises(InputError, match="split='tset'"):
        tasks("tset")


def test_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(tmp_path, n=3, valid=2, as_json=True)
    files = json.loads(capsys.readouterr().out)["files"]
    assert [Path(file).name for file in files] == ["train.parquet", "valid.parquet"]
    with pytest.raises(InputError, match="there is: skyrl"):
        export(tmp_path, to="verl")


def test_from_nothing_to_the_table(
    smollm2: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["width=32", "layers=1", "heads=1", "groups=1", "inner=32", "valid=0", "epochs=1"]
    small(tmp_path / "small", settings=[*sizes, *EASY, "tasks.count=6", "batch_size=2"], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["dialogues"] == 6
    assert told["last_loss"] < told["first_loss"]
    model, runs = told["model"] + "/torch", tmp_path / "runs"
    settings = [
        *EASY, *TRY, "tasks.count=4", "rounds=1", "tasks_per_round=2", "batch_size=4", "evaluate_tasks=2",
        "evaluate_every=1", "pack_tokens=4096",
    ]  # fmt: skip
    trying = [*EASY, *TRY[:2]]
    evaluate(model, runs / "start", n=3, settings=trying, as_json=True)
    first = json.loads(capsys.readouterr().out)
    assert first["rows"][0]["tasks"] == 3
    for method in ("sft", "steptool"):
        train(runs / f"{method}-0", method, model, settings=settings, as_json=True)
        assert json.loads(capsys.readouterr().out)["updates"] == 2
        trained = f"local:{runs / f'{method}-0' / 'model'}/torch"
        evaluate(trained, runs / f"{method}-0-test", n=3, settings=trying, as_json=True)
        capsys.readouterr()
    for _ in range(2):  # all is done, so nothing is run
        compare(
            model, runs, methods="sft,steptool", seeds=1, n=3, reference="sft", settings=settings,
            results=tmp_path / "learning.json", as_json=True,
        )  # fmt: skip
        table = json.loads(capsys.readouterr().out)
        assert [row["method"] for row in table["rows"]] == ["start", "sft", "steptool"]
        assert table["rows"][1]["over_sft"] is None
        assert table["rows"][2]["over_sft"].keys() >= {"mean", "low", "high"}
        assert [line["round"] for line in table["rows"][2]["curve"]] == [0, 1]
        assert "1 rounds of 2 × 2 tries" in table["protocol"]
    assert json.loads((tmp_path / "learning.json").read_text())["rows"] == table["rows"]
