import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.splits import by_time
from tastemaker.errors import InputError, ToolError
from tastemaker.retrieval.bias import BiasConfig, BiasModel
from tastemaker.retrieval.itemknn import ItemKNN, ItemKNNConfig
from tastemaker.retrieval.popularity import Popularity
from tastemaker.tools.talk import VISITOR, Talk
from tastemaker.tools.tool import signature
from tastemaker.tools.toolbox import NAMES, Toolbox
from tastemaker.tools.workbench import Workbench

A, B = "a | The Long River (1994) | Drama", "b | Night Train to Oslo (1995) | Thriller/Drama"
C, D = "c | Robots at Dawn (1996) | Sci-Fi/Action", "d | A Cake for Two (1996) | Comedy/Romance"
E, F = "e | The Last Astronaut (1997) | Sci-Fi", "f | Laughing Matters (1993) | Comedy"
G, H = "g | Chase in the Alps (1997) | Action/Thriller", "h | Unseen | Documentary"


def lines(*entries: str) -> str:
    return "\n".join(entries)


def fitted(dataset: Dataset, train: Dataset) -> Workbench:
    """Popularity ranks, plain cosines are the similarities, and the mean of all ratings is predicted."""
    rating = None
    if train.rating is not None:
        rating = BiasModel(BiasConfig(user_reg=1e12, item_reg=1e12)).fit(train)
    return Workbench(
        dataset,
        train=train,
        retrieval=Popularity().fit(train),
        similarity=ItemKNN(ItemKNNConfig(neighbours=5, shrink=0)).fit(train),
        ratings=rating,
    )


@pytest.fixture
def bench(toy: Dataset) -> Workbench:
    """Fitted on what came before 800: a has 5 ratings, b and c have 3, d, e and f have 2."""
    return fitted(toy, toy.take(toy.time < 800))


@pytest.fixture
def lea(bench: Workbench) -> Toolbox:
    """Lea at 800: has a 4, b 5, c 2, d 5, f 4; will rate g later."""
    return bench.at(800, "lea")


@pytest.fixture
def anyone(bench: Workbench) -> Toolbox:
    return bench.at(800)


def test_user_info(lea: Toolbox) -> None:
    # mean (4+5+2+5+4)/5; liked are a, b, d, f: two of four are comedies, two dramas
    assert lea.user_info("lea") == lines(
        "user lea: age 29, gender F, occupation doctor",
        "ratings 5, mean 4.00",
        "likes Comedy 50%, Drama 50%, Romance 25%, Thriller 25%",
    )


def test_user_info_before_the_first_interaction(toy: Dataset) -> None:
    train = toy.take(toy.time < 110)
    assert fitted(toy, train).at(110, "lea").user_info("lea").splitlines()[1:] == ["ratings 0"]


def test_item_info(lea: Toolbox) -> None:
    assert lea.item_info("a") == lines(A, "ratings 5, mean 3.60")
    assert lea.item_info("the long river") == lines(
        "The Long River (1994) is item a", A, "ratings 5, mean 3.60"
    )
    assert lea.item_info("g") == lines(G, "ratings 0")


def test_history_is_newest_first(lea: Toolbox) -> None:
    assert lea.history("lea") == lines(f"{F} | 4", f"{D} | 5", f"{C} | 2", f"{B} | 5", f"{A} | 4")
    assert lea.history("lea", 2) == lines(f"{F} | 4", f"{D} | 5")


def test_item_history_names_users_only_where_no_user_is_served(lea: Toolbox, anyone: Toolbox) -> None:
    assert lea.item_history("a", 3) == "ratings, newest first: 2, 3, 4"
    assert anyone.item_history("a", 3) == lines("user nil | 2", "user ben | 3", "user kai | 4")
    assert lea.item_history("g") == anyone.item_history("h") == "no history"


def test_search_marks_what_the_user_has(lea: Toolbox, anyone: Toolbox) -> None:
    assert lea.search("sci-fi") == lines(E, f"{C} | seen")
    assert list(lea.offered) == ["e"]
    assert anyone.search("sci-fi", 1) == E
    assert anyone.search("opera") == "nothing found"


def test_filter_is_by_popularity(lea: Toolbox, anyone: Toolbox) -> None:
    assert anyone.filter(category="drama") == lines(A, B)
    assert anyone.filter(year_from=1996) == lines(C, D, E, G)
    assert anyone.filter(year_from=1995, year_to=1996, n=2) == lines(B, C)
    # means: a 3.6, b 4.0, c 3.67, d 3.5, e 4.5, f 2.5
    assert anyone.filter(min_mean_rating=3.6) == lines(A, B, C, E)
    assert anyone.filter(category="Comedy", min_mean_rating=5) == "nothing fits"
    assert lea.filter(year_from=1996) == lines(E, G)
    with pytest.raises(ToolError, match=r"^no category 'Dramma'; there is: Drama"):
        lea.filter(category="Dramma")


def test_retrieve_leaves_out_the_history(lea: Toolbox, anyone: Toolbox) -> None:
    assert lea.retrieve("lea") == lines(f"1. {E}", f"2. {G}", f"3. {H}")
    assert lea.retrieve("lea", 1) == f"1. {E}"
    assert anyone.retrieve("nil", 2) == lines(f"1. {B}", f"2. {C}")


def test_similar_is_by_cosine(lea: Toolbox, anyone: Toolbox) -> None:
    # users of c: ben, lea, max; with b 2/√9, with a 2/√15, with d, e, f 1/√6
    assert anyone.similar("c", 2) == lines(B, A)
    assert lea.similar("c") == E
    assert lea.similar("h") == "nothing similar"


def test_rank_orders_the_given_items(lea: Toolbox) -> None:
    assert lea.rank("lea", ["h", "A Cake for Two", "e", "a", "h"]) == lines(
        "A Cake for Two (1996) is item d", f"1. {A} | seen", f"2. {D} | seen", f"3. {E}", f"4. {H}"
    )
    assert list(lea.offered) == ["e", "h"]


def test_predict_rating_is_the_rating_models(lea: Toolbox) -> None:
    # (ada 11 + ben 12 + kai 10 + lea 20 + max 7 + nil 2) / 17
    assert lea.predict_rating("lea", "e") == "3.65"
    assert lea.predict_rating("lea", "unseen") == lines("Unseen is item h", "3.65")


class Enthusiast:
    """Predicts 9.5 for everything."""

    name = "enthusiast"
    fitted_until = 0

    def predict(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float32]:
        return np.full(len(users), 9.5, np.float32)


def test_predictions_stay_within_the_scale(toy: Dataset, bench: Workbench) -> None:
    box = Workbench(toy, train=bench.train, retrieval=bench.retrieval, ratings=Enthusiast()).at(800, "lea")
    assert box.predict_rating("lea", "e") == "5.00"


def test_explain_gives_the_nearest_that_the_user_liked(bench: Workbench, lea: Toolbox) -> None:
    # e: ben, kai. With a 2/√10, with f 1/√4; c (1/√6) was not liked
    assert lea.explain("lea", "e") == lines(
        "a | The Long River (1994) | 4 | similarity 0.63", "f | Laughing Matters (1993) | 4 | similarity 0.50"
    )
    assert lea.explain("lea", "h") == "nothing similar in the history"
    # max: b 3, c 4, so c is liked
    assert (
        bench.at(800, "max").explain("max", "e")
        == "c | Robots at Dawn (1996) | 4 | shares Sci-Fi | similarity 0.41"
    )


def test_tools_have_short_signatures_and_run(lea: Toolbox) -> None:
    tools = {tool.spec.name: tool for tool in lea.tools()}
    assert (*tools, "suggest") == NAMES
    assert signature(tools["retrieve"].spec).startswith("retrieve(user: str, n: int = 10)  # ")
    assert all(len(signature(tool.spec)) < 140 for tool in tools.values())
    assert asyncio.run(tools["retrieve"].call({"user": "lea", "n": "1"})) == f"1. {E}"
    assert [tool.spec.name for tool in lea.tools(["search", "history"])] == ["search", "history"]
    for arguments in ({"user": "lea", "n": 0}, {"user": "lea", "n": 51}, {}):
        with pytest.raises(ToolError, match=r"^retrieve: argument "):
            asyncio.run(tools["retrieve"].call(arguments))


def test_each_request_has_its_own_tools(bench: Workbench) -> None:
    first, second = bench.at(800, "lea"), bench.at(800, "nil")
    (tool,) = first.tools(["retrieve"])
    second.tools(["retrieve"])
    assert asyncio.run(tool.call({"user": "lea"})) == lines(f"1. {E}", f"2. {G}", f"3. {H}")
    assert (list(first.offered), list(second.offered)) == (["e", "g", "h"], [])


def test_what_the_models_cannot_do_is_not_offered(toy: Dataset, bench: Workbench) -> None:
    box = Workbench(toy, train=bench.train, retrieval=bench.retrieval).at(800, "lea")
    assert set(NAMES) - set(box.names) == {"similar", "explain", "predict_rating", "suggest"}
    with pytest.raises(InputError, match="no tool 'explain' here; there is: user_info,"):
        box.tools(["explain"])
    knn = ItemKNN().fit(bench.train)
    assert "similar" in Workbench(toy, train=bench.train, retrieval=knn).at(800).names


PERSONAL: list[Callable[[Toolbox, str], str]] = [
    lambda box, user: box.user_info(user),
    lambda box, user: box.history(user),
    lambda box, user: box.retrieve(user),
    lambda box, user: box.rank(user, ["e"]),
    lambda box, user: box.predict_rating(user, "e"),
    lambda box, user: box.explain(user, "e"),
]


@pytest.mark.parametrize("ask", PERSONAL)
def test_a_users_toolbox_answers_about_no_one_else(
    lea: Toolbox, anyone: Toolbox, ask: Callable[[Toolbox, str], str]
) -> None:
    assert ask(lea, "lea") == ask(lea, " lea ")
    answers = []
    for other in ("ada", "nobody"):
        with pytest.raises(ToolError) as caught:
            ask(lea, other)
        answers.append(str(caught.value))
    assert answers == ["only user lea may be asked about here"] * 2
    assert ask(anyone, "ada")
    with pytest.raises(ToolError, match=r"^toy: no user 'adda'; for example: ada"):
        ask(anyone, "adda")


def test_offers_are_what_was_shown_and_not_taken(lea: Toolbox) -> None:
    lea.history("lea")
    lea.item_info("g")
    lea.explain("lea", "g")
    assert list(lea.offered) == []
    lea.offer(["h", "a"])
    lea.retrieve("lea", 1)
    lea.search("alps")
    assert list(lea.offered) == ["h", "e", "g"]
    with pytest.raises(InputError, match="no item 'zz'"):
        lea.offer(["zz"])


def test_with_fixed_candidates_nothing_else_is_listed(lea: Toolbox) -> None:
    lea.restrict_to(["h", "g", "c"])
    assert lea.retrieve("lea") == lines(f"1. {G}", f"2. {H}")
    assert lea.filter() == lines(G, H)
    assert lea.search("sci-fi") == f"{C} | seen"
    assert lea.similar("c") == "nothing similar"
    assert lea.rank("lea", ["h", "g"]) == lines(f"1. {G}", f"2. {H}")
    with pytest.raises(ToolError, match=r"^item e is not among the candidates$"):
        lea.rank("lea", ["h", "e"])
    assert set(lea.offered) == {"g", "h"}


def test_titles_for_display(lea: Toolbox) -> None:
    assert lea.title("e") == "The Last Astronaut (1997)"
    with pytest.raises(InputError, match="no item 'x'"):
        lea.title("x")


def test_models_that_have_seen_the_moment_are_refused(toy: Dataset, bench: Workbench) -> None:
    with pytest.raises(
        InputError, match="popularity was fitted on interactions up to 700 and has seen the moment 700"
    ):
        bench.at(700, "lea")
    late = Workbench(toy, train=bench.train, retrieval=bench.retrieval, ratings=BiasModel().fit(toy))
    with pytest.raises(InputError, match="bias was fitted on interactions up to 1000"):
        late.at(800)
    assert late.at(None).item_info("g") == lines(G, "ratings 3, mean 3.33")
    with pytest.raises(InputError, match="no user 'who'"):
        bench.at(800, "who")
    other = toy.take(toy.time > 0)
    object.__setattr__(other, "items", toy.items.head(7))
    with pytest.raises(InputError, match="the training part has other users or items"):
        Workbench(toy, train=other, retrieval=bench.retrieval)


def test_implicit_data_has_no_ratings_to_show(toy: Dataset) -> None:
    plain = Dataset.build(
        "plain",
        toy.users.select("id"),
        toy.items.select("id", "title", "categories"),
        toy.user,
        toy.item,
        time=toy.time,
        clock="timestamp",
        source=toy.source,
    )
    box = fitted(plain, plain.take(plain.time < 800)).at(800, "max")
    assert box.user_info("max") == lines(
        "user max", "interactions 2", "likes Action 50%, Drama 50%, Sci-Fi 50%, Thriller 50%"
    )
    assert box.history("max", 1) == "c | Robots at Dawn | Sci-Fi/Action"
    assert box.item_history("c") == "interactions 3"
    assert box.explain("max", "e") == "c | Robots at Dawn | shares Sci-Fi | similarity 0.41"
    for wrong, known in (({"min_mean_rating": 3.0}, "ratings"), ({"year_to": 1990}, "years")):
        with pytest.raises(ToolError, match=f"^no {known} are known here$"):
            box.filter(**wrong)
    assert "predict_rating" not in box.names


Row = tuple[int, int, int, int]
"""user, item, rating, time"""

N_USERS, N_ITEMS = 3, 5


def rows(first: int, last: int, least: int) -> st.SearchStrategy[list[Row]]:
    row = st.tuples(
        st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1), st.integers(1, 5), st.integers(first, last)
    )
    return st.lists(row, min_size=least, max_size=12)


def small(data: Iterable[Row]) -> Dataset:
    user, item, rating, time = np.array(list(data), np.int64).T
    return Dataset.build(
        "small",
        pl.DataFrame({"id": [f"u{k}" for k in range(N_USERS)]}),
        pl.DataFrame(
            {
                "id": [f"i{k}" for k in range(N_ITEMS)],
                "title": ["Red", "Blue", "Red Sea", "Sea", "Blue Sea"],
                "categories": [["X"], ["Y"], ["X", "Y"], ["Z"], ["Z", "X"]],
                "year": [1990, 1991, 1992, 1993, 1994],
            }
        ),
        user,
        item,
        rating=rating.astype(np.float32),
        time=time,
        clock="timestamp",
        source=Source(origin="test", licence="none"),
        rating_range=(1, 5),
    )


def everything_said(box: Toolbox) -> list[str]:
    """What every tool answers for every user and item, errors included, and what is offered after it."""
    users, items = [f"u{k}" for k in range(N_USERS)], [f"i{k}" for k in range(N_ITEMS)]
    calls: list[tuple[str, dict[str, Any]]] = [
        *((name, {"user": user}) for name in ("user_info", "history", "retrieve") for user in users),
        *((name, {"item": item}) for name in ("item_info", "item_history", "similar") for item in items),
        *(("predict_rating", {"user": user, "item": item}) for user in users for item in items),
        *(("explain", {"user": user, "item": item}) for user in users for item in items),
        *(("rank", {"user": user, "items": items}) for user in users),
        *(("search", {"query": query}) for query in ("red", "sea", "y")),
        *(("filter", wanted) for wanted in ({}, {"category": "x"}, {"min_mean_rating": 3})),
    ]
    tools = {tool.spec.name: tool for tool in box.tools()}
    assert {name for name, _ in calls} == set(tools)

    async def said() -> list[str]:
        answers = []
        for name, arguments in calls:
            try:
                answers.append(f"{name} {await tools[name].call(arguments)}")
            except ToolError as error:
                answers.append(f"{name} {error}")
        return answers

    return [*asyncio.run(said()), " ".join(box.offered)]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 9).flatmap(
        lambda moment: st.tuples(
            st.just(moment), rows(0, moment - 1, 1), rows(moment, 10, 0), rows(moment, 10, 0)
        )
    ),
    st.sampled_from([None, *range(N_USERS)]),
)
def test_no_tool_sees_an_interaction_at_or_after_the_moment(
    parts: tuple[int, list[Row], list[Row], list[Row]], user: int | None
) -> None:
    moment, before, future, other_future = parts
    answers = []
    for after in ([], future, other_future):
        data = small([*after, *before])
        box = fitted(data, data.take(data.time < moment)).at(moment, None if user is None else f"u{user}")
        answers.append(everything_said(box))
        if user is not None:
            who = [f"u{k}" for k in range(N_USERS)]
            assert not any(name in answer for name in who if name != f"u{user}" for answer in answers[-1])
    assert answers[0] == answers[1] == answers[2]


def test_one_real_request(ml100k: Dataset) -> None:
    split = by_time(ml100k)
    # the user with most test interactions, half-way through them
    user = int(np.bincount(split.test.user).argmax())
    times = split.test.time[split.test.history(user)]
    moment = int(times[len(times) // 2])
    id = ml100k.users["id"][user]
    box = fitted(ml100k, split.train).at(moment, id)

    log = pl.DataFrame(
        {"user": ml100k.user, "item": ml100k.item, "rating": ml100k.rating, "time": ml100k.time}
    ).filter(pl.col("time") < moment)
    own = log.filter(pl.col("user") == user)
    assert 0 < len(own) < int((ml100k.user == user).sum())
    assert f"ratings {len(own)}, mean {np.mean(own['rating'].to_list()):.2f}" in box.user_info(id)
    newest = own.sort("time")["time"].tail(5).to_list()
    shown = [ml100k.item_index(line.split(" | ")[0]) for line in box.history(id, 5).splitlines()]
    assert [own.filter(pl.col("item") == item)["time"].item() for item in shown] == newest[::-1]

    of_item = log.filter(pl.col("item") == ml100k.item_index("50"))["rating"].to_list()
    assert box.item_info("Star Wars").splitlines() == [
        "Star Wars (1977) is item 50",
        "50 | Star Wars (1977) | Action/Adventure/Romance/Sci-Fi/War",
        f"ratings {len(of_item)}, mean {np.mean(of_item):.2f}",
    ]

    taken = {ml100k.items["id"][item] for item in own["item"]}
    counts = np.bincount(split.train.item, minlength=ml100k.n_items)
    best = sorted(
        (item for item in range(ml100k.n_items) if ml100k.items["id"][item] not in taken),
        key=lambda item: -counts[item],
    )
    retrieved = [line.split(" | ")[0] for line in box.retrieve(id, 20).splitlines()]
    assert retrieved == [f"{place}. {ml100k.items['id'][item]}" for place, item in enumerate(best[:20], 1)]
    box.search("star", 50)
    box.filter(category="comedy", n=50)
    box.similar("50", 50)
    assert len(box.offered) > 50
    assert not taken & set(box.offered)


@pytest.fixture
def talking(toy: Dataset, bench: Workbench) -> Workbench:
    """A workbench whose retrieval model can serve visitors."""
    near = ItemKNN(ItemKNNConfig(neighbours=5, shrink=0)).fit(bench.train)
    return Workbench(toy, train=bench.train, retrieval=near)


def test_a_visitor_is_known_by_what_they_said(talking: Workbench) -> None:
    box = talking.at(800, VISITOR, Talk(likes=("c",), dislikes=("a",), shown=("b",)))
    assert box.history(VISITOR) == C
    assert "interactions 1" in box.user_info(VISITOR)
    assert "predict_rating" not in box.names
    listed = [line.split(" | ")[0].split(". ")[1] for line in box.suggest("a cake", 3).splitlines()]
    assert not {"a", "b", "c"} & set(listed)
    assert listed == box.ranked[:3]
    assert listed[0] == "d"  # "A Cake for Two"
    with pytest.raises(ToolError, match="only user visitor"):
        box.history("lea")


def test_what_is_said_adds_to_a_user_s_history(talking: Workbench) -> None:
    plain, said = talking.at(800, "nil", Talk()), talking.at(800, "nil", Talk(likes=("c",)))
    assert "c | " in plain.retrieve("nil", 8)
    plain.suggest("", 8)
    said.suggest("", 8)
    assert "c" in plain.ranked
    assert "c" not in said.ranked
