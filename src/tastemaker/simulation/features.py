"""What is known of users and items, as codes for embeddings: their own number, their categorical columns, and
an item's categories. Titles and texts are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset

MOST_VALUES = 100
"""A column with more values is no categorical one."""


@dataclass(frozen=True, eq=False)
class Features:
    """Codes of all users and items. Every column has codes of its own, so that one table of embeddings holds
    all columns of a side.
    """

    user_codes: NDArray[np.int64]
    """[n_users, columns] the first column is the user."""
    item_codes: NDArray[np.int64]
    """[n_items, columns] the first column is the item."""
    categories: NDArray[np.float32]
    """[n_items, n_categories] 1 / (number of the item's categories) at each of them; rows sum to 1, or to 0
    without categories."""
    n_user_codes: int
    n_item_codes: int

    @classmethod
    def of(cls, dataset: Dataset) -> Features:
        """The features in a data set's tables of users and items."""
        user_codes, n_user_codes = _codes(dataset.users)
        item_codes, n_item_codes = _codes(dataset.items)
        return cls(user_codes, item_codes, _categories(dataset.items), n_user_codes, n_item_codes)

    def user_vectors(self) -> NDArray[np.float32]:
        """[n_users, …] one-hot features without the user's number, and a constant 1."""
        return _one_hot(self.user_codes)

    def item_vectors(self) -> NDArray[np.float32]:
        """[n_items, …] one-hot features and shares of categories without the item's number, and a constant
        1.
        """
        return np.concatenate((_one_hot(self.item_codes), self.categories), axis=1)


def categorical_columns(table: pl.DataFrame) -> list[str]:
    """Columns of text, whole numbers or truth values that take 2 to 100 values, missing ones included; `id`
    and `title` never.
    """
    kinds = (pl.String, pl.Boolean, pl.Categorical, pl.Enum)
    return [
        column.name
        for column in table
        if column.name not in ("id", "title", "text")
        and (isinstance(column.dtype, kinds) or column.dtype.is_integer())
        and 2 <= column.n_unique() <= MOST_VALUES
    ]


def _codes(table: pl.DataFrame) -> tuple[NDArray[np.int64], int]:
    columns, total = [np.arange(len(table), dtype=np.int64)], len(table)
    for name in categorical_columns(table):
        codes = table[name].rank("dense").fill_null(0).to_numpy().astype(np.int64)
        codes -= codes.min()
        columns.append(codes + total)
        total += int(codes.max()) + 1
    return np.stack(columns, axis=1), total


def _categories(items: pl.DataFrame) -> NDArray[np.float32]:
    rows = items["categories"].to_list() if "categories" in items.columns else [None] * len(items)
    names = sorted({name for row in rows for name in row or ()})
    place = {name: column for column, name in enumerate(names)}
    shares = np.zeros((len(items), len(names)), np.float32)
    for item, row in enumerate(rows):
        own = set(row or ())
        shares[item, [place[name] for name in own]] = 1 / max(len(own), 1)
    return shares


def _one_hot(codes: NDArray[np.int64]) -> NDArray[np.float32]:
    """[n, …] of all columns but the first, after a constant 1."""
    n = len(codes)
    features = codes[:, 1:] - n
    width = int(features.max()) + 1 if features.size else 0
    vectors = np.zeros((n, 1 + width), np.float32)
    vectors[:, 0] = 1
    vectors[np.arange(n)[:, None], 1 + features] = 1
    return vectors
