"""The recommender's own abilities as tools, for one request: one user, at one moment.

`Workbench.at` (`tools.workbench`) gives the light `Toolbox` of one request. Three rules hold for every tool
and are kept here:

- Time: nothing at or after the moment is seen (see `past`), and models that have seen it are refused.
- Access: a toolbox of a user answers personal questions about that user alone, whatever the model was talked
  into, and shows ratings of an item without saying whose or when.
- Offers: `retrieve`, `filter`, `similar` and `suggest` list what the user has not taken yet; `search` and
  `rank` mark what they have taken as `seen`. `offered` remembers what was listed and not taken: what may be
  recommended. Where a task has fixed candidates (`restrict_to`), these tools list no other items.

In a conversation (`Talk`) the user may be a `VISITOR`, of whom no more is known than what they said.

Knows nothing of agents, of answers or of how a call is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache, cached_property
from types import MethodType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.errors import InputError, ToolError
from tastemaker.retrieval.base import HistoryRater, HistoryScorer
from tastemaker.tools.catalogue import one_line
from tastemaker.tools.past import Log, Past
from tastemaker.tools.talk import VISITOR, Talk
from tastemaker.tools.tool import Tool

if TYPE_CHECKING:
    from tastemaker.tools.workbench import Workbench

NAMES = (
    "user_info",
    "item_info",
    "history",
    "item_history",
    "search",
    "filter",
    "retrieve",
    "similar",
    "rank",
    "predict_rating",
    "explain",
    "suggest",
)
"""The tools there are. Which of them a toolbox has depends on its models: see `Toolbox.names`."""

Count = Annotated[int, Field(ge=1, le=50)]

VISITOR_INDEX = -1
"""Stands for the `VISITOR` where users have indices."""
LONGEST = 50
"""So many suggestions are kept in order, however many are listed."""

_SOUGHT = 1e3
"""More than any score: what has a category that was asked for comes first."""
_FAVOURITES = 5
_NEIGHBOURS = 3
_FEATURE = 40


class Toolbox:
    """The tools of one request, made by `Workbench.at`. Each is a method that returns text for the model."""

    def __init__(self, bench: Workbench, past: Past, user: int | None, talk: Talk | None = None) -> None:
        self._bench = bench
        self._data = bench.dataset
        self._catalogue = bench.catalogue
        self._past = past
        self._user = user
        self._within: NDArray[np.bool_] | None = None
        self.offered: dict[str, None] = {}
        """Ids of the items shown so far that may be recommended, in the order shown."""
        self.predicted: dict[str, float] = {}
        """Ratings that were predicted so far, by item id."""
        self.ranked: list[str] = []
        """Ids that `retrieve`, `rank` or `suggest` ranked last, best first, `LONGEST` at most."""
        self._talk = talk
        likes, dislikes, shown = (
            [self._data.item_index(id) for id in ids]
            for ids in ((talk.likes, talk.dislikes, talk.shown) if talk else ((), (), ()))
        )
        self._said_to_like = np.array(likes, np.int32)
        self._not_again = np.array([*likes, *dislikes, *shown], np.int32)

    @property
    def names(self) -> tuple[str, ...]:
        """The tools that the models at hand allow."""
        missing = {"suggest"} if self._talk is None else set()
        if self._user == VISITOR_INDEX:
            missing |= {"predict_rating"}
        if self._bench.similarity is None:
            missing |= {"similar", "explain"}
        if self._bench.ratings is None:
            missing |= {"predict_rating"}
        return tuple(name for name in NAMES if name not in missing)

    def tools(self, names: Iterable[str] | None = None) -> list[Tool]:
        """The named tools, all by default, in the order given. Raises InputError for an unknown one."""
        wanted = self.names if names is None else tuple(names)
        for name in wanted:
            if name not in self.names:
                raise InputError(f"no tool {name!r} here; there is: {', '.join(self.names)}")
        return [_template(name).with_function(getattr(self, name)) for name in wanted]

    def restrict_to(self, ids: Collection[str]) -> None:
        """From here on show only these items in lists: a task with fixed candidates. Offers none of them."""
        self._within = np.zeros(self._data.n_items, bool)
        self._within[[self._data.item_index(id) for id in ids]] = True

    def offer(self, ids: Iterable[str]) -> None:
        """Make items recommendable that the task itself names, apart from those that the user has taken."""
        self._offer(self._data.item_index(id) for id in ids)

    def title(self, id: str) -> str:
        """Title and year of an item for display; its id where no title is known."""
        return self._catalogue.titles[self._data.item_index(id)] or id

    def user_info(self, user: str) -> str:
        """Features, ratings and favourite categories of a user."""
        index = self._find_user(user)
        row = {} if index == VISITOR_INDEX else self._data.users.row(index, named=True)
        features = [
            f"{name} {one_line(str(value), _FEATURE)}"
            for name, value in row.items()
            if name != "id" and value not in (None, "")
        ]
        log = self._log(index)
        known = f": {', '.join(features)}" if features else ""
        lines = [f"user {self._name(index)}{known}", log.summary()]
        liked = log.liked()
        shares: dict[str, int] = {}
        for item in liked:
            for name in self._catalogue.categories[item]:
                shares[name] = shares.get(name, 0) + 1
        if shares:
            best = sorted(shares, key=lambda name: (-shares[name], name))[:_FAVOURITES]
            lines.append("likes " + ", ".join(f"{name} {shares[name] / len(liked):.0%}" for name in best))
        return "\n".join(lines)

    def item_info(self, item: str) -> str:
        """Title, categories, text and ratings of an item."""
        index, note = self._catalogue.find(item)
        log = self._past.of_item(index)
        parts = (self._catalogue.line(index), self._catalogue.text(index), log.summary())
        return note + "\n".join(part for part in parts if part)

    def history(self, user: str, last: Count = 10) -> str:
        """What a user took last, newest first, with ratings."""
        log = self._log(self._find_user(user))
        newest = range(len(log) - 1, max(len(log) - 1 - last, -1), -1)
        lines = [self._catalogue.line(int(log.items[at])) + log.rated(at) for at in newest]
        return "\n".join(lines) or "no history"

    def item_history(self, item: str, last: Count = 10) -> str:
        """The last ratings of an item, newest first."""
        index, note = self._catalogue.find(item)
        log = self._past.of_item(index)
        newest = range(len(log) - 1, max(len(log) - 1 - last, -1), -1)
        if not newest:
            return f"{note}no history"
        if self._user is None:
            ids = self._data.users["id"]
            return note + "\n".join(f"user {ids[int(log.users[at])]}{log.rated(at)}" for at in newest)
        if log.ratings is None:
            return note + log.summary()
        return f"{note}ratings, newest first: {', '.join(f'{log.ratings[at]:g}' for at in newest)}"

    def search(self, query: str, n: Count = 10) -> str:
        """Find items by words of title, category or text."""
        items, _ = self._catalogue.search.search(query, n, self._within)
        return self._shown(items) or "nothing found"

    def filter(
        self,
        category: str | None = None,
        year_from: int | None = None,
        year_to: int | None = None,
        min_mean_rating: float | None = None,
        n: Count = 10,
    ) -> str:
        """The most popular new items that fit."""
        popularity = self._past.popularity
        fits = self._open(self._taken)
        if category is not None:
            fits &= self._catalogue.in_category(category)
        if year_from is not None or year_to is not None:
            years = self._catalogue.years
            if np.isnan(years).all():
                raise ToolError("no years are known here")
            first, final = -np.inf if year_from is None else year_from, np.inf if year_to is None else year_to
            fits &= (years >= first) & (years <= final)
        if min_mean_rating is not None:
            if popularity.means is None:
                raise ToolError("no ratings are known here")
            fits &= popularity.means >= min_mean_rating
        return self._shown(_best(popularity.counts, n, fits)) or "nothing fits"

    def retrieve(self, user: str, n: Count = 10) -> str:
        """Items to recommend to a user, best first."""
        index = self._find_user(user)
        best = _best(self._scores(index), n, self._open(self._log(index).items))
        self.ranked = [self._catalogue.ids[item] for item in best]
        return self._shown(best, numbered=True) or "nothing left to recommend"

    def suggest(self, wants: str, n: Count = 10) -> str:
        """Items that fit what was said, best first."""
        talk = self._talk or Talk()
        allowed = self._open(self._taken)
        for name in talk.avoids:
            allowed &= ~self._catalogue.in_category(name)
        sought = np.zeros(self._data.n_items, bool)
        for name in talk.seeks:
            sought |= self._catalogue.in_category(name)
        best = _best(self._fitting(wants) + sought * _SOUGHT, LONGEST, allowed)
        self.ranked = [self._catalogue.ids[item] for item in best]
        return self._shown(best[:n], numbered=True) or "nothing left to recommend"

    def similar(self, item: str, n: Count = 10) -> str:
        """New items like an item, most similar first."""
        index, note = self._catalogue.find(item)
        allowed = self._open(self._taken)
        near = [other for other in self._similarities(index) if allowed[other]]
        return note + (self._shown(near[:n]) or "nothing similar")

    def rank(self, user: str, items: Annotated[list[str], Field(min_length=1, max_length=50)]) -> str:
        """Put candidate items in order for a user, best first."""
        index = self._find_user(user)
        found = [self._catalogue.find(item) for item in items]
        candidates = np.unique([item for item, _ in found])
        if self._within is not None and not self._within[candidates].all():
            other = self._catalogue.ids[candidates[~self._within[candidates]][0]]
            raise ToolError(f"item {other} is not among the candidates")
        scores = self._scores(index)[candidates]
        order = candidates[np.argsort(-scores, kind="stable")]
        self.ranked = [self._catalogue.ids[item] for item in order]
        return "".join(dict.fromkeys(note for _, note in found)) + self._shown(order, numbered=True)

    def predict_rating(self, user: str, item: str) -> str:
        """The rating that a user would give."""
        index = self._find_user(user)
        found, note = self._catalogue.find(item)
        if self._bench.ratings is None:
            raise ToolError("no ratings are known here")
        model, log = self._bench.ratings, self._log(index)
        if isinstance(model, HistoryRater) and log.ratings is not None:
            rating = float(model.predict_for(log.items, log.ratings, np.array([found]))[0])
        else:
            rating = float(model.predict(np.array([index]), np.array([found]))[0])
        low, high = self._data.rating_range or (-np.inf, np.inf)
        rating = min(max(rating, low), high)
        self.predicted[self._catalogue.ids[found]] = rating
        return f"{note}{rating:.2f}"

    def explain(self, user: str, item: str) -> str:
        """What a user liked that is similar to an item."""
        index = self._find_user(user)
        found, note = self._catalogue.find(item)
        log = self._log(index)
        rated = {int(log.items[at]): log.rated(at) for at in range(len(log))}
        lines = []
        for other, similarity in self._neighbours(index, found):
            shares = self._catalogue.shared(other, found)
            facts = f"{rated[other]} | shares {shares}" if shares else rated[other]
            lines.append(f"{self._catalogue.short(other)}{facts} | similarity {similarity:.2f}")
        return note + ("\n".join(lines) or "nothing similar in the history")

    def because(self, item: str) -> list[str]:
        """Titles of what the toolbox's user liked that is most similar to an item, for people to read."""
        if self._user is None or self._bench.similarity is None:
            return []
        return [
            self.title(self._catalogue.ids[other])
            for other, _ in self._neighbours(self._user, self._data.item_index(item))
        ]

    def _neighbours(self, user: int, item: int) -> list[tuple[int, float]]:
        """The user's liked items most similar to an item, with the similarity."""
        liked = set(self._log(user).liked())
        near = [
            (other, value)
            for other, value in self._similarities(item).items()
            if other in liked and value > 0
        ]
        return near[:_NEIGHBOURS]

    def _find_user(self, id: str) -> int:
        """The user's index. Raises ToolError for an unknown one; in a bound toolbox for all but its own."""
        if self._user is not None:
            own = self._name(self._user)
            if id.strip() != own:
                raise ToolError(f"only user {own} may be asked about here")
            return self._user
        try:
            return self._data.user_index(id.strip())
        except InputError as error:
            raise ToolError(str(error)) from None

    def _name(self, user: int) -> str:
        return VISITOR if user == VISITOR_INDEX else str(self._data.users["id"][user])

    def _log(self, user: int) -> Log:
        """What a user took before the moment; of a visitor what they said that they like."""
        if user != VISITOR_INDEX:
            return self._past.of_user(user)
        return Log(np.full(len(self._said_to_like), VISITOR_INDEX, np.int32), self._said_to_like, None)

    def _scores(self, user: int) -> NDArray[np.float32]:
        """[n_items] the retrieval model's scores for a user, with what they said that they like."""
        retrieval = self._bench.retrieval
        if not len(self._said_to_like) and user != VISITOR_INDEX:
            scores: NDArray[np.float32] = retrieval.score(np.array([user]))[0]
            return scores
        items = np.unique(np.concatenate((self._log(user).items, self._said_to_like)))
        able = [model for model in (retrieval, self._bench.similarity) if isinstance(model, HistoryScorer)]
        if not able or not len(items):
            return self._past.popularity.counts.astype(np.float32)
        history = csr_matrix(
            (np.ones(len(items), np.float32), (np.zeros(len(items), int), items)), (1, self._data.n_items)
        )
        scores = able[0].score_histories(history)[0]
        return scores

    def _fitting(self, wants: str) -> NDArray[np.float64]:
        """[n_items] how well each item fits what was said and what is liked."""
        liked = self._said_to_like
        taken = liked
        if self._user is not None and self._user != VISITOR_INDEX:
            taken = np.concatenate((self._log(self._user).items, liked))
        counts = self._past.popularity.counts
        return self._bench.suggester.scores(self._bench.weights, taken, liked, wants, counts)

    @cached_property
    def _taken(self) -> NDArray[np.integer]:
        """Items that the toolbox's user interacted with before the moment; none in an unbound one."""
        if self._user is None:
            return self._not_again
        return np.unique(np.concatenate((self._log(self._user).items, self._not_again)))

    @cached_property
    def _seen(self) -> frozenset[int]:
        return frozenset(self._taken.tolist())

    def _open(self, taken: NDArray[np.integer]) -> NDArray[np.bool_]:
        """[n_items] the items that may be listed: among the candidates, and not taken."""
        items = np.ones(self._data.n_items, bool) if self._within is None else self._within.copy()
        items[taken] = False
        return items

    def _similarities(self, item: int) -> dict[int, float]:
        """All items that are like it, most similar first, the item itself left out."""
        if self._bench.similarity is None:
            raise ToolError("no similarities are known here")
        items, values = self._bench.similarity.similar(np.array([item]), self._data.n_items)
        pairs = zip(items[0].tolist(), values[0].tolist(), strict=True)
        return {other: value for other, value in pairs if other not in (-1, item)}

    def _offer(self, items: Iterable[int]) -> None:
        self.offered.update((self._catalogue.ids[item], None) for item in items if item not in self._seen)

    def _shown(self, items: Iterable[int] | NDArray[np.integer], numbered: bool = False) -> str:
        """The items' lines; those that the user already has are marked `seen`, the others are offered."""
        shown = [int(item) for item in items]
        self._offer(shown)
        lines = [self._catalogue.line(item) + (" | seen" if item in self._seen else "") for item in shown]
        return "\n".join(f"{place}. {line}" if numbered else line for place, line in enumerate(lines, 1))


@cache
def _template(name: str) -> Tool:
    """A tool whose schema is worked out once for all requests; its function is put in for each of them."""
    return Tool.from_function(MethodType(getattr(Toolbox, name), object()), name)


def _best(
    scores: NDArray[np.floating] | NDArray[np.int64], n: int, allowed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The up to n allowed items with the highest scores, ties in the catalogue's order."""
    items = np.flatnonzero(allowed)
    return items[np.argsort(-scores[items], kind="stable")[:n]]
