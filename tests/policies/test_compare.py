from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.policies import baselines, compare, training
from tastemaker.policies.evaluation import METRICS, Judge
from tastemaker.policies.metrics import over_seeds
from tastemaker.runs import write_results
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.scenario import Scenario

SMALL = {"epochs": 3, "turns": 60, "steps": 3, "batch_size": 8}


@pytest.fixture
def scenario(toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    truth = np.random.default_rng(0).uniform(1, 5, (toy.n_users, toy.n_items)).astype(np.float32)
    return Scenario("toy", toy, truth, DistanceQuit(np.arange(8.0)[:, None], 0.5, 1), 10, "drawn for a test")


def test_curves_average_over_seeds() -> None:
    rows = [
        [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "true_reward": 1.0}, {"epoch": 4, "true_reward": 5.0}],
        [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "true_reward": 3.0}, {"epoch": 4, "true_reward": 5.0}],
    ]
    points = compare.curve(rows)
    assert points == [{"epoch": 2, **over_seeds([1.0, 3.0])}, {"epoch": 4, "mean": 5, "low": 5, "high": 5}]


def test_a_comparison_of_one_that_learns_with_all_baselines(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []
    found = compare.compare(
        scenario,
        ["bc"],
        seeds=(0, 1),
        settings=SMALL,
        folder=tmp_path / "runs",
        on_epoch=lambda name, seed, row: told.append((name, seed)),
    )
    assert sorted(set(told)) == [("bc", 0), ("bc", 1)]
    # ten turns without repeats do not fit eight items
    assert [(row["mode"], row["policy"]) for row in found.rows] == [
        ("FreeB", name) for name in [*baselines.NAMES, "bc"]
    ]
    learned = found.rows[-1]
    by_hand = [training.load(tmp_path / "runs" / f"bc-{seed}", scenario) for seed in (0, 1)]
    judge = Judge(scenario)
    means = [judge.evaluate(policy, seed=seed).means() for seed, policy in enumerate(by_hand)]
    for metric in METRICS:
        assert learned[metric] == over_seeds([one[metric] for one in means])
    assert learned["curve"][-1]["mean"] == pytest.approx(learned["reward"]["mean"])
    assert "seed" not in learned["config"]
    assert "seeds 0, 1" in found.protocol
    oracle = next(row for row in found.rows if row["policy"] == "oracle")
    assert oracle["reward"]["low"] == oracle["reward"]["high"]

    monkeypatch.setattr(training, "_epochs", None)
    again = compare.compare(scenario, ["bc"], seeds=(0, 1), settings=SMALL, folder=tmp_path / "runs")
    assert again == found


def test_an_unknown_name_is_refused_before_anything_is_trained(scenario: Scenario, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no policy is named 'bcc'"):
        compare.compare(scenario, ["bc", "bcc"], folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_setting_of_one_policy_stands_before_that_of_all(scenario: Scenario, tmp_path: Path) -> None:
    settings = {**SMALL, "cql.epochs": 2, "bc.learning_rate": 0.5}
    found = compare.compare(scenario, ["bc", "cql"], seeds=[0], settings=settings, folder=tmp_path / "runs")
    bc, cql = found.rows[-2:]
    assert (bc["epochs"], cql["epochs"]) == (3, 2)
    assert bc["config"]["learning_rate"] == 0.5 != cql["config"]["learning_rate"]


def test_settings_are_refused_before_anything_is_trained(scenario: Scenario, tmp_path: Path) -> None:
    for settings, message in (
        ({"dqn.epochs": 3}, "dqn is not among the policies"),
        ({"cql.epohs": 3}, "cql has no setting 'epohs'"),
        ({"reward.penalty": 3}, "bc learns from the log"),
    ):
        with pytest.raises(InputError, match=message):
            compare.compare(scenario, ["bc", "cql"], settings=settings, folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_reading_what_was_stored(tmp_path: Path) -> None:
    rows = [{"policy": name, "mode": "FreeB"} for name in ("random", "a2c", "dqn", "oracle")]
    path = tmp_path / "results.json"
    write_results(path, command="c", seeds=[0], seconds=1, protocol="terms", rows=rows)
    assert compare.read(path) == compare.Comparison("terms", rows)
    assert [row["policy"] for row in compare.read(path, ["dqn"]).rows] == ["random", "dqn", "oracle"]
    with pytest.raises(InputError, match="no policy 'sac'; it has random, a2c, dqn, oracle"):
        compare.read(path, ["sac"])
    with pytest.raises(InputError, match="measure with --train"):
        compare.read(tmp_path / "none.json")
    for text in ("{", json.dumps([1]), json.dumps({"protocol": "x"})):
        path.write_text(text)
        with pytest.raises(InputError, match="not a file of results"):
            compare.read(path)
