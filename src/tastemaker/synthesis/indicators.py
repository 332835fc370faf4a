"""The diversity indicators of evolution: changes that make a new API out of another.

As in ToolACE (arXiv 2409.00920, section 2.1): *add* parameters or a functionality, *constrain* values,
*mutate* types (lists, lists of lists, objects, lists of objects, object of lists), change the *return*. Each
writes on a `Sheet` and says whether it found something to change. Knows nothing of where sheets come from.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tastemaker.synthesis.context_tree import Thing
from tastemaker.synthesis.sheet import TYPE, Sheet, record
from tastemaker.synthesis.wording import plural, sentence, singular


def add_parameters(s: Sheet) -> bool:
    """One or two parameters that the example did not have."""
    if s.thing.outputs or s.verb not in _TAKES_ATTRIBUTES:
        return add_option(s)
    known = {singular(name.replace("_", " ")) for name in (*s.parameters, *_inner_names(s))}
    known |= {name.removeprefix("min ").removeprefix("max ") for name in known}
    new = [a for a in s.thing.attributes if singular(a.name.replace("_", " ")) not in known]
    s.rng.shuffle(new)
    for a in new[: s.rng.randint(1, 2)]:
        s.add_attribute(a, s.rng.choice(("{Noun} of the " + s.noun, "{Noun}")))
    return bool(new)


def add_option(s: Sheet) -> bool:
    """A parameter that many APIs have, where it makes sense."""
    if s.thing.outputs:
        wanted = ["show_steps"]
        if any(s.type(a).kind == "number" for a in s.thing.outputs):
            wanted.append("decimals")
    else:
        wanted = (
            ["dry_run"]
            if s.verb in _BATCHED
            else ["language", "include_details"]
            if s.verb in _TELLING
            else []
        )
        for name, types in _OPTION_FOR.items():
            if any(a.type in types for a in s.thing.attributes):
                wanted.append(name)
        if any(s.type(a).unit in _METRIC for a in s.thing.attributes):
            wanted.append("units")
    wanted = [
        name
        for name in wanted
        if name not in s.parameters and name not in {a.name for a in s.thing.attributes}
    ]
    if not wanted:
        return False
    name = s.rng.choice(wanted)
    text, what, default = _OPTIONS[name]
    s.add(name, text, what, default=default)
    return True


def add_functionality(s: Sheet) -> bool:
    """A second thing of the domain, given along as an object or a list of objects."""
    others = [t for t in s.domain.things if t is not s.thing and not t.outputs and len(t.attributes) > 1]
    if s.thing.outputs or s.verb not in _TAKES_MORE or not others:
        return False
    other: Thing = s.rng.choice(others)
    members = list(other.attributes[:5])
    s.rng.shuffle(members)
    noun = other.name if s.rng.random() < 0.5 else plural(other.name)
    name = "_".join("".join(c if c.isalnum() and c.isascii() else " " for c in noun.lower()).split())
    if name in s.parameters or not name[:1].isalpha():
        return False
    properties = {
        a.name: s.schema(a.type, s.describe(a.name, a.type)) for a in members[: s.rng.randint(2, 4)]
    }
    one = record(properties)
    one["required"] = list(properties)[: s.rng.randint(1, len(properties))]
    if noun == other.name:
        s.parameters[name] = {**one, "description": f"The {other.name} that goes with it."}
    else:
        s.parameters[name] = {"type": "array", "items": one, "description": f"The {noun} that go with it."}
    if s.rng.random() < 0.5:
        s.required.append(name)
    s.notes.append(f"together with {'its' if noun == other.name else 'all'} {noun}")
    return True


def _inner_names(s: Sheet) -> list[str]:
    """Names of the members of parameters that are objects or lists of objects."""
    return [
        name
        for part in s.parameters.values()
        for name in (*part.get("properties", {}), *part.get("items", {}).get("properties", {}))
    ]


def constrain(s: Sheet) -> bool:
    """Bounds, a shorter choice, a pattern, lengths, or a default."""
    names = list(s.parameters)
    s.rng.shuffle(names)
    return any(_constrain(s, name) for name in names)


def _constrain(s: Sheet, name: str) -> bool:
    schema = s.parameters[name]
    kind = schema.get("type")
    text = schema.get(TYPE, "")
    full = s.types.read(text).schema if text else {}
    if kind in ("integer", "number") and "minimum" not in schema and "minimum" in full:
        low, high = full["minimum"], full["maximum"]
        if s.rng.random() < 0.5 and high - low >= 8 and "default" not in schema:
            high = low + (high - low) // 2
        schema.update(minimum=low, maximum=high)
    elif len(schema.get("enum", ())) > 3 and "default" not in schema:
        kept = sorted(s.rng.sample(range(len(schema["enum"])), len(schema["enum"]) - 1))
        schema["enum"] = [schema["enum"][place] for place in kept]
    elif len(schema.get("enum", ())) > 1 and name not in s.required and "default" not in schema:
        schema["default"] = s.rng.choice(schema["enum"])
    elif "pattern" in full and "pattern" not in schema:
        schema["pattern"] = full["pattern"]
    elif kind == "array" and "minItems" not in schema:
        schema.update(minItems=s.rng.randint(1, 2), maxItems=s.rng.choice((3, 5, 10)))
        if schema["items"].get("type") == "string":
            schema["uniqueItems"] = True
    elif kind == "boolean" and name not in s.required and "default" not in schema:
        schema["default"] = s.rng.random() < 0.3
    elif name not in s.required and len(s.required) < 4 and "default" not in schema and kind != "boolean":
        s.required.append(name)
    else:
        return False
    return True


def mutate_type(s: Sheet) -> bool:
    """Another type for a parameter: a list of values, an object of several, a list of objects, a list of
    lists, an object of lists."""
    changes = [_to_list, _to_object, _to_objects, _to_object_of_lists, _to_area]
    s.rng.shuffle(changes)
    return any(change(s) for change in changes)


def _scalars(s: Sheet, kinds: tuple[str, ...] = ("string", "integer", "number")) -> list[str]:
    """Parameters that hold one plain value and have no default."""
    return [
        name
        for name, schema in s.parameters.items()
        if schema.get("type") in kinds and "default" not in schema and name not in _SINGLE
    ]


def _listable(s: Sheet) -> list[str]:
    """Text parameters that may hold several values as well: no moments, no conditions."""
    return [
        name
        for name in _scalars(s, ("string",))
        if s.parameters[name].get(TYPE) not in _MOMENTS and "_by" not in name
    ]


def _to_list(s: Sheet) -> bool:
    names = _listable(s)
    if not names or s.thing.outputs:
        return False
    name = s.rng.choice(names)
    new = plural(name.replace("_", " ")).replace(" ", "_")
    if new in s.parameters or new == name:
        return False
    if name in s.required and name.endswith(("_id", "_name", "_title")):
        s.many = True
        if "status" not in s.result.get("properties", {}) or s.verb in _BATCHED:
            s.result = record({"results": {"type": "array", "items": s.result}})
    schema = dict(s.parameters[name])
    what = schema.pop("description", "")
    items = f"One or more: {_lowered(what)}" if what else ""
    _replace(s, [name], new, {"type": "array", "items": schema, "description": sentence(items)})
    return True


def _lowered(text: str) -> str:
    """The text to go on a sentence with: `ID of it` stays, `Name of it` becomes `name of it`."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _to_object(s: Sheet) -> bool:
    names = _scalars(s, ("string", "integer", "number"))
    if len(names) < 2:
        return False
    chosen = sorted(s.rng.sample(names, min(len(names), s.rng.randint(2, 3))), key=names.index)
    new = _group_name(s, chosen)
    if new in s.parameters:
        return False
    one = record({name: s.parameters[name] for name in chosen})
    one["required"] = [name for name in chosen if name in s.required] or chosen[:1]
    _replace(
        s,
        chosen,
        new,
        {
            **one,
            "description": sentence(
                f"{new.replace('_', ' ')}: {', '.join(c.replace('_', ' ') for c in chosen)}"
            ),
        },
    )
    return True


def _to_objects(s: Sheet) -> bool:
    if s.verb not in _BATCHED or s.thing.outputs:
        return False
    names = [name for name in s.parameters if "default" not in s.parameters[name]]
    if len(names) < 2 or any(name.endswith("_ids") for name in names):
        return False
    new = "_".join("".join(c if c.isalnum() and c.isascii() else " " for c in plural(s.noun).lower()).split())
    if new in s.parameters or not new[:1].isalpha():
        return False
    one = record({name: s.parameters[name] for name in names})
    one["required"] = [name for name in names if name in s.required] or names[:1]
    _replace(
        s,
        names,
        new,
        {
            "type": "array",
            "items": one,
            "minItems": 1,
            "description": f"The {plural(s.noun)}, one entry each.",
        },
    )
    if new not in s.required:
        s.required.append(new)
    s.many = True
    s.notes.append("several at once")
    return True


def _to_object_of_lists(s: Sheet) -> bool:
    names = [name for name in _listable(s) if not name.endswith("_id")]
    if s.verb not in ("search", "recommend", "list", "export", "statistics") or len(names) < 2:
        return False
    properties = {}
    for name in names[:3]:
        schema = dict(s.parameters[name])
        what = schema.pop("description", name)
        properties[name] = {
            "type": "array",
            "items": schema,
            "description": f"Any of these: {_lowered(what)}",
        }
    new = s.rng.choice(("filters", "conditions", "criteria", "preferences"))
    if new in s.parameters:
        return False
    schema = {
        "type": "object",
        "properties": properties,
        "required": [],
        "description": f"Wanted values of {', '.join(n.replace('_', ' ') for n in properties)}.",
    }
    _replace(s, names[:3], new, schema)
    return True


def _to_area(s: Sheet) -> bool:
    """A place becomes an outline on the map: a list of [latitude, longitude] pairs."""
    places = [
        n
        for n, schema in s.parameters.items()
        if schema.get(TYPE) in ("city", "region", "place") and "default" not in schema
    ]
    if not places or s.verb not in _MAPPED:
        return False
    pair = {"type": "array", "items": {"type": "number", TYPE: "latitude"}, "minItems": 2, "maxItems": 2}
    schema = {
        "type": "array",
        "items": pair,
        "minItems": 3,
        "description": "Corners of the area as [latitude, longitude] pairs.",
    }
    if "boundary" in s.parameters:
        return False
    _replace(s, [places[0]], "boundary", schema)
    return True


def change_return(s: Sheet) -> bool:
    """Another result: an envelope, a list alone, one more member, or a page."""
    result = s.result
    properties = result.get("properties", {})
    lists = [name for name, part in properties.items() if part.get("type") == "array"]
    choice = s.rng.randrange(4)
    if choice == 0 and "data" not in properties:
        ok = s.schema("bool", "Whether the call succeeded.")
        s.result = record({"success": ok, "data": result})
    elif choice == 1 and len(lists) == 1:
        s.result = copy.deepcopy(properties[lists[0]])
    elif (
        choice == 2 and lists and s.verb in ("search", "list", "recommend") and "next_page" not in properties
    ):
        properties["next_page"] = s.schema("2..50", "Number of the next page.")
        result["required"] = [name for name in properties if name != "next_page"]
    elif choice == 3 and properties and not lists and not s.thing.outputs:
        more = [a for a in s.thing.attributes if a.name not in properties]
        for a in more[:2]:
            properties[a.name] = s.schema(a.type, s.describe(a.name, a.type))
        result["required"] = list(properties)
        return bool(more)
    else:
        return False
    return True


def _replace(s: Sheet, old: list[str], new: str, schema: dict[str, Any]) -> None:
    """Put a parameter in the place of the first of several."""
    made: dict[str, dict[str, Any]] = {}
    for name, part in s.parameters.items():
        if name == old[0]:
            made[new] = schema
        if name not in old:
            made[name] = part
    if any(name in s.required for name in old):
        s.required.append(new)
    s.parameters = made
    s.required = [name for name in s.required if name in made]


def _group_name(s: Sheet, names: list[str]) -> str:
    """What to call an object of these parameters."""
    if all("date" in name or "time" in name or name in ("start", "end") for name in names):
        return "period"
    if all(s.parameters[name].get(TYPE) in _PLACES for name in names):
        return "location"
    if all(name.startswith(("min_", "max_")) for name in names):
        return "bounds"
    if s.thing.outputs:
        return s.rng.choice(("inputs", "values", "parameters"))
    return s.rng.choice(
        {"search": ("filters", "criteria"), "recommend": ("preferences", "profile")}.get(
            s.verb, ("details", "options")
        )
    )


Indicator = Callable[[Sheet], bool]
INDICATORS: tuple[Indicator, ...] = (
    add_parameters,
    add_option,
    add_functionality,
    constrain,
    mutate_type,
    change_return,
)
WEIGHTS = {
    "add_parameters": 4,
    "add_option": 1,
    "add_functionality": 2,
    "constrain": 4,
    "mutate_type": 5,
    "change_return": 2,
}
"""How often each is drawn."""

_TAKES_MORE = (
    "create",
    "update",
    "book",
    "order",
    "schedule",
    "send",
    "generate",
    "estimate",
    "check",
    "validate",
    "share",
)
_MAPPED = ("search", "list", "recommend", "statistics", "export", "subscribe", "alert", "rank")
_BATCHED = ("create", "update", "delete", "cancel", "order", "assign", "send", "upload", "validate", "check")
_PLACES = (
    "city",
    "country",
    "region",
    "street",
    "postal_code",
    "place",
    "latitude",
    "longitude",
    "country_code",
)
_SINGLE = {
    *(
        "query",
        "limit",
        "page",
        "sort_by",
        "order",
        "format",
        "threshold",
        "direction",
        "language",
        "message",
    ),
    *(
        "group_by",
        "metric",
        "rank_by",
        "criteria",
        "top",
        "horizon",
        "interval",
        "reason",
        "comment",
        "stars",
    ),
    *("target_language", "source_language", "formality", "length", "level", "priority", "frequency"),
    *("payment_method", "currency", "send_to", "assignee", "quantity", "amount", "top", "notes", "text"),
}
"""Parameters that stay as they are."""

_MOMENTS = ("date", "time", "datetime", "text", "notes", "comment", "email", "phone")
_TAKES_ATTRIBUTES = {
    *("search", "list", "create", "update", "book", "order", "recommend", "schedule", "send", "generate"),
    *("control", "start", "estimate", "calculate", "check", "validate", "classify", "export", "rank"),
    *("statistics", "subscribe", "upload", "convert", "detect", "available", "forecast"),
}
"""Verbs that can take any attribute of the thing."""
_TELLING = ("get", "search", "list", "recommend", "rank")
_METRIC = ("km", "m", "cm", "kg", "°C", "km/h", "mm", "litres", "square metres", "g", "ml")
_OPTION_FOR = {
    "currency": ("price", "amount", "money", "budget", "salary"),
    "time_zone": ("time", "datetime"),
}
_OPTIONS: dict[str, tuple[str, str, Any]] = {
    "language": ("language_code", "Language of the answer.", "en"),
    "currency": ("currency", "Currency of all amounts.", "USD"),
    "time_zone": ("time_zone", "Time zone of all times.", "UTC"),
    "units": ("metric|imperial", "System of units.", "metric"),
    "dry_run": ("bool", "Whether only to say what would happen.", False),
    "include_details": ("bool", "Whether to return all details.", False),
    "decimals": ("0..8", "Decimal places of the result.", 2),
    "show_steps": ("bool", "Whether to return the steps of the calculation.", False),
}
