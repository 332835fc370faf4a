"""EASE against the constrained least-squares problem that it claims to solve, one column at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split, by_ratio
from tastemaker.errors import InputError
from tastemaker.retrieval import saved
from tastemaker.retrieval.ease import EASE, Dual, EASEConfig, Primal
from tastemaker.retrieval.evaluator import evaluate

MakeDataset = Callable[..., Dataset]


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-4), ("float64", 2e-6)])
def test_solves_the_constrained_least_squares(small: Split, precision: str, tolerance: float) -> None:
    reg = 2.5
    model = EASE(EASEConfig.model_validate({"reg": reg, "precision": precision})).fit(small.train)
    x = small.train.matrix().toarray().astype(np.float64)
    n = x.shape[1]
    wanted = np.zeros((n, n))
    for j in range(n):
        others = np.delete(np.arange(n), j)
        design = np.vstack((x[:, others], np.sqrt(reg) * np.eye(n - 1)))
        target = np.concatenate((x[:, j], np.zeros(n - 1)))
        wanted[others, j] = np.linalg.lstsq(design, target, rcond=None)[0]
    assert isinstance(model.form, Primal)
    np.testing.assert_allclose(model.form.weights, wanted, atol=tolerance)
    np.testing.assert_allclose(model.score(np.arange(60)), x @ wanted, atol=20 * tolerance)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("float64", 2e-5)])
@pytest.mark.parametrize(("n_users", "form"), [(90, Primal), (25, Dual)])
def test_both_forms_give_the_same(
    make_dataset: MakeDataset, n_users: int, form: type, precision: str, tolerance: float
) -> None:
    data = make_dataset(n_users, 40, 0.2, seed=4)
    data = data.take((data.item != 3) & (data.user != 2))
    config = EASEConfig.model_validate({"reg": 2.5, "precision": precision})
    model = EASE(config).fit(data)
    assert isinstance(model.form, form)
    matrix = data.matrix()
    new = csr_matrix((np.random.default_rng(0).random((7, 40)) < 0.3).astype(np.float32))
    users, items = np.arange(n_users), np.array([5, 3, 39])
    for other in (Primal.fit(matrix, config), Dual.fit(matrix, config)):
        np.testing.assert_allclose(model.score(users), other.score(users), atol=tolerance)
        np.testing.assert_allclose(model.score_histories(new), other.score_histories(new), atol=tolerance)
        np.testing.assert_allclose(
            np.delete(model.form.correlation(items), items, axis=1),
            np.delete(other.correlation(items), items, axis=1),
            atol=tolerance,
        )
    np.testing.assert_allclose(model.score_histories(matrix), model.score(users), atol=tolerance)


def test_a_triangle_is_kept_and_a_matrix_restored(make_dataset: MakeDataset, tmp_path: Path) -> None:
    data = make_dataset(25, 60, 0.2, seed=4)
    model = EASE().fit(data)
    model.save(tmp_path)
    kept, _ = saved.read(tmp_path)
    assert kept["triangle"].shape == (25 * 26 // 2,)
    again = EASE.load(tmp_path, data)
    assert isinstance(model.form, Dual)
    assert isinstance(again.form, Dual)
    assert np.array_equal(model.form.inverse, again.form.inverse)
    assert np.array_equal(again.form.inverse, again.form.inverse.T)


def test_similar_is_the_partial_correlation(small: Split) -> None:
    reg = 2.5
    model = EASE(EASEConfig(reg=reg)).fit(small.train)
    x = small.train.matrix().toarray().astype(np.float64)
    inverse = np.linalg.inv(x.T @ x + reg * np.eye(x.shape[1]))
    scale = np.sqrt(np.diag(inverse))
    correlation = -inverse / np.outer(scale, scale)
    np.fill_diagonal(correlation, -1)
    found, value = model.similar(np.arange(40), 4)
    for item in range(40):
        wanted = np.argsort(-correlation[item])[:4]
        wanted = wanted[correlation[item, wanted] > 0]
        assert found[item, : len(wanted)].tolist() == wanted.tolist()
        np.testing.assert_allclose(value[item, : len(wanted)], correlation[item, wanted], atol=1e-4)


def test_a_catalogue_beyond_memory_is_refused_before_it_is_tried(
    small: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 50)
    with pytest.raises(InputError, match=r"ease: random-7 has 40 items.*choose another model"):
        EASE().fit(small.train)


def test_recbole_figures_are_within_reach(ml100k: Dataset) -> None:
    # RecBole 1.2.1's EASE on its own random 8:1:1 split: R@10 .2805, N@10 .3295.
    split = by_ratio(ml100k, seed=0)
    got = evaluate(EASE().fit(split.train), split).intervals()
    assert got["recall@10"]["low"] - 0.01 < 0.2805 < got["recall@10"]["high"] + 0.01
    assert got["ndcg@10"]["low"] - 0.01 < 0.3295 < got["ndcg@10"]["high"] + 0.01
