"""The work sheet of one API: what is known of it before it becomes a `ToolSpec`.

While an API grows, each scalar schema carries its value type's text under `TYPE`; `Sheet.finish` takes these
out into side tables, so that the specification is plain JSON Schema. Paths in the tables are dotted, with
`[]` for the entries of a list: `stay.check_in`, `rooms[].guests`.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tastemaker.records import ToolSpec
from tastemaker.synthesis.context_tree import Attribute, Domain, Thing
from tastemaker.synthesis.value_types import ValueType, ValueTypes
from tastemaker.synthesis.wording import camel, plural, sentence, styled

TYPE = "x-type"
_BOUNDED, _PATTERNED, _EXAMPLED = 0.25, 0.35, 0.3
"""Shares of numbers that state their bounds, of texts that state their pattern, and of descriptions that give
an example."""

_HINTS = {
    "date": "in the form YYYY-MM-DD",
    "time": "as HH:MM, 24 hours",
    "datetime": "in ISO 8601",
    "currency": "as a three-letter code",
    "country_code": "as a two-letter code",
    "language_code": "as a two-letter code",
    "airport": "as an IATA code",
    "phone": "with the country prefix",
    "hex_color": "as a hex code",
}
_SAID = {
    "added": "when it was added",
    "about": "a few words about it",
    "born": "date of birth",
    "built": "year of construction",
    "closes": "when it closes",
    "died": "date of death",
    "ends": "when it ends",
    "founded": "year of foundation",
    "from_time": "start of the time range",
    "n": "how many",
    "near": "near which place",
    "opens": "when it opens",
    "opened": "when it was opened",
    "published": "when it was published",
    "since": "since when",
    "starts": "when it starts",
    "taken": "when it was taken",
    "to_time": "end of the time range",
    "updated_after": "only what changed after this day",
    "worth": "how much it is worth",
}
"""What attributes are called in a description whose names do not read well there."""
_OPEN = ("age", "bool", "date", "time", "datetime", "number", "integer")


@dataclass
class Sheet:
    """One API that is being made. `words` is (verb, noun); `names` style goes for the parameters, too."""

    rng: random.Random
    types: ValueTypes
    domain: Domain
    thing: Thing
    verb: str
    attributes: list[Attribute]
    """The sub-tree: the attributes that this API knows of."""
    words: tuple[str, str] = ("", "")
    summary: str = ""
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    """What evolution did to it."""
    notes: list[str] = field(default_factory=list)
    """What the description adds at its end."""
    metric: str = ""
    """The measure that a forecast or a ranking is about."""
    many: bool = False
    """Whether one call concerns several things."""
    style: str = "snake"

    @property
    def noun(self) -> str:
        return self.thing.name

    def copy(self) -> Sheet:
        """A sheet that can be changed without changing this one."""
        twin = copy.copy(self)
        twin.parameters = copy.deepcopy(self.parameters)
        twin.result = copy.deepcopy(self.result)
        twin.attributes, twin.required = [*self.attributes], [*self.required]
        twin.steps, twin.notes = [*self.steps], [*self.notes]
        return twin

    def type(self, attribute: Attribute) -> ValueType:
        return self.types.read(attribute.type)

    def schema(self, text: str, description: str = "") -> dict[str, Any]:
        """JSON Schema of a type's values, with type texts at its leaves."""
        kind = self.types.read(text)
        if kind.item is not None:
            made: dict[str, Any] = {"type": "array", "items": self.schema(kind.item.text)}
        elif kind.members:
            properties = {
                name: self.schema(part.text, self.describe(name, part.text)) for name, part in kind.members
            }
            made = {
                "type": "object",
                "properties": properties,
                "required": [name for name, _ in kind.members],
            }
        else:
            made = copy.deepcopy(kind.schema)
            if kind.is_number and self.rng.random() >= _BOUNDED:
                made.pop("minimum", None)
                made.pop("maximum", None)
            if "pattern" in made and self.rng.random() >= _PATTERNED:
                del made["pattern"]
            made[TYPE] = text
        if description:
            made["description"] = description
        return made

    def describe(self, name: str, text: str, pattern: str = "{Noun}") -> str:
        """One line about a value; `pattern` may use {noun} and {Noun}."""
        noun, kind = name.replace("_", " "), self.types.read(text)
        if name in _SAID and "{" in pattern:
            noun, pattern = _SAID[name], "{Noun}"
        line = pattern.replace("{noun}", noun).replace("{Noun}", noun[:1].upper() + noun[1:])
        if kind.unit and not set(kind.unit.lower().split()) <= set(line.lower().split()):
            line += f" ({kind.unit})" if kind.unit.startswith("per") else f" in {kind.unit}"
        inner = kind.item or kind
        if inner.text in _HINTS and self.rng.random() < 0.6:
            line += f", {_HINTS[inner.text]}"
        elif inner.examples and not inner.choices and self.rng.random() < _EXAMPLED:
            shown = self.rng.choice(inner.examples)
            line += f", e.g. {shown}" if kind.item is None else f", e.g. [{shown}]"
        return sentence(line)

    def add(
        self, name: str, text: str, description: str, *, required: bool = False, default: Any = None
    ) -> None:
        """Give the API a parameter, unless it has it."""
        if name in self.parameters:
            return
        self.parameters[name] = self.schema(text, description)
        if default is not None:
            self.parameters[name]["default"] = default
        elif required:
            self.required.append(name)

    def add_attribute(self, attribute: Attribute, pattern: str, *, required: bool = False) -> None:
        """Give the API an attribute as a parameter, called as it is."""
        kind = self.type(attribute)
        if kind.kind == "boolean":
            noun = attribute.name.replace("_", " ")
            word = (
                "Only if"
                if self.verb in ("search", "list")
                else self.rng.choice(("True for", "Set to true for"))
            )
            self.add(
                attribute.name,
                attribute.type,
                sentence(f"{word} {noun}".replace("for is ", "if ")),
                required=False,
            )
            return
        self.add(
            attribute.name,
            attribute.type,
            self.describe(attribute.name, attribute.type, pattern),
            required=required,
        )

    def key(self, *, many: bool = False, required: bool = True) -> None:
        """The parameter that says which thing is meant: its name, where it has one, or its identifier."""
        first = self.thing.attributes[0]
        noun = self.noun
        if self.verb in _BY_ATTRIBUTE and not many and first.name not in NAMING and self.rng.random() < 0.85:
            chosen = [a for a in self.thing.attributes[:2] if self.type(a).kind in ("string", "integer")]
            if chosen[:1] == [first] and not self.type(first).choices:
                self.add_attribute(first, "{Noun}", required=required)
                if len(chosen) > 1 and self.rng.random() < 0.5:
                    self.add_attribute(chosen[1], "{Noun}", required=self.rng.random() < 0.3)
                return
        named = self.types.read(first.type).kind == "string" and first.type not in _OPEN
        named = named and not self.type(first).choices and first.name in NAMING
        if named and self.rng.random() < 0.55:
            self.attributes = [a for a in self.attributes if a is not first]
            word = first.name if self.rng.random() < 0.3 else f"{noun} {first.name}"
            kind, what = first.type, f"{first.name.replace('_', ' ').capitalize()} of the {noun}"
        else:
            word, kind = f"{noun} id", f"@{self.domain.name}/{noun}"
            what = self.rng.choice(
                (f"Identifier of the {noun}", f"ID of the {noun}", f"Which {noun}, by its ID")
            )
        name = "_".join(re.findall(r"[a-z0-9]+", word.lower()))
        name = name if name[:1].isalpha() else f"the_{name}"
        if many:
            entry = f"{kind}[]"
            self.add(
                plural(name.replace("_", " ")).replace(" ", "_"),
                entry,
                sentence(f"{what}, several"),
                required=required,
            )
        else:
            self.add(name, kind, self.describe(name, kind, what), required=required)

    def some(self, low: int, high: int, kinds: Sequence[str] = ()) -> list[Attribute]:
        """Between `low` and `high` attributes that are no parameters yet, of these kinds of value."""
        left = [
            a
            for a in self.attributes
            if a.name not in self.parameters and (not kinds or self.type(a).kind in kinds)
        ]
        count = min(len(left), self.rng.randint(low, high))
        return left[:count]

    def numbers(self) -> list[Attribute]:
        """The attributes that are measured: numbers other than coordinates."""
        found = [a for a in self.thing.attributes if self.type(a).is_number]
        return [a for a in found if a.name not in _NOT_MEASURED]

    def thing_schema(self, low: int = 2, high: int = 5) -> dict[str, Any]:
        """What a result tells of the thing: its identifier and some attributes."""
        attributes = list(self.thing.attributes[:1])
        rest = [*self.thing.attributes[1:]]
        self.rng.shuffle(rest)
        attributes += rest[: self.rng.randint(low, high) - 1]
        properties = {}
        if self.rng.random() < 0.7:
            text = f"@{self.domain.name}/{self.noun}"
            properties["id"] = self.schema(text, f"Identifier of the {self.noun}.")
        for a in attributes:
            properties[a.name] = self.schema(a.type, self.describe(a.name, a.type))
        return record(properties)

    def finish(self) -> tuple[ToolSpec, dict[str, str], dict[str, str]]:
        """The specification, and the types of its parameters and of its result by path."""
        camels = self.style in ("camel", "pascal")
        parameters = {
            "type": "object",
            "properties": self.parameters,
            "required": [name for name in self.parameters if name in self.required],
        }
        types: dict[str, str] = {}
        returns: dict[str, str] = {}
        spec = ToolSpec(
            name=styled(*self.words, self.style),
            description=self.summary,
            parameters=_plain(parameters, "", types, camels),
            result=_plain(self.result, "", returns, camels),
        )
        return spec, types, returns


NAMING = (
    "name",
    "title",
    "number",
    "symbol",
    "model",
    "line",
    "code",
    "label",
    "word",
    "topic",
    "station",
    "route",
)


_NOT_MEASURED = {
    *("latitude", "longitude", "year", "number", "round", "chapter", "days", "count", "n", "seed", "zoom"),
    *("copies", "depth", "lines", "limit", "hour", "sol", "port", "last", "page"),
}
_BY_ATTRIBUTE = ("get", "history", "summarise", "explain")
"""Verbs for which a thing without a name is meant by its first attribute: the weather of a city."""


def record(properties: dict[str, Any], description: str = "") -> dict[str, Any]:
    """JSON Schema of an object that has all these members."""
    made: dict[str, Any] = {"type": "object", "properties": properties, "required": list(properties)}
    return {**made, "description": description} if description else made


def _plain(schema: dict[str, Any], path: str, types: dict[str, str], camels: bool) -> dict[str, Any]:
    """The schema without type texts, which go into `types`; member names in camelCase where asked for."""
    made = {key: value for key, value in schema.items() if key != TYPE}
    if TYPE in schema:
        types[path] = schema[TYPE]
    if "items" in made:
        made["items"] = _plain(made["items"], f"{path}[]", types, camels)
    if "properties" in made:
        named = {name: camel(name) if camels else name for name in made["properties"]}
        made["properties"] = {
            named[name]: _plain(part, f"{path}.{named[name]}" if path else named[name], types, camels)
            for name, part in made["properties"].items()
        }
        made["required"] = [named[name] for name in made.get("required", ())]
    return made
