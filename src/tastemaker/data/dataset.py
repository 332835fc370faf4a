"""The one data set: users, items and interactions as contiguous arrays, and a catalogue to read.

Interactions are sorted by user and, within a user, by time; a second order sorts them by item and time. A
history look-up is therefore two binary searches in an array and a slice. Knows nothing of files (`readers`)
or splits (`splits`).
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.errors import InputError

Clock = Literal["timestamp", "order", "none"]
"""timestamp: seconds since 1970, comparable across users · order: the position within the user's own
sequence, not comparable across users · none: no order is known (times are all 0)."""


@dataclass(frozen=True)
class Source:
    """Where a data set comes from and on what terms."""

    origin: str
    licence: str
    citation: str = ""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Users, items and the interactions between them.

    Build one with `Dataset.build`, which sorts and checks. Indices are dense: user `0 … n_users-1`, item `0 …
    n_items-1`; the original ids stand in the column `id` (text) of `users` and `items`.
    """

    name: str
    users: pl.DataFrame
    """One row a user: `id`, and whatever is known of users (age, gender, occupation, …)."""
    items: pl.DataFrame
    """The catalogue, one row an item: `id`, `title` (text), `categories` (list of text), and optionally
    `year`, `text`, …"""
    user: NDArray[np.int32]
    """[n] user index of each interaction, ascending."""
    item: NDArray[np.int32]
    """[n] item index of each interaction."""
    rating: NDArray[np.float32] | None
    """[n] explicit ratings, or None for implicit feedback."""
    time: NDArray[np.int64]
    """[n] moment of each interaction on the data set's clock, ascending within a user."""
    clock: Clock
    source: Source
    rating_range: tuple[float, float] | None = None
    """Lowest and highest rating that the scale allows."""
    _ids: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)

    @classmethod
    def build(
        cls,
        name: str,
        users: pl.DataFrame,
        items: pl.DataFrame,
        user: NDArray[np.integer],
        item: NDArray[np.integer],
        *,
        rating: NDArray[np.floating] | None = None,
        time: NDArray[np.integer] | None = None,
        clock: Clock = "none",
        source: Source,
        rating_range: tuple[float, float] | None = None,
    ) -> Dataset:
        """Sort the interactions (user, time, order given) and check that the parts fit.

        Raises InputError when an index points at no row, an id occurs twice, or a rating lies outside the
        range.
        """
        n = len(user)
        if n == 0:
            raise InputError(f"{name}: there are no interactions")
        for what, frame, index in (("user", users, user), ("item", items, item)):
            if len(index) != n:
                raise InputError(f"{name}: {len(index)} {what} entries for {n} interactions")
            if int(index.min()) < 0 or int(index.max()) >= len(frame):
                raise InputError(f"{name}: an interaction names a {what} that is not in the {what} table")
            if frame["id"].dtype != pl.String or frame["id"].n_unique() != len(frame):
                raise InputError(f"{name}: {what} ids must be text and occur once each")
        if rating is not None:
            if rating_range is None:
                rating_range = (float(rating.min()), float(rating.max()))
            if not (
                np.isfinite(rating).all()
                and rating.min() >= rating_range[0]
                and rating.max() <= rating_range[1]
            ):
                raise InputError(f"{name}: a rating lies outside {rating_range[0]:g} to {rating_range[1]:g}")
        when = np.zeros(n, np.int64) if time is None else np.asarray(time, np.int64)
        order = np.lexsort((when, user))
        return cls(
            name=name,
            users=users,
            items=items,
            user=np.ascontiguousarray(user[order], np.int32),
            item=np.ascontiguousarray(item[order], np.int32),
            rating=None if rating is None else np.ascontiguousarray(rating[order], np.float32),
            time=when[order],
            clock=clock,
            source=source,
            rating_range=rating_range,
        )

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def n_items(self) -> int:
        return len(self.items)

    def __len__(self) -> int:
        """Number of interactions."""
        return len(self.user)

    @cached_property
    def user_ptr(self) -> NDArray[np.int64]:
        """[n_users + 1]: interactions of user u are `user_ptr[u]:user_ptr[u + 1]`."""
        return np.concatenate(([0], np.cumsum(np.bincount(self.user, minlength=self.n_users)))).astype(
            np.int64
        )

    @cached_property
    def item_ptr(self) -> NDArray[np.int64]:
        """[n_items + 1]: interactions of item i are `by_item[item_ptr[i]:item_ptr[i + 1]]`."""
        return np.concatenate(([0], np.cumsum(np.bincount(self.item, minlength=self.n_items)))).astype(
            np.int64
        )

    @cached_property
    def by_item(self) -> NDArray[np.int64]:
        """[n] positions of the interactions sorted by item, then time."""
        return np.lexsort((self.time, self.item))

    @cached_property
    def _time_by_item(self) -> NDArray[np.int64]:
        return self.time[self.by_item]

    def history(self, user: int, before: int | None = None) -> slice:
        """Slice of the interaction arrays that holds the user's interactions strictly before a moment, oldest
        first.

        Two binary searches: well under 0.1 ms. `before=None` gives all of them.
        """
        start, stop = int(self.user_ptr[user]), int(self.user_ptr[user + 1])
        if before is not None:
            stop = start + int(np.searchsorted(self.time[start:stop], before, side="left"))
        return slice(start, stop)

    def item_history(self, item: int, before: int | None = None) -> NDArray[np.int64]:
        """Positions of the item's interactions strictly before a moment, oldest first.

        On a clock of kind "order" moments of different users cannot be compared, so `before` is not to be
        given there.
        """
        start, stop = int(self.item_ptr[item]), int(self.item_ptr[item + 1])
        if before is not None:
            stop = start + int(np.searchsorted(self._time_by_item[start:stop], before, side="left"))
        return self.by_item[start:stop]

    def matrix(self) -> csr_matrix:
        """The binary interaction matrix [n_users, n_items], float32; repeated interactions count once."""
        ones = np.ones(len(self), np.float32)
        matrix = csr_matrix((ones, (self.user, self.item)), shape=(self.n_users, self.n_items))
        matrix.data[:] = 1.0
        return matrix

    def take(self, keep: NDArray[np.bool_] | NDArray[np.integer]) -> Dataset:
        """The same users and items with some of the interactions (mask, or ascending positions)."""
        return Dataset(
            name=self.name,
            users=self.users,
            items=self.items,
            user=self.user[keep],
            item=self.item[keep],
            rating=None if self.rating is None else self.rating[keep],
            time=self.time[keep],
            clock=self.clock,
            source=self.source,
            rating_range=self.rating_range,
            _ids=self._ids,
        )

    def in_order(self) -> Dataset:
        """The same interactions on a clock of kind "order": each one's time is its place in its user's
        sequence."""
        places = np.arange(len(self)) - self.user_ptr[self.user]
        return replace(self, time=places, clock="order")

    def user_index(self, id: str) -> int:
        """Index of a user id. Raises InputError with near matches when there is none."""
        return self._index("user", self.users, id)

    def item_index(self, id: str) -> int:
        """Index of an item id. Raises InputError with near matches when there is none."""
        return self._index("item", self.items, id)

    def _index(self, what: str, frame: pl.DataFrame, id: str) -> int:
        if what not in self._ids:
            self._ids[what] = {text: row for row, text in enumerate(frame["id"])}
        found = self._ids[what].get(str(id))
        if found is None:
            near = difflib.get_close_matches(str(id), self._ids[what], n=3) or list(self._ids[what])[:3]
            raise InputError(f"{self.name}: no {what} {id!r}; for example: {', '.join(near)}")
        return found

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change when any interaction changes: the key of everything computed from the
        data."""
        digest = hashlib.sha256(f"{self.name} {self.n_users} {self.n_items} {self.clock}".encode())
        for array in (self.user, self.item, self.time, self.rating):
            if array is not None:
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]
