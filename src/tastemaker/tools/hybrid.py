"""Search by words and by meaning at once: BM25 and cosines of embeddings, joined by reciprocal rank fusion.

An item's score is Σ 1 / (k + rank) over the two rankings that it is in, rank from 1, and k = 60 (Cormack,
Clarke & Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR
2009). Each ranking counts to its first 100 places. An item whose title has just the query's words comes
before every other, as in `search`. Knows nothing of users or interactions.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemaker.tools.embedding import Embedder
from tastemaker.tools.search import SearchConfig, SearchIndex

_K = 60
_DEPTH = 100


class HybridIndex:
    """An index of a catalogue with the columns that `SearchIndex` takes.

    The items are embedded at the first search. The embedder must give vectors of length 1, or zeros.
    """

    def __init__(self, items: pl.DataFrame, embedder: Embedder, config: SearchConfig | None = None) -> None:
        self.words = SearchIndex(items, config)
        self._items = items
        self._embedder = embedder

    def search(
        self, query: str, n: int, within: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The up to `n` items that fit best, and their scores.

        `within` [n_items] leaves only some items to be found. Equal scores keep the catalogue's order.
        """
        scores = self._fused(query, max(n, _DEPTH), within)
        found = np.flatnonzero(scores)
        best = found[np.argsort(-scores[found], kind="stable")[:n]]
        return best.astype(np.int32), scores[best]

    def scores(self, query: str) -> NDArray[np.float32]:
        """[n_items] score of every item, 0 where it is in neither ranking."""
        return self._fused(query, _DEPTH, None)

    def _fused(self, query: str, depth: int, within: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        scores = np.zeros(len(self._items), np.float32)
        for ranking in (self.words.search(query, depth, within)[0], self._near(query, depth, within)):
            scores[ranking] += 1 / (_K + np.arange(1, len(ranking) + 1, dtype=np.float32))
        titled = np.array(self.titled(query), np.int64)
        scores[titled[scores[titled] > 0]] += 1
        return scores

    def titled(self, text: str) -> list[int]:
        """The items whose title has just the words of `text`, in any order, its year given or not."""
        return self.words.titled(text)

    def _near(self, query: str, n: int, within: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """The up to `n` items nearest in meaning, nearest first; none at a right angle or beyond."""
        cosines = self._vectors @ self._embedder.embed([query])[0]
        if within is not None:
            cosines = np.where(within, cosines, 0)
        found = np.flatnonzero(cosines > 0)
        return found[np.argsort(-cosines[found], kind="stable")[:n]]

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        """[n_items, size] vector of each item's title, categories and text."""
        empty = [None] * len(self._items)
        columns = [
            self._items[name].to_list() if name in self._items.columns else empty
            for name in ("title", "categories", "text")
        ]
        return self._embedder.embed(
            [
                " ".join([title or "", *(names or ()), text or ""])
                for title, names, text in zip(*columns, strict=True)
            ]
        )
