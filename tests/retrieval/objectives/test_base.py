"""The gradient that an objective gets for free."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tastemaker.retrieval.objectives.base import Batch, Objective


class Length(Objective):
    """w times the squared length of the pairs' users; items play no part."""

    def __init__(self) -> None:
        self.w = torch.tensor([3.0], requires_grad=True)

    def parameters(self) -> dict[str, Tensor]:
        return {"w": self.w}

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        return (self.w * x[batch.user].square()).sum()


def test_gradient_by_rows_and_parameters(make_case: Any) -> None:
    case = make_case([(0, 6), (0, 2), (3, 2)])
    objective = Length()
    value, by_x, by_y = objective.gradient(case.x, case.y, case.batch)
    squares = case.x.square().sum(dim=1)
    torch.testing.assert_close(value, 3 * float(2 * squares[0] + squares[1]))
    torch.testing.assert_close(by_x, 6 * case.x * torch.tensor([[2.0], [1.0]]))
    assert torch.equal(by_y, torch.zeros_like(case.y))
    assert objective.w.grad is not None
    torch.testing.assert_close(float(objective.w.grad), value / 3)
    assert not case.x.requires_grad
    assert len(case.batch) == 3
    assert objective.embed(case.x, case.y) == (case.x, case.y)
