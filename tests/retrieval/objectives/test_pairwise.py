"""BPR against the formula, with one negative and with the hardest of several."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tastemaker.errors import InputError
from tastemaker.retrieval.objectives.pairwise import BPR

PAIRS = [(0, 6), (0, 2), (3, 2), (1, 0)]


@pytest.mark.parametrize("candidates", [1, 4])
def test_is_the_formula(make_case: Any, candidates: int) -> None:
    case = make_case(PAIRS, negatives=candidates)
    wanted = 0.0
    for (u, i), negatives in zip(case.pairs, case.batch.negative.tolist(), strict=True):
        hardest = max(float(case.x[u] @ case.y[j]) for j in negatives)
        wanted -= math.log(1 / (1 + math.exp(hardest - float(case.x[u] @ case.y[i])))) / len(PAIRS)
    assert float(BPR(candidates).loss(case.x, case.y, case.batch)) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("candidates", [1, 4])
def test_gradient(make_case: Any, check_gradient: Any, candidates: int) -> None:
    check_gradient(BPR(candidates), make_case(PAIRS, negatives=candidates))


def test_no_negatives(make_case: Any) -> None:
    case = make_case(PAIRS)
    with pytest.raises(InputError, match="no negatives"):
        BPR().loss(case.x, case.y, case.batch)
