"""Users with tastes: what they say and accept, worked by hand, and that they hold no item."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tastemaker.agents.opinions import OpinionReader
from tastemaker.agents.taste_user import QUANTILE, Tastes, TasteUser, later, tastes
from tastemaker.data.dataset import Dataset, Source
from tastemaker.tools.catalogue import Catalogue
from tastemaker.tools.past import Log

GENRES = [["Comedy"], ["Comedy", "Drama"], ["Horror"], ["Drama"], ["Horror"], ["Comedy"], ["Drama"], ["Noir"]]


def held_out(items: list[int], ratings: list[float] | None, n_items: int = 8) -> Dataset:
    """What one user took at 10, 20, 30 …, of films of the genres above, those again and again."""
    films = {
        "id": [f"f{number}" for number in range(n_items)],
        "title": [f"Film {number}" for number in range(n_items)],
        "categories": [GENRES[number % len(GENRES)] for number in range(n_items)],
        "year": [1990 + number for number in range(n_items)],
    }
    return Dataset.build(
        "films",
        pl.DataFrame({"id": ["ann"]}),
        pl.DataFrame(films),
        np.zeros(len(items), int),
        np.array(items),
        rating=None if ratings is None else np.array(ratings, np.float32),
        time=np.arange(len(items)) * 10 + 10,
        clock="timestamp",
        source=Source("made up", "none"),
    )


def past(*items: int) -> Log:
    return Log(np.zeros(len(items), np.int32), np.array(items, np.int32), None)


def values(n: int = 8, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(1, 5, n).astype(np.float32)


def test_tastes_are_sums_of_what_ratings_exceed_their_mean() -> None:
    """Ratings 5, 4, 1, 2 have the mean 3: Comedy 2 + 1, Drama 1 − 1, Horror −2."""
    test = held_out([0, 1, 2, 3], [5, 4, 1, 2])
    found = tastes(Catalogue(test), past(6), test, later(test, 0, 10), values())
    assert (found.favourites, found.dislikes) == (("Comedy",), ("Horror",))
    assert (found.liked, found.known) == ((6,), frozenset({6}))


def test_only_what_comes_at_the_moment_or_later_counts() -> None:
    test = held_out([0, 1, 2, 3], [5, 4, 1, 2])
    assert later(test, 0, 30) == slice(2, 4)
    found = tastes(Catalogue(test), past(), test, later(test, 0, 30), values())
    assert (found.favourites, found.dislikes) == (("Drama",), ("Horror",))


@pytest.mark.parametrize("ratings", [None, [4.0, 4.0, 4.0]])
def test_without_different_ratings_what_is_taken_most_is_liked(ratings: list[float] | None) -> None:
    test = held_out([2, 0, 1], ratings)
    found = tastes(Catalogue(test), past(), test, later(test, 0, 0), values())
    assert (found.favourites, found.dislikes) == (("Comedy", "Drama"), ())


def person(test: Dataset, seed: int = 0) -> TasteUser:
    mind = Tastes(("Comedy",), ("Horror",), (6,), frozenset({6}), np.arange(8, dtype=np.float32))
    return TasteUser(mind, Catalogue(test), seed)


def test_an_opening_says_tastes_and_names_what_was_liked_before() -> None:
    openings = {person(held_out([0], None), seed).opening() for seed in range(40)}
    assert len(openings) > 6
    for said in openings:
        assert "comedy" in said
        assert "Film 6 (1996)" in said
    assert {"No horror, please." in said for said in openings} == {True, False}
    nobody = Tastes((), (), (), frozenset(), values())
    assert TasteUser(nobody, Catalogue(held_out([0], None))).opening() == "Can you recommend something?"


def test_an_item_is_accepted_by_its_value_and_refused_with_a_reason() -> None:
    """Values are 0 … 7, of which 95% lie below 6.65."""
    said = person(held_out([0], None)).react([7, 2, 3, 5, 6])
    assert (said.accepted, said.refused) == ((7,), (2, 3, 5))
    about = said.said
    for number, why in ((2, "horror"), (3, "some comedy"), (5, "not"), (6, "already")):
        (sentence,) = re.findall(rf"[^.]*Film {number} [^.]*", about)
        assert why in sentence
    nothing = person(held_out([0], None)).react([])
    assert (nothing.accepted, nothing.refused) == ((), ())
    assert "comedy" in nothing.said


def test_one_in_twenty_random_items_is_accepted_whatever_the_scale() -> None:
    for low, high in ((1, 5), (4, 4.5)):
        spread = np.linspace(low, high, 1000).astype(np.float32)
        mind = Tastes((), (), (), frozenset(), spread)
        accepted = TasteUser(mind, Catalogue(held_out([0], None, 1000))).react(range(1000)).accepted
        assert len(accepted) == round(1000 * (1 - QUANTILE))


@pytest.mark.parametrize("seed", range(5))
def test_other_held_out_items_of_the_same_categories_change_no_word(seed: int) -> None:
    """Items 8 … 15 have the categories of 0 … 7, and here their values too."""
    worth = np.tile(values(8, seed), 2)
    heard = []
    for shift in (0, 8):
        test = held_out([0 + shift, 2 + shift, 5 + shift, 7 + shift], [5, 1, 4, 2], 16)
        mind = tastes(Catalogue(test), past(3, 6), test, later(test, 0, 10), worth)
        ann = TasteUser(mind, Catalogue(test), seed)
        heard.append([ann.opening(), *(ann.react([i, i + 4, i + 8]) for i in range(4)), ann.react([])])
    assert heard[0] == heard[1]


def test_the_same_seed_says_the_same() -> None:
    one, same, other = (person(held_out([0], None), seed) for seed in (1, 1, 2))
    said = [[u.opening(), *(u.react([i]).said for i in range(8))] for u in (one, same, other)]
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize("seed", range(8))
def test_what_is_said_can_be_understood(seed: int) -> None:
    """The reader of opinions hears in words what tastes are, and nothing else."""
    test = held_out([0], None)
    ann, heard = person(test, seed), OpinionReader(Catalogue(test))
    opening = heard.read(ann.opening())
    assert (opening.likes, opening.seeks) == ((6,), ("Comedy",))
    refused = heard.read(ann.react([2, 3]).said)
    assert (set(refused.seeks), refused.avoids) == ({"Comedy"}, ("Horror",))
