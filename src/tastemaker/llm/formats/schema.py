"""From the type names that function documents use to JSON Schema, and back.

ToolACE's and BFCL's documents write `dict`, `float`, `tuple` and `any`, some write Python's, Java's or
JavaScript's names; models know JSON Schema. `normalised` also mends what such lists get wrong: `required`
that is null or stands as a boolean inside the property, and `items` that is a list (tuples before 2020-12).
What it changed is kept as `Change`s, and `restored` takes them back. Knows nothing of calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tastemaker.llm.formats.base import FormatError, checked, dump

_JSON_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_WORDS = {
    "string": "str char varchar text",
    "integer": "int long short byte bigint",
    "number": "float double decimal",
    "boolean": "bool",
    "array": "list tuple set queue stack arraylist",
    "object": "dict map hashmap hashtable json",
    "null": "none nonetype",
}
_STANDARD = {word: kind for kind, words in _WORDS.items() for word in (kind, *words.split())}
_ANY = ("any", "mixed")
_BFCL = {"object": "dict", "number": "float"}

_ONE = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_SEVERAL = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs", "definitions")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """One place of a document that was changed."""

    path: Path
    """Keys and positions from the root to the place."""
    was: Mapping[str, Any]
    """The key words that stood there and do not any more, or had another value."""
    became: tuple[str, ...]
    """The key words that stand there instead or were added."""


def parameters(value: Any, tool: str) -> tuple[dict[str, Any], tuple[Change, ...]]:
    """A tool's parameters as JSON Schema (Draft 2020-12) of type object, and what was changed for it.

    None and an empty object stand for no parameters. Raises FormatError with the tool's name.
    """
    try:
        if value is None or value == {}:
            return {"type": "object", "properties": {}}, ()
        if not isinstance(value, dict):
            raise FormatError("its parameters are no object")
        schema, changes = normalised({"type": "object", **value})
        if schema.get("type") != "object":
            raise FormatError(f"its parameters are of type {schema.get('type')!r}, not of an object")
        if not isinstance(schema.setdefault("properties", {}), dict):
            raise FormatError("its properties are no object")
        _check(dump(schema))
        return schema, changes
    except FormatError as error:
        raise FormatError(f"tool {tool}: {error}") from None


def normalised(schema: Any) -> tuple[Any, tuple[Change, ...]]:
    """A schema in JSON Schema's own words, and what was changed. Raises FormatError for unknown types."""
    changes: list[Change] = []
    return _normalised(checked(schema), (), changes), tuple(changes)


def restored(schema: Any, changes: Iterable[Change]) -> Any:
    """The document that `normalised` was given, where the schema has not been altered since."""
    for change in reversed(tuple(changes)):
        schema = _with(schema, change.path, change)
    return schema


def bfcl_types(schema: Any) -> Any:
    """The schema with BFCL's type names: dict for object, float for number, any where there is no type."""
    if not isinstance(schema, dict):
        return schema
    result = _inside(schema, lambda part, _: bfcl_types(part))
    kind = schema.get("type")
    if isinstance(kind, str):
        result["type"] = _BFCL.get(kind, kind)
    elif isinstance(kind, list):
        result["type"] = [_BFCL.get(word, word) for word in kind]
    elif not any(key in schema for key in ("$ref", "enum", "const", "type", *_SEVERAL)):
        result = {"type": "any", **result}
    return result


@lru_cache(maxsize=4096)
def _check(schema: str) -> None:
    """Checking takes a millisecond, so equal schemas are checked once."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(json.loads(schema), Draft202012Validator.FORMAT_CHECKER)
    except RecursionError:
        raise FormatError("its schema is nested too deep") from None
    except SchemaError as error:
        where = ".".join(map(str, error.absolute_path))
        message = " ".join(str(error.message).split())[:200]
        raise FormatError(f"not a JSON Schema: {where + ': ' if where else ''}{message}") from None


def _normalised(schema: Any, path: Path, changes: list[Change]) -> Any:
    if not isinstance(schema, dict):
        return schema
    result = dict(schema)
    _mend_type(result, path)
    if result.get("required", ()) is None or isinstance(result.get("required"), bool):
        del result["required"]
    if result.get("items", ()) is None:
        del result["items"]
    if isinstance(result.get("items"), list):
        result["prefixItems"] = result.pop("items")
    wanted = _wanted(schema)
    if wanted:
        required = result.get("required") or []
        if not isinstance(required, list):
            raise FormatError(f"{_text(path)}required is no list")
        result["required"] = [*required, *(name for name in wanted if name not in required)]
    if result != schema:
        was = {key: value for key, value in schema.items() if key not in result or result[key] != value}
        became = [key for key in result if key not in schema or result[key] != schema[key]]
        changes.append(Change(path, was, tuple(became)))
    return _inside(result, lambda part, place: _normalised(part, (*path, *place), changes))


def _mend_type(schema: dict[str, Any], path: Path) -> None:
    kind = schema.get("type", ())
    if kind is None or (isinstance(kind, str) and kind.lower() in _ANY):
        del schema["type"]
    elif isinstance(kind, str):
        schema["type"] = _standard(kind, path)
    elif isinstance(kind, list):
        kinds = [word if isinstance(word, str) else "" for word in kind]
        if any(word.lower() in _ANY for word in kinds):
            del schema["type"]
        else:
            schema["type"] = list(dict.fromkeys(_standard(word, path) for word in kinds))
    elif kind != ():
        raise FormatError(f"{_text(path)}a type must be a name or a list of names")


def _standard(word: str, path: Path) -> str:
    kind = _STANDARD.get(word.lower())
    if kind is None:
        raise FormatError(f"{_text(path)}unknown type {word[:40]!r}; there is: {', '.join(_JSON_TYPES)}, any")
    return kind


def _wanted(schema: dict[str, Any]) -> list[str]:
    """The properties that say of themselves that they are required."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return []
    return [n for n, part in properties.items() if isinstance(part, dict) and part.get("required") is True]


def _inside(schema: dict[str, Any], change: Callable[[Any, Path], Any]) -> dict[str, Any]:
    """The schema with each schema inside it changed; values (enum, default, …) stay."""
    result = dict(schema)
    for key, part in schema.items():
        if key in _NAMED and isinstance(part, dict):
            result[key] = {name: change(inner, (key, name)) for name, inner in part.items()}
        elif key in _SEVERAL and isinstance(part, list):
            result[key] = [change(inner, (key, place)) for place, inner in enumerate(part)]
        elif key in _ONE:
            result[key] = change(part, (key,))
    return result


def _with(value: Any, path: Path, change: Change) -> Any:
    if not path:
        kept = {key: part for key, part in value.items() if key not in change.became}
        return {**kept, **change.was}
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], change)
    return copy


def _text(path: Path) -> str:
    return f"{'.'.join(map(str, path))}: " if path else ""
