"""Requests and labels against a plain reading of the data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from tastemaker.agents.prepare import Ground
from tastemaker.agents.tasks import (
    MIN_HISTORY,
    dialogue_tasks,
    explanation_tasks,
    ranking_tasks,
    rating_tasks,
    split_for_agents,
)
from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.dialogues import DialogueTurn
from tastemaker.data.splits import Split
from tastemaker.errors import InputError
from tastemaker.tools.talk import VISITOR, Talk


def table(part: Dataset) -> pl.DataFrame:
    """The interactions as a table of ids."""
    return pl.DataFrame(
        {
            "user": part.users["id"].to_numpy()[part.user],
            "item": part.items["id"].to_numpy()[part.item],
            "time": part.time,
            "rating": np.zeros(len(part)) if part.rating is None else part.rating,
        }
    )


def test_a_ranking_asks_for_the_first_test_item_at_its_moment(ground: Ground) -> None:
    tasks = ranking_tasks(ground.dataset, ground.split, requests=99, n=5)
    train, test = table(ground.split.train), table(ground.split.test)
    counts = dict(train.group_by("user").len().iter_rows())
    wanted = {user for user in test["user"].unique() if counts.get(user, 0) >= MIN_HISTORY}
    assert {task.request.user for task in tasks.tasks} == wanted
    for task in tasks.tasks:
        first = test.filter(pl.col("user") == task.request.user).sort("time").row(0, named=True)
        assert (task.label, task.request.moment) == (first["item"], first["time"])
        assert (task.request.kind, task.request.n, task.request.candidates) == ("ranking", 5, None)
    assert len(set(tasks.labels)) == len(tasks.tasks)


def test_an_item_taken_before_is_never_the_label(make_town: Callable[..., Dataset]) -> None:
    town = make_town()
    again = town.item.copy()
    user = 3
    rows = town.history(user)
    again[rows.stop - 4] = again[rows.start]  # the first of the user's four test interactions
    data = Dataset.build(
        "again",
        town.users,
        town.items,
        town.user,
        again,
        time=town.time,
        clock="timestamp",
        source=town.source,
    )
    split = split_for_agents(data)
    assert len(split.test.item[split.test.history(user)]) == 4
    task = next(task for task in ranking_tasks(data, split, requests=99).tasks if task.request.user == "u3")
    assert task.label == f"i{again[rows.stop - 3]}"
    assert task.request.moment == town.time[rows.stop - 3]


def test_samples_are_seeded_and_larger_ones_hold_smaller_ones(ground: Ground) -> None:
    def users(n: int, seed: int) -> list[str]:
        tasks = ranking_tasks(ground.dataset, ground.split, requests=n, seed=seed)
        return [request.user for request in tasks.requests]

    assert users(5, 1) == users(9, 1)[:5]
    assert users(9, 1) == users(9, 1) != users(9, 2)
    few, many = (
        ranking_tasks(ground.dataset, ground.split, requests=n, candidates=6, seed=1) for n in (5, 9)
    )
    assert few.tasks == many.first(5).tasks


def test_candidates_are_the_target_and_real_items_never_taken(ground: Ground) -> None:
    tasks = ranking_tasks(ground.dataset, ground.split, requests=99, candidates=12, seed=4)
    everything, train = table(ground.dataset), table(ground.split.train)
    places = []
    for task in tasks.tasks:
        candidates = task.request.candidates
        assert candidates is not None
        assert len(set(candidates)) == 12
        taken = set(everything.filter(pl.col("user") == task.request.user)["item"])
        assert set(candidates) & taken == {task.label}
        assert set(candidates) - {task.label} <= set(train["item"])
        places.append(candidates.index(str(task.label)))
    assert len(set(places)) > 5
    assert "SAMPLED: 12 candidates" in tasks.protocol
    assert "popularity-matched" in tasks.protocol


def test_candidates_are_drawn_in_proportion_to_popularity() -> None:
    """Two candidates a user: the one that is not the target must be each other item as often as its share."""
    users, others = 3000, 4
    popularity = np.array([1, 2, 3, 4]) * 500
    item = np.concatenate([np.full(users, others), np.repeat(np.arange(others), popularity)])
    user = np.concatenate([np.arange(users), np.repeat(users, popularity.sum())])
    train_user = np.concatenate(
        [np.repeat(np.arange(users), MIN_HISTORY), np.repeat(users, popularity.sum())]
    )
    train_item = np.concatenate(
        [np.full(users * MIN_HISTORY, others + 1), np.repeat(np.arange(others), popularity)]
    )
    frames = [
        pl.DataFrame({"id": [f"{kind}{i}" for i in range(n)]}) for kind, n in (("u", users + 1), ("i", 6))
    ]
    source = Source("made up", "none")
    whole = Dataset.build(
        "shares", frames[0], frames[1],
        np.concatenate([train_user, user[:users]]), np.concatenate([train_item, item[:users]]),
        time=np.concatenate([np.zeros(len(train_user)), np.ones(users)]).astype(np.int64),
        clock="timestamp", source=source,
    )  # fmt: skip
    split = Split(
        whole.take(whole.time == 0), whole.take(whole.time < 0), whole.take(whole.time == 1), "by hand"
    )
    tasks = ranking_tasks(whole, split, requests=users, candidates=2)
    drawn = [next(c for c in task.request.candidates or () if c != task.label) for task in tasks.tasks]
    shares = np.array([drawn.count(f"i{i}") for i in range(others)]) / users
    assert np.abs(shares - popularity / popularity.sum()).max() < 4 * np.sqrt(0.25 / users)


def test_too_few_items_to_draw_candidates_from(ground: Ground) -> None:
    with pytest.raises(InputError, match="40 candidates cannot be drawn for user u"):
        ranking_tasks(ground.dataset, ground.split, requests=3, candidates=40)


def test_ratings_are_one_test_rating_a_user(ground: Ground) -> None:
    tasks = rating_tasks(ground.dataset, ground.split, requests=99, seed=2)
    test = table(ground.split.test)
    assert len({task.request.user for task in tasks.tasks}) == len(tasks.tasks) > 20
    for task in tasks.tasks:
        request = task.request
        row = test.filter((pl.col("user") == request.user) & (pl.col("item") == request.item)).row(
            0, named=True
        )
        assert (task.label, request.moment) == (row["rating"], row["time"])


def test_data_without_ratings_has_no_rating_tasks(make_town: Callable[..., Dataset]) -> None:
    town = make_town(rated=False)
    with pytest.raises(InputError, match="town has no ratings"):
        rating_tasks(town, split_for_agents(town), requests=3)


def test_positions_in_a_sequence_are_split_by_leaving_the_last_out(make_town: Callable[..., Dataset]) -> None:
    town = make_town(clock="order")
    split = split_for_agents(town)
    tasks = ranking_tasks(town, split, requests=99)
    last = table(town).group_by("user").agg(pl.col("item").sort_by("time").last())
    assert {task.request.user: task.label for task in tasks.tasks} == dict(last.iter_rows())
    assert "leave last out" in tasks.protocol


def test_data_without_an_order_is_refused(make_town: Callable[..., Dataset]) -> None:
    with pytest.raises(InputError, match="town has no times"):
        split_for_agents(make_town(clock="none"))


def test_nobody_to_ask(toy: Dataset) -> None:
    early = Split(toy.take(toy.time < 300), toy.take(toy.time < 0), toy.take(toy.time >= 300), "by hand")
    with pytest.raises(InputError, match="no user has 5 training interactions"):
        ranking_tasks(toy, early, requests=3)


def test_the_protocol_says_on_what_terms(ground: Ground) -> None:
    tasks = ranking_tasks(ground.dataset, ground.split, requests=7, seed=3)
    for words in (
        "town",
        ground.split.protocol,
        "7 of 30 users",
        "at least 5",
        "seed 3",
        "full catalogue of 50 items",
    ):
        assert words in tasks.protocol


def test_all_are_asked_about_once_before_anyone_is_asked_about_twice(ground: Ground) -> None:
    once = ranking_tasks(ground.dataset, ground.split, requests=99, seed=1)
    users = len({request.user for request in once.requests})
    twice = ranking_tasks(ground.dataset, ground.split, requests=users + 3, each=2, seed=1)
    assert twice.tasks[:users] == once.tasks
    assert [r.user for r in twice.requests[users:]] == [r.user for r in once.requests[:3]]
    for later in twice.requests[users:]:
        earlier = next(r for r in once.requests if r.user == later.user)
        assert (later.moment or 0) > (earlier.moment or 0)
    assert len(set(twice.labels)) == users + 3
    assert f"{users + 3} requests about {users} of {users} users" in twice.protocol
    ratings = rating_tasks(ground.dataset, ground.split, requests=99, each=3)
    assert len({(r.user, r.item) for r in ratings.requests}) == len(ratings.tasks) > users


def test_uniform_candidates_may_be_items_that_nobody_took() -> None:
    """One user's target among three never taken by anyone: popularity cannot draw them, uniform can."""
    frames = pl.DataFrame({"id": ["u"]}), pl.DataFrame({"id": [f"i{n}" for n in range(MIN_HISTORY + 4)]})
    taken = np.arange(MIN_HISTORY + 1)
    data = Dataset.build(
        "few", *frames, np.zeros(len(taken), int), taken, time=taken, clock="order", source=Source("-", "-")
    )
    split = Split(data.take(taken < MIN_HISTORY), data.take(taken < 0), data.take(taken == MIN_HISTORY), "-")
    (task,) = ranking_tasks(data, split, requests=1, candidates=4, negatives="uniform").tasks
    assert set(task.request.candidates or ()) == {f"i{n}" for n in range(MIN_HISTORY, MIN_HISTORY + 4)}
    with pytest.raises(InputError, match="only 0 other items"):
        ranking_tasks(data, split, requests=1, candidates=4)


def test_explained_items_are_liked_ones(ground: Ground) -> None:
    tasks = explanation_tasks(ground.dataset, ground.split, requests=99, each=2, seed=3)
    test = table(ground.split.test)
    for task in tasks.tasks:
        request = task.request
        own = test.filter(pl.col("user") == request.user)
        (row,) = own.filter((pl.col("item") == request.item) & (pl.col("time") == request.moment)).rows(
            named=True
        )
        assert row["rating"] == task.label
        assert row["rating"] >= float(own["rating"].to_numpy().mean()) - 1e-6
        assert (request.kind, request.candidates) == ("explanation", None)
    assert len({request.id for request in tasks.requests}) == len(tasks.tasks)


def test_turns_of_dialogues_become_requests_without_their_targets(make_town: Callable[..., Dataset]) -> None:
    town = make_town()
    turns = [
        DialogueTurn("7/1", ("I liked Title 30", "And Title 31?", "yes"), (4, 5)),
        DialogueTurn("8/1", ("hello",), (6,)),
    ]
    tasks = dialogue_tasks(town, turns, requests=5, n=20)
    asked = {task.request.id: task for task in tasks.tasks}
    first = asked["town/conversation/7/1"]
    assert first.label == ("i4", "i5")
    assert (first.request.turns, first.request.talk) == (turns[0].turns, Talk(likes=("i30", "i31")))
    assert (first.request.user, first.request.n, first.request.moment) == (VISITOR, 20, None)
    assert asked["town/conversation/8/1"].request.talk == Talk()
    other = dialogue_tasks(town, [DialogueTurn(t.id, t.turns, (9,)) for t in turns], requests=5, n=20)
    assert other.requests == tasks.requests
    assert len(dialogue_tasks(town, turns, requests=1).tasks) == 1
