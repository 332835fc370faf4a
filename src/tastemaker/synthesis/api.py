"""The record of one API in a pool, and the JSON Lines file that pools are kept in.

Knows nothing of how an API came about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, SchemaError
from pydantic import Field, ValidationError

from tastemaker.errors import InputError
from tastemaker.records import Record, ToolSpec, canonical


class Lineage(Record):
    """Where an API comes from."""

    origin: str = "tree"
    """`tree` (rules), `document` (as it stood in a document), or the name of the model that wrote it."""
    parent: str | None = None
    """The API that it evolved from."""
    steps: tuple[str, ...] = ()
    """What evolution did, in order."""
    block: int = 0
    """The block of the pool's making: see `pool`."""


class Api(Record):
    """One API: its specification and what the makers of dialogues need to know beyond it.

    `types` and `returns` give the value type (see `value_types`) of each scalar by its path: names joined by
    dots, `[]` for the entries of a list (`rooms[].guests`). A schema may be narrower than the type.
    """

    id: str
    spec: ToolSpec
    area: str
    domain: str
    path: tuple[str, ...]
    """Thing and verb in the context tree."""
    types: dict[str, str] = Field(default_factory=dict)
    returns: dict[str, str] = Field(default_factory=dict)
    lineage: Lineage = Lineage()


def shape(spec: ToolSpec) -> str:
    """What two APIs must not have in common: the name in one style, and the parameters' names and types."""
    properties = spec.parameters.get("properties", {})
    parts = [(name, canonical(_types_only(part))) for name, part in sorted(properties.items())]
    return canonical([spec.name.lower(), parts])


def api_id(spec: ToolSpec) -> str:
    """A short identifier that depends on the specification alone."""
    return hashlib.blake2b(canonical(spec.model_dump()).encode(), digest_size=8).hexdigest()


def is_nested(parameters: dict[str, Any]) -> bool:
    """Whether one of the parameters is an object, a list of objects or a list of lists."""
    return any(_is_nested(part) for part in parameters.get("properties", {}).values())


def _is_nested(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    if schema.get("type") == "object" or "properties" in schema:
        return True
    items = schema.get("items")
    return isinstance(items, dict) and (
        "items" in items or "properties" in items or items.get("type") == "object"
    )


def fault(spec: ToolSpec) -> str | None:
    """Why a specification may not enter a pool: no JSON Schema, not typed, not described. None if it may."""
    if not spec.name.strip() or not spec.description.strip():
        return "it has no name or no description"
    if spec.parameters.get("type") != "object":
        return "its parameters are no object"
    if spec.result is None:
        return "its result is not typed"
    for what, schema in (("parameters", spec.parameters), ("result", spec.result)):
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            return f"its {what} are no JSON Schema: {' '.join(str(error.message).split())[:100]}"
    return None


def read_apis(path: Path) -> Iterator[Api]:
    """Yield the APIs of a pool file. A last line that was cut off is left out.

    Raises InputError with the place of a line that is no API.
    """
    number = 0
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                number += 1
                if line.endswith("\n"):
                    yield Api.model_validate_json(line)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "line"
        raise InputError(f"{path}:{number}: no API: {where}: {first['msg']}") from None


def _types_only(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return None
    made: dict[str, Any] = {"type": schema.get("type")}
    if "enum" in schema:
        made["enum"] = sorted(map(str, schema["enum"]))
    if "items" in schema:
        made["items"] = _types_only(schema["items"])
    if isinstance(schema.get("properties"), dict):
        made["properties"] = {name: _types_only(part) for name, part in schema["properties"].items()}
    return made
