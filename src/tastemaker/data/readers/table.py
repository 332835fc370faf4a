"""Anyone's own table: CSV, TSV or Parquet with a map from our columns to theirs, and perhaps a table of
items.

Ids are kept as text. Times may be seconds or milliseconds since 1970, or ISO 8601 dates. Every complaint
names the file, the row (the first row of data is row 1) and the value.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.assemble import assemble
from tastemaker.errors import InputError

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_MILLISECONDS = 100_000_000_000
"""Seconds beyond this lie after the year 5000, so such a number counts milliseconds."""


class Columns(BaseModel):
    """Names of the columns of an interaction table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str
    """Ids of users."""
    item: str
    """Ids of items."""
    rating: str | None = None
    """Explicit ratings; without it feedback is implicit."""
    time: str | None = None
    """Moments; without it no order is known."""


class ItemColumns(BaseModel):
    """Names of the columns of an item table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Ids as they stand in the interaction table."""
    title: str | None = None
    """What a person calls the item."""
    categories: str | None = None
    """Categories, separated by `|`."""
    year: str | None = None
    """Year as a whole number; may be empty."""
    text: str | None = None
    """A description."""


def read(
    path: Path,
    columns: Columns,
    *,
    name: str,
    items: Path | None = None,
    item_columns: ItemColumns | None = None,
) -> Dataset:
    """A data set from an interaction table and, where given, an item table with its `item_columns`.

    Items that the item table lacks are kept, with their id for a title. Raises InputError for an unknown
    suffix, an empty table, a missing column, a missing id, a rating that is no number, or a time that is
    no time.
    """
    table = _table(path, {key: value for key, value in columns.model_dump().items() if value})
    log = {key: _ids(table, key, path) for key in ("user", "item")}
    if columns.rating:
        log["rating"] = _number(table["rating"], columns.rating, path).cast(pl.Float32)
    if columns.time:
        log["time"] = _moments(table["time"], columns.time, path)
    return assemble(
        name,
        pl.DataFrame(log),
        items=None if items is None or item_columns is None else _catalogue(items, item_columns),
        clock="timestamp" if columns.time else "none",
        source=Source(origin=path.name, licence="the user's own"),
    )


def _catalogue(path: Path, columns: ItemColumns) -> pl.DataFrame:
    table = _table(path, {key: value for key, value in columns.model_dump().items() if value})
    table = table.with_columns(id=_ids(table, "id", path))
    doubled = table.filter(pl.col("id").is_duplicated())
    if len(doubled):
        raise InputError(f"{path}: the item {doubled['id'][0]!r} occurs more than once; keep one row of it")
    if columns.categories and table["categories"].dtype != pl.List(pl.String):
        parts = pl.col("categories").cast(pl.String).str.split("|").list.eval(pl.element().str.strip_chars())
        table = table.with_columns(categories=parts.list.eval(pl.element().filter(pl.element() != "")))
    if columns.year:
        table = table.with_columns(
            year=_number(table["year"], columns.year, path, empty=True).cast(pl.Int32, strict=False)
        )
    texts = [pl.col(key).cast(pl.String) for key in ("title", "text") if key in table.columns]
    return table.with_columns(texts)


def _table(path: Path, wanted: dict[str, str]) -> pl.DataFrame:
    """The wanted columns under our names; those of text files as text."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            table = pl.read_parquet(path)
        elif suffix in _SEPARATORS:
            table = pl.read_csv(path, separator=_SEPARATORS[suffix], infer_schema=False)
        else:
            raise InputError(f"{path}: unknown suffix {suffix!r}; it has to be .csv, .tsv or .parquet")
    except pl.exceptions.NoDataError:
        raise InputError(f"{path}: the file is empty") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{path}: cannot be read as a {suffix[1:]} table: {str(error).splitlines()[0]}"
        ) from None
    for column in wanted.values():
        if column not in table.columns:
            raise InputError(f"{path}: there is no column {column!r}; there are {_listed(table.columns)}")
    if len(table) == 0:
        raise InputError(f"{path}: there are no rows below the header")
    return table.select(**{ours: pl.col(theirs) for ours, theirs in wanted.items()})


def _listed(columns: list[str]) -> str:
    """Names of columns on one line, shortened where somebody's header is no header."""
    short = [" ".join(column.split())[:40] for column in columns[:20]]
    return ", ".join(short) + (" and more" if len(columns) > 20 else "")


def _ids(table: pl.DataFrame, key: str, path: Path) -> pl.Series:
    ids = table[key].cast(pl.String).str.strip_chars()
    absent = (ids.is_null() | (ids == "")).arg_true()
    if len(absent):
        raise InputError(f"{path}: row {absent[0] + 1} has no {key} id")
    return ids


def _number(values: pl.Series, column: str, path: Path, empty: bool = False) -> pl.Series:
    text = values.str.strip_chars() if values.dtype == pl.String else values
    numbers = text.cast(pl.Float64, strict=False)
    wrong = numbers.is_null() | ~numbers.cast(pl.Float32).is_finite()
    if empty:
        blank = text.is_null() if text.dtype != pl.String else text.fill_null("") == ""
        wrong = wrong & ~blank
    return _checked(numbers, wrong, values, column, path, "a number")


def _moments(values: pl.Series, column: str, path: Path) -> pl.Series:
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        return _checked(values.dt.epoch("s"), values.is_null(), values, column, path, "a time")
    text = values.cast(pl.String).str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    top = numbers.filter(numbers.is_finite()).max()
    scale = 1000 if isinstance(top, float) and top >= _MILLISECONDS else 1
    value, number = pl.col("text"), pl.col("number")
    forms = [
        value.str.to_datetime(f"{form}%#z", strict=False, time_unit="us", time_zone="UTC") for form in _FORMS
    ]
    forms += [value.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC") for form in _FORMS]
    forms += [value.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us", "UTC"))]
    counted = pl.when(number.is_finite()).then((number / scale).floor()).cast(pl.Int64, strict=False)
    table = pl.DataFrame({"text": text, "number": numbers})
    moments = table.select(pl.coalesce(counted, pl.coalesce(forms).dt.epoch("s"))).to_series()
    return _checked(moments, moments.is_null(), values, column, path, "seconds since 1970 or an ISO date")


_FORMS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


def _checked(
    result: pl.Series, wrong: pl.Series, values: pl.Series, column: str, path: Path, what: str
) -> pl.Series:
    places = wrong.arg_true()
    if len(places):
        row = places[0]
        raise InputError(f"{path}: row {row + 1}, column {column!r}: {values[row]!r} is not {what}")
    return result
