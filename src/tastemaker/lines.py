"""Files that lines are appended to, by processes that may be killed in the middle of one."""

from __future__ import annotations

import os
from pathlib import Path


def cut_half_line(path: Path) -> None:
    """Cut off a last line that was not finished. A file that is not there stays so."""
    if path.exists():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)
