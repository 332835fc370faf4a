"""A tool as one line of text: `name(arg: type, other: int = 10)  # doc`.

A signature says the same to a model as the JSON Schema that it stands for, in fewer tokens. Types: str, int,
float, bool, null, any, `[type]` for an array, `{key: type}` for an object with known keys, `{type}` for one
with any keys, `"a"|"b"` for a choice. `arg?: type` may be left out and has no default worth telling.
"""

from __future__ import annotations

import json
from typing import Any

from tastemaker.records import ToolSpec

_NAMES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "null"}


def signature(spec: ToolSpec) -> str:
    """The tool as one line.

    >>> signature(ToolSpec(name="now", description="The time."))
    'now()  # The time.'
    """
    doc = " ".join(spec.description.split())
    line = f"{spec.name}({_members(spec.parameters, spec.parameters, ())})"
    return f"{line}  # {doc}" if doc else line


def type_text(schema: Any, root: dict[str, Any]) -> str:
    """A schema's type as a signature writes it; references are looked up in `root`."""
    return _type(schema, root, ())


def resolve(reference: str, root: dict[str, Any]) -> Any:
    """The schema that `#` or a path such as `#/$defs/NAME` points at in `root`; None where there is none."""
    part: Any = root
    for key in reference.split("/")[1:]:
        part = part.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(part, dict) else None
    return part if reference.split("/")[0] == "#" else None


def _type(schema: Any, root: dict[str, Any], open_references: tuple[str, ...]) -> str:
    if not isinstance(schema, dict):
        return "any"
    if "$ref" in schema:
        reference = str(schema["$ref"])
        name = reference.rsplit("/", 1)[-1]
        if reference in open_references:
            return name
        return _type(resolve(reference, root), root, (*open_references, reference))
    if "enum" in schema or "const" in schema:
        return "|".join(_json(value) for value in schema.get("enum", [schema.get("const")]))
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return "|".join(dict.fromkeys(_type(branch, root, open_references) for branch in branches))
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return "|".join(_plain_type(kind, schema, root, open_references) for kind in kinds) or "any"


def _plain_type(
    kind: str, schema: dict[str, Any], root: dict[str, Any], open_references: tuple[str, ...]
) -> str:
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(_type(part, root, open_references) for part in schema['prefixItems'])}]"
        return f"[{_type(schema.get('items', True), root, open_references)}]"
    if kind == "object":
        if schema.get("properties"):
            return f"{{{_members(schema, root, open_references)}}}"
        return f"{{{_type(schema.get('additionalProperties', True), root, open_references)}}}"
    return _NAMES.get(kind, kind)


def _members(schema: dict[str, Any], root: dict[str, Any], open_references: tuple[str, ...]) -> str:
    required = schema.get("required", ())
    parts = []
    for name, part in schema.get("properties", {}).items():
        default = part.get("default") if isinstance(part, dict) else None
        text = _type(part, root, open_references)
        if name in required:
            parts.append(f"{name}: {text}")
        elif default is None:
            parts.append(f"{name}?: {text.removesuffix('|null')}")
        else:
            parts.append(f"{name}: {text} = {_json(default)}")
    return ", ".join(parts)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
