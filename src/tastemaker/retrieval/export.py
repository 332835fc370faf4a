"""Embeddings as files for other programs: Parquet tables, or one npz, with the ids of the data set.

Parquet: `users.parquet` and `items.parquet` in a folder, one row a user or item with `id` (text) and `vector`
(d numbers, float32). npz: the arrays `user_ids`, `users`, `item_ids`, `items`, rows in the same order. A
user's score for an item is the dot product of their vectors. Knows nothing of how they were trained.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError

USERS, ITEMS = "users.parquet", "items.parquet"


def export(
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    dataset: Dataset,
    target: Path,
    *,
    force: bool = False,
) -> list[Path]:
    """Write the embeddings `users` [n_users, d] and `items` [n_items, d]: to one npz where `target` ends in
    .npz, else to two Parquet tables in the folder `target`. Returns the files.

    Raises InputError when the tables do not fit the data set, a file exists and `force` is False, or `target`
    names a single Parquet file.
    """
    if (len(users), len(items)) != (dataset.n_users, dataset.n_items):
        raise InputError(
            f"{len(users)} users and {len(items)} items do not fit {dataset.name}, which has "
            f"{dataset.n_users} and {dataset.n_items}"
        )
    if target.suffix == ".parquet":
        raise InputError(
            f"{target}: users and items are two tables; name a folder for {USERS} and {ITEMS}, or a file .npz"
        )
    single = target.suffix == ".npz"
    if not single and target.is_file():
        raise InputError(f"{target} is a file; name a folder, or a file .npz")
    files = [target] if single else [target / USERS, target / ITEMS]
    for file in files:
        if file.exists() and not force:
            raise InputError(f"{file} exists; choose another name, or give --force to replace it")
    files[0].parent.mkdir(parents=True, exist_ok=True)
    if single:
        _write_npz(target, users, items, dataset)
    else:
        for file, frame, vectors in zip(files, (dataset.users, dataset.items), (users, items), strict=True):
            _write_parquet(file, frame["id"], vectors)
    return files


def _write_npz(path: Path, users: NDArray[np.float32], items: NDArray[np.float32], dataset: Dataset) -> None:
    unfinished = _unfinished(path)
    try:
        with unfinished.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                user_ids=np.array(dataset.users["id"].to_list(), np.str_),
                users=np.asarray(users, np.float32),
                item_ids=np.array(dataset.items["id"].to_list(), np.str_),
                items=np.asarray(items, np.float32),
            )
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_parquet(path: Path, ids: pl.Series, vectors: NDArray[np.float32]) -> None:
    unfinished = _unfinished(path)
    kind = pl.Array(pl.Float32, vectors.shape[1])
    table = pl.DataFrame(
        {"id": ids, "vector": pl.Series(np.ascontiguousarray(vectors, np.float32), dtype=kind)}
    )
    try:
        table.write_parquet(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}-{os.getpid()}")
