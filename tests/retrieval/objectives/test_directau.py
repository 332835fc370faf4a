"""DirectAU against the formula over pairs, duplicates included."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.retrieval.objectives.directau import DirectAU


def uniformity_by_pairs(rows: NDArray[np.float64]) -> float:
    pairs = list(itertools.combinations(rows, 2))
    return math.log(sum(math.exp(-2 * float(((a - b) ** 2).sum())) for a, b in pairs) / len(pairs))


@pytest.mark.parametrize(("gamma", "align"), [(0.0, 1.0), (0.3, 1.0), (2.0, 0.0), (0.7, 0.4)])
def test_is_the_formula(case: Any, gamma: float, align: float) -> None:
    x, y = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True)
        for rows in (case.x.numpy()[case.batch.user], case.y.numpy()[case.batch.item])
    )
    together = float(np.mean([((a - b) ** 2).sum() for a, b in zip(x, y, strict=True)]))
    wanted = align * together + gamma * (uniformity_by_pairs(x) + uniformity_by_pairs(y)) / 2
    assert float(DirectAU(gamma, align).loss(case.x, case.y, case.batch)) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(("gamma", "align"), [(0.0, 1.0), (0.7, 1.0), (2.0, 0.0), (0.0, 0.0)])
def test_gradient(case: Any, check_gradient: Any, gamma: float, align: float) -> None:
    check_gradient(DirectAU(gamma, align), case)


def test_a_row_of_zeros_gives_finite_figures(case: Any) -> None:
    x, y = case.x.float(), case.y.float()
    x[0] = 0
    loss, by_x, by_y = DirectAU(1.0).gradient(x, y, case.batch)
    assert np.isfinite(loss)
    assert torch.isfinite(by_x).all()
    assert torch.isfinite(by_y).all()


def test_one_pair(make_case: Any) -> None:
    case = make_case([(0, 6)])
    for run in (DirectAU(1.0).loss, DirectAU(1.0).gradient):
        with pytest.raises(InputError, match="at least two pairs"):
            run(case.x, case.y, case.batch)
