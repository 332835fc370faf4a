import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.data.dataset import Clock, Dataset, Source
from tastemaker.errors import InputError
from tastemaker.tools.past import Fitted, Past, refuse_seen_future

Row = tuple[int, int, int, int]
"""user, item, rating, time"""

rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 5), st.integers(0, 9)),
    min_size=1,
    max_size=15,
)


def build(rows: list[Row], clock: Clock = "timestamp", rated: bool = True) -> Dataset:
    user, item, rating, time = np.array(rows, np.int64).T
    return Dataset.build(
        "p",
        pl.DataFrame({"id": ["u0", "u1", "u2"]}),
        pl.DataFrame({"id": list("abcd"), "title": list("ABCD"), "categories": [["X"]] * 4}),
        user,
        item,
        rating=rating.astype(np.float32) if rated else None,
        time=time,
        clock=clock,
        source=Source(origin="test", licence="none"),
        rating_range=(1, 5),
    )


@settings(max_examples=60)
@given(rows, st.integers(0, 10))
def test_with_timestamps_everything_is_cut_at_the_moment(data: list[Row], moment: int) -> None:
    past = Past(build(data), build(data), moment)
    before = [row for row in data if row[3] < moment]
    for user in range(3):
        log = past.of_user(user)
        assert sorted(log.items.tolist()) == sorted(item for who, item, _, _ in before if who == user)
    for item in range(4):
        ratings = [rating for _, which, rating, _ in before if which == item]
        log = past.of_item(item)
        assert log.ratings is not None
        assert sorted(log.ratings.tolist()) == sorted(ratings)
        assert past.popularity.counts[item] == len(ratings)
        assert past.popularity.means is not None
        mean = past.popularity.means[item]
        assert mean == pytest.approx(sum(ratings) / len(ratings)) if ratings else np.isnan(mean)


ORDERED: list[Row] = [(0, 0, 5, 0), (0, 1, 4, 1), (0, 2, 3, 2), (1, 0, 1, 0), (1, 3, 2, 1)]


def test_in_order_only_the_users_own_history_is_cut() -> None:
    data = build(ORDERED, "order")
    train = data.take(np.array([True, True, False, True, False]))
    past = Past(data, train, 2)
    assert past.of_user(0).items.tolist() == [0, 1]
    assert past.of_user(1).items.tolist() == [0, 3]
    assert past.of_item(3).items.tolist() == []
    assert past.popularity.counts.tolist() == [2, 1, 0, 0]


def test_without_order_all_comes_from_the_training_part() -> None:
    data = build([(user, item, rating, 0) for user, item, rating, _ in ORDERED], "none")
    train = data.take(np.array([True, False, True, True, False]))
    past = Past(data, train, 0)
    assert past.of_user(0).items.tolist() == [0, 2]
    assert past.of_item(0).users.tolist() == [0, 1]
    assert past.popularity.counts.tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize("clock", ["timestamp", "order", "none"])
def test_now_sees_everything(clock: Clock) -> None:
    data = build(ORDERED, clock)
    past = Past(data, data.take(np.array([0])), None)
    assert len(past.of_user(0)) == 3
    assert past.popularity.counts.tolist() == [2, 1, 1, 1]


def test_likes_and_summaries() -> None:
    log = Past(build(ORDERED), build(ORDERED), None).of_user(0)
    assert log.liked() == [0, 1]
    assert log.summary() == "ratings 3, mean 4.00"
    assert log.rated(2) == " | 3"
    implicit = build(ORDERED, rated=False)
    log = Past(implicit, implicit, None).of_user(0)
    assert (log.liked(), log.summary(), log.rated(0)) == ([0, 1, 2], "interactions 3", "")
    assert Past(build(ORDERED), build(ORDERED), 0).of_user(0).summary() == "ratings 0"


class Model(Fitted):
    def __init__(self, fitted_until: int) -> None:
        self.name = "toy"
        self.fitted_until = fitted_until


def test_a_model_that_has_seen_the_moment_is_refused() -> None:
    data = build(ORDERED)
    refuse_seen_future(data, data, [Model(1)], 2, None)
    with pytest.raises(InputError, match="toy was fitted on interactions up to 2 and has seen the moment 2"):
        refuse_seen_future(data, data, [Model(1), Model(2)], 2, None)


def test_in_order_a_training_part_with_the_users_own_future_is_refused() -> None:
    data = build(ORDERED, "order")
    refuse_seen_future(data, data, [Model(99)], 2, 1)
    refuse_seen_future(data, data, [Model(99)], 0, None)
    with pytest.raises(InputError, match="interactions of user u0 at or after the moment 2"):
        refuse_seen_future(data, data, [], 2, 0)
