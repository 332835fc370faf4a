"""EASE against the constrained least-squares problem that it claims to solve, one column at a time."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split, by_ratio
from tastemaker.errors import InputError
from tastemaker.retrieval.ease import EASE, EASEConfig
from tastemaker.retrieval.evaluator import evaluate


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
    np.testing.assert_allclose(model.weights, wanted, atol=tolerance)
    np.testing.assert_allclose(model.score(np.arange(60)), x @ wanted, atol=20 * tolerance)


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
    monkeypatch.setattr(os, "sysconf", lambda name: 100)
    with pytest.raises(InputError, match=r"ease: random-7 has 40 items.*choose another model"):
        EASE().fit(small.train)


def test_recbole_figures_are_within_reach(ml100k: Dataset) -> None:
    # RecBole 1.2.1's EASE on its own random 8:1:1 split: R@10 .2805, N@10 .3295.
    split = by_ratio(ml100k, seed=0)
    got = evaluate(EASE().fit(split.train), split).intervals()
    assert got["recall@10"]["low"] - 0.01 < 0.2805 < got["recall@10"]["high"] + 0.01
    assert got["ndcg@10"]["low"] - 0.01 < 0.3295 < got["ndcg@10"]["high"] + 0.01
