"""From a data set to what agents work with: split, fitted models, workbench.

Fitted models come from the cache where it holds them. Knows nothing of language models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tastemaker.agents.tasks import split_for_agents
from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split
from tastemaker.retrieval.base import ItemScorer, Scorer
from tastemaker.retrieval.registry import fit_cached
from tastemaker.retrieval.residual_knn import ResidualKNN
from tastemaker.tools.embedding import Embedder
from tastemaker.tools.workbench import Workbench

EASE_ITEMS = 10_000
"""Catalogues up to this size are retrieved from with EASE, whose time and memory grow with the square of
it."""

Search = Literal["words", "meaning"]
"""What the tool `search` goes by: words alone, or their meaning too."""

Tell = Callable[[str], None]
"""Is told in a few words what is being done."""


@dataclass(frozen=True)
class Ground:
    """What agents are evaluated on."""

    dataset: Dataset
    split: Split
    bench: Workbench


def ground(
    dataset: Dataset,
    *,
    last: bool = False,
    retriever: str | None = None,
    search: Search = "words",
    seed: int = 0,
    tell: Tell = lambda what: None,
) -> Ground:
    """A data set split so that requests can be asked at moments, with the models fitted on the train part.

    With `last` each user's last interactions are left out even where a split by time is possible: of the
    clock only the order within users is kept, as the models then know what others did later. Raises
    InputError for an unknown retriever, data without an order, or embeddings that cannot be had.
    """
    if last and dataset.clock == "timestamp":
        dataset = dataset.in_order()
    split = split_for_agents(dataset, seed)
    return Ground(dataset, split, workbench(dataset, split, retriever=retriever, search=search, tell=tell))


def whole(
    dataset: Dataset,
    *,
    retriever: str | None = None,
    search: Search = "words",
    tell: Tell = lambda what: None,
) -> Workbench:
    """A workbench on all interactions, for requests of now."""
    none = dataset.take(np.zeros(len(dataset), bool))
    split = Split(dataset, none, none, "all interactions")
    return workbench(dataset, split, retriever=retriever, search=search, tell=tell)


def workbench(
    dataset: Dataset,
    split: Split,
    *,
    retriever: str | None = None,
    search: Search = "words",
    tell: Tell = lambda what: None,
) -> Workbench:
    """A workbench with a retriever (EASE, or item-kNN for large catalogues), similarities, ratings where
    there are any, and embeddings where `search` is by meaning."""
    name = retriever or ("ease" if dataset.n_items <= EASE_ITEMS else "itemknn")
    retrieval = scorer(name, split, tell)
    similarity = retrieval if isinstance(retrieval, ItemScorer) else scorer("itemknn", split, tell)
    ratings = scorer("residual-knn", split, tell) if dataset.rating is not None else None
    assert isinstance(similarity, ItemScorer)
    assert ratings is None or isinstance(ratings, ResidualKNN)
    if search == "meaning":
        tell("embeddings")
    return Workbench(
        dataset,
        train=split.train,
        retrieval=retrieval,
        similarity=similarity,
        ratings=ratings,
        embedder=Embedder.load() if search == "meaning" else None,
    )


def scorer(name: str, split: Split, tell: Tell = lambda what: None) -> Scorer:
    """One fitted model, from the cache where it holds it."""
    tell(f"model {name}")
    return fit_cached(name, split)
