"""A task written by hand, which needs two calls."""

from __future__ import annotations

from typing import Any

import pytest

from tastemaker.learning.tasks import services
from tastemaker.learning.tasks.function import FUNCTIONS
from tastemaker.learning.tasks.task import Expected, ToolTask
from tastemaker.records import ToolCall

__all__ = ["services"]


@pytest.fixture(scope="session")
def task() -> ToolTask:
    """When the manager of Ana Marsh was born: `manager_of(person)`, then `birth_date(person)`."""
    manager, born = (FUNCTIONS[key].wordings[0] for key in ("people.manager", "people.birthday"))
    people: dict[str, Any] = {
        "Ana Marsh": {"manager": "Tom Reed", "birthday": "1980-02-01"},
        "Tom Reed": {"manager": "Ana Marsh", "birthday": "1970-05-04"},
    }
    return ToolTask(
        id="test-1",
        kind="chain",
        split="test",
        program="",
        question="When was the manager of Ana Marsh born?",
        tools=(manager, born),
        world={"person": people},
        gold=(
            (ToolCall(id="a", name=manager.spec.name, arguments={"person": "Ana Marsh"}),),
            (ToolCall(id="b", name=born.spec.name, arguments={"person": "Tom Reed"}),),
        ),
        answer=(Expected(sort="date", value="1970-05-04"),),
        reply="",
    )
