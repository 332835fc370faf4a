"""The row of the training benchmark."""

from __future__ import annotations

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.policies.bench import bench
from tastemaker.simulation.quit_rules import NeverQuits
from tastemaker.simulation.scenario import Scenario


def test_the_row_is_of_both_ways(toy: Dataset) -> None:
    truth = np.random.default_rng(0).normal(size=(toy.n_users, toy.n_items)).astype(np.float32)
    scenario = Scenario("toy", toy, truth, NeverQuits(), 12, "drawn")
    (row,) = bench(scenario, sessions=20, epochs=1, plain_epochs=1)
    assert row["what"] == "training of A2C with GRU, toy (steps)"
    assert row["size"] == 20
    assert min(row["ours_per_cpu_second"], row["reference_per_cpu_second"]) > 0
    assert row["ratio"] == pytest.approx(row["ours_per_cpu_second"] / row["reference_per_cpu_second"])
