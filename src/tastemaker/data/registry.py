"""Data sets by name: known ones are prepared from their files on first use, a user's own once they were
prepared.

Prepared data sets lie in the cache, below `datasets/`, as `store` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tastemaker.assets import CATALOGUE, cache_folder, locate
from tastemaker.data import filters, store
from tastemaker.data.dataset import Dataset
from tastemaker.data.readers import amazon, coat, lightgcn, movielens, recbole, redial, table
from tastemaker.data.splits import Split, make_split
from tastemaker.errors import InputError


def _gowalla(folder: Path) -> Dataset:
    return lightgcn.read(folder, "gowalla", lightgcn.GOWALLA)


def _gowalla_split(folder: Path) -> Split:
    return lightgcn.read_split(folder, "gowalla", lightgcn.GOWALLA)


_READERS: dict[str, dict[str, Callable[[Path], Dataset]]] = {
    "ml-100k": {"original": movielens.read_100k, "recbole": recbole.read_ml_100k},
    "ml-1m": {"original": movielens.read_1m, "no timestamps": movielens.read_1m},
    "gowalla": {"original": _gowalla},
    "amazon-beauty": {"original": amazon.read_beauty},
    "coat": {"completed": coat.read, "original": coat.read},
    "redial": {"original": redial.read},
}
"""By data set (which is the asset's name) and form of the asset."""

_OFFICIAL: dict[str, Callable[[Path], Split]] = {"gowalla": _gowalla_split, "coat": coat.read_split}

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def names() -> list[str]:
    """Known data sets, then those that were prepared from the user's own tables."""
    return [*_READERS, *sorted(set(_prepared()) - set(_READERS))]


def load(name: str, *, folder: Path | None = None) -> Dataset:
    """A data set by name; a known one is fetched and prepared when it has not been.

    `folder` takes the raw files from there, and neither reads nor writes the cache. Raises InputError for
    a name that is neither known nor prepared.
    """
    if folder is not None:
        return read(name, folder=folder)
    if name not in names():
        raise _unknown(name)
    try:
        return store.load(home(name))
    except InputError:
        if name not in _READERS:
            raise
        return prepare(name, force=True)


def read(name: str, *, folder: Path | None = None) -> Dataset:
    """A known data set straight from its raw files, which are fetched unless `folder` has them."""
    if name not in _READERS:
        raise _unknown(name)
    found = locate(CATALOGUE[name], folder)
    return _READERS[name][found.form.name](found.folder)


def official_split(name: str, *, folder: Path | None = None) -> Split:
    """The split that a data set was published with: `gowalla` and `coat` have one, without a valid part."""
    if name not in _OFFICIAL:
        raise InputError(f"{name} was published without a split; {' and '.join(_OFFICIAL)} have one")
    return _OFFICIAL[name](locate(CATALOGUE[name], folder).folder)


def split_of(name: str, kind: str, seed: int) -> Split:
    """A data set split by `splits.make_split`, or, of kind "official", as it was published."""
    return official_split(name) if kind == "official" else make_split(load(name), kind, seed)


def prepare(name: str, *, force: bool = False) -> Dataset:
    """Read a known data set and keep it in the cache; one that is there already is used unless `force`."""
    if not force and is_prepared(name):
        return load(name)
    dataset = read(name)
    store.save(dataset, home(name))
    return dataset


def prepare_table(
    name: str,
    path: Path,
    columns: table.Columns,
    *,
    items: Path | None = None,
    item_columns: table.ItemColumns | None = None,
    k: int | None = None,
) -> Dataset:
    """Read a user's own table and keep it in the cache under a name, in place of what had that name.

    Of repeated pairs of user and item the latest is kept, as rankings leave out what a user already has.
    `k` then filters to the k-core. Raises InputError for a name that is taken by a known data set or is
    not a simple one.
    """
    if name in _READERS:
        raise InputError(f"{name!r} is the name of a known data set; choose another")
    if not _NAME.fullmatch(name):
        raise InputError(
            f"the name {name!r} has to be of small letters, digits, '-', '_' and '.', at most 64"
        )
    whole = table.read(path, columns, name=name, items=items, item_columns=item_columns)
    dataset = filters.latest_of_pairs(whole)
    notes = {"from": path.name, "repeats_left_out": len(whole) - len(dataset), "k_core": k}
    if k is not None:
        dataset = filters.k_core(dataset, k)
    store.save(dataset, home(name), notes)
    return dataset


def is_prepared(name: str) -> bool:
    """Whether the data set lies in the cache."""
    return name in _prepared()


def home(name: str) -> Path:
    """The folder that a prepared data set lies in."""
    return cache_folder() / "datasets" / name


def _prepared() -> list[str]:
    folder = cache_folder() / "datasets"
    found = folder.iterdir() if folder.is_dir() else ()
    return [entry.name for entry in found if _NAME.fullmatch(entry.name) and (entry / "meta.json").is_file()]


def _unknown(name: str) -> InputError:
    return InputError(
        f"no data set is named {name!r}; there are {', '.join(names())}; "
        "make your own with: tastemaker data prepare NAME --from FILE --columns user=…,item=…"
    )
