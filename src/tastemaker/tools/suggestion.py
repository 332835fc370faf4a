"""How well items fit what was said: five signals, and their weighted sum.

    popularity   ln(1 + interactions)
    retrieval    the retrieval model's score for what was taken and named
    similarity   the same of the similarity model, where it is another one
    words        BM25 of the words that were said
    alike        the catalogue's texts of the items named against all others: Σ BM25 / largest BM25; only
                 where items have descriptions, as titles that share a word are not alike

The sum is of each signal less its mean over the items, over its standard deviation, times a weight. Equal
scores go by popularity, so this is what serves someone of whom nothing is known. Knows nothing of who may be
shown what.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.config import Config
from tastemaker.retrieval.base import HistoryScorer, Indices
from tastemaker.tools.catalogue import Catalogue

Scores = NDArray[np.float32]

_TIE = 1e-5
"""Weight that popularity has at least, as ties go by it."""


class Weights(Config):
    """Weights of the signals. The defaults are the best for a third of ReDial's valid dialogues
    (`agents.dialogue_baselines.blend_weights`)."""

    popularity: float = Field(default=0.71, ge=0)
    retrieval: float = Field(default=0.51, ge=0)
    similarity: float = Field(default=0.36, ge=0)
    words: float = Field(default=0.25, ge=0)
    alike: float = Field(default=1.0, ge=0)


SIGNALS = tuple(Weights.model_fields)
"""In the order in which weights are chosen."""


class Suggester:
    """The signals over one catalogue."""

    def __init__(self, catalogue: Catalogue, models: Mapping[str, HistoryScorer]) -> None:
        """`models` may hold "retrieval" and "similarity"; the signal of one that is not there is 0."""
        self._catalogue = catalogue
        self._models = models
        self._n_items = len(catalogue.ids)
        self._alike_to = lru_cache(maxsize=2048)(self._neighbourhood)

    def signal(
        self, name: str, taken: Indices, named: Indices, words: str, popularity: NDArray[np.integer]
    ) -> Scores:
        """[n_items] what a signal gives each item; nothing is masked.

        `taken` are the items known to be liked, `named` those of them that were named; `popularity` [n_items]
        are interactions.
        """
        if name == "popularity":
            return np.asarray(np.log1p(popularity), np.float32)
        if name == "words":
            return self._catalogue.words.scores(words)
        if name == "alike" and self._catalogue.described:
            total = np.zeros(self._n_items, np.float32)
            for item in np.unique(named).tolist():
                total += self._alike_to(item)
            return total
        items = np.unique(taken)
        if name not in self._models or not len(items):
            return np.zeros(self._n_items, np.float32)
        ones = np.ones(len(items), np.float32)
        history = csr_matrix((ones, (np.zeros(len(items), np.int64), items)), shape=(1, self._n_items))
        scores: Scores = self._models[name].score_histories(history)[0]
        return scores

    def scores(
        self, weights: Weights, taken: Indices, named: Indices, words: str, popularity: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """[n_items] the weighted sum of the signals; the arguments are `signal`'s."""
        total = np.asarray(_TIE * np.log1p(popularity), np.float64)
        for name in SIGNALS:
            if weight := getattr(weights, name):
                total += weight * standard(self.signal(name, taken, named, words, popularity))
        return total

    def _neighbourhood(self, item: int) -> Scores:
        scores = self._catalogue.words.scores(self._catalogue.whole_text(item))
        return scores / np.float32(max(float(scores.max()), 1e-12))


def standard(scores: Scores) -> Scores:
    """Less their mean, over their standard deviation; equal ones become 0."""
    centred = scores - scores.mean()
    spread = float(centred.std())
    return centred / np.float32(spread) if spread > 1e-9 else np.zeros_like(centred)
