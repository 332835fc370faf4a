"""GraphAU against the formula over pairs with dense powers of the normalised graph."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.retrieval.encoders.lightgcn import LightGCN
from tastemaker.retrieval.objectives.graphau import GraphAU


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    length: NDArray[np.float64] = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(length, 1e-12)


def uniformity_by_pairs(rows: NDArray[np.float64]) -> float:
    pairs = list(itertools.combinations(rows, 2))
    return math.log(sum(math.exp(-2 * float(((a - b) ** 2).sum())) for a, b in pairs) / len(pairs))


@pytest.mark.parametrize("hops", [1, 3])
def test_is_the_formula(whole_case: Any, start: Any, hops: int) -> None:
    objective = start(GraphAU(0.6, hops, 0.7), whole_case)
    dense = whole_case.matrix.toarray()
    both = np.block([[np.zeros((6, 6)), dense], [dense.T, np.zeros((8, 8))]])
    scale = np.maximum(both.sum(axis=1), 1) ** -0.5
    both = scale[:, None] * both * scale
    tables = [np.concatenate([whole_case.x, whole_case.y])]
    for _ in range(hops):
        tables.append(both @ tables[-1])
    user, item = whole_case.batch.user.numpy(), 6 + whole_case.batch.item.numpy()
    base = unit(tables[0])
    wanted = 0.6 * (uniformity_by_pairs(base[user]) + uniformity_by_pairs(base[item])) / 2
    for k, table in enumerate(tables):
        around = unit(table)
        for u, i in zip(user, item, strict=True):
            near = ((base[u] - around[i]) ** 2).sum() + ((around[u] - base[i]) ** 2).sum()
            wanted += 0.7**k * near / 2 / len(user) / (hops + 1)
    found = objective.loss(whole_case.x, whole_case.y, whole_case.batch)
    assert float(found) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("hops", [1, 2])
def test_gradient(whole_case: Any, start: Any, check_gradient: Any, hops: int) -> None:
    check_gradient(start(GraphAU(0.6, hops, 0.7), whole_case), whole_case)


def test_takes_no_encoder_with_a_graph(whole_case: Any) -> None:
    encoder = LightGCN(whole_case.matrix, 3, 1, seed=0)
    with pytest.raises(InputError, match="choose encoder=mf"):
        GraphAU(1.0, 1, 1.0).start(whole_case.matrix, encoder, 0)


def test_one_pair(make_case: Any, start: Any) -> None:
    case = make_case([(0, 6)], whole=True)
    with pytest.raises(InputError, match="at least two pairs"):
        start(GraphAU(1.0, 1, 1.0), case).gradient(case.x, case.y, case.batch)


def test_gradient_reaches_neighbours_outside_the_batch(make_case: Any, start: Any) -> None:
    case = make_case([(0, 6), (3, 2)], whole=True)
    _, by_x, by_y = start(GraphAU(1.0, 1, 1.0), case).gradient(case.x, case.y, case.batch)
    taken = case.matrix.toarray() > 0
    assert np.array_equal(by_x.abs().sum(dim=1) > 0, taken[:, [6, 2]].any(axis=1))
    assert np.array_equal(by_y.abs().sum(dim=1) > 0, taken[[0, 3]].any(axis=0))
