"""MAWU against the formula over pairs, and at angles where it has a corner."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.retrieval.objectives.mawu import MAWU


def uniformity_by_pairs(rows: NDArray[np.float64]) -> float:
    pairs = list(itertools.combinations(rows, 2))
    return math.log(sum(math.exp(-2 * float(((a - b) ** 2).sum())) for a, b in pairs) / len(pairs))


def margin(objective: MAWU, user: int, item: int) -> float:
    own = {name: tensor.detach() for name, tensor in objective.parameters().items()}
    return 1 - 1 / (1 + math.exp(-float(own["users"][user] + own["items"][item])))


def test_is_the_formula(case: Any, start: Any) -> None:
    objective = start(MAWU(0.3, 0.7), case)
    x, y = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True)
        for rows in (case.x.numpy()[case.batch.user], case.y.numpy()[case.batch.item])
    )
    wanted = 0.3 * uniformity_by_pairs(x) + 0.7 * uniformity_by_pairs(y)
    for (u, i), a, b in zip(case.pairs, x, y, strict=True):
        apart = math.acos(float(a @ b)) + margin(
            objective, int(case.batch.users[u]), int(case.batch.items[i])
        )
        wanted -= math.cos(min(apart, math.pi)) / len(case.pairs)
    found = objective.loss(case.x, case.y, case.batch)
    assert float(found.detach()) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("gammas", [(0.0, 0.0), (0.5, 0.0), (0.3, 1.2)])
def test_gradient(case: Any, start: Any, check_gradient: Any, gammas: tuple[float, float]) -> None:
    check_gradient(start(MAWU(*gammas), case), case)


def test_margins_start_at_half_a_radian(make_case: Any) -> None:
    case = make_case([(0, 6), (3, 2)])
    objective = MAWU(0.0, 0.0)
    objective.start(case.matrix, None, 0)  # type: ignore[arg-type]
    assert margin(objective, 0, 6) == 0.5


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_same_and_opposite_directions(make_case: Any, start: Any, sign: float) -> None:
    case = make_case([(0, 6), (3, 2)])
    objective = start(MAWU(0.0, 0.0), case)
    x = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], dtype=torch.float64)
    y = sign * 3 * x[case.batch.user][torch.argsort(case.batch.item)]
    loss, by_x, by_y = objective.gradient(x, y, case.batch)
    same = -(math.cos(margin(objective, 0, 6)) + math.cos(margin(objective, 3, 2))) / 2
    wanted = same if sign > 0 else 1.0
    assert loss == pytest.approx(wanted, abs=2e-3)
    assert torch.isfinite(by_x).all()
    assert torch.isfinite(by_y).all()


def test_one_pair(make_case: Any, start: Any) -> None:
    case = make_case([(0, 6)])
    with pytest.raises(InputError, match="at least two pairs"):
        start(MAWU(1.0, 1.0), case).gradient(case.x, case.y, case.batch)
