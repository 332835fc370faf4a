"""The cosine contrastive loss against the formula over pairs and their negatives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tastemaker.errors import InputError
from tastemaker.retrieval.objectives.simplex import SimpleX

PAIRS = [(0, 6), (0, 2), (3, 2), (1, 0)]


@pytest.mark.parametrize(("margin", "weight"), [(0.0, 1.0), (0.4, 10.0), (-1.0, 2.0)])
def test_is_the_formula(make_case: Any, margin: float, weight: float) -> None:
    case = make_case(PAIRS, negatives=5)
    wanted = 0.0
    for (u, i), negatives in zip(case.pairs, case.batch.negative.tolist(), strict=True):
        to = [float(torch.cosine_similarity(case.x[u], row, dim=0)) for row in case.y]
        wanted += 1 - to[i] + weight / 5 * sum(max(0.0, to[j] - margin) for j in negatives)
    found = SimpleX(5, margin, weight).loss(case.x, case.y, case.batch)
    assert float(found) == pytest.approx(wanted / len(PAIRS), abs=1e-12)


@pytest.mark.parametrize(("margin", "weight"), [(0.0, 1.0), (0.4, 10.0), (-1.0, 2.0), (0.3, 0.0)])
def test_gradient(make_case: Any, check_gradient: Any, margin: float, weight: float) -> None:
    check_gradient(SimpleX(5, margin, weight), make_case(PAIRS, negatives=5))


def test_negatives_within_the_margin_are_left_alone(make_case: Any) -> None:
    case = make_case(PAIRS, negatives=5)
    pushed = SimpleX(5, 1.0, 100.0).gradient(case.x, case.y, case.batch)
    alone = SimpleX(5, 0.0, 0.0).gradient(case.x, case.y, case.batch)
    for one, other in zip(pushed, alone, strict=True):
        torch.testing.assert_close(one, other)


def test_no_negatives(make_case: Any) -> None:
    case = make_case(PAIRS)
    with pytest.raises(InputError, match="no negatives"):
        SimpleX(5, 0.0, 1.0).gradient(case.x, case.y, case.batch)
