"""Completion of matrices: each row against a dense least-squares solver, what is held out, the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError
from tastemaker.retrieval.bias import BiasConfig, BiasModel
from tastemaker.simulation import completion
from tastemaker.simulation.completion import ImplicitConfig, RatingsConfig, complete, complete_cached


def log_of(
    matrix: np.ndarray, known: np.ndarray, scale: tuple[float, float] = (1.0, 5.0), rated: bool = True
) -> Dataset:
    user, item = np.nonzero(known)
    return Dataset.build(
        "made",
        pl.DataFrame({"id": [f"u{row}" for row in range(len(matrix))]}),
        pl.DataFrame({"id": [f"i{row}" for row in range(matrix.shape[1])]}),
        user,
        item,
        rating=matrix[user, item].astype(np.float32) if rated else None,
        source=Source("made here", "none"),
        rating_range=scale if rated else None,
    )


def low_rank(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    biases = rng.normal(0, 0.4, (80, 1)) + rng.normal(0, 0.4, (1, 50))
    return np.clip(3 + biases + 0.6 * rng.normal(size=(80, 2)) @ rng.normal(size=(2, 50)), 1, 5)


def test_rating_rows_end_where_a_dense_solver_does() -> None:
    truth = low_rank()
    known = np.random.default_rng(1).random(truth.shape) < 0.5
    log = log_of(truth, known)
    rows = csr_matrix((log.rating, log.item, log.user_ptr), shape=truth.shape)
    design = np.random.default_rng(2).normal(size=(50, 4))
    offset = np.random.default_rng(3).normal(size=50)
    found = completion._ridge_rows(rows, design, offset, 0.3)
    for row in (0, 17, 79):
        own = known[row]
        ridge = np.sqrt(0.3 * own.sum()) * np.eye(4)
        stacked = np.concatenate([design[own], ridge])
        target = np.concatenate([truth[row, own].astype(np.float32) - offset[own], np.zeros(4)])
        assert found[row] == pytest.approx(np.linalg.lstsq(stacked, target)[0], abs=1e-5)


def test_seen_rows_end_where_a_dense_solver_does() -> None:
    known = np.random.default_rng(1).random((9, 12)) < 0.4
    log = log_of(np.ones((9, 12)), known, rated=False)
    design = np.random.default_rng(2).normal(size=(12, 3))
    config = ImplicitConfig(factors=3, reg=2.0, alpha=5.0)
    found = completion._weighted_rows(log.matrix(), design, config)
    for row in range(9):
        weight = np.sqrt(np.where(known[row], 5.0, 1.0))
        stacked = np.concatenate([design * weight[:, None], np.sqrt(2.0) * np.eye(3)])
        target = np.concatenate([known[row] * weight, np.zeros(3)])
        assert found[row] == pytest.approx(np.linalg.lstsq(stacked, target)[0])


def test_what_was_left_out_is_found_again() -> None:
    truth = low_rank()
    known = np.random.default_rng(1).random(truth.shape) < 0.6
    completed = complete(log_of(truth, known), RatingsConfig(factors=2, reg=0.005, iterations=30))
    error = np.sqrt(np.mean((completed - truth)[~known] ** 2))
    assert error < 0.2 * truth[~known].std()
    assert completed.dtype == np.float32
    assert completed.min() >= 1
    assert completed.max() <= 5


def test_without_biases_an_unknown_item_gets_the_lowest_rating() -> None:
    known = np.random.default_rng(1).random((80, 50)) < 0.6
    known[:, 7] = False
    log = log_of(low_rank(), known)
    assert (complete(log, RatingsConfig(factors=2, biases=False))[:, 7] == 1).all()
    with_biases = complete(log, RatingsConfig(factors=2))
    assert with_biases[:, 7].std() > 0.1  # the users' own habits


def test_seen_pairs_look_more_like_seen_ones() -> None:
    known = np.kron(np.eye(2), np.ones((20, 10))) * (np.random.default_rng(0).random((40, 20)) < 0.6) > 0
    completed = complete(log_of(np.ones(known.shape), known, rated=False), ImplicitConfig(factors=4, reg=1.0))
    own = np.kron(np.eye(2), np.ones((20, 10))) > 0
    assert completed[own & ~known].mean() > completed[~own].mean() + 0.4
    assert completed.min() >= 0
    assert completed.max() <= 1


def test_the_same_seed_gives_the_same_matrix(toy: Dataset) -> None:
    first, again = complete(toy), complete(toy)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, complete(toy, RatingsConfig(seed=1)))


def test_repeated_pairs_are_not_summed() -> None:
    once = log_of(np.full((3, 3), 4.0), np.eye(3) + np.eye(3, k=1) > 0)
    twice = Dataset.build(
        "twice",
        once.users,
        once.items,
        np.append(once.user, 0),
        np.append(once.item, 0),
        rating=np.full(len(once) + 1, 4.0, np.float32),
        source=once.source,
        rating_range=(1, 5),
    )
    assert complete(twice) == pytest.approx(np.full((3, 3), 4.0), abs=1e-5)


def test_ml_100k_is_predicted_better_than_by_biases(ml100k: Dataset) -> None:
    held = np.random.default_rng(0).random(len(ml100k)) < 0.1
    train, test = ml100k.take(~held), ml100k.take(held)
    assert test.rating is not None
    truth = test.rating
    biases = BiasModel(BiasConfig()).fit(train).predict(test.user, test.item)
    errors = [
        float(np.sqrt(np.mean((predicted - truth) ** 2)))
        for predicted in (biases, complete(train)[test.user, test.item])
    ]
    print("RMSE of biases alone and of the completion:", *errors)
    assert errors[1] < errors[0] - 0.005


def test_cache(toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path))
    made = complete_cached(toy)
    (kept,) = (tmp_path / "completions").iterdir()
    before = kept.stat().st_mtime_ns
    assert np.array_equal(complete_cached(toy), made)
    assert kept.stat().st_mtime_ns == before
    kept.write_bytes(b"half")
    assert np.array_equal(complete_cached(toy), made)
    complete_cached(toy, RatingsConfig(factors=2))
    complete_cached(toy.take(np.arange(20)))
    assert len(list((tmp_path / "completions").iterdir())) == 3


def test_what_cannot_be_completed(
    toy: Dataset, monkeypatch: pytest.MonkeyPatch, dataset_of: Callable[..., Dataset]
) -> None:
    unrated = log_of(np.ones((3, 3)), np.eye(3) > 0, rated=False)
    with pytest.raises(InputError, match="has no ratings to complete"):
        complete(unrated, RatingsConfig())
    monkeypatch.setattr(completion, "LARGEST", 47)
    with pytest.raises(InputError, match="6 users by 8 items are more than 47 cells"):
        complete(toy)
