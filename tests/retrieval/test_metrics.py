"""Metrics against ranx, and a ranking worked by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tastemaker.errors import InputError
from tastemaker.retrieval.metrics import coverage, interval, intervals, ranking_metrics

RANX = {
    "recall": "recall",
    "ndcg": "ndcg",
    "hit": "hit_rate",
    "mrr": "mrr",
    "precision": "precision",
    "map": "map",
}


def test_by_hand() -> None:
    # Items 4 and 9 are relevant; 9 is found at place 2, 4 is not among the first 3.
    relevant = csr_matrix((np.ones(2), ([0, 0], [4, 9])), shape=(1, 10))
    got = ranking_metrics(np.array([[7, 9, 1, 4]], np.int32), relevant, [3])
    ideal = 1 + 1 / np.log2(3)
    assert {name: values[0] for name, values in got.items()} == pytest.approx(
        {
            "recall@3": 1 / 2,
            "ndcg@3": (1 / np.log2(3)) / ideal,
            "hit@3": 1.0,
            "mrr@3": 1 / 2,
            "precision@3": 1 / 3,
            "map@3": (1 / 2) / 2,
        }
    )


_RANX = """
import json, sys, warnings
warnings.simplefilter("ignore")
import ranx
asked = json.load(sys.stdin)
run = ranx.Run(asked["run"])
ranx.evaluate(ranx.Qrels(asked["qrels"]), run, asked["metrics"], save_results_in_run=True)
print(json.dumps({name: {q: float(v) for q, v in values.items()} for name, values in run.scores.items()}))
"""


def test_agrees_with_ranx() -> None:
    generator = np.random.default_rng(0)
    m, n_items, n, ks = 150, 40, 25, (1, 5, 10, 25)
    ranked = np.argsort(generator.random((m, n_items)), axis=1)[:, :n].astype(np.int32)
    wanted = generator.random((m, n_items)) < generator.uniform(0.02, 0.9, (m, 1))
    wanted[:, 0] |= ~wanted.any(axis=1)
    got = ranking_metrics(ranked, csr_matrix(wanted), ks)
    asked = {
        "qrels": {f"q{u}": {f"d{i}": 1 for i in np.flatnonzero(wanted[u])} for u in range(m)},
        "run": {f"q{u}": {f"d{i}": float(n - j) for j, i in enumerate(ranked[u])} for u in range(m)},
        "metrics": [f"{RANX[name]}@{k}" for name in RANX for k in ks],
    }
    # In a process of its own, without the just-in-time compiler: that alone would take over a minute.
    done = subprocess.run(
        [sys.executable, "-c", _RANX],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    for name, other in RANX.items():
        for k in ks:
            expected = [theirs[f"{other}@{k}"][f"q{u}"] for u in range(m)]
            np.testing.assert_allclose(got[f"{name}@{k}"], expected, rtol=0, atol=1e-9, err_msg=f"{name}@{k}")


def test_places_without_an_item_find_nothing() -> None:
    relevant = csr_matrix(np.array([[0, 0, 1], [1, 0, 0], [0, 0, 0]]))
    ranked = np.array([[-1, -1], [0, -1], [1, 2]], np.int32)
    got = ranking_metrics(ranked, relevant, [2])
    assert got["hit@2"].tolist() == [0, 1, 0]
    assert got["precision@2"].tolist() == [0, 0.5, 0]
    assert got["ndcg@2"].tolist() == [0, 1, 0]


def test_no_relevant_items_at_all() -> None:
    got = ranking_metrics(np.array([[0, 1]], np.int32), csr_matrix((1, 4)), [1])
    assert all(values.tolist() == [0.0] for values in got.values())


@pytest.mark.parametrize("ks", [[], [0], [5, -1]])
def test_wrong_k(ks: list[int]) -> None:
    with pytest.raises(InputError, match="k must be 1 or more"):
        ranking_metrics(np.zeros((1, 1), np.int32), csr_matrix((1, 4)), ks)


def test_coverage_counts_distinct_items() -> None:
    ranked = np.array([[0, 1, 2], [0, 3, -1]], np.int32)
    assert coverage(ranked, 8, 1) == 1 / 8
    assert coverage(ranked, 8, 3) == 4 / 8


def test_interval_is_close_to_the_normal_one() -> None:
    values = np.random.default_rng(5).gamma(2.0, size=4000)
    got = interval(values, seed=1)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert got["mean"] == pytest.approx(values.mean())
    assert got["low"] == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert got["high"] == pytest.approx(values.mean() + half, abs=0.15 * half)
    assert interval(values, seed=1) == got
    assert interval(values, seed=2) != got
    assert interval(values, seed=1, confidence=0.5)["high"] < got["high"]


def test_intervals_share_their_samples() -> None:
    values = np.random.default_rng(0).random(50)
    both = intervals({"a": values, "b": 2 * values}, seed=3)
    assert both["b"]["high"] == pytest.approx(2 * both["a"]["high"])
    assert both["a"] == pytest.approx(interval(values, seed=3))


def test_interval_of_nobody() -> None:
    with pytest.raises(InputError, match="no user"):
        interval(np.zeros(0))
