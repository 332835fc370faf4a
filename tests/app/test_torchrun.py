"""Two processes fine-tune and learn by steps as one does, up to how sums round; the first alone writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tastemaker.learning.small_model import SmallConfig, begin, gold_dialogues
from tastemaker.learning.tasks.generate import TaskConfig
from tastemaker.llm.weights import Weights
from tastemaker.records import write_jsonl
from tastemaker.runs import Run

EASY = TaskConfig(count=8, max_calls=3, offered=2, kinds={"single": 1.0})
SMALL = SmallConfig(width=32, layers=2, heads=2, groups=1, inner=64, context=2048, tasks=EASY)


@pytest.fixture(scope="module")
def small(smollm2: Weights, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("small") / "model"
    begin(SMALL, smollm2, folder)
    return f"local:{folder}"


def run(processes: int, *words: str) -> dict[str, Any]:
    """What a command prints as JSON, started by torchrun where several processes run it."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m", "--"]
    how = torchrun if processes > 1 else ["-m"]
    ran = subprocess.run(
        [sys.executable, *how, "tastemaker", *words, "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def assert_alike(one: Path, two: Path, figures: tuple[str, ...]) -> None:
    """Both runs have the same lines and, nearly, the same figures and weights."""
    config = SmallConfig()
    lines = [Run(folder, config).metrics() for folder in (one, two)]
    assert [line.keys() for line in lines[0]] == [line.keys() for line in lines[1]]
    for name in figures:
        told = [[line[name] for line in each if name in line] for each in lines]
        assert told[0]
        assert told[1] == pytest.approx(told[0], rel=1e-3), name
    first, second = (load_file(folder / "model" / "model.safetensors") for folder in (one, two))
    for name, tensor in first.items():
        assert (second[name].float() - tensor.float()).abs().max() < 2e-3, name


def test_two_processes_fine_tune_as_one(small: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "gold.jsonl", gold_dialogues(EASY))
    settings = ("steps=3", "batch_size=4", "pack_tokens=256", "valid=2", "valid_steps=2")
    more = [word for pair in settings for word in ("--set", pair)]
    for count in (1, 2):
        folder = str(tmp_path / str(count))
        told = run(count, "finetune", str(tmp_path / "gold.jsonl"), "--model", small, "--run", folder, *more)
        assert told["steps"] == 3
    assert_alike(tmp_path / "1", tmp_path / "2", ("loss", "gradient", "answer_tokens", "valid_loss"))


@pytest.mark.parametrize("method", ["steptool", "archer"])
def test_two_processes_learn_by_steps_as_one(small: str, tmp_path: Path, method: str) -> None:
    """Tries are drawn by the likeliest tokens, so that they do not hang on the last bits."""
    settings = [
        *("tasks.max_calls=3", "tasks.offered=2", "tasks.kinds.single=1", "rollouts.turn_tokens=8"),
        *("rollouts.tries=1", "rollouts.samples=1", "rollouts.temperature=0", "tasks_per_round=3"),
        *("batch_size=2", "pack_tokens=256", "evaluate_tasks=3", "lora=false", "value_rounds=0"),
    ]
    for count in (1, 2):
        folder = str(tmp_path / str(count))
        words = ["learning", "train", "--method", method, "--model", small, "--run", folder, "--rounds", "2"]
        told = run(count, *words, *(word for pair in settings for word in ("--set", pair)))
        assert (told["method"], told["rounds"]) == (method, 2)
        assert not list((tmp_path / str(count) / "checkpoints").iterdir())
    assert_alike(tmp_path / "1", tmp_path / "2", ("rollouts", "gradient", "dialogue_tokens", "valid_solved"))
