"""Value types: what kind of value a parameter takes, written as one short text.

A type's text is its identity. It goes into files as it stands, and whoever must draw a value for a parameter
reads it back with `ValueTypes.read`:

| text | a value is |
|---|---|
| `city` | of the named type `city` (see `seed/types.toml`) |
| `1..5`, `0.0..40.0 kg` | an integer, or a number where a bound has a point; in the unit, if one is told |
| `red\\|green` | one of these texts |
| `~Rex\\|Bella` | any text of this sort; these are examples |
| `bool` | true or false |
| `{name:person; age:0..99}` | an object with these members |
| `date[]` | a list of such values |
| `@hotels/room` | the identifier of a thing (domain/thing) |

Knows nothing of tools, domains or language.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tastemaker.errors import InputError

_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)(?: (.+))?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_IDENTIFIERS = 5
"""Examples of an identifier."""


@dataclass(frozen=True)
class ValueType:
    """A type as it was read."""

    text: str
    schema: dict[str, Any]
    """JSON Schema of a value, without descriptions. To be copied before it is changed."""
    unit: str = ""
    examples: tuple[Any, ...] = ()
    members: tuple[tuple[str, ValueType], ...] = ()
    """Of an object: names and types."""
    item: ValueType | None = None
    """Of a list: the type of an entry."""

    @property
    def kind(self) -> str:
        """`string`, `integer`, `number`, `boolean`, `object` or `array`."""
        return str(self.schema["type"])

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "number")

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a closed choice; empty for other types."""
        return tuple(self.schema.get("enum", ()))


class ValueTypes:
    """Reads texts of types; `named` gives for each name a text, or a table with schema, unit and examples."""

    def __init__(self, named: Mapping[str, Any] | None = None) -> None:
        self.named = dict(named or {})
        self._read: dict[str, ValueType] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.named

    def read(self, text: str) -> ValueType:
        """The type of this text. Raises InputError where it is none.

        >>> ValueTypes().read("1..5 stars").schema
        {'type': 'integer', 'minimum': 1, 'maximum': 5}
        """
        if text not in self._read:
            self._read[text] = self._parse(text)
        return self._read[text]

    def _parse(self, text: str) -> ValueType:
        if text.endswith("[]"):
            item = self.read(text[:-2])
            return ValueType(text, {"type": "array", "items": item.schema}, item=item)
        if text.startswith("{") and text.endswith("}"):
            return self._object(text)
        if text.startswith("@") and len(text) > 1:
            return ValueType(text, {"type": "string"}, examples=_identifiers(text))
        if text == "bool":
            return ValueType(text, {"type": "boolean"})
        if match := _RANGE.fullmatch(text):
            return _range(text, match)
        if text.startswith("~"):
            return ValueType(text, {"type": "string"}, examples=_parts(text[1:], text))
        if "|" in text:
            parts = _parts(text, text)
            return ValueType(text, {"type": "string", "enum": list(parts)}, examples=parts)
        if text in self.named:
            return self._named(text)
        raise InputError(f"value type {text!r}: neither a named type nor a range, choice, object or list")

    def _named(self, name: str) -> ValueType:
        entry = self.named[name]
        if isinstance(entry, str):
            inner = self._parse(entry)
            return ValueType(name, inner.schema, inner.unit, inner.examples, inner.members, inner.item)
        try:
            return ValueType(
                name, dict(entry["schema"]), entry.get("unit", ""), tuple(entry.get("examples", ()))
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(
                f"value type {name}: write a text, or a table with schema and examples"
            ) from None

    def _object(self, text: str) -> ValueType:
        members = tuple((name, self.read(part)) for name, part in attributes(text[1:-1]))
        schema = {
            "type": "object",
            "properties": {name: part.schema for name, part in members},
            "required": [name for name, _ in members],
        }
        return ValueType(text, schema, members=members)


def attributes(text: str) -> tuple[tuple[str, str], ...]:
    """Names and types' texts of `name:type; name; …`; a name alone is also its type.

    >>> attributes("city; size:1..9 m; rooms:{name:~Hall; area:1..50}[]")
    (('city', 'city'), ('size', '1..9 m'), ('rooms', '{name:~Hall; area:1..50}[]'))
    """
    found = []
    for part in _split(text):
        name, _, kind = part.partition(":")
        name = name.strip()
        if not _NAME.fullmatch(name):
            raise InputError(f"attribute {part!r}: write name:type with a name in lower_case")
        found.append((name, kind.strip() or name))
    if len({name for name, _ in found}) < len(found):
        raise InputError(f"attributes {text!r}: a name stands twice")
    return tuple(found)


def _split(text: str) -> list[str]:
    """The parts between semicolons that stand in no braces."""
    parts, depth = [""], 0
    for sign in text:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == ";" and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def _parts(text: str, whole: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split("|"))
    if not all(parts) or len(set(parts)) < len(parts):
        raise InputError(f"value type {whole!r}: an empty or repeated value")
    return parts


def _range(text: str, match: re.Match[str]) -> ValueType:
    low, high, unit = match.groups()
    whole = "." not in low + high
    bounds: tuple[float, float] = (int(low), int(high)) if whole else (float(low), float(high))
    if bounds[0] >= bounds[1]:
        raise InputError(f"value type {text!r}: the lower bound must be below the upper one")
    kind = "integer" if whole else "number"
    return ValueType(text, {"type": kind, "minimum": bounds[0], "maximum": bounds[1]}, unit or "")


def _identifiers(text: str) -> tuple[str, ...]:
    """Made-up identifiers such as `RM-4821`, always the same for one thing."""
    thing = text.rsplit("/", 1)[-1].upper()
    prefix = (re.sub(r"[^A-Z]|(?<!^)[AEIOU]", "", thing) + "X")[:3]
    first = zlib.crc32(text.encode()) % 9000
    return tuple(f"{prefix}-{1000 + (first + 137 * step) % 9000}" for step in range(_IDENTIFIERS))
