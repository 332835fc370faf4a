"""What the rules need of a tool's definition, worked out once for equal definitions.

A definition is *valid* when its parameters (and its result, where it has one) are JSON Schema, Draft 2020-12,
of an object, and refer to nothing outside; *complete* when a model could call the tool by it. Calls are read
strictly: `"5"` is no integer, and an argument that the definition does not name is a fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

from jsonschema_specifications import REGISTRY

from tastemaker.llm.signature import resolve
from tastemaker.records import ToolSpec
from tastemaker.synthesis.verification.schema import Misfit, compiled

_KEPT = 8192
"""Definitions kept compiled; one takes some kilobytes."""

_TELLING = ("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "description")
"""Keywords one of which says what an argument is like."""

_SPECIFICATION = "https://json-schema.org/draft/2020-12/"
_VOCABULARIES = "core applicator unevaluated validation meta-data format-annotation content"


class Definition:
    """One tool's definition: what is wrong with it, and what does not fit it."""

    def __init__(self, name: str, described: bool, parameters: Any, result: Any) -> None:
        self.invalid = tuple(_invalid("parameters", parameters, needs_object=True))
        if result is not None:
            self.invalid += tuple(_invalid("result", result, needs_object=False))
        self.incomplete = tuple(_incomplete(name, described, parameters))
        self.names_result = isinstance(result, dict) and "name" in result.get("properties", {})
        """Whether a result of the tool has a `name` of its own."""
        self._result = None if result is None or self.invalid else compiled(result)
        self._arguments = None if self.invalid else compiled(closed(parameters))

    def argument_misfits(self, arguments: dict[str, Any]) -> list[Misfit]:
        """What does not fit of a call's arguments; nothing where the definition is no schema."""
        return self._arguments(arguments) if self._arguments is not None else []

    def result_misfits(self, result: Any) -> list[Misfit] | None:
        """What does not fit of a result; None where the definition does not say what a result is like."""
        return self._result(result) if self._result is not None else None


def definition(spec: ToolSpec) -> Definition:
    """The definition of `spec`; equal ones share it."""
    described = bool(spec.description.strip())
    result = None if spec.result is None else json.dumps(spec.result)
    return _definition(spec.name, described, json.dumps(spec.parameters), result)


@lru_cache(maxsize=_KEPT)
def _definition(name: str, described: bool, parameters: str, result: str | None) -> Definition:
    return Definition(name, described, json.loads(parameters), None if result is None else json.loads(result))


def closed(schema: Any) -> Any:
    """The schema with every object that names its members closed to others, unless it says otherwise.

    What stands inside `anyOf`, `allOf` and their like is left open, as their parts only hold together.

    >>> closed({"type": "object", "properties": {"a": {"type": "string"}}})["additionalProperties"]
    False
    """
    if not isinstance(schema, dict) or not _OPEN.isdisjoint(schema):
        return schema
    inner = {
        key: {name: closed(part) for name, part in value.items()}
        if key in ("properties", "$defs", "definitions") and isinstance(value, dict)
        else closed(value)
        if key == "items"
        else value
        for key, value in schema.items()
    }
    if "properties" in schema and "additionalProperties" not in schema:
        inner["additionalProperties"] = False
    return inner


_OPEN: Final = frozenset(
    [
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "if",
        "then",
        "else",
        "$ref",
        "patternProperties",
        "dependentSchemas",
        "unevaluatedProperties",
    ]
)


def _invalid(what: str, schema: Any, needs_object: bool) -> Iterator[str]:
    if needs_object and schema.get("type") != "object":
        yield f"{what}: type is not object"
    misfits = _schema_misfits(schema)
    for misfit in misfits:
        place = f"{what}.{misfit.where}" if misfit.where else what
        yield f"{place}: {misfit.why}"
    if misfits:
        return
    for reference in _references(schema):
        if not isinstance(resolve(reference, schema), dict | bool):
            yield f"{what}: refers to {reference}, which is not in it"


def _incomplete(name: str, described: bool, parameters: dict[str, Any]) -> Iterator[str]:
    if not name.strip():
        yield "it has no name"
    if not described:
        yield "it has no description"
    known = parameters.get("properties")
    if not isinstance(known, dict):
        yield "parameters have no properties"
        return
    required = parameters.get("required", ())
    if isinstance(required, list):
        yield from (
            f"requires {key}, which is not among its properties" for key in required if key not in known
        )
    for key, part in known.items():
        if isinstance(part, dict) and not any(word in part for word in _TELLING):
            yield f"parameter {key} has neither a type nor a description"


def _references(part: Any) -> Iterator[str]:
    """Every `$ref` inside a schema."""
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        yield part["$ref"]
    for entry in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _references(entry)


def _one_metaschema() -> dict[str, Any]:
    """The schema of schemas in one piece: its vocabularies put together, `$dynamicRef` made a `$ref`."""
    whole: dict[str, Any] = {"type": ["object", "boolean"], "properties": {}, "$defs": {}}
    pages = [REGISTRY[f"{_SPECIFICATION}meta/{name}"].contents for name in _VOCABULARIES.split()]
    for page in (REGISTRY[f"{_SPECIFICATION}schema"].contents, *pages):
        for part in ("properties", "$defs"):
            whole[part] |= _pointing_here(page.get(part, {}))
    return whole


def _pointing_here(part: Any) -> Any:
    if isinstance(part, dict):
        if part.get("$dynamicRef") == "#meta":
            return {"$ref": "#"}
        if isinstance(part.get("$ref"), str):
            return {**part, "$ref": "#" + part["$ref"].rpartition("#")[2]}
        return {key: _pointing_here(value) for key, value in part.items()}
    return [_pointing_here(entry) for entry in part] if isinstance(part, list) else part


_schema_misfits: Final[Callable[[Any], list[Misfit]]] = compiled(_one_metaschema())
