"""Arguments in the types of their schema: JSON has one kind of number, so a model may write 3 for 3.0."""

from __future__ import annotations

from typing import Any

from tastemaker.llm.signature import resolve

_DEEPEST = 32
_EXACT = 2**53
"""Up to here floats tell all whole numbers apart."""


def with_floats(value: Any, schema: Any, root: dict[str, Any] | None = None, depth: int = _DEEPEST) -> Any:
    """A JSON value in which whole numbers are floats wherever the schema says `number`.

    >>> with_floats({"prices": [3, 2.5], "n": 3}, {"properties": {"prices": {"items": {"type": "number"}}}})
    {'prices': [3.0, 2.5], 'n': 3}
    """
    if not isinstance(schema, dict) or depth == 0:
        return value
    root = schema if root is None else root
    if "$ref" in schema:
        return with_floats(value, resolve(str(schema["$ref"]), root), root, depth - 1)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        return {
            key: with_floats(one, properties.get(key, others), root, depth - 1) for key, one in value.items()
        }
    if isinstance(value, list):
        return [with_floats(one, schema.get("items"), root, depth - 1) for one in value]
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _EXACT
    return float(value) if whole and schema.get("type") == "number" else value
