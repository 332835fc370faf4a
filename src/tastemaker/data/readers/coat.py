"""Coat Shopping (Schnabel et al. 2016): 290 people rated 24 coats of their own choice and 16 coats drawn at
random.

Ratings are matrices of users by coats, 0 for none; features are one-hot with a map file of `kind:value`
lines.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.files import read_lines
from tastemaker.data.splits import Split
from tastemaker.errors import InputError

SOURCE = Source(
    origin="Cornell University",
    licence="none stated; cite",
    citation="Schnabel et al. 2016, Recommendations as Treatments",
)


def read(folder: Path) -> Dataset:
    """The self-selected ratings, `train.ascii`. Coats have no names: a title is made of colour, type and
    gender.
    """
    return _ratings(folder, "train.ascii", *_tables(folder))


def read_split(folder: Path) -> Split:
    """The published split: self-selected ratings to train, ratings of random coats to test, nothing to valid.

    A person may have rated one coat both ways: such a pair is in both parts.
    """
    tables = _tables(folder)
    train, test = (_ratings(folder, file, *tables) for file in ("train.ascii", "test.ascii"))
    nothing = np.zeros(len(train), np.bool_)
    return Split(
        train, train.take(nothing), test, "published: self-selected to train, random to test, no valid part"
    )


def read_completed(folder: Path) -> NDArray[np.float32]:
    """[290, 300] what each person would give for each coat, 1 to 5, as completed by Huang et al. (RecSys
    2020), from `completed_ratings.ascii`.
    """
    return _numbers(folder, "completed_ratings.ascii").astype(np.float32)


def _tables(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    features = folder / "user_item_features"
    people = _features(features, "user_features")
    users = pl.DataFrame(
        [
            {
                "id": str(row),
                "age": person.get("age"),
                "gender": person.get("gender"),
                "location": person.get("location"),
                "interest_in_fashion": person.get("fashioninterest"),
            }
            for row, person in enumerate(people)
        ]
    )
    kinds = ("jackettype", "color", "gender")
    items = pl.DataFrame(
        [
            {
                "id": str(row),
                "title": f"{coat['color'].capitalize()} jacket ({coat['jackettype']}) for {coat['gender']}",
                "categories": [coat[kind] for kind in kinds],
                "on_front_page": coat.get("onfrontpage") == "yes",
            }
            for row, coat in enumerate(_features(features, "item_features"))
        ]
    )
    return users, items


def _ratings(folder: Path, name: str, users: pl.DataFrame, items: pl.DataFrame) -> Dataset:
    matrix = _numbers(folder, name)
    if matrix.shape != (len(users), len(items)):
        raise InputError(
            f"{folder / name}: {matrix.shape} ratings for {len(users)} users and {len(items)} coats"
        )
    user, item = np.nonzero(matrix)
    return Dataset.build(
        "coat",
        users,
        items,
        user,
        item,
        rating=matrix[user, item].astype(np.float32),
        clock="none",
        source=SOURCE,
        rating_range=(1.0, 5.0),
    )


def _features(folder: Path, name: str) -> list[dict[str, str]]:
    """One dictionary a row: the value of each kind of feature."""
    labels = [line.split(":", 1) for line in read_lines(folder, f"{name}_map.txt")]
    flags = _numbers(folder, f"{name}.ascii")
    if flags.shape[1] != len(labels) or any(len(label) != 2 for label in labels):
        raise InputError(f"{folder}: {name}.ascii and {name}_map.txt do not fit together")
    return [{labels[i][0]: labels[i][1] for i in np.nonzero(row)[0]} for row in flags]


def _numbers(folder: Path, name: str) -> NDArray[np.int64]:
    try:
        return np.array([line.split() for line in read_lines(folder, name)], dtype=np.int64)
    except ValueError as error:
        raise InputError(f"{folder / name}: not a matrix of whole numbers ({error})") from None
