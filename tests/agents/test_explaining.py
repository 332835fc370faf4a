"""Facts and reasons found in explanations, against what the hand-written toy data say.

Lea took before 1000: The Long River 4, Night Train to Oslo 5, Robots at Dawn 2, A Cake for Two 5, Laughing
Matters 4 (mean 4.0). Explained is Chase in the Alps (1997, Action and Thriller).
"""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.agents.explaining import Checker, Subject
from tastemaker.agents.tasks import Request
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.itemknn import ItemKNN
from tastemaker.tools.workbench import Workbench


@pytest.fixture(scope="module")
def checker(toy: Dataset) -> Checker:
    return Checker(Workbench(toy, train=toy, retrieval=ItemKNN().fit(toy)))


@pytest.fixture(scope="module")
def lea(checker: Checker) -> Subject:
    return checker.subject(Request(id="r", kind="rating", user="lea", moment=1000, item="g"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Night Train to Oslo is in the history.", ["title +"]),
        ("Try Chase in the Alps (1997).", ["title +"]),
        ("Try Chase in the Alps, from 1997.", ["title +", "year +"]),
        ("Like The Last Astronaut.", ["title -"]),
        ("Because you liked Night Train to Oslo.", ["title +", "liking +"]),
        ("Robots at Dawn was a favourite.", ["title +", "liking -"]),
        ("You did not like Robots at Dawn; you saw A Cake for Two.", ["title +", "title +"]),
        (
            "You loved A Cake for Two, though Robots at Dawn was less to your taste.",
            ["title +", "liking +", "title +"],
        ),
        ("You liked The Last Astronaut.", ["title -"]),
        ("You rated Night Train to Oslo 5.", ["title +", "rating +"]),
        ("You rated Night Train to Oslo (1995) 4.", ["title +", "rating -"]),
        ("You gave Robots at Dawn two stars, and A Cake for Two.", ["title +", "rating +", "title +"]),
        ("You gave 5 stars to A Cake for Two.", ["rating +", "title +"]),
        ("After Robots at Dawn you gave a 5 to A Cake for Two.", ["title +", "rating +", "title +"]),
        ("A Cake for Two, which you rated 5/5 stars.", ["title +", "rating +"]),
        ("A Cake for Two got 4 out of 5.", ["title +", "rating -"]),
        ("The Last Astronaut, which you rated 4.", ["title -", "rating -"]),
        ("You will give Chase in the Alps 4 stars.", ["title +"]),
        ("You often give 4 stars.", []),
        ("You rated 4 films with robots.", []),
        ("It is an action thriller.", ["category +", "category +"]),
        ("One of the best comedies.", ["category -"]),
        ("Full of SCIENCE FICTION and sci-fi.", ["category -", "category -"]),
        ("A dramatic story with much reaction.", []),
        ("Made in 1996 or the 1990s, not the 1980s.", ["year -", "year +", "year -"]),
        ("For those who prefer films before 1980 or like 12345.", []),
        ("", []),
    ],
)
def test_facts_as_a_person_would_find_them(
    checker: Checker, lea: Subject, text: str, expected: list[str]
) -> None:
    assert [f"{f.kind} {'+' if f.true else '-'}" for f in checker.check(text, lea)] == expected


def test_a_fact_holds_the_words_that_state_it(checker: Checker, lea: Subject) -> None:
    facts = checker.check("You loved Night Train to Oslo (1995) and gave it 5 stars; it is a thriller.", lea)
    assert [(f.kind, f.text) for f in facts] == [
        ("title", "Night Train to Oslo (1995)"),
        ("liking", "loved Night Train to Oslo (1995)"),
        ("rating", "5"),
        ("category", "thriller"),
    ]


def test_words_within_a_title_state_nothing(toy: Dataset) -> None:
    titles = [*toy.items["title"][:-1], "Comedy Loved by 5 Stars in 1911"]
    items = toy.items.with_columns(pl.Series("title", titles))
    renamed = Dataset.build(
        "toy", toy.users, items, toy.user, toy.item, rating=toy.rating, time=toy.time,
        clock=toy.clock, source=toy.source, rating_range=toy.rating_range,
    )  # fmt: skip
    checker = Checker(Workbench(renamed, train=renamed, retrieval=ItemKNN().fit(renamed)))
    subject = Subject(toy.user_index("lea"), toy.item_index("g"), 1000)
    facts = checker.check("You saw Comedy Loved by 5 Stars in 1911 and A Cake for Two.", subject)
    assert [(f.kind, f.true) for f in facts] == [("title", False), ("title", True)]


def test_the_future_is_not_in_the_history(checker: Checker, toy: Dataset) -> None:
    text = "Because you liked A Cake for Two and gave it 5 stars."
    before, after = (Subject(toy.user_index("lea"), toy.item_index("g"), when) for when in (410, 411))
    assert [f.true for f in checker.check(text, before)] == [False, False]
    assert [f.true for f in checker.check(text, after)] == [True, True, True]


def test_of_items_with_one_title_it_is_the_users(toy: Dataset) -> None:
    items = toy.items.with_columns(
        pl.col("title").replace("Unseen", "A Cake for Two"), pl.lit(None, pl.Int32).alias("year")
    )
    twins = Dataset.build(
        "toy", toy.users, items, toy.user, toy.item, rating=toy.rating, time=toy.time,
        clock=toy.clock, source=toy.source, rating_range=toy.rating_range,
    )  # fmt: skip
    checker = Checker(Workbench(twins, train=twins, retrieval=ItemKNN().fit(twins)))
    subject = Subject(toy.user_index("lea"), toy.item_index("g"), None)
    assert [f.true for f in checker.check("You saw A Cake for Two in 1950.", subject)] == [True]


def test_what_is_not_known_of_an_item_is_not_counted(checker: Checker, toy: Dataset) -> None:
    unseen = Subject(toy.user_index("lea"), toy.item_index("h"), 1000)
    facts = checker.check("Unseen is a documentary of 1990.", unseen)
    assert [(f.kind, f.true) for f in facts] == [("title", True), ("category", True)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Because you liked Night Train to Oslo.", True),
        ("You enjoy a good Thriller.", True),
        ("There is much action in it.", False),
        ("It is a comedy.", False),
        ("Because you liked Robots at Dawn.", False),
        ("It is very good.", False),
    ],
)
def test_reasons_are_similar_liked_items_and_shared_categories(
    checker: Checker, lea: Subject, text: str, named: bool
) -> None:
    assert checker.shared(lea) == {"Thriller"}
    assert checker.reasons(text, lea) is named


def test_neighbours_are_those_that_the_tool_explain_shows(checker: Checker, lea: Subject) -> None:
    shown = checker.bench.at(None, "lea").because("g")
    titles = checker.bench.catalogue.titles
    assert [titles[item] for item in checker.neighbours(Subject(lea.user, lea.item, None))] == shown
    assert shown


def test_an_unknown_item_is_refused(checker: Checker) -> None:
    with pytest.raises(InputError, match="no item 'zz'"):
        checker.subject(Request(id="r", kind="rating", user="lea", item="zz"))


PIECES = st.sampled_from(
    ["Night Train to Oslo", "Robots at Dawn (1996)", "rated", "it", "4", "5 stars", "to", "liked", "not"]
) | st.sampled_from(["comedy", "sci-fi", "1997", "1990s", ".", ", ", "ı", "\0", "…", "\n", "’"])


@settings(max_examples=60, deadline=None)
@given(text=st.lists(PIECES | st.text(max_size=5), max_size=12).map(" ".join))
def test_any_text_gives_facts_that_stand_in_it(checker: Checker, lea: Subject, text: str) -> None:
    for fact in checker.check(text, lea):
        assert all(word in text for word in fact.text.split())
    checker.reasons(text, lea)
