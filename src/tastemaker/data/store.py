"""Prepared data sets on disk: a folder of Parquet files and a `meta.json`, written whole or not at all.

Reading back gives an equal data set; the fingerprint in `meta.json` proves it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError

VERSION = 1


def save(dataset: Dataset, folder: Path, notes: dict[str, Any] | None = None) -> None:
    """Write a data set, replacing what the folder held. `notes` (JSON values) are kept in `meta.json`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        columns = {"user": dataset.user, "item": dataset.item, "time": dataset.time}
        if dataset.rating is not None:
            columns["rating"] = dataset.rating
        pl.DataFrame(columns).write_parquet(fresh / "interactions.parquet", compression="zstd")
        dataset.users.write_parquet(fresh / "users.parquet", compression="zstd")
        dataset.items.write_parquet(fresh / "items.parquet", compression="zstd")
        meta = {
            "version": VERSION,
            "name": dataset.name,
            "clock": dataset.clock,
            "rating_range": dataset.rating_range,
            "source": asdict(dataset.source),
            "users": dataset.n_users,
            "items": dataset.n_items,
            "interactions": len(dataset),
            "fingerprint": dataset.fingerprint,
            "notes": notes or {},
        }
        (fresh / "meta.json").write_text(json.dumps(meta, indent=2, ensure_ascii=False), encoding="utf-8")
        _put(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def load(folder: Path) -> Dataset:
    """Read a data set that `save` wrote. Raises InputError when it is of another version or damaged."""
    meta = read_meta(folder)
    try:
        table = pl.read_parquet(folder / "interactions.parquet")
        rated = "rating" in table.columns
        dataset = Dataset.build(
            meta["name"],
            pl.read_parquet(folder / "users.parquet"),
            pl.read_parquet(folder / "items.parquet"),
            table["user"].to_numpy(),
            table["item"].to_numpy(),
            rating=table["rating"].to_numpy() if rated else None,
            time=table["time"].to_numpy(),
            clock=meta["clock"],
            source=Source(**meta["source"]),
            rating_range=tuple(meta["rating_range"]) if rated else None,
        )
    except (OSError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{folder}: damaged ({error}); prepare it again") from None
    if dataset.fingerprint != meta["fingerprint"]:
        raise InputError(f"{folder}: its content does not match its fingerprint; prepare it again")
    return dataset


def read_meta(folder: Path) -> dict[str, Any]:
    """The `meta.json` of a prepared data set. Raises InputError when it cannot be used."""
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no prepared data set ({error})") from None
    if not isinstance(meta, dict) or meta.get("version") != VERSION:
        raise InputError(f"{folder}: prepared by another version of Tastemaker; prepare it again")
    return meta


def _put(fresh: Path, folder: Path) -> None:
    """Move a finished folder into place; what stood there before is moved aside and deleted."""
    if folder.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        os.replace(folder, aside / "old")
        os.replace(fresh, folder)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(fresh, folder)
