"""Names that providers forbid (spaces, dots, slashes, more than 64 characters) as names that they allow, and
back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from tastemaker.records import ToolCall, ToolSpec

_LONGEST = 64
_SAFE = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}")
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]+")


def safe_names(tools: Iterable[ToolSpec]) -> dict[str, str]:
    """Each tool's name and a name of letters, digits, `_` and `-` for it, no two the same.

    Names that are safe stay. The result depends on the order of the tools and on nothing else.

    >>> safe_names([ToolSpec(name="Market Trends API"), ToolSpec(name="now")])
    {'Market Trends API': 'Market_Trends_API', 'now': 'now'}
    """
    given = dict.fromkeys(tool.name for tool in tools)
    taken = {name for name in given if _SAFE.fullmatch(name)}
    names = {}
    for name in given:
        if _SAFE.fullmatch(name):
            names[name] = name
            continue
        stem = _FORBIDDEN.sub("_", name).strip("_")[:_LONGEST] or "tool"
        safe, number = stem, 1
        while safe in taken:
            number += 1
            safe = f"{stem[: _LONGEST - 1 - len(str(number))]}_{number}"
        taken.add(safe)
        names[name] = safe
    return names


def originals(names: Mapping[str, str]) -> dict[str, str]:
    """The mapping from the safe names back."""
    return {safe: name for name, safe in names.items()}


def renamed_tools(tools: Iterable[ToolSpec], names: Mapping[str, str]) -> list[ToolSpec]:
    """The tools under other names; a name that the mapping lacks stays."""
    return [tool.model_copy(update={"name": names.get(tool.name, tool.name)}) for tool in tools]


def renamed_calls(calls: Sequence[ToolCall], names: Mapping[str, str]) -> tuple[ToolCall, ...]:
    """The calls under other names; a name that the mapping lacks stays."""
    return tuple(call.model_copy(update={"name": names.get(call.name, call.name)}) for call in calls)
