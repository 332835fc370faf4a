"""The people of KuaiRec and KuaiRand, whose files describe them alike."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tastemaker.data.readers.files import read_named

FEATURES = (
    "user_active_degree",
    "is_live_streamer",
    "is_video_author",
    "follow_user_num_range",
    "fans_user_num_range",
    "friend_user_num_range",
    "register_days_range",
)


def read_users(folder: Path, name: str) -> pl.DataFrame:
    """`id` and the features of the people in the file of that name."""
    kinds = dict.fromkeys(("user_id", *FEATURES), pl.String)
    return read_named(folder, name, kinds).rename({"user_id": "id"})
