"""Codes of users and items."""

from __future__ import annotations

import numpy as np
import polars as pl

from tastemaker.data.dataset import Dataset, Source
from tastemaker.simulation.features import Features, categorical_columns


def build() -> Dataset:
    return Dataset.build(
        "shop",
        pl.DataFrame(
            {"id": ["a", "b", "c"], "sex": ["f", "m", None], "age": [20, 30, 20], "same": [1, 1, 1]}
        ),
        pl.DataFrame(
            {
                "id": ["x", "y", "z", "w"],
                "title": ["one", "two", "one", "two"],
                "categories": [["p", "q"], [], ["q"], None],
                "new": [True, False, True, True],
                "price": [1.5, 2.5, 1.5, 2.5],
            }
        ),
        np.array([0, 1, 2]),
        np.array([0, 1, 2]),
        source=Source("here", "none"),
    )


def test_codes_tell_values_of_a_column_apart_and_columns_from_each_other() -> None:
    features = Features.of(build())
    own, sex, age = features.user_codes.T
    assert own.tolist() == [0, 1, 2]
    assert len(set(sex)) == 3
    assert age[0] == age[2] != age[1]
    assert sorted(set(features.user_codes.ravel())) == list(range(features.n_user_codes)) == list(range(8))
    new = features.item_codes[:, 1]
    assert new[0] == new[2] == new[3] != new[1]
    assert features.n_item_codes == 6
    np.testing.assert_array_equal(features.categories, [[0.5, 0.5], [0, 0], [0, 1], [0, 0]])


def test_ids_titles_fractions_and_constants_are_no_features() -> None:
    data = build()
    assert categorical_columns(data.users) == ["sex", "age"]
    assert categorical_columns(data.items) == ["new"]


def test_vectors_are_one_hot_after_a_constant() -> None:
    features = Features.of(build())
    users, items = features.user_vectors(), features.item_vectors()
    assert users.shape == (3, 1 + 3 + 2)
    assert (users.sum(1) == 3).all()
    assert (users[:, 0] == 1).all()
    np.testing.assert_array_equal(items[:, 3:], features.categories)
    assert (items[:, :3].sum(1) == 2).all()
