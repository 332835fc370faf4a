"""Raw files as readers see them: bytes of a file that lies plain or gzipped in a folder, and columns of
numbers.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

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
