"""The record of a tool task: the question, the tools offered, the world they work on, and what is right."""

from __future__ import annotations

from typing import Literal

from tastemaker.records import Json, JsonObject, Record, ToolCall, ToolSpec

Kind = Literal["single", "chain", "parallel", "mixed", "retry", "correct", "no tool"]
"""single: one call · chain: each call needs the one before · parallel: calls that need nothing of each other
· mixed: both · retry: a call fails once for no reason of its own · correct: an argument as the question has
it is wrong, and the error says what is right · no tool: no tool can do it; the right act is to say so."""


class OfferedTool(Record):
    """A tool as a task offers it."""

    function: str
    """Key of the function behind it; empty for a tool of somebody else's."""
    spec: ToolSpec
    arguments: dict[str, str]
    """Parameter names as shown, and the function's own."""


class Expected(Record):
    """One value that the answer must hold."""

    sort: str
    value: Json


class Failure(Record):
    """A gold call that does not succeed the first time."""

    step: int
    call: int
    """Where the call stands in `gold`."""
    kind: Literal["transient", "argument"]
    """transient: the same call succeeds when made again · argument: `arguments` are refused."""
    text: str
    """What the tool says."""
    arguments: JsonObject
    """The arguments of the first try."""


class ToolTask(Record):
    """One task. Everything that it takes to play and to score it is here."""

    id: str
    kind: Kind
    split: str
    program: str
    """The functions and how they are put together, without the values."""
    question: str
    tools: tuple[OfferedTool, ...]
    """What is offered, distractors included, in the order shown."""
    world: JsonObject
    """What the tools know at first."""
    gold: tuple[tuple[ToolCall, ...], ...]
    """The calls of a right solution, step by step; dependent arguments are filled in by execution."""
    answer: tuple[Expected, ...]
    """The values asked for; none where no tool fits."""
    reply: str
    """A right answer in words."""
    fails: tuple[Failure, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the offered tools."""
        return tuple(tool.spec.name for tool in self.tools)

    @property
    def calls(self) -> int:
        """Calls of the gold solution, tries that fail left out."""
        return sum(map(len, self.gold))
