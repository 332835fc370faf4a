"""The catalogue as the tools show it: one short line an item, and items found by what a model calls them.

Knows nothing of users or interactions. Titles come from outside and are untrusted: they are put on one line
and cannot hold the mark ` | ` that separates the fields.
"""

from __future__ import annotations

import difflib
import re
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import ToolError
from tastemaker.tools.embedding import Embedder
from tastemaker.tools.hybrid import HybridIndex
from tastemaker.tools.mentions import TitleLinker
from tastemaker.tools.search import SearchIndex

_TITLE = 48
_TEXT = 200
_CATEGORIES = 40
"""The most characters shown of a title, a text and a list of categories, so that a line stays short."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor, and what turns the direction of the text around it."""


class Catalogue:
    """The items of a data set. Built once: titles and the search index are laid out at the first use."""

    def __init__(self, dataset: Dataset, embedder: Embedder | None = None) -> None:
        self._dataset = dataset
        self._items = dataset.items
        self._embedder = embedder
        self.ids: list[str] = dataset.items["id"].to_list()

    @cached_property
    def search(self) -> SearchIndex | HybridIndex:
        """The text index: by words, and by meaning too where there is an embedder."""
        return HybridIndex(self._items, self._embedder) if self._embedder else SearchIndex(self._items)

    @property
    def words(self) -> SearchIndex:
        """The index by words alone."""
        return self.search.words if isinstance(self.search, HybridIndex) else self.search

    @cached_property
    def linker(self) -> TitleLinker:
        """Finds titles in texts."""
        return TitleLinker(self._items["title"].to_list(), self.years.tolist())

    @cached_property
    def titles(self) -> list[str]:
        """Title of each item for display, with the year where it is known; empty where there is none."""
        titles = [one_line(title or "", _TITLE) for title in self._items["title"]]
        titles = ["" if title == id else title for title, id in zip(titles, self.ids, strict=True)]
        return [
            f"{title} ({int(year)})".strip() if np.isfinite(year) and f"({int(year)})" not in title else title
            for title, year in zip(titles, self.years, strict=True)
        ]

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """[n_items] year of each item, NaN where it is not known."""
        if "year" not in self._items.columns:
            return np.full(len(self._items), np.nan)
        return self._items["year"].cast(float, strict=False).fill_null(np.nan).to_numpy()

    @cached_property
    def categories(self) -> list[list[str]]:
        """Categories of each item."""
        return [
            [one_line(name, _TITLE) for name in names or ()] for names in self._items["categories"].to_list()
        ]

    @cached_property
    def _by_category(self) -> dict[str, tuple[str, NDArray[np.int64]]]:
        found: dict[str, tuple[str, list[int]]] = {}
        for item, names in enumerate(self.categories):
            for name in names:
                found.setdefault(name.casefold(), (name, []))[1].append(item)
        return {key: (name, np.array(items)) for key, (name, items) in found.items()}

    def short(self, item: int) -> str:
        """`id | title (year)`, or the id alone."""
        return " | ".join(part for part in (self.ids[item], self.titles[item]) if part)

    def line(self, item: int) -> str:
        """`id | title (year) | categories`, without the parts that are not known."""
        shown = one_line("/".join(self.categories[item]), _CATEGORIES)
        return f"{self.short(item)} | {shown}" if shown else self.short(item)

    def shared(self, item: int, other: int) -> str:
        """The categories that two items have in common, in one text."""
        return "/".join(name for name in self.categories[item] if name in self.categories[other])

    def text(self, item: int) -> str:
        """The beginning of the item's description, empty where there is none."""
        return one_line(str(self._items["text"][item] or ""), _TEXT) if self.described else ""

    @property
    def described(self) -> bool:
        """Whether items have descriptions."""
        return "text" in self._items.columns

    def whole_text(self, item: int) -> str:
        """Title, categories and the whole description."""
        text = self._items["text"][item] if self.described else None
        return " ".join([self._items["title"][item] or "", *self.categories[item], text or ""])

    def in_category(self, name: str) -> NDArray[np.bool_]:
        """[n_items] mask of a category, in any case. Raises ToolError with near names where there is none."""
        known = self._by_category
        if not known:
            raise ToolError("no categories are known here")
        if name.casefold() not in known:
            near = difflib.get_close_matches(name.casefold(), known, n=5) or list(known)[:5]
            raise ToolError(
                f"no category {one_line(name, 40)!r}; there is: {', '.join(known[key][0] for key in near)}"
            )
        mask = np.zeros(len(self.ids), bool)
        mask[known[name.casefold()][1]] = True
        return mask

    def find(self, name: str) -> tuple[int, str]:
        """The item that a model means, and a note when it was not named by its id.

        Takes an id, a whole line as `line` gives it, or a title that just one item has. Raises ToolError
        with near items when there is none, and with all of them when there are several.
        """
        for id in (name.strip(), name.split(" | ")[0].strip()):
            if (item := self._rows.get(id)) is not None:
                return item, ""
        titled = self.search.titled(name)
        if len(titled) == 1:
            return titled[0], f"{self.titles[titled[0]]} is item {self.ids[titled[0]]}\n"
        what = "several items have the title" if titled else "no item"
        near = titled or self.search.search(name, 3)[0].tolist()
        shown = one_line(name, 40)
        if near:
            raise ToolError(f"{what} {shown!r}; ids near it: {'; '.join(map(self.line, near[:3]))}")
        ids = difflib.get_close_matches(name, self.ids, n=3) or self.ids[:3]
        raise ToolError(f"no item {shown!r}; give an id, for example: {', '.join(ids)}")

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {id: item for item, id in enumerate(self.ids)}


def one_line(text: str, longest: int) -> str:
    """The text on one line, without the field mark and control characters, cut to `longest` characters."""
    text = " ".join(_CONTROL.sub(" ", text).replace("|", "/").split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
