"""Plays a task: its tools over a fresh world, a record of the calls made, and the score of an answer.

What a call may meet is text that a model can act on: arguments that do not fit, names that are not known with
the nearest that is, and services that fail once. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from tastemaker.errors import ToolError
from tastemaker.learning.tasks import services
from tastemaker.learning.tasks.function import FUNCTIONS
from tastemaker.learning.tasks.scoring import count_right, declines, strays
from tastemaker.learning.tasks.task import Expected, OfferedTool, ToolTask
from tastemaker.learning.tasks.world import copied, names
from tastemaker.tools.tool import Tool

__all__ = ["Called", "Environment", "services"]


@dataclass(frozen=True)
class Called:
    """One call that was made, and whether it succeeded."""

    name: str
    arguments: dict[str, Any]
    """As they were given."""
    success: bool
    text: str
    """The result, or what was wrong."""


@dataclass(frozen=True, eq=False)
class _Watched(Tool):
    """A tool that also tells of the arguments that it refuses."""

    refused: Callable[[dict[str, Any], str], None] = lambda arguments, reason: None

    def check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return super().check(arguments)
        except ToolError as error:
            self.refused(arguments, str(error))
            raise


class Environment:
    """One play of one task."""

    def __init__(self, task: ToolTask) -> None:
        self.task = task
        self.called: list[Called] = []
        """The calls made so far, those that failed included."""
        self._seen: list[Expected] = []
        self._world = copied(task.world)
        self._failing = {
            task.gold[failure.step][failure.call].name: failure.text
            for failure in task.fails
            if failure.kind == "transient"
        }
        self._tools = {offered.spec.name: self._bound(offered) for offered in task.tools}

    def tools(self) -> list[Tool]:
        """The tools of the task, bound to this play."""
        return list(self._tools.values())

    def call(self, name: str, arguments: dict[str, Any]) -> Called:
        """Make one call, whatever it is, and record it. The text of one that fails begins with `error:`, as
        in the agents' loop.
        """
        before = len(self.called)
        tool = self._tools.get(name)
        try:
            if tool is None:
                offered = ", ".join(self._tools) or "none"
                raise ToolError(f"there is no call {name!r} now; call one of: {offered}")
            tool.function(**tool.check(arguments))
        except ToolError as error:
            if len(self.called) == before:
                self.called.append(Called(name, arguments, False, f"error: {error}"))
        return self.called[-1]

    def solved(self, text: str) -> float:
        """How right an answer is after the calls made: 1 where all values are right, the world is as it
        should be, and the answer tells no result that was not asked for; 0.5 where a part of that is so, else
        0. Where no tool fits: 1 for saying so without a call.
        """
        if not self.task.answer:
            return float(not self.called and declines(text, self.task.question))
        given = self._given()
        right = count_right(self.task.answer, text, given, lambda sort: names(self._world, sort))
        as_meant = self._world == self._meant()
        if (
            right == len(self.task.answer)
            and as_meant
            and not strays(self._seen, self.task.answer, text, given)
        ):
            return 1.0
        changed = as_meant and self._world != self.task.world
        return 0.5 if right or changed else 0.0

    def _bound(self, offered: OfferedTool) -> Tool:
        function, name = FUNCTIONS[offered.function], offered.spec.name

        def run(**arguments: Any) -> dict[str, Any]:
            try:
                if (failure := self._failing.pop(name, None)) is not None:
                    raise ToolError(failure)
                own = {offered.arguments[word]: value for word, value in arguments.items()}
                result = function.result(function.run(self._world, **own))
            except ToolError as error:
                self.called.append(Called(name, arguments, False, f"error: {error}"))
                raise
            self.called.append(Called(name, arguments, True, to_json(result).decode()))
            if not function.acts:
                values = result[function.gives]
                for value in values if function.many else [values]:
                    self._seen.append(Expected(sort=function.sort, value=value))
            return result

        def refused(arguments: dict[str, Any], reason: str) -> None:
            self.called.append(Called(name, arguments, False, f"error: {reason}"))

        return _Watched(offered.spec, run, refused=refused)

    def _given(self) -> str:
        """What an answer may repeat: the question, and the arguments that errors put right."""
        mended = [
            str(value)
            for failure in self.task.fails
            for key, value in self.task.gold[failure.step][failure.call].arguments.items()
            if failure.arguments.get(key) != value
        ]
        return " ; ".join([self.task.question, *mended])

    def _meant(self) -> dict[str, Any]:
        """The world after the gold calls."""
        world = copied(self.task.world)
        offered = {tool.spec.name: tool for tool in self.task.tools}
        for step in self.task.gold:
            for call in step:
                function = FUNCTIONS[offered[call.name].function]
                if function.acts:
                    own = {
                        offered[call.name].arguments[word]: value for word, value in call.arguments.items()
                    }
                    function.run(world, **own)
        return world
