"""LightGCN's text files: `train.txt` and `test.txt`, a line a user: `user item item …`, implicit and without
order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.files import read_bytes
from tastemaker.data.splits import Split
from tastemaker.errors import InputError

GOWALLA = Source(
    origin="SNAP loc-gowalla, filtered and split for NGCF and LightGCN",
    licence="none stated for the check-ins; the split: MIT",
    citation="Cho, Myers & Leskovec 2011, Friendship and Mobility; He et al. 2020, LightGCN",
)


def read(folder: Path, name: str, source: Source) -> Dataset:
    """Both files as one data set. Users and items keep their numbers, as ids too; titles are not known."""
    return _both(folder, name, source, ordered=False)[0]


def read_split(folder: Path, name: str, source: Source) -> Split:
    """The published split: `train.txt` and `test.txt`; the valid part has no interactions.

    A user's items keep the order of the files, test after train (clock "order"). In Gowalla's it is that of
    time: neighbours in a list are far more alike than others, and the test part is likest to the list's end.
    """
    dataset, tested = _both(folder, name, source, ordered=True)
    nothing = np.zeros(len(dataset), np.bool_)
    protocol = "the published train.txt and test.txt of LightGCN, no valid part"
    return Split(dataset.take(~tested), dataset.take(nothing), dataset.take(tested), protocol)


def _both(folder: Path, name: str, source: Source, *, ordered: bool) -> tuple[Dataset, NDArray[np.bool_]]:
    """The data set, and for each interaction whether it is of `test.txt`; users' items in the order of the
    files, or by number.
    """
    train, test = read_pairs(folder, "train.txt"), read_pairs(folder, "test.txt")
    pairs = np.concatenate([train, test])
    tested = np.arange(len(pairs)) >= len(train)
    order = np.argsort(pairs[:, 0], kind="stable") if ordered else np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, tested = pairs[order], tested[order]
    if len(pairs) == 0:
        raise InputError(f"{folder}: train.txt and test.txt hold no interactions")
    users, items = (pl.DataFrame({"id": [str(i) for i in range(top + 1)]}) for top in pairs.max(axis=0))
    items = items.with_columns(title=pl.col("id"), categories=pl.lit([], pl.List(pl.String)))
    place = np.arange(len(pairs)) - np.searchsorted(pairs[:, 0], pairs[:, 0])
    dataset = Dataset.build(
        name,
        users,
        items,
        pairs[:, 0],
        pairs[:, 1],
        time=place if ordered else None,
        clock="order" if ordered else "none",
        source=source,
    )
    return dataset, tested


def read_pairs(folder: Path, name: str) -> NDArray[np.int64]:
    """[n, 2] user and item of each interaction, in the order of the file."""
    text = read_bytes(folder, name)
    lengths = np.array([len(line.split()) for line in text.splitlines() if line.strip()], np.int64)
    try:
        numbers = np.array(text.split(), dtype=np.int64)
    except ValueError as error:
        raise InputError(f"{folder / name}: not lines of `user item item …` ({error})") from None
    if len(numbers) and numbers.min() < 0:
        raise InputError(f"{folder / name}: there is a negative number")
    starts = np.concatenate(([0], np.cumsum(lengths)))[:-1].astype(np.int64)
    heads = np.zeros(len(numbers), np.bool_)
    heads[starts] = True
    return np.stack([np.repeat(numbers[heads], lengths - 1), numbers[~heads]], axis=1)
