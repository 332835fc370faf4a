"""The items with the largest dot product, found in large catalogues: faiss, exact or by an HNSW graph.

The graph (Malkov & Yashunin, arXiv 1603.09320) is built on dot products themselves, so vectors of any norm
may be indexed; how much of the exact answer it finds has to be measured on one's own vectors: `recall`. Two
things are added to faiss: seen items are left out, and rankings follow `ranking.top_n`. faiss is an extra.
Knows nothing of models: items and queries are vectors.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.retrieval.ranking import NOTHING, largest, masked
from tastemaker.runs import write_whole

INDEX, META = "index.faiss", "meta.json"

_BATCH_SCORES = 1 << 22
"""Scores held at once (16 MiB of float32) where items are gone through one by one."""


class IndexConfig(Config):
    """Kind of index, and what the graph trades: memory, time to build, time to ask, recall."""

    kind: Literal["exact", "hnsw"] = "hnsw"
    """exact: every item is looked at · hnsw: a graph is walked towards the best."""
    neighbours: int = Field(default=32, ge=2)
    """HNSW's M: links of an item; each takes 8 bytes."""
    ef_construction: int = Field(default=80, ge=1)
    """Candidates kept while an item is linked: more build longer and find more."""
    ef_search: int = Field(default=256, ge=1)
    """Candidates kept while a query is answered: more take longer and find more."""
    threads: int = Field(default=1, ge=1)
    """Threads of faiss, in building and asking. A graph built by several may differ from run to run."""


class ItemIndex:
    """Items ready to be searched. Make one with `build`, or `load` one."""

    def __init__(self, index: Any, config: IndexConfig) -> None:
        self.config = config
        self._index = index

    @classmethod
    def build(cls, items: NDArray[np.floating], config: IndexConfig | None = None) -> ItemIndex:
        """Index the vectors `items` [n_items, d].

        Raises InputError when faiss is not installed, there are no items, or a vector is not finite.
        """
        faiss = _faiss()
        config = config or IndexConfig()
        items = _vectors(items, "item")
        if items.size == 0:
            raise InputError(f"there are no items to index: the table is {items.shape[0]} × {items.shape[1]}")
        width = items.shape[1]
        if config.kind == "exact":
            index = faiss.IndexFlatIP(width)
        else:
            index = faiss.IndexHNSWFlat(width, config.neighbours, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = config.ef_construction
        with _threads(config.threads):
            index.add(items)
        return cls(index, config)

    @property
    def n_items(self) -> int:
        return int(self._index.ntotal)

    @property
    def items(self) -> NDArray[np.float32]:
        """[n_items, d] the vectors, a view into the index."""
        faiss = _faiss()
        flat = self._index if self.config.kind == "exact" else faiss.downcast_index(self._index.storage)
        table: NDArray[np.float32] = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d)
        return table.reshape(flat.ntotal, flat.d)

    def search(
        self, queries: NDArray[np.floating], n: int, exclude: csr_matrix | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The `n` items with the largest dot product for each row of `queries` [m, d], best first: items and
        scores, both [m, n].

        `exclude` [m, n_items] has an entry wherever an item must not be recommended to a query. Equal scores
        go by ascending item; where fewer than `n` items are left a row ends in item −1 and score −inf. More
        than `n` are fetched and seen ones dropped, twice as many each time until `n` are left; where that
        cannot be (nearly everything was seen, or a tie runs past what was fetched) all items are gone
        through. Raises InputError for queries of another width, or that are not finite.
        """
        queries = _vectors(queries, "query")
        if queries.shape[1] != self._index.d:
            raise InputError(f"queries have {queries.shape[1]} dimensions, the index {self._index.d}")
        items = np.full((len(queries), n), NOTHING, np.int32)
        scores = np.full((len(queries), n), -np.inf, np.float32)
        if n == 0 or len(queries) == 0:
            return items, scores
        if exclude is not None and exclude.shape != (len(queries), self.n_items):
            raise InputError(f"exclude is {exclude.shape}, wanted {(len(queries), self.n_items)}")
        seen = np.zeros(len(queries), int) if exclude is None else np.diff(exclude.indptr)
        rows, width = np.arange(len(queries)), n + 1 + min(n, int(seen.max()))
        while len(rows):
            width = min(width, self.n_items)
            best, value, last = self._fetch(
                queries[rows], n, width, None if exclude is None else exclude[rows]
            )
            settled = value[:, -1] > last if self.config.kind == "exact" else best[:, -1] != NOTHING
            items[rows[settled]], scores[rows[settled]] = best[settled], value[settled]
            hopeless = ~settled & ((width > n + seen[rows]) | (width == self.n_items))
            for some in _batches(rows[hopeless], self.n_items):
                dense = queries[some] @ self.items.T
                if exclude is not None:
                    dense = masked(dense, exclude[some])
                items[some], scores[some] = largest(dense, n)
            rows, width = rows[~settled & ~hopeless], width * 2
        return items, scores

    def recall(self, queries: NDArray[np.floating], n: int) -> float:
        """Share of the exact `n` best items of the queries [m, d] that the index finds, in [0, 1]."""
        found, _ = self.search(queries, n)
        exact = (
            self if self.config.kind == "exact" else ItemIndex.build(self.items, IndexConfig(kind="exact"))
        )
        wanted, _ = exact.search(queries, n)
        same = (found[:, :, None] == wanted[:, None, :]) & (wanted != NOTHING)[:, None, :]
        return float(same.sum() / max(1, np.count_nonzero(wanted != NOTHING)))

    def save(self, folder: Path) -> None:
        """Write the index into a folder; a former one there is replaced."""
        faiss = _faiss()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / META).unlink(missing_ok=True)
        temporary = folder / f".{INDEX}-{os.getpid()}"
        try:
            faiss.write_index(self._index, str(temporary))
            digest = _digest(temporary)
            temporary.replace(folder / INDEX)
        except RuntimeError as error:
            raise InputError(f"{folder / INDEX}: cannot be written ({error})") from None
        finally:
            temporary.unlink(missing_ok=True)
        meta = {"config": self.config.model_dump(mode="json"), "n_items": self.n_items, "sha256": digest}
        write_whole(folder / META, json.dumps(meta, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> ItemIndex:
        """Read what `save` wrote. Raises InputError when there is no index or it is damaged."""
        faiss = _faiss()
        if not (folder / META).is_file():
            raise InputError(f"{folder}: no index here (no {META}); build one")
        try:
            meta = json.loads((folder / META).read_text(encoding="utf-8"))
            if _digest(folder / INDEX) != meta["sha256"]:
                raise ValueError(f"{INDEX} is not the file that was written")
            index = faiss.read_index(str(folder / INDEX))
            return cls(index, IndexConfig.model_validate(meta["config"]))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            first = str(error).splitlines()[0]
            raise InputError(f"{folder}: the index is damaged ({first}); build it again") from None

    def _fetch(
        self, queries: NDArray[np.float32], n: int, width: int, exclude: csr_matrix | None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """What is left of the `width` best: items and scores, both [m, n], and the last score fetched [m]."""
        if self.config.kind == "hnsw":
            self._index.hnsw.efSearch = self.config.ef_search
        with _threads(self.config.threads):
            value, found = self._index.search(queries, width)
        value[found == NOTHING] = -np.inf
        last = value[:, -1].copy()
        if exclude is not None:
            row = np.arange(len(queries))
            taken = np.repeat(row, np.diff(exclude.indptr)) * self.n_items + exclude.indices
            value[np.isin(row[:, None] * self.n_items + found, taken)] = -np.inf
        found = np.where(np.isneginf(value), NOTHING, found)
        order = np.lexsort((found, -value), axis=-1)[:, :n]
        items = np.full((len(queries), n), NOTHING, np.int32)
        scores = np.full((len(queries), n), -np.inf, np.float32)
        items[:, : order.shape[1]] = np.take_along_axis(found, order, axis=1)
        scores[:, : order.shape[1]] = np.take_along_axis(value, order, axis=1)
        return items, scores, last


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise InputError(
            "an index needs faiss, which is not installed: pip install 'tastemaker[index]'"
        ) from None
    return faiss


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """faiss at so many threads, and as before afterwards."""
    faiss = _faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _batches(rows: NDArray[np.integer], n_items: int) -> Iterator[NDArray[np.integer]]:
    """The rows in parts for which the scores of all items can be held at once."""
    step = max(1, _BATCH_SCORES // n_items)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def _vectors(table: NDArray[np.floating], what: str) -> NDArray[np.float32]:
    """The table as faiss wants it; InputError where it is none or holds a value that is not finite."""
    table = np.ascontiguousarray(table, np.float32)
    if table.ndim != 2:
        raise InputError(f"the {what} vectors must be a table [rows, d], not of shape {table.shape}")
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        raise InputError(
            f"the vector of {what} {int(np.argmin(finite))} is not finite: train the model again"
        )
    return table


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
