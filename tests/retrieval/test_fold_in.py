"""Folding in: against least squares done by hand, and on real people who were left out of the training."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, random_array
from scipy.sparse.linalg import svds

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.fold_in import FoldIn
from tastemaker.retrieval.metrics import ranking_metrics
from tastemaker.retrieval.ranking import largest, masked


def drawn(n_users: int, n_items: int, d: int, seed: int = 0) -> tuple[NDArray[np.float32], csr_matrix]:
    generator = np.random.default_rng(seed)
    histories = csr_matrix(
        random_array((n_users, n_items), density=0.2, rng=generator) != 0, dtype=np.float32
    )
    return generator.standard_normal((n_items, d)).astype(np.float32), histories


def test_users_that_are_a_linear_map_of_their_histories_are_found_again() -> None:
    items, histories = drawn(400, 30, 4)
    weights = np.random.default_rng(1).standard_normal((4, 4))
    dense = histories.toarray()
    length = np.maximum(dense.sum(axis=1, keepdims=True), 1)
    users = (dense @ items / np.sqrt(length)) @ weights
    model = FoldIn.fit(users, items, histories)
    _, others = drawn(50, 30, 4, seed=2)
    wanted = (
        others.toarray() @ items / np.sqrt(np.maximum(others.toarray().sum(1, keepdims=True), 1))
    ) @ weights
    some = np.diff(others.indptr) > 0
    error = np.linalg.norm(model.users(others) - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    assert error[some].max() < 0.03


def test_the_map_solves_the_ridge_regression() -> None:
    """A stationary point of the stated loss, its gradient taken by differences."""
    items, histories = drawn(60, 20, 3)
    users = np.random.default_rng(3).standard_normal((60, 3))
    model = FoldIn.fit(users, items, histories)
    dense = histories.toarray().astype(np.float64)
    some = dense.sum(axis=1) > 0
    summed = (dense[some] / np.sqrt(dense[some].sum(axis=1, keepdims=True))) @ items
    penalty = 0.01 * np.linalg.eigvalsh(summed.T @ summed).mean()

    def loss(weights: NDArray[np.float64]) -> float:
        return float(((summed @ weights - users[some]) ** 2).sum() + penalty * (weights**2).sum())

    found = model.weights.astype(np.float64)
    for row, column in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[row, column] = 1e-2
        assert (loss(found + step) - loss(found - step)) / 2e-2 == pytest.approx(0, abs=1e-3 * loss(found))
        assert min(loss(found + step), loss(found - step)) > loss(found)


def test_someone_without_a_history_is_the_mean_user() -> None:
    items, histories = drawn(60, 20, 3)
    users = np.random.default_rng(3).standard_normal((60, 3)).astype(np.float32)
    histories = csr_matrix(histories.toarray() * (np.arange(60) != 7)[:, None])
    found = FoldIn.fit(users, items, histories).users(histories[[7, 8]])
    np.testing.assert_allclose(found[0], users[np.diff(histories.indptr) > 0].mean(axis=0), atol=1e-6)
    assert np.linalg.norm(found[1] - found[0]) > 0.01


def test_scaling_the_model_scales_the_users() -> None:
    """Users of twice the length, and items of half, give users of twice the length: scores stay."""
    items, histories = drawn(60, 20, 3)
    users = np.random.default_rng(3).standard_normal((60, 3))
    once = FoldIn.fit(users, items, histories).users(histories)
    twice = FoldIn.fit(2 * users, items / 2, histories).users(histories)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-4, atol=1e-5)


def test_items_that_are_all_zero_give_zero() -> None:
    _, histories = drawn(20, 10, 3)
    found = FoldIn.fit(np.ones((20, 3)), np.zeros((10, 3)), histories).users(csr_matrix(np.ones((1, 10))))
    assert found.tolist() == [[0, 0, 0]]


def test_tables_that_do_not_belong_together_are_refused() -> None:
    items, histories = drawn(20, 10, 3)
    users = np.ones((20, 3))
    with pytest.raises(InputError, match="do not fit interactions"):
        FoldIn.fit(users[:5], items, histories)
    with pytest.raises(InputError, match="no user has training interactions"):
        FoldIn.fit(users, items, csr_matrix((20, 10)))
    with pytest.raises(InputError, match="histories have 9 items, the model 10"):
        FoldIn.fit(users, items, histories).users(csr_matrix((1, 9)))


def test_people_left_out_get_better_lists_than_the_most_popular(ml100k: Dataset) -> None:
    """Embeddings by truncated SVD of 4/5 of the people; the others come with half of their films."""
    generator = np.random.default_rng(0)
    out = generator.random(ml100k.n_users) < 0.2
    half = generator.random(len(ml100k)) < 0.5
    train = ml100k.take(~out[ml100k.user]).matrix()
    known = ml100k.take(out[ml100k.user] & half).matrix()[out]
    rest = ml100k.take(out[ml100k.user] & ~half).matrix()[out]
    left, strength, right = svds(train.astype(np.float64), 32, random_state=0)
    users, items = left * np.sqrt(strength), (np.sqrt(strength)[:, None] * right).T
    model = FoldIn.fit(users, items, train)

    def ndcg(scores: NDArray[np.floating]) -> float:
        ranked, _ = largest(masked(scores.astype(np.float32), known), 10)
        return float(ranking_metrics(ranked, rest, (10,))["ndcg@10"].mean())

    popular = ndcg(np.tile(np.asarray(train.sum(axis=0)), (known.shape[0], 1)))
    nobody = model.users(csr_matrix(known.shape)) @ items.T
    assert ndcg(model.users(known) @ items.T) > 1.3 * popular
    assert ndcg(nobody) > 0.8 * popular
