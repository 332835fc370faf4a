"""From tables with ids to a numbered `Dataset`: what all readers end with."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemaker.data.dataset import Clock, Dataset, Source


def assemble(
    name: str,
    log: pl.DataFrame,
    *,
    users: pl.DataFrame | None = None,
    items: pl.DataFrame | None = None,
    clock: Clock,
    source: Source,
    rating_range: tuple[float, float] | None = None,
) -> Dataset:
    """Number users and items by the rows of their tables.

    `log` has the ids `user` and `item` as text, and optionally `rating` and `time`. Ids that the tables
    lack are added below them in the order of first appearance; an item known by its id alone has that for
    a title and no categories.
    """
    people = _completed(log["user"], users)
    things = _completed(log["item"], items)
    columns = things.columns
    if "title" not in columns:
        things = things.with_columns(title=pl.lit(None, pl.String))
    if "categories" not in columns:
        things = things.with_columns(categories=pl.lit(None, pl.List(pl.String)))
    untitled = pl.col("title").is_null() | (pl.col("title").str.strip_chars() == "")
    things = things.with_columns(
        title=pl.when(untitled).then(pl.col("id")).otherwise(pl.col("title")),
        categories=pl.col("categories").fill_null([]),
    )
    first = ["id", "title", "categories"]
    return Dataset.build(
        name,
        people,
        things.select(first + [column for column in columns if column not in first]),
        _index(log["user"], people),
        _index(log["item"], things),
        rating=log["rating"].to_numpy() if "rating" in log.columns else None,
        time=log["time"].to_numpy() if "time" in log.columns else None,
        clock=clock,
        source=source,
        rating_range=rating_range,
    )


def _completed(ids: pl.Series, table: pl.DataFrame | None) -> pl.DataFrame:
    seen = pl.DataFrame({"id": ids.unique(maintain_order=True)}, schema={"id": pl.String})
    if table is None:
        return seen
    return pl.concat([table, seen.join(table, on="id", how="anti", maintain_order="left")], how="diagonal")


def _index(ids: pl.Series, table: pl.DataFrame) -> NDArray[np.int32]:
    numbers = pl.int_range(len(table), dtype=pl.Int32, eager=True)
    return ids.replace_strict(table["id"], numbers, return_dtype=pl.Int32).to_numpy()
