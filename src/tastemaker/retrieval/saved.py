"""A fitted model on disk: `arrays.npz` and `meta.json` in one folder.

Each file is written under a temporary name and renamed, and `meta.json` comes last: a folder that has it is
whole.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemaker.errors import InputError

ARRAYS, META = "arrays.npz", "meta.json"


def write(folder: Path, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
    """Write a fit; a former one in the same folder is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / META).unlink(missing_ok=True)
    temporary = folder / f"{ARRAYS}.{os.getpid()}.tmp"
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    temporary.replace(folder / ARRAYS)
    temporary = folder / f"{META}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(dict(meta), indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / META)


def exists(folder: Path) -> bool:
    """Whether the folder holds a whole fit."""
    return (folder / META).is_file()


def read(folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and meta of a fit. Raises InputError when there is none or it is damaged."""
    if not exists(folder):
        raise InputError(f"{folder}: no saved model here (no {META})")
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{folder}: the saved model is damaged ({error}); delete the folder and fit again"
        ) from None
    if not isinstance(meta, dict):
        raise InputError(f"{folder / META}: not a JSON object; delete the folder and fit again")
    return arrays, meta
