"""What may be seen of the interactions at one moment: the one place where the time rule is kept.

No tool sees an interaction at or after the request's moment. What that means depends on the data's clock:

- "timestamp": times are comparable, so everything comes from the interactions with time < moment.
- "order": a time is a position in one user's own sequence. A user's history is cut at the moment; counts and
means
  over users come from the part that the models were fitted on (`train`).
- "none": there is no order, so histories, too, come from `train`.

A moment of None stands for "now": everything may be seen. Models that have seen the moment are refused by
`refuse_seen_future`; of models nothing else is known here, and nothing of tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError


class Fitted(Protocol):
    """A model that was fitted on interactions up to a time."""

    name: str
    fitted_until: int


def refuse_seen_future(
    dataset: Dataset, train: Dataset, models: Iterable[Fitted], moment: int, user: int | None
) -> None:
    """Raise InputError where a model knows what came at or after the moment, as far as the clock can tell.

    On a "timestamp" clock a model's `fitted_until` tells. On an "order" clock only the request's own user
    can be checked: `train` may not hold any of their interactions from the moment on. Without order nothing
    can be.
    """
    if dataset.clock == "timestamp":
        for model in models:
            if model.fitted_until >= moment:
                raise InputError(
                    f"{model.name} was fitted on interactions up to {model.fitted_until} and has seen the "
                    f"moment {moment} of this request; fit it on the part before (a split by time)"
                )
    elif dataset.clock == "order" and user is not None:
        times = train.time[train.history(user)]
        if len(times) and times[-1] >= moment:
            raise InputError(
                f"{dataset.name}: the training part holds interactions of user {dataset.users['id'][user]} "
                f"at or after the moment {moment} of this request; leave them out (split `last`)"
            )


@dataclass(frozen=True)
class Log:
    """Some interactions, oldest first."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.float32] | None
    """None where the data has no ratings."""

    def __len__(self) -> int:
        return len(self.items)

    def liked(self) -> list[int]:
        """The items rated no lower than the mean of this log; all of them where the data has no ratings."""
        if self.ratings is None or not len(self):
            return [int(item) for item in self.items]
        keep = self.ratings >= self.ratings.mean(dtype=np.float64) - 1e-6
        return [int(item) for item in self.items[keep]]

    def summary(self) -> str:
        """How many there are, and the mean rating to 2 decimals."""
        if self.ratings is None:
            return f"interactions {len(self)}"
        return (
            f"ratings {len(self)}, mean {self.ratings.mean(dtype=np.float64):.2f}"
            if len(self)
            else "ratings 0"
        )

    def rated(self, at: int) -> str:
        """The rating at a place, as the end of a line; empty where the data has no ratings."""
        return "" if self.ratings is None else f" | {self.ratings[at]:g}"


@dataclass(frozen=True)
class Popularity:
    """Per item, before the moment."""

    counts: NDArray[np.int64]
    """[n_items] interactions."""
    means: NDArray[np.float64] | None
    """[n_items] mean rating, NaN without one; None where the data has no ratings."""


@dataclass(frozen=True, eq=False)
class Past:
    """The interactions that may be seen at `moment`."""

    dataset: Dataset
    train: Dataset
    moment: int | None

    @property
    def _comparable(self) -> bool:
        return self.dataset.clock == "timestamp" or self.moment is None

    def of_user(self, user: int) -> Log:
        """The user's interactions before the moment."""
        if self.dataset.clock == "none" and self.moment is not None:
            return _log(self.train, self.train.history(user))
        return _log(self.dataset, self.dataset.history(user, self.moment))

    def of_item(self, item: int) -> Log:
        """The item's interactions before the moment, of all users."""
        if self._comparable:
            return _log(self.dataset, self.dataset.item_history(item, self.moment))
        return _log(self.train, self.train.item_history(item))

    @cached_property
    def popularity(self) -> Popularity:
        """Counts and mean ratings of all items."""
        data = self.dataset if self._comparable else self.train
        visible = slice(None) if not self._comparable or self.moment is None else data.time < self.moment
        items = data.item[visible]
        counts = np.bincount(items, minlength=data.n_items)
        if data.rating is None:
            return Popularity(counts, None)
        sums = np.bincount(items, data.rating[visible], minlength=data.n_items)
        return Popularity(
            counts, np.divide(sums, counts, out=np.full(data.n_items, np.nan), where=counts > 0)
        )


def _log(data: Dataset, at: slice | NDArray[np.int64]) -> Log:
    return Log(data.user[at], data.item[at], None if data.rating is None else data.rating[at])
