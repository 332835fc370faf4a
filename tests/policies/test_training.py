from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.policies import registry, training
from tastemaker.policies.baselines import Avoiding
from tastemaker.policies.evaluation import METRICS, Judge
from tastemaker.policies.training import PolicyRun, train
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Mode

SMALL = {"window": 3, "epochs": 6, "turns": 60, "steps": 3, "batch_size": 8, "embedding_size": 4}


@pytest.fixture
def scenario(toy: Dataset) -> Scenario:
    """The toy's users, who quit over the item that came last; eight items, five turns."""
    truth = np.random.default_rng(0).uniform(1, 5, (toy.n_users, toy.n_items)).astype(np.float32)
    return Scenario("toy", toy, truth, DistanceQuit(np.arange(8.0)[:, None], 0.5, 1), 5, "drawn for a test")


@pytest.fixture
def judge(scenario: Scenario) -> Judge:
    return Judge(scenario)


def interrupted_at(epoch: int) -> Any:
    def tell(row: Mapping[str, Any]) -> None:
        if row["epoch"] == epoch:
            raise KeyboardInterrupt

    return tell


def test_a_run_folder_holds_all_and_a_finished_run_is_not_trained_again(judge: Judge, tmp_path: Path) -> None:
    config = PolicyRun.of("bc", judge.scenario, SMALL)
    told: list[Mapping[str, Any]] = []
    found = train(judge, config, tmp_path / "run", told.append)
    assert PolicyRun.read(tmp_path / "run") == config
    assert config.settings["epochs"] == 6
    assert config.settings["hidden_size"] == 64
    assert [row["epoch"] for row in found.rows] == [1, 2, 3, 4, 5, 6]
    assert found.rows == told
    assert list(found.evaluations) == ["FreeB", "NX_0"]
    assert list(found.evaluations["FreeB"]) == list(METRICS)
    assert found.evaluations["FreeB"]["reward"] == pytest.approx(found.rows[-1]["true_reward"])
    assert found.evaluations["FreeB"]["length"] == pytest.approx(found.rows[-1]["true_length"])

    def never(row: Mapping[str, Any]) -> None:
        raise AssertionError("trained again")

    again = train(judge, config, tmp_path / "run", never)
    assert again.evaluations == found.evaluations
    assert (again.rows, again.seconds) == (found.rows, found.seconds)


@pytest.mark.parametrize("every", [0.0, 1e9])
def test_going_on_after_an_interruption_is_exact(
    judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: float
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", every)
    config = PolicyRun.of("bc", judge.scenario, SMALL)
    whole = train(judge, config, tmp_path / "whole")
    for epoch in (2, 4):
        with pytest.raises(KeyboardInterrupt):
            train(judge, config, tmp_path / "cut", interrupted_at(epoch))
    parts = train(judge, config, tmp_path / "cut")
    first, second = (
        load_file(tmp_path / name / "checkpoints" / "checkpoint.safetensors") for name in ("whole", "cut")
    )
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)
    kept = ("epoch", "loss", "true_reward", "true_length")
    assert [[row[key] for key in kept] for row in whole.rows] == [
        [row[key] for key in kept] for row in parts.rows
    ]
    assert whole.evaluations == parts.evaluations


def test_another_config_wants_another_folder(judge: Judge, tmp_path: Path) -> None:
    train(judge, PolicyRun.of("bc", judge.scenario, SMALL), tmp_path)
    with pytest.raises(InputError, match="seed is 0 there and 1 here"):
        train(judge, PolicyRun.of("bc", judge.scenario, {**SMALL, "seed": 1}), tmp_path)


def test_a_loaded_policy_acts_as_it_was_measured(judge: Judge, tmp_path: Path) -> None:
    found = train(judge, PolicyRun.of("bc", judge.scenario, SMALL), tmp_path / "run")
    loaded = training.load(tmp_path / "run", judge.scenario)
    assert judge.evaluate(loaded, "NX_0").means() == found.evaluations["NX_0"]


def test_what_cannot_be_loaded(judge: Judge, tmp_path: Path) -> None:
    scenario = judge.scenario
    with pytest.raises(InputError, match=r"config\.toml: no readable config"):
        training.load(tmp_path, scenario)
    with pytest.raises(KeyboardInterrupt):
        train(judge, PolicyRun.of("bc", scenario, SMALL), tmp_path / "cut", interrupted_at(1))
    with pytest.raises(InputError, match="has not ended"):
        training.load(tmp_path / "cut", scenario)
    other = Scenario("toy", scenario.log, scenario.truth + 1, scenario.quit_rule, 5, "another truth")
    with pytest.raises(InputError, match="not on toy as it is now"):
        training.load(tmp_path / "cut", other)


def test_wrong_settings(scenario: Scenario) -> None:
    for settings, message in (
        ({"epohs": 3}, "bc has no setting 'epohs'"),
        ({"epochs": "few"}, "bc: epochs='few': Input should be a valid integer"),
        ({"reward.weight": 1}, "learns from the log"),
    ):
        with pytest.raises(InputError, match=message):
            PolicyRun.of("bc", scenario, settings)
    for settings, message in (
        ({"user_model.members": 1}, "the user model: members=1"),
        ({"user_model.m": 1}, "the user model has no setting 'm'"),
        ({"reward.penalty": "x"}, "are numbers"),
        ({"reward.weight": 1}, "training reward mopo has no setting 'weight'; its settings: penalty"),
        ({"reward.penalty": -1}, "mopo: penalty=-1.0: .*greater than or equal to 0"),
    ):
        with pytest.raises(InputError, match=message):
            PolicyRun.of("mopo", scenario, settings)


def test_settings_of_the_parts_are_kept_apart(scenario: Scenario) -> None:
    config = PolicyRun.of(
        "mopo", scenario, {"user_model.members": "3", "reward.penalty": "0.5", "gamma": "0.9"}
    )
    assert config.user_model["members"] == 3
    assert config.reward == {"penalty": 0.5}
    assert config.settings["gamma"] == 0.9
    assert "user_model.members" not in config.settings


def test_fingerprint_changes_with_what_matters(scenario: Scenario) -> None:
    longer = Scenario("toy", scenario.log, scenario.truth, scenario.quit_rule, 6, "")
    truth = scenario.truth.copy()
    truth[0, 0] += 0.5
    other = Scenario("toy", scenario.log, truth, scenario.quit_rule, 5, "")
    fewer = Scenario("toy", scenario.log.take(np.arange(20)), scenario.truth, scenario.quit_rule, 5, "")
    prints = {training.fingerprint(one) for one in (scenario, longer, other, fewer)}
    assert len(prints) == 4


def test_find(judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    scenario, modes = judge.scenario, [Mode.parse("FreeB"), Mode.parse("NX_3")]
    free, kept = training.find("oracle", scenario, modes, 0)
    assert isinstance(free, Avoiding)
    assert isinstance(kept, Avoiding)
    assert (free.rule.n_recent, kept.rule.n_recent) == (1, 0)
    with pytest.raises(InputError, match="policy train bc --world toy --seed 0"):
        training.find("bc", scenario, modes, 0)
    with pytest.raises(InputError, match="neither a run folder nor a policy"):
        training.find(str(tmp_path / "no"), scenario, modes, 0)
    train(judge, PolicyRun.of("bc", scenario, SMALL), tmp_path / "run")
    assert [one.name for one in training.find(str(tmp_path / "run"), scenario, modes, 0)] == ["bc", "bc"]


def test_the_run_is_marked_as_finished_at_the_end(judge: Judge, tmp_path: Path) -> None:
    train(judge, PolicyRun.of("bc", judge.scenario, SMALL), tmp_path)
    summary = json.loads((tmp_path / "done.json").read_text())["summary"]
    assert summary["evaluations"].keys() == {"FreeB", "NX_0"}


def test_learning_in_the_user_models_world(
    judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each training reward, by its combination with A2C."""
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    settings = {"window": 3, "epochs": 2, "sessions": 6, "user_model.members": 2, "user_model.epochs": 2}
    for name in ("a2c", "mopo", "dorl", "cirs", "intrinsic"):
        found = train(judge, PolicyRun.of(name, judge.scenario, settings), tmp_path / name)
        assert np.isfinite([row["loss"] for row in found.rows]).all()
        assert found.policy.name == registry.policy_type(name).name
