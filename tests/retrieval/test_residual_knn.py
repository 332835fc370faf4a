"""Neighbours of ratings against the formula written out for one pair at a time."""

from __future__ import annotations

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.bias import BiasModel
from tastemaker.retrieval.residual_knn import ResidualKNN, ResidualKNNConfig


def by_hand(data: Dataset, user: int, item: int, config: ResidualKNNConfig) -> float:
    """The module's formula with plain loops."""
    bias = BiasModel(config.bias).fit(data)
    assert data.rating is not None
    mean, of_item = bias.mean, bias.item_bias
    left: dict[int, dict[int, float]] = {}
    for u, i, r in zip(data.user.tolist(), data.item.tolist(), data.rating.tolist(), strict=True):
        left.setdefault(i, {})[u] = r - mean - bias.user_bias[u] - of_item[i]
    rows = data.history(user)
    rated = dict(zip(data.item[rows].tolist(), data.rating[rows].tolist(), strict=True))
    habit = sum(r - mean - of_item[j] for j, r in rated.items()) / (len(rated) + config.bias.user_reg)
    found = []
    for j, rating in rated.items():
        both = left.get(item, {}).keys() & left[j].keys()
        if j == item or not both:
            continue
        top = sum(left[item][u] * left[j][u] for u in both)
        below = (sum(left[item][u] ** 2 for u in both) * sum(left[j][u] ** 2 for u in both)) ** 0.5
        similarity = top / below * len(both) / (len(both) + config.shrink) if below else 0.0
        if similarity > 0:
            found.append((-round(similarity, 9), j, rating - mean - habit - of_item[j]))
    nearest = [(-s, left_over) for s, _, left_over in sorted(found)[: config.neighbours]]
    total = sum(s for s, _ in nearest) + config.weight
    return float(np.clip(mean + habit + of_item[item] + sum(s * r for s, r in nearest) / total, 1, 5))


@pytest.mark.parametrize("neighbours", [1, 3, 40])
def test_agrees_with_the_formula(toy: Dataset, neighbours: int) -> None:
    config = ResidualKNNConfig(neighbours=neighbours, shrink=1.0)
    model = ResidualKNN(config).fit(toy)
    users, items = (a.ravel() for a in np.meshgrid(range(toy.n_users), range(toy.n_items)))
    expected = [by_hand(toy, u, i, config) for u, i in zip(users.tolist(), items.tolist(), strict=True)]
    np.testing.assert_allclose(model.predict(users, items), expected, atol=1e-5)


def test_ratings_after_the_fit_count(toy: Dataset) -> None:
    """Someone who was not in training and rated everything high is expected to go on so."""
    model = ResidualKNN().fit(toy)
    high = model.predict_for(np.array([0, 1, 3]), np.array([5.0, 5.0, 5.0]), np.array([5]))
    low = model.predict_for(np.array([0, 1, 3]), np.array([1.0, 1.0, 1.0]), np.array([5]))
    none = model.predict_for(np.zeros(0, int), np.zeros(0), np.array([5]))
    assert low < none < high
    assert none[0] == pytest.approx(model.mean + model.item_bias[5], abs=1e-6)


def test_unknown_items_are_said(toy: Dataset) -> None:
    with pytest.raises(InputError, match="item"):
        ResidualKNN().fit(toy).predict_for(np.array([0]), np.array([5.0]), np.array([99]))
