"""RecBole's atomic files: `NAME.inter`, `NAME.item`, `NAME.user`, tab-separated, with `field:type` in the
header.

Types: token, float, token_seq and float_seq (a sequence is separated by spaces).
"""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.assemble import assemble
from tastemaker.data.readers.files import has, read_bytes
from tastemaker.data.readers.movielens import film_log, film_table, user_table
from tastemaker.data.readers.titles import split_title
from tastemaker.errors import InputError

_TITLE = ("title", "movie_title", "name", "item_name")
_CATEGORIES = ("categories", "category", "class", "genre", "genres")
_YEAR = ("year", "release_year")


def read(folder: Path, name: str, source: Source) -> Dataset:
    """A data set from the files `name.inter` and, where they exist, `name.item` and `name.user`.

    Uses RecBole's default fields (`user_id`, `item_id`, `rating`, `timestamp`). Title, categories and year
    are taken from the fields that usually hold them; all other fields keep their names.
    """
    items = users = None
    if has(folder, f"{name}.item"):
        items = _renamed(_frame(folder, f"{name}.item"))
    if has(folder, f"{name}.user"):
        users = _frame(folder, f"{name}.user").rename({"user_id": "id"})
    log = _log(folder, name)
    timed = "time" in log.columns
    return assemble(
        name, log, users=users, items=items, clock="timestamp" if timed else "none", source=source
    )


def read_ml_100k(folder: Path) -> Dataset:
    """MovieLens-100K in this form: the same data set as `movielens.read_100k` gives of the original files."""
    films = []
    for row in _frame(folder, "ml-100k.item").iter_rows(named=True):
        dated = split_title(row["movie_title"])[1] is not None or not row["release_year"].isdigit()
        title = row["movie_title"] if dated else f"{row['movie_title']} ({row['release_year']})"
        films.append((row["item_id"], title, row["class"] or []))
    people = _frame(folder, "ml-100k.user").iter_rows(named=True)
    users = user_table(
        [(row["user_id"], int(row["age"]), row["gender"], row["occupation"]) for row in people]
    )
    return film_log("ml-100k", _log(folder, "ml-100k"), users, film_table(films))


def _log(folder: Path, name: str) -> pl.DataFrame:
    table = _frame(folder, f"{name}.inter")
    for field in ("user_id", "item_id"):
        if field not in table.columns:
            raise InputError(
                f"{folder}/{name}.inter: there is no field {field}; there are {', '.join(table.columns)}"
            )
    wanted = {"user": pl.col("user_id"), "item": pl.col("item_id")}
    if "rating" in table.columns:
        wanted["rating"] = pl.col("rating").cast(pl.Float32)
    if "timestamp" in table.columns:
        wanted["time"] = pl.col("timestamp").cast(pl.Int64)
    return table.select(**wanted)


def _renamed(items: pl.DataFrame) -> pl.DataFrame:
    new = {"item_id": "id"}
    for name, usual in (("title", _TITLE), ("categories", _CATEGORIES), ("year", _YEAR)):
        found = next((field for field in usual if field in items.columns), None)
        if found is not None:
            new[found] = name
    table = items.rename(new)
    kinds = {"title": pl.String, "categories": pl.List(pl.String)}
    joined = [
        pl.col(name).list.join(" ") if kind == pl.String else pl.concat_list(pl.col(name))
        for name, kind in kinds.items()
        if name in table.columns and table[name].dtype != kind
    ]
    return table.with_columns(joined)


def _frame(folder: Path, file: str) -> pl.DataFrame:
    """One atomic file with its fields in their types; titles stay text though their type is token_seq."""
    where = folder / file
    try:
        raw = pl.read_csv(
            io.BytesIO(read_bytes(folder, file)), separator="\t", quote_char=None, infer_schema=False
        )
        columns = []
        for header in raw.columns:
            field, _, kind = header.partition(":")
            text = pl.col(header)
            if kind == "float":
                columns.append(text.cast(pl.Float64).alias(field))
            elif kind == "token" or (kind == "token_seq" and field in _TITLE):
                columns.append(text.alias(field))
            elif kind == "token_seq":
                columns.append(text.str.split(" ").alias(field))
            elif kind == "float_seq":
                columns.append(text.str.split(" ").cast(pl.List(pl.Float64)).alias(field))
            else:
                raise InputError(f"{where}: the header {header!r} is not of the form field:type")
        return raw.select(columns)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{where}: not an atomic file: {str(error).splitlines()[0]}") from None
