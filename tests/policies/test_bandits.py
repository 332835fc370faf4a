"""ε-greedy and LinUCB against their definitions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError
from tastemaker.policies.bandits import EpsilonGreedy, LinUCB
from tastemaker.simulation.world import Observation


def observe(users: np.ndarray) -> Observation:
    n = len(users)
    return {
        "user": users,
        "items": np.full((n, 1), -1, np.int32),
        "rewards": np.zeros((n, 1), np.float32),
        "turn": np.zeros(n, np.int32),
    }


@pytest.fixture
def log() -> Dataset:
    rng = np.random.default_rng(3)
    return Dataset.build(
        "shop",
        pl.DataFrame({"id": [str(u) for u in range(6)], "sex": ["f", "m", "f", "m", "m", "f"]}),
        pl.DataFrame(
            {
                "id": [str(i) for i in range(5)],
                "title": ["t"] * 5,
                "categories": [["a"], ["a", "b"], ["b"], [], ["c"]],
            }
        ),
        np.repeat(np.arange(6), 4),
        np.concatenate([rng.permutation(5)[:4] for _ in range(6)]),
        rating=rng.integers(1, 6, 24).astype(np.float32),
        source=Source("here", "none"),
        rating_range=(1, 5),
    )


def test_linucb_is_ridge_regression_on_products_of_features(log: Dataset) -> None:
    women = np.array([1, 0, 1, 0, 0, 1.0])
    user = np.stack([np.ones(6), women, 1 - women], axis=1)
    item = np.array([[1, 1, 0, 0], [1, 0.5, 0.5, 0], [1, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1]])
    x = np.stack([np.kron(user[u], item[i]) for u, i in zip(log.user, log.item, strict=True)])
    gram = x.T @ x + 0.7 * np.eye(12)
    assert log.rating is not None
    theta = np.linalg.solve(gram, x.T @ log.rating)
    bandit = LinUCB(log, alpha=2.0, reg=0.7)
    np.testing.assert_allclose(bandit.theta, theta, rtol=1e-6, atol=1e-9)
    for u in range(6):
        for i in range(5):
            pair = np.kron(user[u], item[i])
            bound = pair @ theta + 2.0 * np.sqrt(pair @ np.linalg.solve(gram, pair))
            assert bandit.scores(np.array([u]))[0, i] == pytest.approx(bound)


def test_linucb_acts_by_its_bounds_among_allowed_items(log: Dataset) -> None:
    bandit = LinUCB(log)
    users = np.arange(6)
    best = bandit.scores(users).argmax(1)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(bandit.act(observe(users), None, rng), best)
    allowed = np.ones((6, 5), np.bool_)
    allowed[users, best] = False
    second = bandit.act(observe(users), allowed, rng)
    np.testing.assert_array_equal(second, np.argsort(-bandit.scores(users), axis=1)[:, 1])


def test_every_user_throws_a_coin_of_their_own() -> None:
    scores = np.zeros((1, 50))
    scores[0, 7] = 1
    actions = EpsilonGreedy(scores, 0.3).act(
        observe(np.zeros(20_000, np.int64)), None, np.random.default_rng(1)
    )
    explored = (actions != 7).mean()
    assert explored == pytest.approx(0.3 * 49 / 50, abs=0.01)
    counts = np.bincount(actions[actions != 7], minlength=50)
    assert counts[7] == 0
    assert counts.min(where=np.arange(50) != 7, initial=10_000) > 70


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0])
def test_banned_items_are_never_taken(epsilon: float) -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(4, 6)) - 10
    users = rng.integers(4, size=500)
    allowed = rng.random((500, 6)) < 0.3
    allowed[np.arange(500), rng.integers(6, size=500)] = True
    actions = EpsilonGreedy(scores, epsilon).act(observe(users), allowed, rng)
    assert allowed[np.arange(500), actions].all()
    if epsilon == 0:
        np.testing.assert_array_equal(actions, np.where(allowed, scores[users], -np.inf).argmax(1))


def test_settings_out_of_range_are_told(log: Dataset) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        EpsilonGreedy(np.zeros((1, 1)), 1.5)
    with pytest.raises(InputError, match="reg above 0"):
        LinUCB(log, reg=0)
