"""A small scenario: 12 users, 16 items in pairs that are alike, and a log of half-random sessions."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl
import pytest

from tastemaker.data.dataset import Clock, Dataset, Source
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.scenario import Scenario

N_USERS, N_ITEMS, MAX_TURNS = 12, 16, 8


class MakeLog(Protocol):
    def __call__(
        self, user: list[int], item: list[int], rating: list[float] | None = None, *, clock: Clock = "order"
    ) -> Dataset: ...


@pytest.fixture(scope="session")
def make_log() -> MakeLog:
    """A log of `N_USERS` users and `N_ITEMS` items, in the order given."""

    def make(
        user: list[int], item: list[int], rating: list[float] | None = None, *, clock: Clock = "order"
    ) -> Dataset:
        return Dataset.build(
            "toy",
            pl.DataFrame({"id": [f"u{i}" for i in range(N_USERS)]}),
            pl.DataFrame({"id": [f"i{i}" for i in range(N_ITEMS)]}),
            np.array(user),
            np.array(item),
            rating=None if rating is None else np.array(rating, np.float32),
            time=None if clock == "none" else np.arange(len(user)),
            clock=clock,
            source=Source("written for the test", "CC0"),
        )

    return make


@pytest.fixture(scope="session")
def scenario(make_log: MakeLog) -> Scenario:
    """Half of the users like items 0 to 7 (4 stars against 1), the others the rest. A user quits over an item
    or its twin (2k and 2k + 1) coming again within 3 turns. The log holds 10 items of each user, drawn with
    the liked ones twice as likely.
    """
    rng = np.random.default_rng(0)
    liked = (np.arange(N_USERS)[:, None] % 2) == (np.arange(N_ITEMS) >= N_ITEMS // 2)
    truth = np.where(liked, 4.0, 1.0).astype(np.float32)
    user = np.repeat(np.arange(N_USERS), 10)
    item = np.concatenate(
        [rng.choice(N_ITEMS, 10, replace=False, p=(1 + row) / (1 + row).sum()) for row in liked]
    )
    positions = (np.arange(N_ITEMS) // 2 * 10.0)[:, None]
    return Scenario(
        "toy",
        make_log(list(user), list(item), list(truth[user, item])),
        truth,
        DistanceQuit(positions, 1, 3),
        MAX_TURNS,
        "written for the tests",
    )
