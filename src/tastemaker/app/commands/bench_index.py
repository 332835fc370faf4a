"""`tastemaker bench index`: the index for large catalogues beside going through all items."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err
from tastemaker.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tastemaker.retrieval.index import ItemIndex

SIZE, TOP, QUERIES = 64, 20, 200
"""Length of the vectors, of the lists, and how many lists are timed."""

_CLUSTER, _SPREAD, _NORMS = 500, 0.8, 0.4
"""Items of a cluster; its spread beside its centre's norm of 1; where norms vary, the standard deviation of
their logarithm."""


def index(
    items: Annotated[
        str, typer.Option("--items", help="Sizes of the catalogue, separated by commas.")
    ] = "100000",
    results: Annotated[
        Path | None, typer.Option("--results", help="Write the table as a results file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build and time the exact and the HNSW index on drawn vectors, one query at a time, on one thread.

    A million items take minutes and about 1.5 GiB of memory.

    Example: tastemaker bench index --items 100000,1000000 --results results/index.json
    """
    from tastemaker.app.commands.bench import report

    started = time.monotonic()
    rows: list[dict[str, Any]] = []
    with err.status("") as status:
        for size in _sizes(items):
            for varied in (False, True):
                status.update(f"{size:,} items, {'varied' if varied else 'unit'} norms …")
                rows += _rows(size, varied)
    protocol = (
        f"{SIZE} dimensions, top {TOP} by dot product, {QUERIES} queries one at a time, 1 thread, seed 0; "
        f"items in clusters of about {_CLUSTER} (spread {_SPREAD:g}), norms of 1 or exp(N(0, {_NORMS:g}²)); "
        "queries are drawn as items are; ours and reference: queries per cpu-second; reference of exact: "
        "numpy, of hnsw: exact; ms: wall clock of one query"
    )
    report("Index", rows, protocol, started, results, as_json)


def vectors(size: int, varied: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Items [size, SIZE] in clusters, of unit or varied norms, and queries [QUERIES, SIZE] of unit norm.

    Queries come from the same clusters: that is where users lie once a model has aligned them with items.
    """
    import numpy as np

    generator = np.random.default_rng(0)

    def normal(rows: int) -> NDArray[np.float32]:
        return generator.standard_normal((rows, SIZE), dtype=np.float32) / np.float32(SIZE**0.5)

    def unit(table: NDArray[np.float32]) -> NDArray[np.float32]:
        table /= np.linalg.norm(table, axis=1, keepdims=True)
        return table

    centres = unit(normal(max(1, size // _CLUSTER)))
    drawn = normal(size + QUERIES)
    drawn *= np.float32(_SPREAD)
    drawn += centres[generator.integers(0, len(centres), len(drawn))]
    items, queries = np.split(unit(drawn), [size])
    if varied:
        items *= np.exp(_NORMS * generator.standard_normal((size, 1), dtype=np.float32))
    return items, queries


def _rows(size: int, varied: bool) -> list[dict[str, Any]]:
    from tastemaker.retrieval.index import IndexConfig, ItemIndex

    items, queries = vectors(size, varied)
    plain, _ = _speed(lambda query: _by_numpy(items, query), queries)
    rows: list[dict[str, Any]] = []
    reference = plain
    for config in (IndexConfig(kind="exact"), IndexConfig(kind="hnsw")):
        began = time.perf_counter()
        index = ItemIndex.build(items, config)
        seconds = time.perf_counter() - began
        ours, milliseconds = _speed(_asks(index), queries)
        rows.append(
            {
                "what": f"{config.kind}, {'varied' if varied else 'unit'} norms",
                "size": size,
                "ours_per_cpu_second": ours,
                "reference_per_cpu_second": reference,
                "ratio": ours / reference,
                "ms": milliseconds,
                f"recall@{TOP}": index.recall(queries, TOP),
                "build_seconds": seconds,
            }
        )
        reference = ours
    return rows


def _asks(index: ItemIndex) -> Callable[[NDArray[np.float32]], object]:
    return lambda query: index.search(query, TOP)


def _by_numpy(items: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.integer]:
    import numpy as np

    scores = items @ query[0]
    best = np.argpartition(scores, -TOP)[-TOP:]
    found: NDArray[np.integer] = best[np.argsort(-scores[best])]
    return found


def _speed(ask: Callable[[NDArray[np.float32]], object], queries: NDArray[np.float32]) -> tuple[float, float]:
    """Queries per cpu-second, and wall-clock milliseconds for one."""
    ask(queries[:1])
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(len(queries)):
        ask(queries[start : start + 1])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return len(queries) / cpu, 1000 * wall / len(queries)


def _sizes(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = [0]
    if min(found) < 1:
        raise InputError(f"--items {text!r}: write numbers of items from 1 up, separated by commas")
    return found
