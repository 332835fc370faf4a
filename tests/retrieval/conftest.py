"""Random data sets for the retrieval tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.splits import Split, by_ratio

MakeDataset = Callable[..., Dataset]


@pytest.fixture(scope="session")
def make_dataset() -> MakeDataset:
    """`make_dataset(n_users, n_items, density, seed)`: distinct random pairs with popular and rare items."""

    def make(n_users: int = 30, n_items: int = 25, density: float = 0.2, seed: int = 0) -> Dataset:
        generator = np.random.default_rng(seed)
        popularity = generator.uniform(0.3, 1.7, n_items)
        user, item = np.nonzero(generator.random((n_users, n_items)) < density * popularity)
        if len(user) == 0:
            user, item = np.array([0]), np.array([0])
        return Dataset.build(
            f"random-{seed}",
            pl.DataFrame({"id": [f"u{u}" for u in range(n_users)]}),
            pl.DataFrame({"id": [f"i{i}" for i in range(n_items)], "title": ["?"] * n_items}),
            user,
            item,
            rating=generator.integers(1, 6, len(user)).astype(np.float32),
            time=generator.permutation(len(user)).astype(np.int64),
            clock="timestamp",
            source=Source("drawn at random", "Apache-2.0"),
            rating_range=(1.0, 5.0),
        )

    return make


@pytest.fixture(scope="session")
def small(make_dataset: MakeDataset) -> Split:
    """60 users, 40 items, split 80/10/10 within users."""
    return by_ratio(make_dataset(60, 40, 0.25, seed=7), seed=7)
