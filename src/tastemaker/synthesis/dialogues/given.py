"""The arguments of a call as results see them: by plain names, with value types, defaults among them.

Knows nothing of results.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from tastemaker.errors import InputError
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.context_tree import ContextTree, default_tree
from tastemaker.synthesis.value_types import ValueType
from tastemaker.synthesis.wording import singular, words


@lru_cache(1)
def tree() -> ContextTree:
    return default_tree()


@lru_cache(65536)
def kind_of(text: str) -> ValueType | None:
    """The value type of a text; None where it is none of the default tree."""
    try:
        return tree().types.read(text)
    except InputError:
        return None


@lru_cache(65536)
def plain(name: str) -> str:
    """A member's name in snake_case."""
    return "_".join(words(name))


@lru_cache(65536)
def single(name: str) -> str:
    """The singular of a name in snake_case."""
    return "_".join(singular(name.replace("_", " ")).split())


@dataclass
class Given:
    """The arguments, by names in snake_case, defaults among them."""

    values: dict[str, tuple[Any, str]] = field(default_factory=dict)
    """Scalars with their value types' texts."""
    lists: dict[str, tuple[list[Any], str]] = field(default_factory=dict)
    """Lists of scalars, by the singular of their names."""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    """The first list of objects."""
    entries_path: str = ""

    def number(self, name: str) -> float | None:
        value = self.values.get(name, (None,))[0]
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def text(self, *names: str) -> str | None:
        for name in names:
            value = self.values.get(name, (None,))[0]
            if isinstance(value, str):
                return value
        return None

    def with_entry(self, api: Api, name: str, value: Any, text: str) -> Given:
        twin = Given({**self.values}, {**self.lists}, {**self.objects})
        if isinstance(value, dict):
            _read(api, value, f"{self.entries_path}[]", twin)
        else:
            twin.values[name] = (value, text)
        return twin


def given_by(api: Api, arguments: dict[str, Any]) -> Given:
    properties = api.spec.parameters.get("properties", {})
    defaults = {
        name: part["default"]
        for name, part in properties.items()
        if name not in arguments and part.get("default") is not None
    }
    made = Given()
    _read(api, {**defaults, **arguments}, "", made)
    return made


def _read(api: Api, arguments: dict[str, Any], prefix: str, made: Given) -> None:
    types = api.types
    for key, value in arguments.items():
        path = f"{prefix}.{key}" if prefix else key
        name = plain(key)
        if isinstance(value, dict):
            made.objects[name] = value
            _read(api, value, path, made)
        elif not isinstance(value, list):
            made.values[name] = (value, types.get(path, ""))
        elif value and isinstance(value[0], dict):
            if not made.entries:
                made.entries, made.entries_path = value, path
        elif value:
            made.lists[single(name)] = (value, types.get(f"{path}[]", ""))


@lru_cache(4096)
def attributes_of(domain: str, thing: str) -> dict[str, ValueType]:
    """The value types of a thing's attributes; none where the default tree has no such thing."""
    found = tree().domains.get(domain)
    for one in found.things if found is not None else ():
        if one.name == thing:
            return {a.name: tree().types.read(a.type) for a in (*one.attributes, *one.outputs)}
    return {}


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a scalar is valid under a schema of the kind that pools have."""
    kind = schema.get("type")
    if "enum" in schema and value not in schema["enum"]:
        return False
    if kind == "string":
        return isinstance(value, str) and (
            "pattern" not in schema or bool(re.search(schema["pattern"], value))
        )
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer" or kind == "number":
        if not is_number(value) or (kind == "integer" and value != int(value)):
            return False
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return kind is None


def day_of(value: Any) -> date | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None
