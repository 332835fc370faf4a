"""KuaiRec 2.0 (Gao et al., CIKM 2022): 1,411 people who each watched nearly all of 3,327 short videos (the
small matrix), among 7,176 people and 10,728 videos (the big matrix).

An interaction's rating is the watch ratio: time watched over the video's length. The tests write small
files of the published form.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.assemble import assemble
from tastemaker.data.readers.files import read_named
from tastemaker.data.readers.kuaishou import read_users
from tastemaker.data.splits import Split
from tastemaker.errors import InputError

BIG, SMALL, CATEGORIES, DAILY, USERS = FILES = (
    "big_matrix.csv",
    "small_matrix.csv",
    "item_categories.csv",
    "item_daily_features.csv",
    "user_features.csv",
)
PAGE = "https://kuairec.com"
HIGHEST = 5.0
"""Longer watch ratios are clipped to this."""

SOURCE = Source(
    origin="Kuaishou; University of Science and Technology of China",
    licence="CC BY-SA 4.0",
    citation="Gao et al. 2022, KuaiRec: A Fully-observed Dataset and Insights",
)


def read(folder: Path) -> Dataset:
    """The small matrix: watch ratios clipped to 0 to 5, of the people and videos that it has."""
    return read_split(folder).test


def read_split(folder: Path) -> Split:
    """The small matrix to test; to train what the same people did with the same videos according to the big
    matrix; nothing to valid.

    Where the big matrix leaves out the pairs of the small one, the earliest tenth of each person's views of
    the small matrix is the train part (and stays in test); the protocol says which it was.
    """
    small = _views(folder, SMALL)
    users = read_users(folder, USERS)
    users = users.join(small.select(id="user").unique(), on="id", how="semi", maintain_order="left")
    items = _items(folder).join(small.select(id="item").unique(), on="id", how="semi", maintain_order="left")
    test = _dataset(small, users, items)
    big = _views(folder, BIG)
    big = big.join(users.select(user="id"), on="user", how="semi", maintain_order="left")
    big = big.join(items.select(item="id"), on="item", how="semi", maintain_order="left")
    if len(big):
        train = _dataset(big, test.users, test.items)
        protocol = "big matrix, among the small one's people and videos, to train; small matrix to test"
    else:
        place = np.arange(len(test)) - test.user_ptr[test.user]
        count = np.diff(test.user_ptr)[test.user]
        train = test.take(place < np.maximum(count // 10, 1))
        protocol = "earliest tenth of each person's views in the small matrix to train; small matrix to test"
    return Split(train, train.take(np.zeros(len(train), np.bool_)), test, protocol)


def matrix(small: Dataset) -> NDArray[np.float32]:
    """[n_users, n_items] the small matrix; of repeated views the latest. A pair without a view is 0: the
    person had blocked the video's author.
    """
    if small.rating is None:
        raise InputError(f"{small.name}: there are no watch ratios")
    full = np.zeros((small.n_users, small.n_items), np.float32)
    full[small.user, small.item] = small.rating
    return full


def _views(folder: Path, file: str) -> pl.DataFrame:
    kinds = {"user_id": pl.String, "video_id": pl.String, "timestamp": pl.Float64, "watch_ratio": pl.Float32}
    views = read_named(folder, file, kinds)
    return views.select(
        user="user_id",
        item="video_id",
        rating=pl.col("watch_ratio").clip(0, HIGHEST),
        time=pl.col("timestamp").fill_null(strategy="forward").fill_null(0).cast(pl.Int64),
    ).filter(pl.col("rating").is_finite())


def _items(folder: Path) -> pl.DataFrame:
    """Videos with their categories and their length in seconds."""
    videos = read_named(folder, CATEGORIES, {"video_id": pl.String, "feat": pl.String})
    try:
        categories = [[str(tag) for tag in json.loads(text)] for text in videos["feat"]]
    except (ValueError, TypeError) as error:
        raise InputError(f"{folder / CATEGORIES}: 'feat' has to be a list like [27, 9] ({error})") from None
    lengths = (
        read_named(folder, DAILY, {"video_id": pl.String, "video_duration": pl.Float64})
        .group_by("video_id")
        .agg(duration=pl.col("video_duration").drop_nans().mean() / 1000)
    )
    return videos.select(id="video_id", categories=pl.Series(categories, dtype=pl.List(pl.String))).join(
        lengths, left_on="id", right_on="video_id", how="left", maintain_order="left"
    )


def _dataset(views: pl.DataFrame, users: pl.DataFrame, items: pl.DataFrame) -> Dataset:
    return assemble(
        "kuairec",
        views,
        users=users,
        items=items,
        clock="timestamp",
        source=SOURCE,
        rating_range=(0.0, HIGHEST),
    )
