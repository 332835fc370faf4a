"""Descriptions that rule the form of a value: APIs as they are offered, with other words about parameters.

`dressed` draws for some types of an API's parameters a form (`forms`), tells it in the descriptions, and
marks it in the types, so that `values` draws accordingly; other parameters get a telling description where
they had an idle one. `as_pooled` takes a call back to the pool's forms, for the makers of results.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import Any

from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues import sources
from tastemaker.synthesis.dialogues.figures import UNIT_NAMES
from tastemaker.synthesis.dialogues.form import MARK, marked, parted
from tastemaker.synthesis.dialogues.forms import pooled
from tastemaker.synthesis.dialogues.given import tree
from tastemaker.synthesis.dialogues.phrases import spaced
from tastemaker.synthesis.dialogues.wardrobe import Dress, applies, can_join, drawn, together
from tastemaker.synthesis.value_types import ValueType
from tastemaker.synthesis.wording import words

_TOLD = 0.6
"""Of the idle descriptions, those that get a telling one."""


def dressed(api: Api, rng: Random) -> Api:
    """The API with forms for some of its parameters. The result of a call of it is made with `as_pooled`."""
    forms: dict[str, str] = {}
    chosen: dict[tuple[str, str, str], Dress | None] = {}

    def dress(name: str, path: str, schema: dict[str, Any]) -> dict[str, Any]:
        if schema.get("type") == "object" and "properties" in schema:
            return {**schema, "properties": members(schema["properties"], f"{path}.")}
        items = schema.get("items")
        if isinstance(items, dict) and items.get("type") == "object":
            return {**schema, "items": dress(name, f"{path}[]", items)}
        many = isinstance(items, dict)
        place = f"{path}[]" if many else path
        text = api.types.get(place)
        if text is None or MARK in text:
            return schema
        scalar = items if isinstance(items, dict) else schema
        options = tuple(scalar.get("enum", ()))
        kind = tree().types.read(text)
        key = (text, str(options), together(name, kind))
        if key not in chosen:
            chosen[key] = drawn(name, kind, scalar, many, rng)
        found = chosen[key]
        if many and found is None and can_join(kind, schema) and rng.random() < 0.25:
            forms[path] = marked("joined", comma := rng.choice((",", ", ", ";")), text)
            shown = {"; ": "semicolons", ";": "semicolons"}.get(comma, "commas")
            kept: dict[str, Any] = {key: schema[key] for key in ("description", "title") if key in schema}
            ways = (f"separated by {shown}, e.g. a{comma}b", f"as one text with {shown} between the entries")
            return {**kept, "type": "string", "description": _told(name, schema, kind, rng.choice(ways), rng)}
        if found is None or not applies(found, name, scalar, many):
            return _informed(name, schema, scalar, kind, many, rng)
        forms[place] = found.text
        if not found.told:
            return schema
        about = _told(name, schema, kind, rng.choice(found.told), rng)
        if many:
            return {**schema, "items": found.schema(dict(scalar)), "description": about}
        return {**found.schema(schema), "description": about}

    def members(properties: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        return {
            name: dress(name, f"{prefix}{name}", part) if isinstance(part, dict) else part
            for name, part in properties.items()
        }

    parameters = {**api.spec.parameters, "properties": members(api.spec.parameters.get("properties", {}), "")}
    spec = api.spec.model_copy(update={"parameters": parameters})
    return api.model_copy(update={"spec": spec, "types": {**api.types, **forms}})


def as_pooled(api: Api, arguments: Mapping[str, Any]) -> tuple[Api, dict[str, Any]]:
    """The API with the pool's types, and the arguments in the pool's forms, as far as they can be told."""
    if not any(MARK in text for text in api.types.values()):
        return api, dict(arguments)

    def back(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {name: back(part, f"{path}.{name}" if path else name) for name, part in value.items()}
        if isinstance(value, list):
            return [back(entry, f"{path}[]") for entry in value]
        text = api.types.get(path, "")
        if MARK not in text:
            return value
        return pooled(text, value, tree().types.read(parted(text)[2]))

    types = {path: parted(text)[2] or text for path, text in api.types.items()}
    return api.model_copy(update={"types": types}), back(dict(arguments), "")


def _told(name: str, schema: Mapping[str, Any], kind: ValueType, way: str, rng: Random) -> str:
    """What the parameter is, and its form."""
    about = schema.get("description", "")
    about = about if isinstance(about, str) else ""
    for end in (", in ", ", e.g. ", ", as ", " in UTC", " (", ": "):
        about = about.partition(end)[0]
    about = about.rstrip(".").removesuffix(f" in {kind.unit}") if kind.unit else about.rstrip(".")
    if about.lower() in ("", "one or more", "any of these"):
        about = spaced(name).capitalize()
    if way.startswith(("one of", "either", "can be", "first ", "E.164")):
        return f"{about}. {way[:1].upper()}{way[1:]}."
    if way.startswith(("in ", "as ")):
        return f"{about}, {way}."
    return f"{about} ({way})." if rng.random() < 0.4 else f"{about}, {way}."


@lru_cache(1)
def _plain_ways() -> dict[str, tuple[str, ...]]:
    """What descriptions tell of values in the pool's own forms, by the type."""
    return {
        "city": ("Name of the city, e.g. {e}.", "The city, such as {e}."),
        "country": ("Name of the country, e.g. {e}.",),
        "person": ("Full name of the person.", "First and last name."),
        "company": ("Name of the company.",),
        "currency": ("Currency as a three-letter code, e.g. {e}.",),
        "language_code": ("Language as a two-letter code, e.g. {e}.",),
        "country_code": ("Country as a two-letter code, e.g. {e}.",),
        "language": ("Name of the language, e.g. {e}.",),
        "date": ("The {x}, in the form YYYY-MM-DD.", "{X} as YYYY-MM-DD."),
        "datetime": ("{X} in ISO 8601 format, UTC.", "{X}, e.g. 2026-03-05T19:30:00Z."),
        "time": ("{X} as HH:MM, 24 hours.", "{X} in 24-hour format."),
        "airport": ("Airport's IATA code, e.g. {e}.",),
        "ticker": ("Stock symbol, e.g. {e}.",),
        "product": ("Name of the product, e.g. {e}.",),
        "email": ("Email address.",),
        "time_zone": ("Name of the time zone, e.g. {e}.",),
        "street": ("Street and number.",),
    }


def _informed(
    name: str, schema: dict[str, Any], scalar: Mapping[str, Any], kind: ValueType, many: bool, rng: Random
) -> dict[str, Any]:
    """The schema with a telling description where it has none or an idle one."""
    about = schema.get("description", "")
    idle = not isinstance(about, str) or {*words(about)} <= {*words(name), "the", "a", "of"}
    if not idle or many or rng.random() >= _TOLD:
        return schema
    noun = spaced(name)
    ways: tuple[str, ...] = ()
    if kind.is_number and "minimum" in scalar and "maximum" in scalar and rng.random() < 0.5:
        ways = (f"{{X}}, from {scalar['minimum']} to {scalar['maximum']}.",)
    elif kind.is_number and kind.unit and kind.unit not in words(name):
        ways = ("{X} in {u}.", "The {x}, in {u}.")
    elif kind.text in _plain_ways():
        ways = _plain_ways()[kind.text]
    if not ways:
        return schema
    way = rng.choice(ways)
    if "{e}" in way:
        way = way.replace("{e}", sources.named()[kind.text](rng))
    told = way.replace("{u}", UNIT_NAMES.get(kind.unit, kind.unit)).replace("{x}", noun)
    return {**schema, "description": told.replace("{X}", noun[:1].upper() + noun[1:])}
