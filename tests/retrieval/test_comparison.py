"""Comparisons: the rows are what the evaluator says, seeds are averaged by user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import make_split
from tastemaker.errors import InputError
from tastemaker.retrieval.comparison import compare, over_seeds
from tastemaker.retrieval.ease import EASE
from tastemaker.retrieval.evaluator import Evaluation, evaluate, warm_users
from tastemaker.retrieval.recipes import Recipe
from tastemaker.retrieval.registry import create

MakeDataset = Callable[..., Dataset]


def test_one_seed_is_what_the_evaluator_says(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset(60, 40, 0.25, seed=3)
    split = make_split(dataset, "ratio", 0)
    found = compare(
        [Recipe("popularity", "popularity"), Recipe("mine", "ease")], [split], ks=(5,), cache=tmp_path
    )
    wanted = evaluate(EASE().fit(split.train), split, ks=(5,))
    popularity, ease = found.rows
    assert found.protocol == wanted.protocol
    assert (popularity["model"], ease["model"], ease["data"]) == ("popularity", "mine", "random-3")
    assert ease["n"] == wanted.n
    assert ease["ndcg@5"] == wanted.intervals()["ndcg@5"]
    assert ease["coverage@5"] == wanted.coverage["coverage@5"]
    assert ease["config"] == EASE().config.model_dump()


def test_seeds_draw_splits_and_start_models(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset(60, 40, 0.25, seed=3)
    rows: list[tuple[str, int, int]] = []
    found = compare(
        [Recipe("bpr", "bpr", {"epochs": 5}, {"recall@5": 0.5})],
        [make_split(dataset, "ratio", seed) for seed in (0, 2)],
        seeds=(0, 2),
        ks=(5,),
        cache=tmp_path,
        on_epoch=lambda name, seed, row: rows.append((name, seed, row["epoch"])),
    )
    assert rows[0] == ("bpr", 0, 1)
    assert {seed for _, seed, _ in rows} == {0, 2}
    evaluations: list[Evaluation] = []
    for seed in (0, 2):
        split = make_split(dataset, "ratio", seed)
        evaluations.append(
            evaluate(create("bpr", seed=seed, epochs=5).fit(split.train, split.valid), split, ks=(5,))
        )
    mean = float(np.mean(list(over_seeds(evaluations)["recall@5"])))
    assert found.rows[0]["recall@5"]["mean"] == pytest.approx(mean)
    assert found.rows[0]["published recall@5"] == 0.5
    assert found.rows[0]["config"]["epochs"] == 5
    assert "and the same with seed 2, each user's values averaged" in found.protocol


def test_a_user_counts_once_over_the_seeds_that_measured_them() -> None:
    def measured(users: list[int], values: list[float]) -> Evaluation:
        return Evaluation(
            "m",
            "d",
            "p",
            np.array(users, np.int32),
            0,
            {"recall@1": np.array(values)},
            {"coverage@1": 0.5},
            0.0,
        )

    got = over_seeds([measured([0, 2], [1.0, 0.0]), measured([2, 5], [1.0, 0.25])])
    assert got["recall@1"].tolist() == [1.0, 0.5, 0.25]


def test_only_warm_users(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset(60, 40, 0.08, seed=5)
    split = make_split(dataset, "time", 0)
    recipes = [Recipe("popularity", "popularity")]
    found = compare(recipes, [split], only_warm=True, cache=tmp_path)
    everyone = compare(recipes, [split], cache=tmp_path)
    warm = np.intersect1d(warm_users(split), evaluate(create("popularity").fit(split.train), split).users)
    assert found.rows[0]["n"] == len(warm) < everyone.rows[0]["n"]
    assert found.protocol.endswith("only users with training interactions")


def test_an_unknown_model_is_refused_before_any_is_fitted(make_dataset: MakeDataset, tmp_path: Path) -> None:
    split = make_split(make_dataset(), "ratio", 0)
    with pytest.raises(InputError, match="no retrieval model is named 'x'"):
        compare([Recipe("popularity", "popularity"), Recipe("x", "x")], [split], cache=tmp_path)
    with pytest.raises(InputError, match="ease has no setting 'depth'"):
        compare([Recipe("ease", "ease", {"depth": 3})], [split], cache=tmp_path)
    assert list(tmp_path.iterdir()) == []
