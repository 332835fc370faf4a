"""Yahoo! R3, "Yahoo! Music ratings for user selected and randomly selected songs" (Marlin & Zemel 2009):
15,400 people rated songs of their own choice, 5,400 of them also 10 songs each drawn at random, of 1,000
songs.

Lines are `user<TAB>item<TAB>rating`. The files are given out by Yahoo! Webscope on request and may not be
passed on; the tests write small ones of the same form.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.files import read_columns
from tastemaker.data.splits import Split
from tastemaker.errors import InputError

TRAIN, TEST = (f"ydata-ymusic-rating-study-v1_0-{part}.txt" for part in ("train", "test"))
FILES = (TRAIN, TEST)
PAGE = "https://webscope.sandbox.yahoo.com/catalog.php?datatype=r (data set R3)"

SOURCE = Source(
    origin="Yahoo! Webscope, R3",
    licence="Yahoo! Webscope terms: academic research on request, no redistribution",
    citation="Marlin & Zemel 2009, Collaborative prediction and ranking with non-random missing data",
)


def read(folder: Path) -> Dataset:
    """The self-selected ratings."""
    return read_split(folder).train


def read_split(folder: Path) -> Split:
    """The published split: self-selected ratings to train, ratings of random songs to test, nothing to
    valid.

    Users and songs are numbered by their ids, which count from 1: user 0 is "1". All that occur in either
    file, and the ids between, are there.
    """
    kinds = {"user": pl.Int32, "item": pl.Int32, "rating": pl.Float32}
    parts = [read_columns(folder, file, kinds, "\t") for file in FILES]
    for file, part in zip(FILES, parts, strict=True):
        if len(part) == 0 or len(part.drop_nulls()) < len(part):
            raise InputError(f"{folder / file}: not lines of user, item and rating")
    users, items = (_ids(pl.concat([part[column] for part in parts])) for column in ("user", "item"))
    items = items.with_columns(title=pl.col("id"), categories=pl.lit([], pl.List(pl.String)))
    train, test = (
        Dataset.build(
            "yahoo-r3",
            users,
            items,
            part["user"].to_numpy() - 1,
            part["item"].to_numpy() - 1,
            rating=part["rating"].to_numpy(),
            source=SOURCE,
            rating_range=(1.0, 5.0),
        )
        for part in parts
    )
    nothing = np.zeros(len(train), np.bool_)
    return Split(
        train, train.take(nothing), test, "published: self-selected to train, random to test, no valid part"
    )


def _ids(numbers: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"id": [str(id) for id in range(1, int(numbers.to_numpy().max()) + 1)]})
