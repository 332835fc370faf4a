"""Whether a folder holds a complete form of an asset: every file there, with the pinned content.

A file may lie gzipped as `name.gz`; the checksum is that of the content. A file that was checked once is
not read again in the same process as long as its size and modification time stay the same.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import IO, cast

from tastemaker.assets.asset import File, Form

CHUNK = 1 << 20

_seen: dict[tuple[str, int, int], tuple[int, str]] = {}


def digest(path: Path) -> tuple[int, str]:
    """Size and sha256 of a file's content; of the unpacked content when the name ends in `.gz`.

    Raises OSError or EOFError when the file cannot be read or the gzip stream is cut off or damaged.
    """
    stat = path.stat()
    key = (str(path), stat.st_size, stat.st_mtime_ns)
    if key not in _seen:
        size, sha = 0, hashlib.sha256()
        with _content(path) as file:
            while block := file.read(CHUNK):
                size += len(block)
                sha.update(block)
        _seen[key] = size, sha.hexdigest()
    return _seen[key]


def _content(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return path.open("rb")


def stored(folder: Path, name: str) -> Path | None:
    """The file as it lies in the folder, plain or gzipped; None when it is not there."""
    plain = folder / name
    zipped = plain.with_name(plain.name + ".gz")
    return plain if plain.is_file() else zipped if zipped.is_file() else None


def fault(path: Path, file: File, recorded: str | None = None) -> str | None:
    """What is wrong with the content of a file, or None. `recorded` is the sha256 taken when the file was
    stored.
    """
    try:
        size, sha = digest(path)
    except (OSError, EOFError) as error:
        return f"{path.name} cannot be read ({error})"
    wanted = file.sha256 or recorded
    if size < file.size:
        return f"{path.name} is cut off: {size:,} of {file.size:,} bytes"
    if size != file.size or (wanted is not None and sha != wanted):
        return f"{path.name} is altered: its content is not the published one"
    return None


def missing(folder: Path, form: Form) -> list[str]:
    """Names of the form's files that the folder lacks."""
    return [file.name for file in form.files if stored(folder, file.name) is None]


def faults(folder: Path, form: Form, recorded: dict[str, str] | None = None) -> dict[Path, str]:
    """What is wrong with the files of a form that are there, by path; empty when all are right."""
    found: dict[Path, str] = {}
    for file in form.files:
        path = stored(folder, file.name)
        if path is not None and (why := fault(path, file, (recorded or {}).get(file.name))):
            found[path] = why
    return found
