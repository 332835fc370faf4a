"""Budgets that several agents share."""

from __future__ import annotations

import pytest

from tastemaker.errors import LimitReached
from tastemaker.records import Usage
from tastemaker.tools.limits import Budget, Limits


def test_dollars_are_limited_once_they_are_spent() -> None:
    budget = Budget(Limits(cost=0.01))
    budget.count(Usage(cost=0.009))
    budget.take_request()
    budget.count(Usage(cost=0.002))
    with pytest.raises(LimitReached, match=r"the limit of \$0\.01 is reached: \$0\.011 used"):
        budget.take_request()
    assert budget.requests == 1


def test_without_limits_nothing_is_refused() -> None:
    budget = Budget(Limits())
    budget.count(Usage(input_tokens=10**12, cost=1e9))
    budget.take_request()
    assert (budget.tokens, budget.cost) == (10**12, 1e9)
