"""Blends: a sum of members on one scale, weighed by the valid part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tastemaker.data.splits import Split, by_ratio
from tastemaker.errors import InputError
from tastemaker.retrieval.blend import Blend, BlendConfig, Member
from tastemaker.retrieval.evaluator import evaluate
from tastemaker.retrieval.registry import create


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))


def blend(*members: Member) -> Blend:
    return Blend(BlendConfig(members=members))


def test_scores_are_the_weighed_sum_of_standard_scores(small: Split) -> None:
    model = blend(Member(model="ease", weight=0.5), Member(model="itemknn", weight=2.0)).fit(small.train)
    wanted = np.zeros((60, 40))
    for name, weight in (("ease", 0.5), ("itemknn", 2.0)):
        scores = create(name).fit(small.train).score(np.arange(60)).astype(np.float64)
        spread = scores.std(axis=1, keepdims=True)
        wanted += weight * (scores - scores.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-12)
    np.testing.assert_allclose(model.score(np.arange(60)), wanted, atol=1e-4)


def test_weights_found_on_valid_are_no_worse_there_than_any_member(small: Split) -> None:
    model = blend(Member(model="ease"), Member(model="popularity")).fit(small.train, small.valid)

    def value(one: Blend) -> float:
        return evaluate(one, small, "valid").means["ndcg@20"]

    alone = [
        value(blend(Member(model="ease", weight=a), Member(model="popularity", weight=b)).fit(small.train))
        for a, b in ((1, 0), (0, 1), (1, 1))
    ]
    assert value(model) >= max(alone)
    assert model.weights.max() == 1


def test_without_valid_weights_are_found_on_a_tenth_and_members_fitted_to_all(small: Split) -> None:
    members = (Member(model="ease"), Member(model="popularity"))
    model = blend(*members).fit(small.train)
    part = by_ratio(small.train, (0.9, 0.1, 0.0), seed=0)
    np.testing.assert_array_equal(model.weights, blend(*members).fit(part.train, part.valid).weights)
    whole = create("ease").fit(small.train)
    np.testing.assert_array_equal(model.members[0].score(np.arange(60)), whole.score(np.arange(60)))


def test_where_nothing_can_be_held_out_members_count_alike(small: Split) -> None:
    first = small.train.take(small.train.user_ptr[:-1])
    model = blend(Member(model="itemknn"), Member(model="popularity")).fit(first)
    assert model.weights.tolist() == [1, 1]


def test_members_get_its_seed_unless_they_set_one() -> None:
    config = BlendConfig(
        seed=3, members=(Member(model="bpr"), Member(model="directau", settings={"seed": 7}))
    )
    assert [member.config.seed for member in Blend(config).members] == [3, 7]


def test_what_it_cannot_be_made_of() -> None:
    with pytest.raises(InputError, match="at least two models"):
        blend(Member(model="ease"))
    with pytest.raises(InputError, match="no retrieval model is named 'magic'"):
        blend(Member(model="ease"), Member(model="magic"))
    with pytest.raises(InputError, match="ease has no setting 'depth'"):
        blend(Member(model="ease", settings={"depth": 3}), Member(model="bpr"))
