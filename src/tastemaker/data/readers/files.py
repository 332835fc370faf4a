"""Raw files as readers see them: bytes of a file that lies plain or gzipped in a folder, and columns of
numbers; and the folder of a data set that is got by hand.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tastemaker.assets import data_folder
from tastemaker.errors import InputError


def has(folder: Path, name: str) -> bool:
    """Whether the folder holds the file, plain or gzipped."""
    return (folder / name).is_file() or (folder / f"{name}.gz").is_file()


def read_bytes(folder: Path, name: str) -> bytes:
    """Content of `name`, or of `name.gz` unpacked. Raises InputError without a whole one."""
    plain = folder / name
    zipped = plain.with_name(plain.name + ".gz")
    if plain.is_file():
        return plain.read_bytes()
    if not zipped.is_file():
        raise InputError(f"{folder}: there is no file {name}")
    try:
        return gzip.decompress(zipped.read_bytes())
    except (OSError, EOFError) as error:
        raise InputError(f"{zipped}: not a whole gzip file ({error})") from None


def read_lines(folder: Path, name: str, encoding: str = "utf-8") -> list[str]:
    """Lines of a text file, without line breaks and without empty lines."""
    text = read_bytes(folder, name).decode(encoding)
    return [line for line in text.replace("\r\n", "\n").split("\n") if line]


def read_columns(
    folder: Path,
    name: str,
    schema: Mapping[str, type[pl.DataType]],
    separator: str,
    header: bool = False,
) -> pl.DataFrame:
    """A file of separated columns with known types, nothing quoted; a separator may be several characters, as
    in `::`.

    Raises InputError when a value does not fit its column.
    """
    raw = read_bytes(folder, name)
    if len(separator) > 1:
        raw, separator = raw.replace(separator.encode(), b"\t"), "\t"
    try:
        return pl.read_csv(
            io.BytesIO(raw),
            has_header=header,
            separator=separator,
            quote_char=None,
            schema=schema,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{folder / name}: not in the expected form: {str(error).splitlines()[0]}") from None


def read_named(folder: Path, name: str, kinds: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    """The columns `kinds` of a comma-separated file with a header, whose values may be quoted; its other
    columns are left.

    Raises InputError when one is missing or a value does not fit it.
    """
    raw = read_bytes(folder, name)
    header = raw.split(b"\n", 1)[0].decode("utf-8-sig").strip().split(",")
    missing = [column for column in kinds if column not in header]
    if missing:
        raise InputError(f"{folder / name}: there is no column {missing[0]!r}; there are {', '.join(header)}")
    try:
        return pl.read_csv(io.BytesIO(raw), columns=list(kinds), schema_overrides=dict(kinds)).select(
            list(kinds)
        )
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{folder / name}: not in the expected form: {str(error).splitlines()[0]}") from None


def in_data_folder(name: str, files: Sequence[str], page: str) -> Path:
    """The folder `name` below TASTEMAKER_DATA, for a data set that has to be got by hand.

    Raises InputError that says which files to put there, and where they come from.
    """
    root = data_folder()
    folder = None if root is None else root / name
    absent = [file for file in files if folder is None or not has(folder, file)]
    if folder is None or absent:
        where = f"{folder} lacks {', '.join(absent)}" if folder else "TASTEMAKER_DATA is not set"
        raise InputError(
            f"{name}: {where}; get {', '.join(files)} from {page} and put them into a folder {name} "
            "below the folder that TASTEMAKER_DATA names"
        )
    return folder
