"""Pictures as files: a figure without a window system, and saving it whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tastemaker.errors import InputError


def figure(size: tuple[float, float]) -> Any:
    """A matplotlib figure of a size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(made)
    return made


def save(made: Any, path: Path, *, make_folder: bool = False) -> None:
    """Write a figure, under another name first.

    Raises InputError for a suffix that is no picture's, and for a missing folder unless it is to be made.
    """
    if path.suffix[1:].lower() not in made.canvas.get_supported_filetypes():
        raise InputError(f"{path}: no picture format has this suffix; use .png, .svg or .pdf")
    if make_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: there is no such folder")
    fresh = path.with_name(f".{path.name}.part")
    try:
        made.savefig(fresh, format=path.suffix[1:].lower(), dpi=130)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
