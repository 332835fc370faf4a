"""The rows of the benchmark, and that its plain users are those of a world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.errors import TastemakerError
from tastemaker.simulation import bench
from tastemaker.simulation.quit_rules import CategoryQuit, DistanceQuit
from tastemaker.simulation.scenario import Scenario


@pytest.fixture
def scenario(toy: Dataset) -> Scenario:
    truth = np.random.default_rng(0).normal(size=(toy.n_users, toy.n_items)).astype(np.float32)
    return Scenario("toy", toy, truth, DistanceQuit(truth.T, 1.5, 3), 12, "drawn")


def test_rows_have_the_same_figures_whatever_is_timed(scenario: Scenario) -> None:
    rows = list(bench.bench(scenario, (3, 20), steps=400))
    assert [row["size"] for row in rows] == [3, 20]
    for row in rows:
        assert row["what"] == "world toy (steps)"
        figures = [row[key] for key in ("ours_per_cpu_second", "reference_per_cpu_second", "ratio")]
        assert min(figures) > 0
        assert figures[2] == pytest.approx(figures[0] / figures[1])


def test_one_by_one_and_all_at_once_come_to_the_same_rewards(scenario: Scenario) -> None:
    films = scenario.log.items["categories"].to_list()
    actions = np.random.default_rng(1).integers(scenario.log.n_items, size=(60, 7))
    for quit_rule in (scenario.quit_rule, CategoryQuit(films, 0, 2)):
        chosen = replace(scenario, quit_rule=quit_rule)
        _, plain = bench._one_by_one(chosen, actions)
        _, ours = bench._all_at_once(chosen, actions)
        assert plain == pytest.approx(ours, rel=1e-6)
        assert plain != pytest.approx(bench._one_by_one(chosen, actions[:, ::-1])[1], rel=1e-6)


def test_ways_that_disagree_are_not_timed(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.PlainUser, "step", lambda self, item: ({}, 1.0, False, False))
    with pytest.raises(TastemakerError, match="disagree"):
        next(bench.bench(scenario, (3,), steps=60))
