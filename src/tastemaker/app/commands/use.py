"""Using what was trained: embeddings as files, similar items, an index, lists for people not in the data.

`export`, `similar` and `index` belong to `tastemaker retrieval`; `recommend_from_history` is what
`tastemaker recommend --history` does. A run is a folder of `tastemaker retrieval train … --run FOLDER`.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, out, print_json, print_table
from tastemaker.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tastemaker.data.dataset import Dataset
    from tastemaker.retrieval.base import Retriever
    from tastemaker.retrieval.index import ItemIndex

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `retrieval train --run`.")]

_TOP = 20
"""Length of the lists by which an index is measured."""
_QUERIES = 1000
"""Most users whose vectors an index is measured with."""
_NAMED = 5
"""Most items of a history that the title of a table names."""


def export(
    run: RunArgument,
    target: Annotated[
        Path, typer.Option("--to", help="Folder for users.parquet and items.parquet, or a file .npz.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a trained model's user and item embeddings, with their ids.

    Example: tastemaker retrieval export runs/au --to embeddings.npz
    """
    from tastemaker.retrieval import trained
    from tastemaker.retrieval.export import export as write

    model, dataset = trained.load(run)
    tables = trained.embeddings(model)
    users, items = tables.users, tables.items
    files = [str(file) for file in write(users, items, dataset, target, force=force)]
    if as_json:
        print_json(
            {"files": files, "users": len(users), "items": len(items), "dimensions": int(items.shape[1])}
        )
        return
    out.print(
        f"{len(users):,} users and {len(items):,} items, {items.shape[1]} dimensions: {', '.join(files)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def similar(
    item: Annotated[str, typer.Argument(help="Id of an item.")],
    model: Annotated[
        str, typer.Option("--model", help="A model's name, fitted on all interactions; or a run folder.")
    ] = "ease",
    data: Annotated[
        str | None, typer.Option("--data", help="Name of a data set; a run folder knows its own.")
    ] = None,
    n: Annotated[int, typer.Option("-n", "--n", min=1, help="How many items.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show the items most like one.

    Example: tastemaker retrieval similar 50 --data ml-100k --model directau -n 5
    """
    import numpy as np

    from tastemaker.data import registry as datasets
    from tastemaker.retrieval import trained
    from tastemaker.retrieval.base import ItemScorer
    from tastemaker.retrieval.registry import create

    if Path(model).is_dir():
        if data is not None:
            raise InputError("a run folder names its own data set: leave --data out")
        fitted, dataset = trained.load(Path(model))
        position = dataset.item_index(item)
    else:
        if data is None:
            raise InputError("--data is missing: name the data set that the item belongs to")
        fitted = create(model)
        dataset = datasets.load(data)
        position = dataset.item_index(item)
        if isinstance(fitted, ItemScorer):
            fitted = _fitted(model, dataset)
    if not isinstance(fitted, ItemScorer):
        raise InputError(f"{fitted.name} knows no similar items; these do: {_models_with('similar')}")
    if dataset.item_ptr[position] == dataset.item_ptr[position + 1]:
        err.print(
            "[yellow]the model has seen nobody take this item[/]: what is listed as similar means little"
        )
    found, value = fitted.similar(np.array([position]), n)
    rows = _rows(dataset, found[0], "similarity", value[0])
    if as_json:
        print_json({"item": item, "data": dataset.name, "model": fitted.name, "items": rows})
        return
    (asked,) = _rows(dataset, np.array([position]), "similarity", np.ones(1))
    print_table(rows, title=f"Like {asked['title'] or item}", caption=f"{fitted.name} on {dataset.name}")


def index(
    run: RunArgument,
    target: Annotated[Path, typer.Option("--to", help="Folder for the index.")],
    kind: Annotated[str, typer.Option("--kind", help="hnsw or exact.")] = "hnsw",
    neighbours: Annotated[
        int | None, typer.Option("--neighbours", help="Links of an item in the graph, M.")
    ] = None,
    ef_construction: Annotated[
        int | None, typer.Option("--ef-construction", help="Candidates kept while building.")
    ] = None,
    ef_search: Annotated[
        int | None, typer.Option("--ef-search", help="Candidates kept while answering.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an index that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Index a trained model's items for large catalogues, and say what it finds and how fast.

    Recall is the share of the exact best 20 that are found, for up to 1,000 of the model's own users; the
    times are of one user at a time, beside those of the exact index.

    Example: tastemaker retrieval index runs/au --to indexes/au --ef-search 128
    """
    from pydantic import ValidationError

    from tastemaker.retrieval import trained
    from tastemaker.retrieval.index import META, IndexConfig, ItemIndex

    given = {"neighbours": neighbours, "ef_construction": ef_construction, "ef_search": ef_search}
    changed = {key: value for key, value in given.items() if value is not None}
    try:
        config = IndexConfig.model_validate({"kind": kind, **changed})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise InputError(f"--{option} {first['input']!r}: {first['msg']}") from None
    if (target / META).exists() and not force:
        raise InputError(f"{target} holds an index; choose another folder, or give --force to replace it")
    model, dataset = trained.load(run)
    tables = trained.embeddings(model)
    items = tables.items
    began = time.perf_counter()
    built = ItemIndex.build(items, config)
    seconds = time.perf_counter() - began
    built.save(target)
    queries = _queries(tables.users, dataset)
    exact = ItemIndex.build(items, IndexConfig(kind="exact"))
    row = {
        "kind": kind,
        "items": len(items),
        "dimensions": int(items.shape[1]),
        "build_seconds": seconds,
        f"recall@{_TOP}": built.recall(queries, _TOP),
        "ms": _milliseconds(built, queries),
        "exact_ms": _milliseconds(exact, queries),
    }
    if as_json:
        print_json({"folder": str(target), "config": config.model_dump(mode="json"), "row": row})
        return
    settings = ", ".join(f"{key}={value}" for key, value in config.model_dump().items() if key != "kind")
    caption = f"{len(queries):,} users of the run, one at a time; {settings}; written to {target}"
    print_table([row], title=f"Index of {model.name} on {dataset.name}", caption=caption)


def recommend_from_history(history: str, data: str, retriever: str | None, n: int, as_json: bool) -> None:
    """Print what a retrieval model recommends to someone who is not in the data and took `history`: ids,
    separated by commas (an id with a comma in it in double quotes).
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    from tastemaker.agents.prepare import EASE_ITEMS
    from tastemaker.data import registry as datasets
    from tastemaker.retrieval.base import HistoryScorer
    from tastemaker.retrieval.ranking import NOTHING, largest, masked
    from tastemaker.retrieval.registry import create

    ids = [id.strip() for id in next(csv.reader([history], skipinitialspace=True), []) if id.strip()]
    if not ids:
        raise InputError("--history names no item: give ids, separated by commas")
    if retriever is not None and not isinstance(create(retriever), HistoryScorer):
        raise InputError(
            f"{retriever} cannot serve people who are not in the data; these can: "
            + _models_with("score_histories")
        )
    dataset = datasets.load(data)
    taken = sorted({dataset.item_index(id) for id in ids})
    name = retriever or ("ease" if dataset.n_items <= EASE_ITEMS else "itemknn")
    model = _fitted(name, dataset)
    assert isinstance(model, HistoryScorer)
    row = csr_matrix((np.ones(len(taken), np.float32), taken, [0, len(taken)]), shape=(1, dataset.n_items))
    found, score = largest(masked(model.score_histories(row), row), n)
    rows = _rows(dataset, found[found != NOTHING], "score", score[found != NOTHING])
    if as_json:
        print_json({"history": ids, "data": data, "model": name, "items": rows})
        return
    known = [str(row["title"] or row["id"]) for row in _rows(dataset, taken, "score", taken)]
    if len(known) > _NAMED:
        known[_NAMED:] = [f"{len(known) - _NAMED} more"]
    print_table(rows, title=f"For someone who took {', '.join(known)}", caption=f"{name} on {data}")


def _fitted(name: str, dataset: Dataset) -> Retriever[Any]:
    """A model fitted on all interactions, from the cache where it holds it."""
    import numpy as np

    from tastemaker.data.splits import Split
    from tastemaker.retrieval.registry import fit_cached

    none = dataset.take(np.zeros(len(dataset), bool))
    with err.status(f"{name} …") as status:

        def on_epoch(row: Mapping[str, Any]) -> None:
            status.update(f"{name}: epoch {row['epoch']} of at most {row['epochs']}")

        return fit_cached(name, Split(dataset, none, none, "all interactions"), on_epoch=on_epoch)


def _models_with(method: str) -> str:
    from tastemaker.retrieval.registry import model_type, names

    return ", ".join(name for name in names() if hasattr(model_type(name), method))


def _rows(
    dataset: Dataset, items: Sequence[int] | NDArray[Any], column: str, values: Sequence[float] | NDArray[Any]
) -> list[dict[str, Any]]:
    """Items as the rows of a table, each with its figure; places that no item takes (−1) are left out."""
    table = dataset.items
    titles = table["title"] if "title" in table.columns else None
    return [
        {
            "rank": rank,
            "id": table["id"][item],
            "title": "" if titles is None else titles[item] or "",
            column: float(value),
        }
        for rank, (item, value) in enumerate(zip(map(int, items), values, strict=True), 1)
        if item >= 0
    ]


def _queries(users: NDArray[np.float32], dataset: Dataset) -> NDArray[np.float32]:
    """Vectors of users who took something in training, spread evenly over them."""
    import numpy as np

    known = np.flatnonzero(np.diff(dataset.user_ptr))
    some = known[np.linspace(0, len(known) - 1, min(_QUERIES, len(known))).astype(int)]
    return np.asarray(users[some], np.float32)


def _milliseconds(index: ItemIndex, queries: NDArray[np.float32]) -> float:
    """Wall-clock time of one query among `queries`."""
    began = time.perf_counter()
    for start in range(len(queries)):
        index.search(queries[start : start + 1], _TOP)
    return 1000 * (time.perf_counter() - began) / len(queries)
