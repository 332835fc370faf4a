"""Text search over a catalogue: BM25 with a small boost for titles, on a sparse term matrix.

The score of item d for query q is Robertson and Spärck Jones' (Robertson & Zaragoza, "The Probabilistic
Relevance Framework: BM25 and Beyond", 2009), with the idf that is never negative:

    score(q, d) = Σ_{t in q} ln(1 + (N − df_t + ½) / (df_t + ½)) · tf · (k1 + 1) / (tf + k1 · norm_d)
    norm_d = 1 − b + b · len_d / mean len

where tf counts t in d's title `title_weight` times as much as in its categories, year and text, and len_d is
the sum of all tf of d. An item whose title has just the query's words (in any order, its year given or not)
gets the best score found added, so it comes before every other item. Knows nothing of users or interactions.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csr_matrix


class SearchConfig(BaseModel):
    """The constants of the formula."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k1: float = Field(default=1.2, ge=0)
    """How soon more occurrences of a word in an item stop counting."""
    b: float = Field(default=0.75, ge=0, le=1)
    """How much long items are held back: 0 not at all, 1 in full."""
    title_weight: float = Field(default=2.0, gt=0)
    """How many occurrences in the text one in the title is worth."""


_WORD = re.compile(r"\w+")
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")


def words(text: str) -> list[str]:
    """The words of a text: casefolded, accents stripped.

    >>> words("Amélie's  CAFÉ (2001)")
    ['amelie', 's', 'cafe', '2001']
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return _WORD.findall(plain)


class SearchIndex:
    """An index of a catalogue.

    `items` has the columns `id`, `title`, and, as far as they are known, `categories` (lists of text),
    `year` and `text`; row i of it is item i.
    """

    def __init__(self, items: pl.DataFrame, config: SearchConfig | None = None) -> None:
        self.config = config or SearchConfig()
        self.n_items = len(items)
        self._titles = [title or "" for title in items["title"]]
        self._years = items["year"].to_list() if "year" in items.columns else [None] * len(items)
        counts = self._count(items)
        self._row = {
            term: row for row, term in enumerate(sorted({term for count in counts for term in count}))
        }
        self._weights = self._weigh(counts)

    def search(
        self, query: str, n: int, within: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The up to `n` items that share a word with the query, best first, and their scores.

        `within` [n_items] leaves only some items to be found. Equal scores keep the catalogue's order.
        """
        scores = self.scores(query)
        if within is not None:
            scores = np.where(within, scores, 0)
        found = np.flatnonzero(scores)
        best = found[np.argsort(-scores[found], kind="stable")[:n]]
        return best.astype(np.int32), scores[best]

    def scores(self, query: str) -> NDArray[np.float32]:
        """[n_items] score of every item, 0 where no word is shared."""
        scores = np.zeros(self.n_items, np.float32)
        matrix = self._weights
        for term in words(query):
            row = self._row.get(term)
            if row is not None:
                part = slice(matrix.indptr[row], matrix.indptr[row + 1])
                scores[matrix.indices[part]] += matrix.data[part]
        exact = [item for item in self.titled(query) if scores[item] > 0]
        scores[exact] += scores.max(initial=0)
        return scores

    def titled(self, text: str) -> list[int]:
        """The items whose title has just the words of `text`, in any order, its year given or not."""
        return self._by_title.get(_title_key(text), [])

    @cached_property
    def _by_title(self) -> dict[tuple[str, ...], list[int]]:
        found: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for item, title in enumerate(self._titles):
            year = self._years[item]
            forms = (title, _YEAR.sub("", title), f"{title} {year}" if year else title)
            for key in {_title_key(form) for form in forms}:
                if key:
                    found[key].append(item)
        return dict(found)

    def _count(self, items: pl.DataFrame) -> list[dict[str, float]]:
        """For each item how often it has each word, the title's occurrences weighted."""
        counts: list[dict[str, float]] = []
        empty = [None] * len(items)
        categories = items["categories"].to_list() if "categories" in items.columns else empty
        texts = items["text"].to_list() if "text" in items.columns else empty
        for title, names, year, text in zip(self._titles, categories, self._years, texts, strict=True):
            body = " ".join([*(names or ()), str(year or ""), text or ""])
            count: dict[str, float] = dict(Counter(words(body)))
            for word in words(title):
                count[word] = count.get(word, 0) + self.config.title_weight
            counts.append(count)
        return counts

    def _weigh(self, counts: list[dict[str, float]]) -> csr_matrix:
        """[n_terms, n_items]: the summand of the formula for each word and item."""
        terms = np.array([self._row[term] for count in counts for term in count], np.int64)
        items = np.repeat(np.arange(self.n_items), [len(count) for count in counts])
        tf = np.array([value for count in counts for value in count.values()], np.float64)
        length = np.bincount(items, tf, minlength=self.n_items)
        df = np.bincount(terms, minlength=len(self._row))
        idf = np.log1p((self.n_items - df + 0.5) / (df + 0.5))
        k1, b = self.config.k1, self.config.b
        norm = k1 * (1 - b + b * length / max(length.mean(), 1e-9))
        data = idf[terms] * tf * (k1 + 1) / (tf + norm[items])
        return csr_matrix((data.astype(np.float32), (terms, items)), shape=(len(self._row), self.n_items))


def _title_key(text: str) -> tuple[str, ...]:
    return tuple(sorted(words(text)))
