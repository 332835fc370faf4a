"""One's own log as a world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tastemaker.data import registry
from tastemaker.data.readers.table import Columns
from tastemaker.errors import InputError
from tastemaker.simulation.own import near_threshold, own_scenario
from tastemaker.simulation.quit_rules import CategoryQuit, DistanceQuit
from tastemaker.simulation.scenarios import scenario


@pytest.fixture(autouse=True)
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    rows = [f"u{u},i{i},{rng.integers(1, 6)}" for u in range(12) for i in rng.permutation(20)[:9]]
    (tmp_path / "log.csv").write_text("user,item,stars\n" + "\n".join(rows) + "\n")
    registry.prepare_table("stars", tmp_path / "log.csv", Columns(user="user", item="item", rating="stars"))
    registry.prepare_table("seen", tmp_path / "log.csv", Columns(user="user", item="item"))


@pytest.mark.parametrize(("name", "low", "high"), [("stars", 1, 5), ("seen", 0, 1)])
def test_any_prepared_data_set_is_a_world(name: str, low: float, high: float) -> None:
    scene = scenario(name)
    assert scene.truth.shape == (12, 20)
    assert low <= scene.truth.min() < scene.truth.max() <= high
    assert "our own completion" in scene.protocol
    world = scene.world(50)
    world.reset(seed=0)
    _, rewards, *_ = world.step(np.arange(50) % 20)
    assert rewards.min() >= low


def test_the_default_threshold_makes_a_tenth_of_the_pairs_too_near() -> None:
    rule = own_scenario("stars").quit_rule
    assert isinstance(rule, DistanceQuit)
    off_diagonal = rule.near[:-1][~np.eye(20, dtype=np.bool_)]
    assert off_diagonal.mean() == pytest.approx(0.1, abs=0.01)


def test_near_threshold_is_a_quantile() -> None:
    line = np.array([[0.0], [1.0], [3.0], [7.0]])  # distances 1, 2, 3, 4, 6, 7
    assert near_threshold(line, 0.0) == pytest.approx(1)
    assert near_threshold(line, 1.0) == pytest.approx(7)
    assert near_threshold(line, 0.2) == pytest.approx(2)
    with pytest.raises(InputError, match="2 items or more"):
        near_threshold(line[:1])


def test_other_rules(ml100k: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_DATA", str(data_folder))
    scene = own_scenario("ml-100k", quit="category", threshold=2, n_recent=4, max_turns=12)
    assert isinstance(scene.quit_rule, CategoryQuit)
    assert (scene.quit_rule.threshold, scene.quit_rule.n_recent, scene.max_turns) == (2, 4, 12)
    assert "nobody quits; at most 9 turns" in own_scenario("stars", quit="never", max_turns=9).protocol


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quit": "category"}, "no item of this world has any"),
        ({"quit": "category", "threshold": 1.5}, "whole number, not 1.5"),
        ({"quit": "never", "threshold": 3}, "there is no threshold"),
        ({"quit": "boredom"}, "there are distance, category and never"),
        ({"threshold": -1}, "at least 0"),
    ],
)
def test_rules_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        own_scenario("stars", **settings)
