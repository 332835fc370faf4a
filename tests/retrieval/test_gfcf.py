"""GF-CF against the formula in dense float64, and against the paper's figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split
from tastemaker.errors import InputError
from tastemaker.retrieval.gfcf import GFCF, GFCFConfig

MakeDataset = Callable[..., Dataset]


def dense(
    x: NDArray[np.float64], alpha: float, k: int, a: float, b: float
) -> tuple[NDArray[np.float64], ...]:
    """The filter of eq. 8 and its symmetric part."""
    by_user, by_item = np.maximum(x.sum(1), 1), np.maximum(x.sum(0), 1)
    r = np.diag(by_user**-a) @ x @ np.diag(by_item**-b)
    v = np.linalg.svd(r)[2][:k].T
    low_pass = np.diag(by_item**-b) @ v @ v.T @ np.diag(by_item**b)
    return r.T @ r + alpha * low_pass, r.T @ r + alpha * v @ v.T


@pytest.mark.parametrize(
    ("alpha", "k", "a", "b"), [(0.3, 5, 0.5, 0.5), (0.0, 5, 0.5, 0.5), (1.5, 12, 0.2, 0.7)]
)
@pytest.mark.parametrize("shape", [(60, 40), (30, 70)])
def test_scores_by_the_formula(
    make_dataset: MakeDataset, shape: tuple[int, int], alpha: float, k: int, a: float, b: float
) -> None:
    data = make_dataset(*shape, 0.2, seed=3)
    config = GFCFConfig(alpha=alpha, n_factors=k, user_exponent=a, item_exponent=b)
    model = GFCF(config).fit(data)
    x = data.matrix().toarray().astype(np.float64)
    wanted, _ = dense(x, alpha, k, a, b)
    np.testing.assert_allclose(model.score(np.arange(shape[0])), x @ wanted, atol=1e-5)
    new = (np.random.default_rng(0).random((7, shape[1])) < 0.2).astype(np.float32)
    np.testing.assert_allclose(model.score_histories(csr_matrix(new)), new @ wanted, atol=1e-5)


def test_recency_weighs_what_a_user_did_last(make_dataset: MakeDataset) -> None:
    data = make_dataset(30, 20, 0.3, seed=1)
    assert data.clock != "none"
    plain, recent = (
        GFCF(GFCFConfig(n_factors=5)).fit(data),
        GFCF(GFCFConfig(n_factors=5, recency=2)).fit(data),
    )
    weights = np.zeros((30, 20), np.float32)
    for user in range(30):
        items = data.item[data.history(user)]
        for later, item in enumerate(items[::-1]):
            weights[user, item] = np.exp(-2 * later / len(items))
    expected = plain.score_histories(csr_matrix(weights))
    np.testing.assert_allclose(recent.score(np.arange(30)), expected, atol=1e-5)
    new = csr_matrix(np.eye(20, dtype=np.float32)[:3])
    np.testing.assert_array_equal(recent.score_histories(new), plain.score_histories(new))


def test_recency_needs_an_order(make_dataset: MakeDataset) -> None:
    data = dataclasses.replace(make_dataset(30, 20, 0.3, seed=1), clock="none")
    with pytest.raises(InputError, match="in no order"):
        GFCF(GFCFConfig(recency=1)).fit(data)


def test_a_score_exponent_of_its_own_scales_the_linear_filter_alone(small: Split) -> None:
    x = small.train.matrix().toarray().astype(np.float64)
    wanted, _ = dense(x, 0.4, 6, 0.5, 0.5)
    linear, _ = dense(x, 0.0, 6, 0.5, 0.5)
    degree = np.maximum(x.sum(0), 1)
    model = GFCF(GFCFConfig(alpha=0.4, n_factors=6, score_exponent=0.8)).fit(small.train)
    scaled = (wanted - linear) + linear * degree ** (0.5 - 0.8)
    np.testing.assert_allclose(model.score(np.arange(60)), x @ scaled, atol=1e-5)
    given, same = (GFCF(GFCFConfig(score_exponent=exponent)).fit(small.train) for exponent in (0.5, None))
    np.testing.assert_allclose(given.score(np.arange(60)), same.score(np.arange(60)), rtol=1e-6)


def test_similar_is_the_cosine_in_the_symmetric_filter(small: Split) -> None:
    model = GFCF(GFCFConfig(n_factors=6)).fit(small.train)
    _, gram = dense(small.train.matrix().toarray().astype(np.float64), 0.3, 6, 0.5, 0.5)
    length = np.sqrt(np.diag(gram))
    cosine = gram / np.outer(length, length)
    np.fill_diagonal(cosine, -2)
    found, value = model.similar(np.arange(40), 5)
    np.testing.assert_allclose(value, -np.sort(-cosine, axis=1)[:, :5], atol=1e-5)
    np.testing.assert_allclose(value, np.take_along_axis(cosine, found.astype(np.int64), 1), atol=1e-5)


def test_all_singular_vectors_but_one_at_most(small: Split) -> None:
    model = GFCF(GFCFConfig(n_factors=1000)).fit(small.train)
    assert model.vectors.shape == (40, 39)
    np.testing.assert_allclose(model.vectors.T @ model.vectors, np.eye(39), atol=1e-4)


def test_an_item_without_interactions_is_neither_recommended_nor_alike(small: Split) -> None:
    without = small.train.take(small.train.item != 3)
    model = GFCF(GFCFConfig(n_factors=39)).fit(without)
    scores = model.score(np.arange(60))
    assert (scores[:, 3] == 0).all()
    assert (np.delete(scores, 3, axis=1) != 0).any(axis=0).all()
    found, _ = model.similar(np.arange(40), 39)
    assert (found[3] == -1).all()
    assert 3 not in found
