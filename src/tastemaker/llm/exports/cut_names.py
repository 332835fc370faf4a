"""Mends calls whose names a converter cut: `API(…)` where the tool is `Market Trends API`.

Converters that look for a call by a regular expression keep the last word of a name that holds spaces or
slashes; conversions of ToolACE that go round have that defect.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tastemaker.records import ToolCall, ToolSpec, Trajectory

_WORD = re.compile(r"\w+")


def restore_names(trajectory: Trajectory) -> Trajectory:
    """The trajectory with the whole names of its tools in its calls.

    A name that no tool has becomes that of the one tool that ends with the same word; among several, of the
    one that takes all the arguments and asks for no others. Where that leaves none or several, it stays.
    """
    messages = tuple(
        message.model_copy(update={"calls": tuple(_restored(c, trajectory.tools) for c in message.calls)})
        for message in trajectory.messages
    )
    return trajectory.model_copy(update={"messages": messages})


def _restored(call: ToolCall, tools: Sequence[ToolSpec]) -> ToolCall:
    if any(tool.name == call.name for tool in tools):
        return call
    same_end = [tool for tool in tools if _WORD.findall(tool.name)[-1:] == [call.name]]
    fitting = [tool for tool in same_end if _takes(tool, call)] if len(same_end) > 1 else same_end
    return call.model_copy(update={"name": fitting[0].name}) if len(fitting) == 1 else call


def _takes(tool: ToolSpec, call: ToolCall) -> bool:
    given, required = set(call.arguments), set(tool.parameters.get("required", ()))
    return required <= given <= set(tool.parameters.get("properties", {}))
