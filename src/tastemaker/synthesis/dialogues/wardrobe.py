"""Which form a parameter may get, and how a description tells it.

Knows nothing of how values are drawn, and of an API as a whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any, Final, NamedTuple

from tastemaker.synthesis.dialogues.figures import MONEY, UNIT_NAMES, plain_figure, related_units
from tastemaker.synthesis.dialogues.form import marked, tables, ways_to_tell
from tastemaker.synthesis.dialogues.known import choice_in_form
from tastemaker.synthesis.dialogues.moments import DAYS, MOMENTS, PARTS, TIMES, written
from tastemaker.synthesis.dialogues.names import bound
from tastemaker.synthesis.value_types import ValueType
from tastemaker.synthesis.wording import words

_SHARE = 0.6
"""Of the types that can have a form, those that get one."""
_CHOICES = 0.4
"""Of these, those of closed choices."""
_RARE = 0.9
"""The same of shares, cities, currencies and symbols, of which the pool has few."""
_PEOPLE_NAMES = "guests people persons passengers adults travellers participants players"
_PEOPLE = frozenset(_PEOPLE_NAMES.split())
_COUNTED_NAMES = "tickets copies rooms nights pieces seats boxes bottles packets parcels cups"
_COUNTED = frozenset(_COUNTED_NAMES.split())
_EXAMPLE = dt.datetime(2026, 3, 5, 19, 30)
_PARTIAL = frozenset(("founded", "born", "died", "built", "published", "released", "created", "opened"))
_MONTHLY = frozenset(("since", "start", "end", "from", "to", "expiry", "expires", "until", "valid"))

_COARSE = _PARTIAL | _MONTHLY
"""Names of dates of which often only the year, or month and year, are told."""


class Dress(NamedTuple):
    """A form for parameters of one type."""

    text: str
    """The type's text with the form."""
    told: Sequence[str]
    """Ways to tell it, after what the parameter is and a comma."""
    schema: Callable[[dict[str, Any]], dict[str, Any]] = lambda schema: schema
    """The parameter's schema in this form."""


def drawn(name: str, kind: ValueType, schema: Mapping[str, Any], many: bool, rng: Random) -> Dress | None:
    """A form for a parameter's type, or none."""
    rare = kind.unit == "%" or kind.text in ("city", "currency", "ticker", "country_code")
    if rng.random() >= (_RARE if rare else _SHARE) or not isinstance(schema.get("type"), str):
        return None
    if kind.kind == "boolean":
        return _switch(name) if schema["type"] == "boolean" and not many else None
    if "enum" in schema or kind.choices:
        return _choice(kind, schema, rng) if rng.random() < _CHOICES else None
    if "default" in schema or {"minLength", "maxLength"} & schema.keys():
        return None
    if schema["type"] in ("integer", "number"):
        return None if many else _number(name, kind, schema, rng)
    return _text(name, kind, rng) if schema["type"] == "string" else None


def together(name: str, kind: ValueType) -> str:
    """What parameters of one type have in common that get one form: ends of a range do."""
    if kind.text == "date":
        return str(not _COARSE.isdisjoint(words(name)))
    end = bound(name)
    return (end[1] if end else name) if kind.is_number or kind.kind == "boolean" else ""


def applies(found: Dress, name: str, schema: Mapping[str, Any], many: bool) -> bool:
    """Whether a form that was drawn for a type fits this parameter of it, too."""
    if "default" in schema and not found.text.startswith(("choice ", "switch ")):
        return False
    if found.text.startswith("switch "):
        return "_".join(words(name)) in tables()["switched"]
    return not (found.text.startswith("date ") and found.text.split(" <<")[0][5:] in PARTS and many)


def _string(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "string", **({"title": schema["title"]} if "title" in schema else {})}


def _number(name: str, kind: ValueType, schema: Mapping[str, Any], rng: Random) -> Dress | None:
    parts = words(name)
    if "multipleOf" in schema or kind.text == "year" or "year" in parts or not kind.is_number:
        return None
    high = min(schema.get("maximum", 10**12), kind.schema.get("maximum", 0))
    if kind.unit == "%":
        return _percent(kind, schema, rng)
    if (unit := related_units(kind.unit)) and kind.unit not in parts and set(unit).isdisjoint(parts):
        return _unit(kind, schema, rng)
    if kind.unit in _NAMED and parts[-1] == kind.unit:
        return Dress(marked("unit", kind.unit, kind.text), (f"in {kind.unit}", f"number of {kind.unit}"))
    plain = "_".join(parts).removeprefix("number_of_")
    if plain in _PEOPLE or plain in _COUNTED:
        sort = "people" if plain in _PEOPLE else "things"
        return Dress(marked("count", sort, kind.text), (f"how many {plain}", "a whole number", "at least 1"))
    if plain.startswith(("initial_", "start_")) and plain.endswith(("speed", "velocity")):
        return Dress(marked("rest", "", kind.text), ("0 when starting from rest", f"in {kind.unit}"))
    if kind.text in ("price", "amount") and "currency" not in parts and rng.random() < 0.25:
        return Dress(
            marked("cents", "", kind.text),
            ("in cents", "in US cents", "in cents, e.g. 1250 for $12.50"),
            lambda given: _scaled(given, Fraction(100), "integer"),
        )
    return _large(kind, schema, rng) if high >= 20_000 else None


_NAMED = frozenset(("seconds", "minutes", "hours", "days", "weeks", "months", "years"))


def _scaled(schema: dict[str, Any], factor: Fraction, form: str | None = None) -> dict[str, Any]:
    """A number's schema with its bounds times the factor."""
    bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    made = {
        key: plain_figure(Fraction(str(value)) * factor) if key in bounds else value
        for key, value in schema.items()
    }
    return {**made, "type": form} if form else made


def _percent(kind: ValueType, schema: Mapping[str, Any], rng: Random) -> Dress:
    if rng.random() < 0.7:
        share = rng.choice((0.05, 0.15, 0.2, 0.075, 0.5))
        percent = plain_figure(Fraction(str(share)) * 100)
        ways: Sequence[str] = (
            "as a decimal",
            f"as a decimal, e.g. {share}",
            f"as a decimal, e.g. {share} for {percent}%",
            "as a fraction of 1",
            "between 0 and 1",
            f"in decimal form ({share} for {percent}%)",
        )
        text = marked("percent", "decimal", kind.text)
        return Dress(text, ways, lambda given: _scaled(given, Fraction(1, 100), "number"))
    return Dress(
        marked("percent", "percent", kind.text),
        ("in percent", "in percent, e.g. 5 for 5%", "as a percentage from 0 to 100"),
        lambda given: given if given.get("type") == "integer" else {**given, "type": "number"},
    )


def _unit(kind: ValueType, schema: Mapping[str, Any], rng: Random) -> Dress:
    related = related_units(kind.unit)
    near = [unit for unit in related if Fraction(1, 1500) < related[unit] < 1500]
    draw = rng.random()
    if kind.unit in _NAMED and draw < 0.2:
        examples = {"months": "6 months", "years": "2 years"}
        shown = examples.get(kind.unit, rng.choice(("2 weeks", "90 minutes", "3 days", "2 hours")))
        ways: Sequence[str] = (
            f"with its unit, e.g. '{shown}'",
            f"e.g. {shown}",
            f"as a number and a unit, e.g. {shown}",
        )
        return Dress(marked("with-unit", "any", kind.text), ways, _string)
    if kind.unit in ("minutes", "hours") and draw < 0.3:
        ways = ("as HH:MM", "in the form HH:MM, e.g. 01:30", "as hours and minutes, e.g. 02:15")
        return Dress(marked("span", "", kind.text), ways, _string)
    if kind.unit not in _NAMED and draw < 0.15:
        ways = (f"with its unit, e.g. 5 {kind.unit}", f"in {kind.unit}, with the unit, e.g. 20 {kind.unit}")
        return Dress(marked("with-unit", kind.unit, kind.text), ways, _string)
    told = kind.unit if draw < 0.6 else rng.choice(near)
    name = UNIT_NAMES.get(told, told)
    ways = (
        f"in {name}",
        f"in {told}",
        f"given in {name}",
        f"measured in {name}" if told not in _NAMED else f"in {name}",
    )

    def made(given: dict[str, Any]) -> dict[str, Any]:
        if told == kind.unit:
            return given
        return _scaled(given, 1 / related[told], "number" if related[told] > 1 else None)

    return Dress(marked("unit", told, kind.text), ways, made)


def _large(kind: ValueType, schema: Mapping[str, Any], rng: Random) -> Dress:
    high = min(schema.get("maximum", 10**12), kind.schema["maximum"])
    money = " of dollars" if kind.text in MONEY else ""
    if rng.random() < 0.3:
        scale = "millions" if high >= 20_000_000 and rng.random() < 0.5 else "thousands"
        factor = Fraction(1, 1000 if scale == "thousands" else 1_000_000)
        ways: Sequence[str] = (f"in {scale}{money}", f"in {scale}{money}, e.g. 250 for 250 {scale[:-1]}")
        return Dress(
            marked("large", scale + money.replace(" of", ""), kind.text),
            ways,
            lambda given: _scaled(given, factor, "number"),
        )
    ways = ("as a full number", "in full, e.g. 250000", "without separators", "as a plain number")
    return Dress(marked("large", "full" + money.replace(" of", ""), kind.text), ways)


def _text(name: str, kind: ValueType, rng: Random) -> Dress | None:
    """A form for a text."""
    about = kind.text
    if about in ("date", "datetime", "time"):
        return _moment(name, about, rng)
    form = _TEXTS.get(about)
    if form is None or (about == "person" and rng.random() < 0.5):
        return None
    told = ways_to_tell()[about]
    style = rng.choice(tuple(told))
    return Dress(marked(form, style, about), told[style], _string)


def _moment(name: str, about: str, rng: Random) -> Dress:
    parts = set(words(name))
    listed: Mapping[str, str] = {"date": DAYS, "datetime": MOMENTS, "time": TIMES}[about]
    if about == "date" and rng.random() < 0.5 and parts & _COARSE:
        listed = {"YYYY": ""} if parts & _PARTIAL else {key: PARTS[key] for key in PARTS if key != "YYYY"}
    style = rng.choice(tuple(listed))
    example = written(_EXAMPLE, style)
    ways: Sequence[str] = [
        f"in the form {style}",
        f"in the format {style}, e.g. {example}",
        f"as {style}",
        f"e.g. {example}",
    ]
    if style == "YYYY":
        ways = ["year only", "year only, e.g. 2019", "as a year with four digits"]
    elif style in PARTS:
        ways = [f"month and year, e.g. {example}", f"as {style}", f"month and year in the form {style}"]
    elif style.startswith("h:mm"):
        ways = [f"in 12-hour format, e.g. {example}", f"with AM or PM, e.g. {example}", f"e.g. {example}"]
    elif style == "HH:MM":
        ways = ["in 24-hour format", "as HH:MM, 24 hours", "in the form HH:MM", "e.g. 18:30"]
    elif "Mon" in style:
        ways = [f"in the form '{example}'", f"written as {example}", f"e.g. {example}"]
    return Dress(marked(about, style, about), ways, _string)


_TEXTS: Final = {
    "city": "city",
    "country": "country",
    "country_code": "country",
    "currency": "currency",
    "ticker": "ticker",
    "language": "language",
    "language_code": "language",
    "person": "person",
    "phone": "phone",
    "hex_color": "color",
}
"""The form of a text, by its type; `forms.toml` has ways to tell it."""


def _choice(kind: ValueType, schema: Mapping[str, Any], rng: Random) -> Dress | None:
    """Choices that the description tells in the schema's place, as they are or in other letters."""
    options = tuple(schema.get("enum", kind.choices))
    if not all(isinstance(option, str) and "|" not in option and option for option in options):
        return None
    if not 2 <= len(options) <= 8 and kind.text not in ("month", "weekday"):
        return None
    if kind.text == "color" and rng.random() < 0.4 and "default" not in schema:
        ways: Sequence[str] = ("as a hex code", "in hexadecimal, e.g. #FFA500", "hex code such as #336699")
        return Dress(marked("color", "hex", "color"), ways, _string)
    base = kind.text if options == kind.choices else "|".join(options)
    if kind.text in ("month", "weekday") and options == kind.choices and "default" not in schema:
        return _calendar(kind, rng)
    styles = ["same", "same", "same", "upper"]
    styles += ["lower"] if any(option != option.lower() for option in options) else []
    styles += ["one", "one"] if len({option[:1] for option in options}) == len(options) < 5 else []
    style = "same" if "default" in schema else rng.choice(styles)
    shown = [choice_in_form(option, style) for option in options]
    if len(set(shown)) < len(shown):
        style, shown = "same", list(options)
    quoted = [f"'{option}'" for option in shown]
    ways = [
        f"one of: {', '.join(shown)}",
        f"one of {', '.join(quoted)}",
        f"{', '.join(shown[:-1])} or {shown[-1]}",
        f"either {' or '.join(quoted)}" if len(quoted) == 2 else f"can be {', '.join(quoted)}",
    ]
    if style == "one":
        pairs = [f"{short} for {long}" for short, long in zip(shown, options, strict=True)]
        ways = [", ".join(pairs), f"one letter: {', '.join(pairs)}"]
    if "default" in schema:
        ways = [f"{way}, default: {schema['default']}" if rng.random() < 0.4 else way for way in ways]
    return Dress(
        marked("choice", style, base),
        ways,
        lambda given: {k: v for k, v in given.items() if k != "enum"},
    )


def _calendar(kind: ValueType, rng: Random) -> Dress:
    """A month or weekday by its number, its first letters or its name."""
    style = rng.choice(("number", "three", "same", "lower"))
    example = choice_in_form(kind.choices[2], style)
    if style == "number":
        high = len(kind.choices)
        ways: Sequence[str] = (
            f"as a number from 1 to {high}",
            f"number, 1 for {kind.choices[0]} to {high} for {kind.choices[-1]}",
        )
        bounds = {"type": "integer", "minimum": 1, "maximum": high}
        return Dress(marked("choice", style, kind.text), ways, lambda given: bounds)
    ways = {
        "three": (f"first three letters, e.g. {example}", f"three-letter abbreviation, e.g. {example}"),
        "same": (f"full name, e.g. {example}", "by its English name"),
        "lower": (f"in lower case, e.g. {example}",),
    }[style]
    return Dress(marked("choice", style, kind.text), ways, _string)


def _switch(name: str) -> Dress | None:
    plain = "_".join(words(name))
    if plain not in tables()["switched"]:
        return None
    return Dress(marked("switch", "", "bool"), ())


def can_join(kind: ValueType, schema: Mapping[str, Any]) -> bool:
    """Whether a list may be one text."""
    inner = schema.get("items", {})
    closed = {"enum", "format", "pattern"} & inner.keys() or kind.kind != "string" or kind.choices
    return not closed and not {"default", "minItems", "maxItems"} & schema.keys()
