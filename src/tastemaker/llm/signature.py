"""A tool as one line of text: `name(arg: type, other: int = 10)  # doc`.

A signature says the same to a model as the JSON Schema that it stands for, in fewer tokens. Types: str, int,
float, bool, null, any, `[type]` for an array, `{key: type}` for an object with known keys, `{type}` for one
with any keys, `"a"|"b"` for a choice. `arg?: type` may be left out and has no default worth telling. A
described signature also tells, in brackets after a parameter, what its description adds: `rate: float (as a
decimal)`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from tastemaker.records import ToolSpec

_NAMES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "null"}
_LONGEST = 15
"""Words of a parameter's description that are told."""
_LEVELS = 2
"""Members of the tool, and of objects among them, are described; what lies deeper is not."""
_IDLE_WORDS = (
    "a an and any as at by each entry for given in is it its more new of on one or that the these this to"
    " value wanted which with"
)
_IDLE: Final = frozenset(_IDLE_WORDS.split())
"""Words that tell nothing on their own."""


@dataclass(frozen=True)
class _Notes:
    """Which descriptions a signature tells."""

    known: frozenset[str]
    """Words of the tool's own description."""
    levels: int = _LEVELS

    def of(self, name: str, schema: Any) -> str:
        """What a parameter's description adds, in brackets, without what it begins with where that stands in
        the signature anyway; empty where nothing is left."""
        about = schema.get("description") if isinstance(schema, dict) else None
        if not isinstance(about, str) or self.levels < 1:
            return ""
        shown = self.known | _shown(name, schema)
        pieces = re.split(r"(?<=[,.;:])\s+", about.strip())
        while pieces and shown.issuperset(_words(pieces[0])):
            del pieces[0]
        told = " ".join(" ".join(pieces).split()[:_LONGEST]).rstrip(".,;:")
        return f" ({told})" if told else ""

    def deeper(self) -> _Notes:
        return _Notes(self.known, self.levels - 1)


def _shown(name: str, schema: dict[str, Any]) -> frozenset[str]:
    """The words of a parameter that its signature shows anyway: of its name, members and choices."""
    items = schema.get("items")
    inner = items if isinstance(items, dict) else schema
    told = [name, *inner.get("properties", ()), *map(str, inner.get("enum", ()))]
    return frozenset(word for text in told for word in _words(text))


@lru_cache(16384)
def _words(text: str) -> tuple[str, ...]:
    """The telling words of a text or name, in lower case and without a plural's s."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W_a-zA-Z]+|[^\W_]+", text)
    return tuple(part.lower().removesuffix("s") for part in parts if part.lower() not in _IDLE)


def signature(spec: ToolSpec, described: bool = False) -> str:
    """The tool as one line; `described`: with what its parameters' descriptions add.

    >>> signature(ToolSpec(name="now", description="The time."))
    'now()  # The time.'
    """
    doc = " ".join(spec.description.split())
    notes = _Notes(frozenset(_words(doc))) if described else None
    line = f"{spec.name}({_members(spec.parameters, spec.parameters, (), notes)})"
    return f"{line}  # {doc}" if doc else line


def type_text(schema: Any, root: dict[str, Any]) -> str:
    """A schema's type as a signature writes it; references are looked up in `root`."""
    return _type(schema, root, (), None)


def resolve(reference: str, root: dict[str, Any]) -> Any:
    """The schema that `#` or a path such as `#/$defs/NAME` points at in `root`; None where there is none."""
    part: Any = root
    for key in reference.split("/")[1:]:
        part = part.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(part, dict) else None
    return part if reference.split("/")[0] == "#" else None


def _type(schema: Any, root: dict[str, Any], open_references: tuple[str, ...], notes: _Notes | None) -> str:
    if not isinstance(schema, dict):
        return "any"
    if "$ref" in schema:
        reference = str(schema["$ref"])
        name = reference.rsplit("/", 1)[-1]
        if reference in open_references:
            return name
        return _type(resolve(reference, root), root, (*open_references, reference), notes)
    if "enum" in schema or "const" in schema:
        return "|".join(_json(value) for value in schema.get("enum", [schema.get("const")]))
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return "|".join(dict.fromkeys(_type(branch, root, open_references, notes) for branch in branches))
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return "|".join(_plain_type(kind, schema, root, open_references, notes) for kind in kinds) or "any"


def _plain_type(
    kind: str,
    schema: dict[str, Any],
    root: dict[str, Any],
    open_references: tuple[str, ...],
    notes: _Notes | None,
) -> str:
    if kind == "array":
        if "prefixItems" in schema:
            return (
                f"[{', '.join(_type(part, root, open_references, notes) for part in schema['prefixItems'])}]"
            )
        return f"[{_type(schema.get('items', True), root, open_references, notes)}]"
    if kind == "object":
        if schema.get("properties"):
            return f"{{{_members(schema, root, open_references, notes and notes.deeper())}}}"
        return f"{{{_type(schema.get('additionalProperties', True), root, open_references, notes)}}}"
    return _NAMES.get(kind, kind)


def _members(
    schema: dict[str, Any], root: dict[str, Any], open_references: tuple[str, ...], notes: _Notes | None
) -> str:
    required = schema.get("required", ())
    parts = []
    for name, part in schema.get("properties", {}).items():
        default = part.get("default") if isinstance(part, dict) else None
        text = _type(part, root, open_references, notes)
        if name in required:
            parts.append(f"{name}: {text}")
        elif default is None:
            parts.append(f"{name}?: {text.removesuffix('|null')}")
        else:
            parts.append(f"{name}: {text} = {_json(default)}")
        if notes is not None:
            parts[-1] += notes.of(name, part)
    return ", ".join(parts)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
