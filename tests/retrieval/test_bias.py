"""The bias model against regularised least squares solved in one go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import by_ratio
from tastemaker.errors import InputError
from tastemaker.retrieval.bias import BiasConfig, BiasModel


def test_minimises_the_regularised_squares(toy: Dataset) -> None:
    assert toy.rating is not None
    config = BiasConfig(user_reg=3.0, item_reg=0.7)
    model = BiasModel(config).fit(toy)
    n, users, items = len(toy), toy.n_users, toy.n_items
    design = np.zeros((n + users + items, users + items))
    design[np.arange(n), toy.user] = 1
    design[np.arange(n), users + toy.item] = 1
    design[n:, :] = np.diag(np.sqrt([3.0] * users + [0.7] * items))
    target = np.concatenate((toy.rating - toy.rating.mean(dtype=np.float64), np.zeros(users + items)))
    wanted = np.linalg.lstsq(design, target, rcond=None)[0]
    np.testing.assert_allclose(np.concatenate((model.user_bias, model.item_bias)), wanted, atol=1e-7)


def test_prediction_adds_up_and_stays_in_range(toy: Dataset) -> None:
    model = BiasModel(BiasConfig(user_reg=1e-3, item_reg=1e-3)).fit(toy)
    users, items = np.divmod(np.arange(toy.n_users * toy.n_items), toy.n_items)
    raw = model.mean + model.user_bias[users] + model.item_bias[items]
    assert raw.max() > 5 or raw.min() < 1
    np.testing.assert_allclose(model.predict(users, items), np.clip(raw, 1, 5), rtol=1e-6)


def test_an_item_without_ratings_has_no_bias(toy: Dataset) -> None:
    model = BiasModel().fit(toy)
    assert model.item_bias[toy.item_index("h")] == 0


def test_score_orders_by_item_bias(toy: Dataset) -> None:
    model = BiasModel().fit(toy)
    for scores in model.score(np.arange(toy.n_users)):
        assert (np.diff(scores[np.argsort(model.item_bias)]) >= -1e-6).all()


def test_implicit_feedback_is_refused(toy: Dataset) -> None:
    with pytest.raises(InputError, match="no ratings"):
        BiasModel().fit(replace(toy, rating=None))


def test_predicts_real_ratings_better_than_the_mean(ml100k: Dataset) -> None:
    split = by_ratio(ml100k, seed=0)
    assert split.test.rating is not None
    assert split.train.rating is not None
    model = BiasModel().fit(split.train)
    errors = model.predict(split.test.user, split.test.item) - split.test.rating
    of_mean = split.train.rating.mean() - split.test.rating
    # LensKit, Surprise and MyMediaLite all report an RMSE of 0.94 to 0.95 for biases on ML-100K.
    assert 0.92 < np.sqrt(np.mean(errors**2)) < 0.96
    assert np.sqrt(np.mean(of_mean**2)) > 1.1
