"""ALS: the library's factors are taken over, and what is added to them agrees with the library."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split, by_ratio
from tastemaker.errors import InputError
from tastemaker.retrieval.als import ALS, ALSConfig
from tastemaker.retrieval.evaluator import evaluate

implicit_als = pytest.importorskip("implicit.cpu.als", reason="the extra als is not installed")


def objective(model: ALS, split: Split) -> float:
    """Σ c (p − x·y)² + λ (Σ ‖x‖² + Σ ‖y‖²) in float64."""
    x, config = split.train.matrix().toarray().astype(np.float64), model.config
    error = (x - model.users.astype(np.float64) @ model.items.T.astype(np.float64)) ** 2
    penalty = (model.users.astype(np.float64) ** 2).sum() + (model.items.astype(np.float64) ** 2).sum()
    return float((np.where(x > 0, config.alpha, 1) * error).sum() + config.regularization * penalty)


def test_minimises_the_weighted_squared_error(small: Split) -> None:
    model = ALS(ALSConfig(factors=8, alpha=4, regularization=0.5, iterations=100)).fit(small.train)
    least = objective(model, small)
    generator = np.random.default_rng(0)
    for _ in range(20):
        users, items = model.users.copy(), model.items.copy()
        model.users = users + generator.normal(0, 0.02, users.shape).astype(np.float32)
        model.items = items + generator.normal(0, 0.02, items.shape).astype(np.float32)
        assert objective(model, small) > least
        model.users, model.items = users, items


@pytest.mark.parametrize("alpha", [1.0, 4.0])
def test_folds_in_as_the_library_does(small: Split, alpha: float) -> None:
    model = ALS(ALSConfig(factors=8, alpha=alpha, regularization=0.5)).fit(small.train)
    theirs = implicit_als.AlternatingLeastSquares(8, regularization=0.5, alpha=alpha)
    theirs.item_factors, theirs.user_factors = model.items, model.users
    new = csr_matrix((np.random.default_rng(1).random((9, 40)) < 0.2).astype(np.float32))
    wanted = theirs.recalculate_user(np.arange(9), new) @ model.items.T
    np.testing.assert_allclose(model.score_histories(new), wanted, atol=1e-4)


def test_a_history_without_items_scores_nothing(small: Split) -> None:
    model = ALS().fit(small.train)
    assert (model.score_histories(csr_matrix((2, 40), dtype=np.float32)) == 0).all()


def test_without_the_extra_it_says_what_to_install(small: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    with pytest.raises(InputError, match=r"als needs the extra als: pip install 'tastemaker\[als\]'"):
        ALS().fit(small.train)


def test_the_librarys_figures_are_within_reach(ml100k: Dataset) -> None:
    # implicit with its own defaults but 64 factors, on RecBole's random 8:1:1 split: R@10 .239, N@10 .257.
    split = by_ratio(ml100k, seed=0)
    got = evaluate(ALS(ALSConfig(alpha=1, regularization=0.01)).fit(split.train), split).intervals()
    assert got["recall@10"]["low"] - 0.01 < 0.239 < got["recall@10"]["high"] + 0.01
    assert got["ndcg@10"]["low"] - 0.01 < 0.257 < got["ndcg@10"]["high"] + 0.01
