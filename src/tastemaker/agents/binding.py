"""Tools as one agent gets them: what the request fixes is filled in and not asked for, and calls are counted.

A tool with fewer arguments is shorter to read and cannot be called wrongly; for a small model both matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tastemaker.tools.tool import Tool


def bind(tool: Tool, fixed: Mapping[str, Any], made: dict[str, None]) -> Tool:
    """The tool with the arguments of `fixed` filled in, as far as it has them; every call is entered in
    `made` under its name."""
    properties = tool.spec.parameters["properties"]
    filled = {name: value for name, value in fixed.items() if name in properties}
    parameters = dict(tool.spec.parameters)
    parameters["properties"] = {name: schema for name, schema in properties.items() if name not in filled}
    parameters["required"] = [name for name in parameters.get("required", ()) if name not in filled]
    name = tool.spec.name

    async def call(**arguments: Any) -> str:
        made[name] = None
        return await tool.call(arguments | filled)

    return Tool(tool.spec.model_copy(update={"parameters": parameters}), call)


def one_of(tool: Tool, argument: str, ids: Sequence[str]) -> Tool | None:
    """The tool with that argument limited to `ids`, where it has it; None when there is no id to choose."""
    properties = tool.spec.parameters["properties"]
    if argument not in properties:
        return tool
    if not ids:
        return None
    limited = properties | {argument: properties[argument] | {"enum": list(ids)}}
    parameters = tool.spec.parameters | {"properties": limited}
    return Tool(tool.spec.model_copy(update={"parameters": parameters}), tool.function)


WORDED = 100
"""Characters of such a sentence, about."""


def worded(tool: Tool, openings: Mapping[str, str]) -> Tool:
    """The tool with sentences that begin in a given way for its arguments of those names.

    For a small model whose output is held to the schema: where it may write what it likes it begins with a
    number out of its prompt and does not come to an end. Calls are not checked for it.
    """
    properties = tool.spec.parameters["properties"]
    held = {
        name: schema | {"pattern": rf"^{openings[name]}[a-zA-Z ',-]*\.$", "maxLength": WORDED}
        for name, schema in properties.items()
        if name in openings and schema.get("type") == "string"
    }
    if not held:
        return tool
    parameters = tool.spec.parameters | {"properties": properties | held}
    return tool.shown_as(tool.spec.model_copy(update={"parameters": parameters}))


def pending(required: Collection[str], made: Collection[str]) -> tuple[str, ...]:
    """The required tools that have not been called."""
    return tuple(name for name in required if name not in made)
