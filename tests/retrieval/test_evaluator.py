"""The evaluator against a loop over users that does everything the slow way, and the terms that it states."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split, by_ratio, by_time
from tastemaker.errors import InputError
from tastemaker.retrieval.base import Scorer
from tastemaker.retrieval.evaluator import Part, evaluate, questions, warm_users
from tastemaker.retrieval.popularity import Popularity

MakeDataset = Callable[..., Dataset]


class Fixed(Popularity):
    """Scores drawn at random, some of them equal."""

    name = "fixed"

    def __init__(self, shape: tuple[int, int], seed: int) -> None:
        super().__init__()
        self.table = np.random.default_rng(seed).integers(0, 6, shape).astype(np.float32)

    def score(self, users: NDArray[np.integer]) -> NDArray[np.float32]:
        chosen: NDArray[np.float32] = self.table[users]
        return chosen


def slow(
    scores: NDArray[np.float32], split: Split, part: Part, k: int
) -> dict[int, tuple[float, float, float]]:
    """By user: recall, ndcg and average precision at k, one user and one place at a time."""
    found: dict[int, tuple[float, float, float]] = {}
    for user in range(split.train.n_users):
        seen = set(split.train.item[split.train.history(user)])
        if part == "test":
            seen |= set(split.valid.item[split.valid.history(user)])
        held_out = split.test if part == "test" else split.valid
        relevant = set(held_out.item[held_out.history(user)]) - seen
        if not relevant:
            continue
        order = sorted(
            (i for i in range(split.train.n_items) if i not in seen), key=lambda i: (-scores[user, i], i)
        )
        right = [item in relevant for item in order[:k]]
        gain = sum(r / math.log2(place + 2) for place, r in enumerate(right))
        ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant))))
        precise = sum(r * sum(right[: place + 1]) / (place + 1) for place, r in enumerate(right))
        found[user] = (sum(right) / len(relevant), gain / ideal, precise / len(relevant))
    return found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), density=st.floats(0.02, 0.6), k=st.integers(1, 30))
@pytest.mark.parametrize("part", ["valid", "test"])
def test_agrees_with_a_loop_over_users(
    make_dataset: MakeDataset, part: Part, seed: int, density: float, k: int
) -> None:
    split = by_ratio(make_dataset(12, 20, density, seed), (0.5, 0.25, 0.25), seed)
    scorer = Fixed((12, 20), seed)
    wanted = slow(scorer.table, split, part, k)
    if not wanted:
        with pytest.raises(InputError, match="held-out item"):
            evaluate(scorer, split, part, (k,))
        return
    got = evaluate(scorer, split, part, (k,))
    assert got.users.tolist() == sorted(wanted)
    assert got.left_out == 12 - len(wanted)
    for place, name in enumerate(("recall", "ndcg", "map")):
        expected = [wanted[user][place] for user in sorted(wanted)]
        np.testing.assert_allclose(got.values[f"{name}@{k}"], expected, atol=1e-12)


def test_an_item_taken_again_is_neither_recommended_nor_relevant(toy: Dataset) -> None:
    split = Split(toy.take(np.arange(11)), toy.take(np.arange(11)), toy.take(np.arange(8, 22)), "by hand")
    asked = questions(split.train, split.test)
    seen = split.train.matrix()
    for row, user in enumerate(asked.users):
        assert not set(asked.relevant[row].indices) & set(seen[user].indices)
    with pytest.raises(InputError, match="held-out item"):
        questions(split.train, split.valid)


def test_states_its_terms(small: Split) -> None:
    scorer = Popularity().fit(small.train)
    assert isinstance(scorer, Scorer)
    test, valid = evaluate(scorer, small), evaluate(scorer, small, "valid")
    assert test.protocol == f"{small.protocol}; test part; full ranking of 40 items, train and valid masked"
    assert valid.protocol.endswith("valid part; full ranking of 40 items, train masked")
    assert (test.model, test.data) == ("popularity", "random-7")
    assert test.means["recall@10"] == pytest.approx(test.values["recall@10"].mean())
    got = test.intervals()["ndcg@20"]
    assert got["mean"] == pytest.approx(test.means["ndcg@20"])
    assert got["low"] < got["mean"] < got["high"]
    assert 10 / 40 <= test.coverage["coverage@10"] < test.coverage["coverage@20"] <= 1


def test_named_users_score_as_they_do_among_all(small: Split) -> None:
    scorer = Fixed((60, 40), 1)
    everyone = evaluate(scorer, small)
    some = evaluate(scorer, small, users=everyone.users[[5, 2]])
    assert some.users.tolist() == everyone.users[[5, 2]].tolist()
    assert np.array_equal(some.values["ndcg@10"], everyone.values["ndcg@10"][[5, 2]])
    with pytest.raises(InputError, match="users run from 0 to 59"):
        evaluate(scorer, small, users=np.array([60]))


def test_all_candidates_are_a_full_ranking_and_few_are_named_sampled(small: Split) -> None:
    scorer = Fixed((60, 40), 2)
    full = evaluate(scorer, small)
    seen = (small.train.matrix() + small.valid.matrix()).toarray() > 0
    everything = np.where(seen, -1, np.arange(40))[full.users]
    shuffled = np.random.default_rng(0).permuted(everything, axis=1)
    again = evaluate(scorer, small, users=full.users, candidates=shuffled)
    assert "SAMPLED ranking of 40 candidates" in again.protocol
    for name, values in full.values.items():
        np.testing.assert_array_equal(values, again.values[name])


def test_candidates_bound_what_can_be_found(small: Split) -> None:
    scorer = Fixed((60, 40), 3)
    full = evaluate(scorer, small)
    held_out = small.test.matrix()
    one = np.array([held_out[user].indices[0] for user in full.users])
    other = np.array([np.flatnonzero(held_out[user].toarray()[0] == 0)[0] for user in full.users])
    got = evaluate(scorer, small, ks=(1, 2), users=full.users, candidates=np.column_stack((one, other)))
    first = scorer.table[full.users, one], scorer.table[full.users, other]
    wins = (first[0] > first[1]) | ((first[0] == first[1]) & (one < other))
    assert got.values["hit@1"].tolist() == wins.astype(float).tolist()
    assert (got.values["recall@2"] == 1).all()
    without = evaluate(scorer, small, users=full.users[:2], candidates=np.array([[one[0]], [other[1]]]))
    assert without.users.tolist() == [full.users[0]]
    assert without.left_out == 1


def test_candidates_that_do_not_fit(small: Split) -> None:
    scorer = Fixed((60, 40), 3)
    with pytest.raises(InputError, match="one row of candidates a user"):
        evaluate(scorer, small, candidates=np.zeros((60, 3), np.int32))
    with pytest.raises(InputError, match="candidates must be items 0 to 39"):
        evaluate(scorer, small, users=np.arange(60), candidates=np.full((60, 3), 40))


def test_warm_users_have_trained(make_dataset: MakeDataset) -> None:
    split = by_time(make_dataset(40, 30, 0.1, seed=4))
    assert set(warm_users(split)) == set(split.train.user)
