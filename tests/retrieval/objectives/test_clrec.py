"""CLRec against the softmax over the batch's columns, one for each pair."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tastemaker.retrieval.encoders.mf import MatrixFactorization
from tastemaker.retrieval.objectives.clrec import CLRec
from tastemaker.retrieval.objectives.cosine import CosineObjective


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_is_the_softmax_over_the_pairs_of_the_batch(case: Any, start: Any, temperature: float) -> None:
    objective = start(CLRec(temperature), case)
    wanted = 0.0
    for row, (u, _) in enumerate(case.pairs):
        scores = [float(torch.cosine_similarity(case.x[u], case.y[j], dim=0)) for _, j in case.pairs]
        total = sum(math.exp(score / temperature) for score in scores)
        wanted -= math.log(math.exp(scores[row] / temperature) / total) / len(case.pairs)
    assert float(objective.loss(case.x, case.y, case.batch)) == pytest.approx(wanted, abs=1e-12)


def test_without_the_correction_rare_items_weigh_as_much_as_they_are_rare(case: Any, start: Any) -> None:
    objective = start(CLRec(0.5, debias=0.25), case)
    degree = np.maximum(np.asarray(case.matrix.sum(axis=0))[0], 1)
    wanted = 0.0
    for row, (u, _) in enumerate(case.pairs):
        terms = []
        for _, j in case.pairs:
            share = degree[case.batch.items[j]] / case.matrix.nnz
            cosine = float(torch.cosine_similarity(case.x[u], case.y[j], dim=0))
            terms.append((math.exp(cosine / 0.5), share**-0.75))
        total = sum(term * weight for term, weight in terms)
        wanted -= math.log(terms[row][0] / total) / len(case.pairs)
    assert float(objective.loss(case.x, case.y, case.batch)) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("temperature", "debias"), [(0.1, 1.0), (0.7, 0.0)])
def test_gradient(case: Any, start: Any, check_gradient: Any, temperature: float, debias: float) -> None:
    check_gradient(start(CLRec(temperature, debias), case), case)


def test_stays_finite_where_the_exponential_would_not(case: Any, start: Any) -> None:
    objective = start(CLRec(0.001), case)
    loss, by_x, by_y = objective.gradient(case.x.float(), case.y.float(), case.batch)
    assert np.isfinite(loss)
    assert torch.isfinite(by_x).all()
    assert torch.isfinite(by_y).all()


def test_one_item_alone_leaves_nothing_to_learn(make_case: Any, start: Any) -> None:
    case = make_case([(0, 6), (3, 6)])
    loss, by_x, by_y = start(CLRec(0.2), case).gradient(case.x, case.y, case.batch)
    assert loss == pytest.approx(math.log(2))
    torch.testing.assert_close(by_x, torch.zeros_like(by_x))
    torch.testing.assert_close(by_y, torch.zeros_like(by_y))


def test_recommends_by_cosine_and_knows_nothing_of_the_untrained(whole_case: Any) -> None:
    objective: CosineObjective = CLRec(0.2)
    objective.start(whole_case.matrix, MatrixFactorization(6, 8, 3, 0), 0)
    users, items = objective.embed(whole_case.x, whole_case.y)
    scores = users @ items.T
    for u in range(6):
        for i in range(8):
            wanted = float(torch.cosine_similarity(whole_case.x[u], whole_case.y[i], dim=0))
            assert float(scores[u, i]) == pytest.approx(0 if u == 4 or i == 7 else wanted)
