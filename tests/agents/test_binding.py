"""Tools with what the request fixes filled in."""

from __future__ import annotations

import asyncio
from typing import Annotated

import pytest
from pydantic import Field

from tastemaker.agents.binding import bind, one_of, pending, worded
from tastemaker.errors import ToolError
from tastemaker.tools.tool import Tool


def retrieve(user: str, n: Annotated[int, Field(ge=1, le=50)] = 10) -> str:
    """Items for a user."""
    return f"{n} for {user}"


def test_what_is_fixed_is_not_asked_for_and_calls_are_counted() -> None:
    made: dict[str, None] = {}
    bound = bind(Tool.from_function(retrieve), {"user": "u1", "item": "i1"}, made)
    assert bound.spec.name == "retrieve"
    assert list(bound.spec.parameters["properties"]) == ["n"]
    assert bound.spec.parameters["required"] == []
    assert made == {}
    assert asyncio.run(bound.call({})) == "10 for u1"
    assert asyncio.run(bound.call({"n": 9})) == "9 for u1"
    assert list(made) == ["retrieve"]
    for wrong in ({"n": 51}, {"user": "u2"}):
        with pytest.raises(ToolError):
            asyncio.run(bound.call(wrong))


def test_an_argument_can_be_limited_to_ids() -> None:
    tool = Tool.from_function(retrieve)
    limited = one_of(tool, "user", ["u1", "u2"])
    assert limited is not None
    assert asyncio.run(limited.call({"user": "u2"})) == "10 for u2"
    with pytest.raises(ToolError):
        asyncio.run(limited.call({"user": "u3"}))
    assert one_of(tool, "user", []) is None
    assert one_of(tool, "item", []) is tool


def test_pending_are_the_required_tools_not_called() -> None:
    assert pending(("a", "b", "c"), {"b": None, "z": None}) == ("a", "c")


def test_sentences_of_a_small_model_begin_in_a_given_way() -> None:
    def find(query: str, n: int = 3) -> str:
        return f"{query} {n}"

    tool = Tool.from_function(find)
    held = worded(tool, {"query": "about", "n": "number"})
    assert held.spec.parameters["properties"]["query"]["pattern"] == r"^about[a-zA-Z ',-]*\.$"
    assert held.spec.parameters["properties"]["n"] == tool.spec.parameters["properties"]["n"]
    assert asyncio.run(held.call({"query": "1,2,3,4", "n": 2})) == "1,2,3,4 2"
    with pytest.raises(ToolError):
        asyncio.run(held.call({"n": 2}))
    assert worded(tool, {"other": "about"}) is tool
