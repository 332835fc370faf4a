"""Reads a call's arguments against a JSON Schema (Draft 2020-12), and says in one line what does not fit.

Values are read leniently where nothing is lost: `"5"` for an integer or a number, `5` for a text, `5.0` for
an integer, `"true"` for a boolean, and null for an argument that may be left out. Knows nothing of what the
arguments are for.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from referencing import Registry

from tastemaker.errors import InputError, ToolError
from tastemaker.llm.signature import resolve, type_text

_KEPT = 1024
"""Readers kept, so that the same specification is checked and compiled once, however many requests use it."""

_SHOWN = 60
"""Characters of a wrong value that an error message repeats."""


class ArgumentReader:
    """Reads the arguments of one tool; see `reader`."""

    def __init__(self, tool: str, parameters: dict[str, Any]) -> None:
        if parameters.get("type") != "object":
            raise InputError(f"tool {tool}: the schema of its parameters must have type object")
        try:
            Draft202012Validator.check_schema(parameters, Draft202012Validator.FORMAT_CHECKER)
        except SchemaError as error:
            message = " ".join(str(error.message).split())
            raise InputError(f"tool {tool}: not a JSON Schema: {message}") from None
        for reference in _references(parameters):
            if resolve(reference, parameters) is None:
                raise InputError(f"tool {tool}: its schema refers to {reference}, which is not in it")
        self._tool = tool
        self._parameters = parameters
        self._validator = Draft202012Validator(parameters, registry=Registry())

    def read(self, arguments: Any) -> dict[str, Any]:
        """The arguments as the schema has them. Raises ToolError with the first thing that does not fit."""
        root = self._parameters
        if not isinstance(arguments, dict):
            raise ToolError(f"{self._tool}: the arguments must be an object, got {_shown(arguments)}")
        try:
            read: dict[str, Any] = _coerce(arguments, root, root)
            errors = sorted(
                self._validator.iter_errors(read), key=lambda e: [str(p) for p in e.absolute_path]
            )
        except RecursionError:
            raise ToolError(f"{self._tool}: the arguments are nested too deep") from None
        if errors:
            raise ToolError(f"{self._tool}: {_what_was_wrong(errors[0], root)}")
        return read


def reader(tool: str, parameters: dict[str, Any]) -> ArgumentReader:
    """The reader of a tool's arguments. Checking a schema takes milliseconds, so equal ones share a reader.

    Raises InputError when `parameters` is no JSON Schema of an object.
    """
    return _reader(tool, json.dumps(parameters))


@lru_cache(maxsize=_KEPT)
def _reader(tool: str, parameters: str) -> ArgumentReader:
    return ArgumentReader(tool, json.loads(parameters))


_INTEGER = re.compile(r"\s*([+-]?\d{1,18})(\.0*)?\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?\d{1,15}(\.\d{0,15})?([eE][+-]?\d{1,2})?\s*", re.ASCII)


def _coerce(value: Any, schema: Any, root: dict[str, Any]) -> Any:
    """The value in the type that the schema asks for where nothing is lost by it; else the value as it is."""
    if not isinstance(schema, dict):
        return value
    if "$ref" in schema:
        return _coerce(value, resolve(schema["$ref"], root), root)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        fitting = [branch for branch in branches if _accepts(branch, value, root)]
        if fitting:
            return _coerce(value, fitting[0], root)
        read = [_coerce(value, branch, root) for branch in branches]
        return next((r for r, branch in zip(read, branches, strict=True) if _accepts(branch, r, root)), value)
    if isinstance(value, list):
        rest = itertools.repeat(schema.get("items", True))
        parts = itertools.chain(schema.get("prefixItems", ()), rest)
        return [_coerce(entry, part, root) for entry, part in zip(value, parts, strict=False)]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        other = schema.get("additionalProperties", True)
        required = schema.get("required", ())
        return {
            key: _coerce(entry, known.get(key, other), root)
            for key, entry in value.items()
            if entry is not None or key in required or key not in known or _accepts(known[key], None, root)
        }
    types = _types(schema)
    return value if not types or _is_one_of(value, types) else _read_as(value, types)


def _read_as(value: Any, types: list[str]) -> Any:
    if isinstance(value, str):
        if ("integer" in types or "number" in types) and (match := _INTEGER.fullmatch(value)):
            return int(match[1])
        if "number" in types and _NUMBER.fullmatch(value):
            return float(value)
        if "boolean" in types and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        whole = int(value) if math.isfinite(value) and value == int(value) else None
        if "integer" in types and whole is not None:
            return whole
        if "string" in types and math.isfinite(value):
            return str(value if whole is None else whole)
    return value


def _types(schema: dict[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _is_one_of(value: Any, types: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in types
    return any(isinstance(value, _PYTHON.get(kind, ())) for kind in types)


def _accepts(schema: Any, value: Any, root: dict[str, Any]) -> bool:
    """Whether the value is of the schema's type; what stands inside it is not looked at."""
    if not isinstance(schema, dict):
        return schema is True
    if "$ref" in schema:
        return _accepts(resolve(schema["$ref"], root), value, root)
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return any(_accepts(branch, value, root) for branch in branches)
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    types = _types(schema)
    return not types or _is_one_of(value, types)


def _references(part: Any) -> Iterator[str]:
    """Every `$ref` inside a schema."""
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        yield part["$ref"]
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for entry in inner:
        yield from _references(entry)


def _what_was_wrong(error: ValidationError, root: dict[str, Any]) -> str:
    where = ".".join(map(str, error.absolute_path))
    inside = f" in {where}" if where else ""
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"argument {missing}{inside} is missing; it must be {_expected(error.schema, missing, root)}"
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema.get("properties", {})
        unknown = next((key for key in error.instance if key not in known), "")
        return f"there is no argument {_shown(unknown)}{inside}; there is: {', '.join(known) or 'none'}"
    expected = type_text(error.schema, root)
    if error.validator in ("type", "enum", "const", "anyOf", "oneOf"):
        return f"argument {where} must be {expected}, got {_shown(error.instance)}"
    bound = f"{error.validator} {_shown(error.validator_value)}"
    return f"argument {where} must be {expected} with {bound}, got {_shown(error.instance)}"


def _expected(schema: dict[str, Any], key: str, root: dict[str, Any]) -> str:
    return type_text(schema.get("properties", {}).get(key, True), root)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
