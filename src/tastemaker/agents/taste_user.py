"""A user to converse with who has tastes and no item in mind.

A simulated user that holds the item to be found gives it away in its words (iEvaLM, Wang et al., EMNLP
2023, and its critics), so this one holds none. Of what a real user took later it knows categories alone; it
may name what they liked before; and it accepts or refuses an item by what a user model predicts that they
give for it. Its words come from a small grammar under a seed. Knows nothing of recommenders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.tools.catalogue import Catalogue
from tastemaker.tools.past import Log

QUANTILE = 0.95
"""A user accepts what the user model ranks above this share of the catalogue for them. A share is taken, and
not the user's mean rating, so that random items are as rarely accepted by a generous user as by a strict one:
one in 20. With a smaller share most recommenders of MovieLens-100K please everyone within five turns, with a
larger one few please anyone at the first."""

_CATEGORIES = 2
"""The most favourite, and the most disliked, categories."""
_NAMED = 2
"""The most items that an opening names."""

_WISHES = ("I am in the mood for {}.", "I would like some {}.", "Can you recommend some {}?")
_LIKED = ("I liked {}.", "I enjoyed {}.")
_ACCEPTED = ("{} sounds good.", "{} is one for me.")
_DISLIKED = ("Not {title}, I have had enough of {category}.", "No more {category} like {title}.")
_RATHER = ("{title}? I would rather have some {category}.", "Not {title}; some {category} would be better.")
_REFUSED = ("{} is not for me.", "I do not care for {}.")


@dataclass(frozen=True, eq=False)
class Tastes:
    """All that a user goes by."""

    favourites: tuple[str, ...]
    """Categories that the user will like most, best first."""
    dislikes: tuple[str, ...]
    """Categories that the user will like least, worst first."""
    liked: tuple[int, ...]
    """Items liked before the moment, which may be named."""
    known: frozenset[int]
    """Items taken before the moment."""
    values: NDArray[np.float32]
    """[n_items] what the user gives for each item, by a user model."""

    @property
    def threshold(self) -> float:
        """The least value that is accepted."""
        return float(np.quantile(self.values, QUANTILE))


@dataclass(frozen=True)
class Reaction:
    """What a user says to items that were shown."""

    said: str
    accepted: tuple[int, ...]
    refused: tuple[int, ...]
    """Items known already are in neither."""


def later(test: Dataset, user: int, moment: int) -> slice:
    """The places in the test part of what a user took at the moment or after it."""
    rows = test.history(user)
    return slice(rows.start + int(np.searchsorted(test.time[rows], moment)), rows.stop)


def tastes(
    catalogue: Catalogue, past: Log, test: Dataset, rows: slice, values: NDArray[np.float32]
) -> Tastes:
    """The tastes of one user, whose history up to the moment is `past` and whose held-out interactions stand
    in `test[rows]`.

    A category gets, for each held-out item that has it, the item's rating less the mean of them; where all
    are rated alike or not at all, 1. Those with the highest positive sums are favourites, those with the
    lowest negative ones are disliked.
    """
    weights = np.ones(rows.stop - rows.start)
    if test.rating is not None and np.ptp(test.rating[rows]) > 0:
        weights = test.rating[rows] - test.rating[rows].mean()
    sums: dict[str, float] = {}
    for item, weight in zip(test.item[rows].tolist(), weights.tolist(), strict=True):
        for name in catalogue.categories[item]:
            sums[name] = sums.get(name, 0.0) + round(weight, 6)
    order = sorted(sums, key=lambda name: (-sums[name], name))
    return Tastes(
        favourites=tuple(name for name in order if sums[name] > 1e-6)[:_CATEGORIES],
        dislikes=tuple(name for name in reversed(order) if sums[name] < -1e-6)[:_CATEGORIES],
        liked=tuple(int(item) for item in past.liked()),
        known=frozenset(past.items.tolist()),
        values=values,
    )


class TasteUser:
    """One user in one conversation."""

    def __init__(self, tastes: Tastes, catalogue: Catalogue, seed: int | Sequence[int] = 0) -> None:
        """The seed chooses among the grammar's sentences, and which liked items are named."""
        self.tastes = tastes
        self._catalogue = catalogue
        self._random = np.random.default_rng(seed)
        self._threshold = tastes.threshold

    def opening(self) -> str:
        """What the user says first."""
        tastes = self.tastes
        said = [self._wish()]
        if titled := [item for item in tastes.liked if self._catalogue.titles[item]]:
            count = int(self._random.integers(1, min(_NAMED, len(titled)) + 1))
            named = self._random.choice(titled, count, replace=False).tolist()
            said.append(self._one_of(_LIKED).format(" and ".join(map(self._title, named))))
        if tastes.dislikes and self._random.random() < 0.5:
            said.append(f"No {tastes.dislikes[0].casefold()}, please.")
        return " ".join(said)

    def react(self, items: Sequence[int]) -> Reaction:
        """What the user says to the items that were shown; to none, what they want."""
        accepted = tuple(i for i in items if i not in self.tastes.known and self._likes(i))
        refused = tuple(i for i in items if i not in self.tastes.known and not self._likes(i))
        said = [self._about(item) for item in items] or [self._wish()]
        return Reaction(" ".join([*said, "What else is there?"]), accepted, refused)

    def _likes(self, item: int) -> bool:
        return bool(self.tastes.values[item] >= self._threshold)

    def _about(self, item: int) -> str:
        """One sentence on an item; why it is refused, where its categories say it."""
        tastes, title, own = self.tastes, self._title(item), self._catalogue.categories[item]
        if item in tastes.known:
            return f"I know {title} already."
        if self._likes(item):
            return self._one_of(_ACCEPTED).format(title)
        if bad := [name for name in tastes.dislikes if name in own]:
            return self._one_of(_DISLIKED).format(title=title, category=bad[0].casefold())
        if tastes.favourites and not set(tastes.favourites) & set(own):
            wanted = tastes.favourites[int(self._random.integers(len(tastes.favourites)))]
            return self._one_of(_RATHER).format(title=title, category=wanted.casefold())
        return self._one_of(_REFUSED).format(title)

    def _wish(self) -> str:
        wanted = " or ".join(self.tastes.favourites).casefold()
        return self._one_of(_WISHES).format(wanted) if wanted else "Can you recommend something?"

    def _title(self, item: int) -> str:
        return self._catalogue.titles[item] or self._catalogue.ids[item]

    def _one_of(self, sentences: Sequence[str]) -> str:
        return sentences[int(self._random.integers(len(sentences)))]
