"""Measures of user models against counting and numbers worked by hand."""

from __future__ import annotations

from math import log2, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import NeverQuits
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.user_model_quality import auc, calibration, judged, measure, ndcg


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in scores[positive] for b in scores[~positive]]
    found = auc(scores, positive)
    assert found == pytest.approx(np.mean(pairs)) if pairs else np.isnan(found)


def test_ndcg_by_hand() -> None:
    # user 0 ranks gains 1, 3, 0 against 3, 1; user 1 has no gain; user 2 nothing; user 3 is perfect
    scores = np.array([0.9, 0.1, 0.5, 1.0, 0.2, 0.1])
    gains = np.array([1.0, 0.0, 3.0, 0.0, 2.0, 1.0])
    first = (1 + 3 / log2(3)) / (3 + 1 / log2(3))
    assert ndcg(np.array([0, 3, 4, 4, 6]), scores, gains, 2) == pytest.approx((first + 1) / 2)


def test_calibration_finds_a_shift_and_not_mere_noise() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.uniform(1, 5, 50_000)
    given_ratings = predicted + rng.normal(0, 1, 50_000)
    assert calibration(predicted, given_ratings) < 0.03
    assert calibration(predicted - 0.5, given_ratings) == pytest.approx(0.5, abs=0.03)


def test_measures_of_a_data_set() -> None:
    rng = np.random.default_rng(1)
    mean, variance = rng.uniform(2, 4, (50, 100)), rng.uniform(0.01, 0.2, (50, 100))
    user, item = np.divmod(np.arange(5000), 100)
    rating = np.clip(mean + rng.normal(0, np.sqrt(variance)), 1, 5).ravel()
    data = Dataset.build(
        "ratings",
        pl.DataFrame({"id": [str(u) for u in range(50)]}),
        pl.DataFrame({"id": [str(i) for i in range(100)]}),
        user,
        item,
        rating=rating,
        source=Source("here", "none"),
        rating_range=(1, 5),
    )
    assert data.rating is not None
    found = measure(data, mean, variance)
    assert found["rmse"] == pytest.approx(sqrt(np.mean((mean.ravel() - rating) ** 2)), rel=1e-5)
    assert found["within_1"] == pytest.approx(norm.cdf(1) - norm.cdf(-1), abs=0.02)
    assert found["within_2"] == pytest.approx(norm.cdf(2) - norm.cdf(-2), abs=0.01)
    assert found["auc"] == pytest.approx(auc(mean.ravel(), np.asarray(data.rating >= 4)))
    assert 0.8 < found["ndcg@5"] <= 1


def test_a_log_without_ratings_is_refused() -> None:
    table = pl.DataFrame({"id": ["0"]})
    data = Dataset.build("seen", table, table, np.zeros(1, int), np.zeros(1, int), source=Source("", ""))
    with pytest.raises(InputError, match="seen has no ratings"):
        measure(data, np.zeros((1, 1)), np.ones((1, 1)))


def test_a_world_without_unbiased_ratings_is_judged_by_a_tenth_of_its_log(toy: Dataset) -> None:
    truth = np.ones((toy.n_users, toy.n_items), np.float32)
    scenario = Scenario("toy", toy, truth, NeverQuits(), 10, "by hand")
    found = judged(scenario)
    assert found.unbiased is not None
    assert len(found.log) + len(found.unbiased) == len(toy)
    # one of each user who has more than one
    assert np.diff(found.unbiased.user_ptr).tolist() == (np.diff(toy.user_ptr) > 1).astype(int).tolist()
    pairs = {
        (u, i) for part in (found.log, found.unbiased) for u, i in zip(part.user, part.item, strict=True)
    }
    assert pairs == set(zip(toy.user, toy.item, strict=True))
    assert judged(found) is found


def test_a_model_without_doubts_is_measured_without_them(toy: Dataset) -> None:
    mean = np.random.default_rng(0).uniform(1, 5, (toy.n_users, toy.n_items))
    sure = measure(toy, mean, np.ones_like(mean))
    assert measure(toy, mean) == {key: value for key, value in sure.items() if not key.startswith("within")}
