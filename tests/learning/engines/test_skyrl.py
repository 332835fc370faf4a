"""Files for SkyRL, and the environment that plays them: alone, and in skyrl-gym where it is installed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tastemaker.errors import InputError
from tastemaker.learning.credit import CreditConfig
from tastemaker.learning.engines.play import PlayConfig, prompt
from tastemaker.learning.engines.skyrl import export
from tastemaker.learning.engines.skyrl_credit import MARK, turn_advantages
from tastemaker.learning.engines.skyrl_env import (
    ENVIRONMENT,
    ESTIMATOR,
    SkyRLToolEnv,
    ToolEnv,
    register,
    register_estimator,
)
from tastemaker.learning.tasks.generate import TaskConfig, make_tasks
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.llm.chat import call_text

FIRST = call_text("manager_of", {"person": "Ana Marsh"})
SECOND = call_text("birth_date", {"person": "Tom Reed"})


def row(path: Path) -> dict[str, object]:
    """The first row as SkyRL passes it on: what is neither prompt nor `env_class`, and its turns."""
    found = pl.read_parquet(path).row(0, named=True)
    return {key: value for key, value in found.items() if key not in ("prompt", "env_class")} | {
        "max_turns": 5
    }


def test_each_split_is_a_file(task: ToolTask, tmp_path: Path) -> None:
    tasks = [*make_tasks(TaskConfig(count=3)), task]
    paths = export(tasks, tmp_path / "new")
    assert [path.name for path in paths] == ["train.parquet", "test.parquet"]
    assert sorted((tmp_path / "new").iterdir()) == sorted(paths)
    train, test = map(pl.read_parquet, paths)
    assert train["env_class"].to_list() == [ENVIRONMENT] * 3
    assert test["prompt"].to_list() == [prompt(task)]
    assert [ToolTask.model_validate_json(text) for text in train["task"]] == tasks[:3]
    with pytest.raises(InputError, match="no task"):
        export([], tmp_path)


def test_rows_can_be_played(task: ToolTask, tmp_path: Path) -> None:
    credit = CreditConfig(outcome_weights={"outcome": 3.0})
    (path,) = export([task], tmp_path, PlayConfig(credit=credit))
    env = ToolEnv(extras=row(path))
    assert env.init(prompt(task)) == (prompt(task), {})
    first = env.step(FIRST)
    assert set(first) == {"observations", "reward", "done", "metadata"}
    assert first["observations"][0]["role"] == "user"
    assert first["reward"] == pytest.approx(0.2 + MARK, abs=1e-9)
    assert env.step(SECOND)["done"] is False
    last = env.step("It is 1970-05-04.")
    assert (last["done"], last["observations"], last["metadata"]) == (True, [], {"outcome": 1})
    assert last["reward"] == pytest.approx(3 + MARK, abs=1e-9)
    assert env.get_metrics() == {"success": 1, "contribution": 1, "outcome": 1, "turns": 3, "calls": 2}
    env.close()


def test_every_turn_can_be_told_by_its_reward(task: ToolTask, tmp_path: Path) -> None:
    (path,) = export([task], tmp_path)
    env = ToolEnv(extras=row(path))
    turns = [env.step(text) for text in ("{", "{", "{", "{", "{")]
    assert all(turn["reward"] != 0 for turn in turns)
    assert [turn["done"] for turn in turns] == [False] * 4 + [True]


def test_other_rows_are_refused() -> None:
    with pytest.raises(InputError, match="no task"):
        ToolEnv(extras={"reward_spec": {}})


def test_skyrl_gym_plays_it(task: ToolTask, tmp_path: Path) -> None:
    """As SkyRL's generator does: made by name, begun, played, measured."""
    gym = pytest.importorskip("skyrl_gym", reason="skyrl-gym is not installed")
    base = pytest.importorskip("skyrl_gym.envs.base_text_env").BaseTextEnv
    aggregated = pytest.importorskip("skyrl_gym.metrics").aggregate_for_environment
    (path,) = export([task], tmp_path)
    for _ in range(2):
        register()
    env = gym.make(ENVIRONMENT, env_config={}, extras=row(path))
    assert isinstance(env, base)
    assert isinstance(env, SkyRLToolEnv)
    assert env.init(prompt(task))[0] == prompt(task)
    assert env.step(FIRST)["observations"][0]["content"].startswith("manager_of returned:")
    assert (env.turns, env.max_turns) == (1, 5)
    assert aggregated(ENVIRONMENT, [env.get_metrics()])["success"] == 0.5


def test_skyrl_finds_the_estimator() -> None:
    utils = pytest.importorskip(
        "skyrl.backends.skyrl_train.utils.ppo_utils", reason="skyrl's trainer is not installed"
    )
    import numpy as np
    import torch

    for _ in range(2):
        register_estimator()
    rewards = torch.tensor([[0.0, 0.2, 0.0, 1.0], [0.0, 0.0, 0.1, 0.0]]) + MARK * torch.tensor(
        [[0, 1, 0, 1], [0, 0, 1, 0]]
    )
    mask = torch.tensor([[1, 1, 1, 1], [0, 1, 1, 1]])
    given = {"token_level_rewards": rewards, "response_mask": mask, "index": np.array(["a", "a"])}
    found, _ = utils.compute_advantages_and_returns(**given, adv_estimator=ESTIMATOR, config=None)
    torch.testing.assert_close(found, turn_advantages(**given)[0])
