"""Opinions read from sentences, on a catalogue of the tests' own."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.agents.opinions import OpinionReader
from tastemaker.data.dataset import Dataset, Source
from tastemaker.tools.catalogue import Catalogue

FILMS = [
    ("Night Ferry", ["Thriller"]),
    ("Cold Kitchen", ["Comedy"]),
    ("No Way Home", ["Film-Noir", "Horror"]),
]


def catalogue() -> Catalogue:
    items = pl.DataFrame(
        {"id": ["n", "c", "w"], "title": [t for t, _ in FILMS], "categories": [c for _, c in FILMS]}
    )
    one = np.zeros(1, int)
    return Catalogue(
        Dataset.build("f", pl.DataFrame({"id": ["u"]}), items, one, one, source=Source("-", "-"))
    )


READER = OpinionReader(catalogue())


@pytest.mark.parametrize(
    ("text", "likes", "dislikes", "seeks", "avoids"),
    [
        ("I liked Night Ferry", [0], [], [], []),
        ("something like Cold Kitchen, please", [1], [], [], []),
        ("I did not like Night Ferry but Cold Kitchen was good", [1], [0], [], []),
        ("No Way Home was great", [2], [], [], []),
        ("I hated Night Ferry and Cold Kitchen", [], [0, 1], [], []),
        ("I have never seen Night Ferry", [0], [], [], []),
        ("comedies or a thriller?", [], [], ["Comedy", "Thriller"], []),
        ("no horror and thrillers", [], [], [], ["Horror", "Thriller"]),
        ("no horror and I like thrillers", [], [], ["Thriller"], ["Horror"]),
        ("thrillers, no comedies, and Night Ferry was boring", [], [0], ["Thriller"], ["Comedy"]),
        ("film noir, not only comedies", [], [], ["Film-Noir", "Comedy"], []),
        ("I like Night Ferry. No, I don't like Night Ferry.", [], [0], [], []),
        ("hello", [], [], [], []),
        ("", [], [], [], []),
    ],
)
def test_what_is_liked_and_what_is_not(
    text: str, likes: list[int], dislikes: list[int], seeks: list[str], avoids: list[str]
) -> None:
    found = READER.read(text)
    assert (list(found.likes), list(found.dislikes)) == (likes, dislikes)
    assert (list(found.seeks), list(found.avoids)) == (seeks, avoids)


@given(st.lists(st.sampled_from([t for t, _ in FILMS] + ["not", "and", ".", ", ", "comedy", "I", "€", "\n"])))
def test_nothing_is_both_liked_and_disliked(parts: list[str]) -> None:
    found = READER.read(" ".join(parts))
    assert not set(found.likes) & set(found.dislikes)
    assert not set(found.seeks) & set(found.avoids)
