"""Values for an API's parameters: each fits its schema and comes with the words in which a user says it.

What a value is about comes from the API's value types, and where there is none from the schema and the
parameter's name. Knows nothing of the sentences that the words go into.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

from tastemaker.errors import InputError
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.context_tree import default_tree
from tastemaker.synthesis.dialogues import days, phrases, shapes, sources, titles
from tastemaker.synthesis.dialogues.argument import Argument
from tastemaker.synthesis.dialogues.form import MARK, Want, in_pool_form, parted
from tastemaker.synthesis.dialogues.forms import formed
from tastemaker.synthesis.dialogues.names import beside, bound, is_year, named_after
from tastemaker.synthesis.dialogues.ranges import draw_number
from tastemaker.synthesis.value_types import ValueType, ValueTypes

Schema = Mapping[str, Any]
_TRIES = 12
_MONEY = frozenset(("price", "amount", "budget", "salary"))
_CODES = {"language_code": "language", "currency": "currency", "country_code": "country"}
_LONG = frozenset(("text", "comment", "notes", "sentence", "title"))
"""Open texts that often stand in quotes."""
_EXACT = frozenset(
    (
        "email",
        "phone",
        "url",
        "ip_address",
        "domain_name",
        "hex_color",
        "isbn",
        "vin",
        "iban",
        "time_zone",
        "ticker",
    )
)
"""Texts that are hardly ever quoted."""
_LENGTHS = (1, 2, 2, 2, 3, 3, 3, 4, 5)
_FORMATS = {
    "date": "date",
    "date-time": "datetime",
    "time": "time",
    "email": "email",
    "uri": "url",
    "url": "url",
    "ipv4": "ip_address",
    "hostname": "domain_name",
}


@lru_cache(1)
def _shipped_types() -> ValueTypes:
    return default_tree().types


class Values:
    """Draws arguments. The same generator in the same state gives the same arguments."""

    def __init__(self, rng: Random, *, types: ValueTypes | None = None, today: dt.date | None = None) -> None:
        self.rng = rng
        self.types = _shipped_types() if types is None else types
        self.today = today
        """The day from which dates may be said (`tomorrow`); without it no date is relative."""
        self._order = 2
        self._shape = 0
        self._taken: set[tuple[str, str]] = set()
        self._in_list = False
        self._style: float | None = None

    def arguments(self, api: Api, *, optional: float = 0.3) -> tuple[Argument, ...]:
        """Every required parameter, and each optional one with this probability, in the schema's order."""
        self._begin()
        return self._fill(api, api.spec.parameters, "", optional)

    def argument(self, api: Api, path: str) -> Argument:
        """One value for the parameter at a path (`rooms[].guests`). Raises InputError where there is none."""
        self._begin()
        schema: Any = api.spec.parameters
        name, parent, wanted = "", schema, True
        for step in path.split("."):
            name = step.rstrip("[]")
            parent, schema = schema, schema.get("properties", {}).get(name)
            if schema is None:
                raise InputError(f"{api.spec.name}: no parameter {path!r}")
            wanted = name in parent.get("required", ())
            for _ in range(step.count("[]")):
                name, schema = "", schema.get("items", {})
        return self._other_than_default(api, parent, schema, path, name, wanted, 0.3)

    def _begin(self) -> None:
        """A new call: what its values have in common."""
        self._order = self.rng.choice((2, 2, 3))
        self._shape = self.rng.randrange(16)
        self._taken.clear()

    def _fill(self, api: Api, schema: Schema, prefix: str, optional: float) -> tuple[Argument, ...]:
        """The members of an object."""
        properties: dict[str, Schema] = schema.get("properties", {})
        required = schema.get("required", ())
        names = [name for name in properties if name in required or self.rng.random() < optional]
        if prefix and not names and properties:
            names = [self.rng.choice(list(properties))]
        made: dict[str, Argument] = {}
        for name in names:
            part = properties[name]
            path = f"{prefix}.{name}" if prefix else name
            wanted = name in required
            argument = self._other_than_default(api, schema, part, path, name, wanted, optional)
            for _ in range(_TRIES):
                if not self._repeats(argument):
                    break
                argument = self._other_than_default(api, schema, part, path, name, wanted, optional)
            if not wanted and "default" in part and argument.value == part["default"]:
                continue
            made[name] = argument
            if isinstance(argument.value, str) and argument.kind is not None:
                self._taken.add((argument.kind.text, argument.value))
        _put_in_order(made, properties)
        return tuple(made.values())

    def _repeats(self, argument: Argument) -> bool:
        """Whether a text is that of another argument of the same type."""
        value, kind = argument.value, argument.kind
        return isinstance(value, str) and kind is not None and (kind.text, value) in self._taken

    def _other_than_default(
        self, api: Api, parent: Schema, schema: Schema, path: str, name: str, wanted: bool, optional: float
    ) -> Argument:
        argument = self._draw(api, parent, schema, path, name, optional)
        if not wanted and "default" in schema:
            for _ in range(_TRIES):
                if argument.value != schema["default"]:
                    break
                argument = self._draw(api, parent, schema, path, name, optional)
        return argument

    def _draw(
        self, api: Api, parent: Schema, schema: Schema, path: str, name: str, optional: float
    ) -> Argument:
        """A value for one schema."""
        schema = _one_of(schema)
        text = api.types.get(path)
        if text and MARK in text:
            return self._formed(api, parent, schema, path, name, text, optional)
        kind = self.types.read(text) if text else None
        if "const" in schema:
            return Argument(name, schema["const"], str(schema["const"]), kind)
        if "enum" in schema:
            return self._choice(schema, name, kind)
        form = schema.get("type")
        if form == "boolean":
            value = self.rng.random() < 0.65 if "default" not in schema else not schema["default"]
            return Argument(name, value, "yes" if value else "no", kind)
        if form in ("integer", "number"):
            return self._number(parent, schema, name, kind)
        if form == "array":
            return self._list(api, parent, schema, path, name, kind, optional)
        if form == "object":
            parts = self._fill(api, schema, path, optional)
            found = {part.name: part.value for part in parts}
            told = [(p.name, f"({p.said})" if len(p.members) > 1 else p.said) for p in parts]
            style = self.rng.random() if self._style is None else self._style
            said = phrases.members(self.rng, told, style) if parts else "nothing"
            return Argument(name, found, said, kind, members=parts)
        if form == "null":
            return Argument(name, None, "nothing", kind)
        return self._text(schema, name, kind)

    def _formed(
        self, api: Api, parent: Schema, schema: Schema, path: str, name: str, text: str, optional: float
    ) -> Argument:
        """A value in the form that the parameter's description tells."""
        form, about, base = parted(text)
        kind = self.types.read(base)
        if form != "joined":
            return formed(form, Want(self.rng, schema, name, kind, about, self.today))
        inner = {"type": "array", "items": dict(kind.schema), "uniqueItems": True}
        for _ in range(_TRIES):
            entries = self._list(api, parent, inner, path, name, None, optional)
            if not any(about.strip() in str(value) for value in entries.value):
                break
        joined = about.join(str(value) for value in entries.value if about.strip() not in str(value))
        return Argument(name, joined, entries.said, kind)

    def _choice(self, schema: Schema, name: str, kind: ValueType | None) -> Argument:
        options = [option for option in schema["enum"] if option is not None]
        value = self.rng.choice(options or schema["enum"])
        if isinstance(value, bool):
            return Argument(name, value, "yes" if value else "no", kind)
        if not isinstance(value, str):
            return Argument(name, value, str(value), kind)
        about = kind.text if kind is not None else named_after(name)
        if about in _CODES:
            return Argument(name, value, phrases.code(self.rng, value, _CODES[about]), kind)
        return Argument(name, value, phrases.choice(self.rng, value, 0.0 if self._in_list else 0.03), kind)

    def _number(self, parent: Schema, schema: Schema, name: str, kind: ValueType | None) -> Argument:
        about = kind.text if kind is not None else ""
        value = draw_number(self.rng, schema, kind)
        others = tuple(parent.get("properties", {}))
        unit = kind.unit if kind is not None else ""
        if unit and (beside(others, "unit") or unit in phrases.spaced(name)):
            unit = ""
        money = about in _MONEY and not beside(others, "currency")
        said = phrases.number(self.rng, value, unit=unit, money=money, plain=is_year(about, name))
        return Argument(name, value, said, kind)

    def _list(
        self,
        api: Api,
        parent: Schema,
        schema: Schema,
        path: str,
        name: str,
        kind: ValueType | None,
        optional: float,
    ) -> Argument:
        item = _one_of(schema.get("items", {"type": "string"}))
        inner = item.get("type")
        if inner == "array" and _one_of(item.get("items", {})).get("type") in ("number", "integer"):
            return self._matrix(schema, item, name, kind)
        low = schema.get("minItems", 1)
        high = max(low, min(schema.get("maxItems", 5), 5))
        n = min(max(self.rng.choice(_LENGTHS), low), high)
        if inner in ("number", "integer") and n < 3 <= high:
            n += self.rng.randint(0, min(3, high - n))
        made: list[Argument] = []
        outer = self._in_list, self._style
        self._in_list, self._style = inner == "string", self.rng.random() if inner == "object" else None
        for _ in range(n):
            for _ in range(_TRIES):
                entry = self._draw(api, schema, item, f"{path}[]", "", optional)
                if all(entry.value != other.value for other in made):
                    made.append(entry)
                    break
            else:
                if len(made) < low and not schema.get("uniqueItems"):
                    made.append(entry)
        self._in_list, self._style = outer
        value = [entry.value for entry in made]
        said = self._said_list(made, inner)
        item_kind = made[0].kind if made else None
        return Argument(name, value, said, kind or item_kind, entries=tuple(made))

    def _said_list(self, made: list[Argument], inner: Any) -> str:
        if inner in ("number", "integer"):
            units = [entry.said for entry in made]
            return (
                phrases.numbers(self.rng, [entry.value for entry in made])
                if self.rng.random() < 0.8
                else (phrases.series(self.rng, units))
            )
        said = [entry.said for entry in made]
        about = made[0].kind.text if made and made[0].kind is not None else ""
        quoted = inner == "string" and (
            about in ("text", "comment", "sentence")
            or any(", " in words or " and " in words for words in said)
            or self.rng.random() < 0.06
        )
        return phrases.series(self.rng, said, quoted)

    def _matrix(self, schema: Schema, row: Schema, name: str, kind: ValueType | None) -> Argument:
        """A list of rows of numbers, or of points where a row has two entries."""
        rng, cell = self.rng, _one_of(row.get("items", {}))
        n = max(self._order, schema.get("minItems", 1))
        columns = n if rng.random() < 0.85 else rng.choice((2, 3, 4))
        columns = min(max(columns, row.get("minItems", 1)), row.get("maxItems", columns))
        points = row.get("maxItems") == 2
        if points:
            n = max(rng.choice((3, 3, 4)), n)
        n = min(n, schema.get("maxItems", n))
        low, high = cell.get("minimum", -9), cell.get("maximum", 12)
        simple = cell.get("type") == "integer" or rng.random() < 0.75
        near = rng.uniform(-50, 55), rng.uniform(-110, 130)
        value: list[list[float]] = [
            [round(middle + rng.uniform(-1, 1), 2) for middle in near]
            if points and columns == 2
            else [
                rng.randint(int(low), int(high)) if simple else draw_number(rng, cell, None)
                for _ in range(columns)
            ]
            for _ in range(n)
        ]
        rows = tuple(
            Argument(
                "", line, phrases.numbers(rng, line), entries=tuple(Argument("", x, str(x)) for x in line)
            )
            for line in value
        )
        return Argument(name, value, phrases.numbers(rng, value), kind, entries=rows)

    def _text(self, schema: Schema, name: str, kind: ValueType | None) -> Argument:
        about = kind.text if kind is not None and kind.kind == "string" else _about(schema, name)
        if about in ("date", "datetime", "time"):
            return self._moment(about, schema, name, kind)
        value = self._drawn_text(about, schema, name, kind)
        return Argument(name, value, self._said_text(about, value), kind)

    def _drawn_text(self, about: str, schema: Schema, name: str, kind: ValueType | None) -> str:
        examples = tuple(str(e) for e in (kind.examples if kind is not None else schema.get("examples", ())))
        for _ in range(_TRIES):
            value = self._any_text(about, name, examples)
            if _fits(value, schema):
                return value
        fitting = [example for example in examples if _fits(example, schema)]
        return self.rng.choice(fitting) if fitting else shapes.fitted(self.rng, schema, value)

    def _any_text(self, about: str, name: str, examples: tuple[str, ...]) -> str:
        rng = self.rng
        source = sources.named().get(about)
        if source is not None:
            return rng.choice(examples) if examples and rng.random() < 0.08 else source(rng)
        if about.startswith("@"):
            return shapes.identifier(rng, about, self._shape + len(about))
        if examples:
            return rng.choice(examples) if rng.random() < 0.5 else shapes.variation(rng, examples)
        return titles.phrase(rng)

    def _said_text(self, about: str, value: str) -> str:
        if about in _CODES:
            return phrases.code(self.rng, value, _CODES[about])
        if about in _EXACT:
            return phrases.text(self.rng, value, 0.02)
        if self._in_list:
            return value
        if about.startswith("@"):
            if value.isdigit() and self.rng.random() < 0.15:
                return f"#{value}"
            return phrases.text(self.rng, value, 0.05)
        if about in _LONG or value.count(" ") > 4:
            return phrases.text(self.rng, value, 0.65)
        return phrases.text(self.rng, value, 0.25 if about.startswith("~") else 0.07)

    def _moment(self, about: str, schema: Schema, name: str, kind: ValueType | None) -> Argument:
        rng = self.rng
        hour, minute = days.hour_and_minute(rng)
        if about == "time":
            value = f"{hour:02d}:{minute:02d}" + (":00Z" if schema.get("format") == "time" else "")
            return Argument(name, value, phrases.clock(rng, hour, minute), kind)
        day = days.day(rng, name, self.today)
        if about == "date":
            return Argument(name, day.isoformat(), phrases.date(rng, day, self.today), kind)
        when = dt.datetime(day.year, day.month, day.day, hour, minute)
        return Argument(name, f"{when:%Y-%m-%dT%H:%M:%S}Z", phrases.moment(rng, when, self.today), kind)


def _one_of(schema: Schema) -> Schema:
    """The first alternative that is not null, with what stands beside the alternatives."""
    for key in ("anyOf", "oneOf"):
        if key in schema:
            first = next(part for part in schema[key] if part.get("type") != "null")
            rest = {name: value for name, value in schema.items() if name != key}
            return _one_of({**rest, **first})
    form = schema.get("type")
    if isinstance(form, list):
        return {**schema, "type": next(one for one in form if one != "null")}
    return schema


def _put_in_order(made: dict[str, Argument], properties: Mapping[str, Schema]) -> None:
    """Exchanges the values of lower and upper ends that stand the wrong way round."""
    ends: dict[str, str] = {}
    for name in made:
        found = bound(name)
        if found is not None and found[0] == 0:
            ends[found[1]] = name
    if not ends:
        return
    for upper in list(made):
        found = bound(upper)
        lower = ends.get(found[1]) if found is not None and found[0] == 1 else None
        if lower is None:
            continue
        one, two = made[lower], made[upper]
        first, last = in_pool_form(one), in_pool_form(two)
        comparable = (_is_number(first) and _is_number(last)) or (
            one.kind is not None and one.kind == two.kind and one.kind.text in ("date", "datetime", "time")
        )
        if comparable and first > last and _alike(properties[lower], properties[upper]):
            made[lower], made[upper] = replace(two, name=lower), replace(one, name=upper)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _alike(one: Schema, two: Schema) -> bool:
    keys = (one.keys() | two.keys()) - {"description", "title"}
    return all(one.get(key) == two.get(key) for key in keys)


def _fits(value: str, schema: Schema) -> bool:
    if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", 1 << 30):
        return False
    return "pattern" not in schema or re.search(schema["pattern"], value) is not None


def _about(schema: Schema, name: str) -> str:
    """The source for a text whose type is not known."""
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return named_after(name)
