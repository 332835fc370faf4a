"""Put the files of a form into the cache, out of a zip file or a single download: checked first, then moved
in at once.

Only the members that the catalogue names are unpacked, to the names that the catalogue gives; no path is
taken from an archive, and no member may be longer than it is known to be.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from tastemaker.assets import verify
from tastemaker.assets.asset import Archive, File, Form
from tastemaker.assets.download import DownloadError

CHECKSUMS = "checksums.json"
"""Written beside the files: sha256 of each, so that later damage shows also where none is pinned."""


def check_archive(path: Path, archive: Archive) -> None:
    """Compare a downloaded file with the publisher's checksums. Raises DownloadError when they differ."""
    for kind, wanted in (("sha256", archive.sha256), ("md5", archive.md5)):
        if wanted is not None:
            with path.open("rb") as file:
                if hashlib.file_digest(file, kind).hexdigest() != wanted:
                    raise DownloadError(
                        f"the {kind} of the download is not the published one: cut off or altered"
                    )


def install(source: Path, form: Form, inside: str, target: Path, *, zipped: bool = True) -> None:
    """Fill the folder `target` with the form's files from `source`. Raises DownloadError when one is not
    right.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        if zipped:
            _unpack(source, form, inside, fresh)
        else:
            shutil.copyfile(source, fresh / form.files[0].name)
        wrong = verify.faults(fresh, form)
        if wrong:
            raise DownloadError("; ".join(wrong.values()))
        sums = {file.name: verify.digest(fresh / file.name)[1] for file in form.files}
        (fresh / CHECKSUMS).write_text(json.dumps(sums, indent=2))
        shutil.rmtree(target, ignore_errors=True)
        os.replace(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _unpack(source: Path, form: Form, inside: str, folder: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            for file in form.files:
                _member(archive, f"{inside}/{file.name}" if inside else file.name, file, folder / file.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DownloadError(f"not a whole zip file ({error})") from None


def _member(archive: zipfile.ZipFile, member: str, file: File, target: Path) -> None:
    try:
        stream = archive.open(member)
    except KeyError:
        raise DownloadError(f"the archive has no {member}") from None
    target.parent.mkdir(parents=True, exist_ok=True)
    left = file.size + 1
    with stream, target.open("wb") as output:
        while left and (block := stream.read(min(left, verify.CHUNK))):
            output.write(block)
            left -= len(block)
