"""Filters: a smaller data set out of a larger one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError


def k_core(dataset: Dataset, k: int) -> Dataset:
    """The largest part in which every user and every item has at least k interactions.

    Users and items below k are dropped in turn until none is; the rest are numbered anew in the same
    order. Raises InputError when nothing is left.
    """
    if k < 1:
        raise InputError(f"k of a k-core has to be at least 1, not {k}")
    keep = np.ones(len(dataset), np.bool_)
    while True:
        weak = np.zeros(len(dataset), np.bool_)
        for index, size in ((dataset.user, dataset.n_users), (dataset.item, dataset.n_items)):
            weak |= np.bincount(index[keep], minlength=size)[index] < k
        if not (keep & weak).any():
            break
        keep &= ~weak
    if not keep.any():
        raise InputError(f"{dataset.name}: no user and item have {k} interactions each; choose a smaller k")
    return _without_empty(dataset.take(keep))


def latest_of_pairs(dataset: Dataset) -> Dataset:
    """One interaction for each pair of user and item: the latest (among equals, the last in order)."""
    pair = dataset.user.astype(np.int64) * dataset.n_items + dataset.item
    last = len(pair) - 1 - np.unique(pair[::-1], return_index=True)[1]
    return dataset.take(np.sort(last))


def _without_empty(dataset: Dataset) -> Dataset:
    users, user = _renumber(dataset.user)
    items, item = _renumber(dataset.item)
    return Dataset.build(
        dataset.name,
        dataset.users[users],
        dataset.items[items],
        user,
        item,
        rating=dataset.rating,
        time=dataset.time,
        clock=dataset.clock,
        source=dataset.source,
        rating_range=dataset.rating_range,
    )


def _renumber(index: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The numbers that occur, ascending, and each entry's place among them."""
    kept, numbers = np.unique(index, return_inverse=True)
    return kept, numbers.astype(np.int64)
