"""What rules and experts look at, and what they say of it.

A sample is a `Trajectory`; `Sample` adds what several rules need of it, worked out once. Nothing here decides
what is right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from tastemaker.records import Message, ToolCall, Trajectory
from tastemaker.synthesis.verification.definition import Definition, definition
from tastemaker.synthesis.verification.schema import Misfit

Aspect = Literal["definition clarity", "call executability", "dialogue correctness", "sample consistency"]


class Fault(NamedTuple):
    """What a rule found: where in the sample (`tools[0]`, `messages[3].calls[0]`), and why it is wrong."""

    rule: str
    where: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """Whether the rules accept a sample, and all that they found."""

    accepted: bool
    faults: tuple[Fault, ...] = ()


class PlacedCall(NamedTuple):
    """A call, the number of its message, and its place as faults name it."""

    call: ToolCall
    message: int
    where: str


class Sample:
    """A trajectory with what several rules need of it."""

    def __init__(self, trajectory: Trajectory) -> None:
        self.trajectory = trajectory
        self.messages = trajectory.messages

    @cached_property
    def definitions(self) -> list[Definition]:
        """Of the tools, in their order."""
        return [definition(spec) for spec in self.trajectory.tools]

    @cached_property
    def by_name(self) -> dict[str, Definition]:
        """Definitions by their tool's name; the first where a name is given twice."""
        found: dict[str, Definition] = {}
        for spec, known in zip(self.trajectory.tools, self.definitions, strict=True):
            found.setdefault(spec.name, known)
        return found

    @cached_property
    def calls(self) -> list[PlacedCall]:
        """All calls in the order in which they were made."""
        return [
            PlacedCall(call, number, f"messages[{number}].calls[{place}]")
            for number, message in enumerate(self.messages)
            for place, call in enumerate(message.calls)
        ]

    @cached_property
    def argument_misfits(self) -> list[tuple[str, list[Misfit]]]:
        """What does not fit of each call's arguments, with the call's place; calls that fit are left out."""
        found = []
        for call, _, where in self.calls:
            known = self.by_name.get(call.name)
            if known is not None and (misfits := known.argument_misfits(call.arguments)):
                found.append((where, misfits))
        return found

    @cached_property
    def answered(self) -> list[tuple[int, Message, ToolCall | None]]:
        """Each tool message with its number and the call that it answers, the last one made with its id."""
        made: dict[str | None, ToolCall] = {}
        found = []
        for number, message in enumerate(self.messages):
            made.update((call.id, call) for call in message.calls)
            if message.role == "tool":
                found.append((number, message, made.get(message.call_id)))
        return found

    @cached_property
    def system(self) -> str:
        """The system prompt; empty where there is none."""
        return "\n".join(message.text for message in self.messages if message.role == "system")


@dataclass(frozen=True)
class Rule:
    """One check: its name, the aspect that it belongs to, and the function that finds its faults."""

    name: str
    aspect: Aspect
    check: Callable[[Sample], list[Fault]]


_RESULT_KEYS = ("results", "result", "content", "output", "response")


def named_result(text: str, called: str, own_name: bool) -> tuple[str | None, Any]:
    """The API that a tool's response names itself after, and its result.

    A response may be wrapped as `{"name": API, "results": …}`, or as a list of one of these. `own_name` says
    that the API's results have a `name` of their own: then only the name of the API that was `called` makes a
    wrapper. Without one the name is None; the result is None where the text is no JSON.
    """
    if text[:1] not in ("{", "["):
        return None, None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None, None
    inner = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(inner, dict) and len(inner) == 2 and isinstance(inner.get("name"), str):
        for key in _RESULT_KEYS:
            if key in inner and (not own_name or inner["name"] == called):
                return inner["name"], inner[key]
    return None, value
