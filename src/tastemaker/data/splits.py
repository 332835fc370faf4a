"""Splits of a data set into train, valid and test, each with its protocol in one line.

The parts are disjoint, sum to the whole, and keep the numbering of users and items. Nothing is filtered:
interactions that repeat a (user, item) pair are split like any others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError

KINDS = ("ratio", "last", "time")


@dataclass(frozen=True)
class Split:
    """Three parts of one data set."""

    train: Dataset
    valid: Dataset
    test: Dataset
    protocol: str
    """One line that says how the parts were made; it stands beside every figure."""


def make_split(dataset: Dataset, kind: str, seed: int) -> Split:
    """The split of a kind (`KINDS`) at its default sizes. `seed` matters to `ratio` alone."""
    if kind == "ratio":
        return by_ratio(dataset, seed=seed)
    if kind == "last":
        return leave_last_out(dataset)
    if kind == "time":
        return by_time(dataset)
    raise InputError(f"no split is named {kind!r}; there are {', '.join(KINDS)}")


def by_ratio(dataset: Dataset, ratios: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 0) -> Split:
    """Random within each user, as RecBole and with it DirectAU split (`RS` with `group_by: user`, order
    `RO`).

    A user with n interactions gives floor(r_valid n) to valid, floor(r_test n) to test and the rest to
    train. Where a share lies between 0 and 1 the part still gets one, test before valid, as long as train
    keeps at least one. Ratios are taken relative to their sum.
    """
    total = sum(ratios)
    if min(ratios) < 0 or not total > 0 or ratios[0] == 0:
        raise InputError(f"the ratios {ratios} must not be negative, and train needs a share")
    shares = [ratio / total for ratio in ratios]
    counts = np.diff(dataset.user_ptr)
    sizes = ratio_sizes(counts, shares)
    keys = np.random.default_rng(seed).random(len(dataset))
    shuffled = np.lexsort((keys, dataset.user))
    rank = np.empty(len(dataset), np.int64)
    rank[shuffled] = np.arange(len(dataset)) - dataset.user_ptr[dataset.user[shuffled]]
    n_train, n_valid = sizes[0][dataset.user], sizes[1][dataset.user]
    part = (rank >= n_train).astype(np.int8) + (rank >= n_train + n_valid)
    return _parts(
        dataset, part, f"ratio {'/'.join(f'{ratio:g}' for ratio in ratios)} within user, seed {seed}"
    )


def ratio_sizes(counts: NDArray[np.int64], shares: list[float]) -> NDArray[np.int64]:
    """[3, n_users] sizes of train, valid and test for users with `counts` interactions; the rule of
    `by_ratio`.
    """
    wanted = np.outer(shares, counts)
    sizes = np.floor(wanted + 1e-9).astype(np.int64)
    sizes[0] = counts - sizes[1] - sizes[2]
    for part in (2, 1):
        one = (sizes[0] > 1) & (sizes[part] == 0) & (wanted[part] > 0)
        sizes[part] += one
        sizes[0] -= one
    return sizes


def leave_last_out(dataset: Dataset) -> Split:
    """Each user's last interaction to test, the last but one to valid, the rest to train.

    Where moments tie, the data set's own order decides. A user with two interactions gives none to valid,
    a user with one stays in train. Raises InputError when the data set has no order.
    """
    if dataset.clock == "none":
        raise InputError(
            f"{dataset.name} has no times, so there is no last interaction; use the split 'ratio'"
        )
    ends, counts = dataset.user_ptr[1:], np.diff(dataset.user_ptr)
    part = np.zeros(len(dataset), np.int8)
    part[ends[counts >= 2] - 1] = 2
    part[ends[counts >= 3] - 2] = 1
    return _parts(dataset, part, "leave last out (last to test, last but one to valid)")


def by_time(dataset: Dataset, valid: float = 0.1, test: float = 0.2) -> Split:
    """Cut at two moments for all users: the latest `test` of the interactions, and before them `valid`.

    Every train moment lies before every valid moment, and that before every test moment; interactions of
    the cutting moment go wholly to the later part. Raises InputError without comparable times, or when a
    part would be empty.
    """
    if dataset.clock != "timestamp":
        raise InputError(
            f"{dataset.name} has no times that compare across users; use the split 'ratio' or 'last'"
        )
    if valid < 0 or test <= 0 or valid + test >= 1:
        raise InputError(
            f"fractions valid {valid:g} and test {test:g} must be positive and leave some for train"
        )
    times = np.sort(dataset.time)
    n = len(times)
    n_test = max(round(n * test), 1)
    first_test = times[n - n_test]
    first_valid = times[max(n - n_test - round(n * valid), 0)]
    part = (dataset.time >= first_valid).astype(np.int8) + (dataset.time >= first_test)
    if valid == 0:
        part[part == 1] = 0
    for number, what, share in ((0, "train", 1.0), (1, "valid", valid), (2, "test", test)):
        if share > 0 and not (part == number).any():
            raise InputError(f"{dataset.name}: too few distinct moments: the {what} part would be empty")
    return _parts(dataset, part, f"global time {1 - valid - test:g}/{valid:g}/{test:g} of the interactions")


def _parts(dataset: Dataset, part: NDArray[np.int8], protocol: str) -> Split:
    train, valid, test = (dataset.take(part == number) for number in range(3))
    return Split(train, valid, test, protocol)
