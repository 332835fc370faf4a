"""KuaiRand-Pure (Gao et al., CIKM 2022): 27,285 people and 7,583 short videos, shown by Kuaishou's
recommender and, in between, at random.

An interaction's rating is `is_click`, 0 or 1: what was shown and not clicked is there too. The tests write
small files of the published form.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.assemble import assemble
from tastemaker.data.readers.files import read_named
from tastemaker.data.readers.kuaishou import read_users
from tastemaker.data.splits import Split

STANDARD = ("log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv")
RANDOM = "log_random_4_22_to_5_08_pure.csv"
USERS = "user_features_pure.csv"
VIDEOS = "video_features_basic_pure.csv"
FILES = (*STANDARD, RANDOM, USERS, VIDEOS)
PAGE = "https://kuairand.com"

SOURCE = Source(
    origin="Kuaishou; University of Science and Technology of China",
    licence="CC BY-SA 4.0",
    citation="Gao et al. 2022, KuaiRand: An Unbiased Sequential Recommendation Dataset",
)


def read(folder: Path) -> Dataset:
    """What the recommender showed, from both standard logs."""
    return read_split(folder).train


def read_split(folder: Path) -> Split:
    """The published split: the standard logs to train, videos shown at random to test, nothing to valid."""
    users, items = read_users(folder, USERS), read_videos(folder)
    shown = _log(folder, RANDOM)
    chosen = pl.concat([_log(folder, file) for file in STANDARD])
    everything = pl.concat([chosen, shown])
    whole = assemble(
        "kuairand",
        everything,
        users=users,
        items=items,
        clock="timestamp",
        source=SOURCE,
        rating_range=(0.0, 1.0),
    )
    train, test = (
        assemble(
            "kuairand",
            log,
            users=whole.users,
            items=whole.items,
            clock="timestamp",
            source=SOURCE,
            rating_range=(0.0, 1.0),
        )
        for log in (chosen, shown)
    )
    nothing = np.zeros(len(train), np.bool_)
    return Split(train, train.take(nothing), test, "published: standard logs to train, random log to test")


def read_videos(folder: Path) -> pl.DataFrame:
    """`id`, `categories` (the tags; none where the video has none) and `duration` in seconds."""
    kinds = {"video_id": pl.String, "tag": pl.String, "video_duration": pl.Float64}
    return read_named(folder, VIDEOS, kinds).select(
        id="video_id",
        categories=pl.col("tag").str.split(",").list.eval(pl.element().str.strip_chars()).fill_null([]),
        duration=pl.col("video_duration") / 1000,
    )


def _log(folder: Path, file: str) -> pl.DataFrame:
    kinds = {"user_id": pl.String, "video_id": pl.String, "time_ms": pl.Int64, "is_click": pl.Float32}
    return read_named(folder, file, kinds).select(
        user="user_id", item="video_id", rating="is_click", time=pl.col("time_ms") // 1000
    )
