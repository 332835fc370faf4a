"""Parameters and results that several functions share."""

from __future__ import annotations

from typing import Any

from tastemaker.synthesis.context_tree import Attribute
from tastemaker.synthesis.sheet import Sheet, record
from tastemaker.synthesis.wording import plural


def limit(s: Sheet) -> None:
    """How many results at most."""
    s.add("limit", "1..50", "Maximum number of results.", default=s.rng.choice((5, 10, 20, 25)))


def listed(s: Sheet, name: str = "") -> dict[str, Any]:
    """A result: things in a list, with their number for half of them."""
    items = {"type": "array", "items": s.thing_schema()}
    properties: dict[str, Any] = {name or s.rng.choice(("results", "items", _slug(plural(s.noun)))): items}
    if s.rng.random() < 0.5:
        properties["total"] = s.schema("0..5000", "Number of matches in all.")
    return record(properties)


def _slug(text: str) -> str:
    return "_".join("".join(c if c.isalnum() and c.isascii() else " " for c in text.lower()).split())


def status(s: Sheet, states: str, *more: tuple[str, str]) -> dict[str, Any]:
    """A result: the identifier and what state the thing is in, with more members where given."""
    text = f"@{s.domain.name}/{s.noun}"
    properties = {
        "id": s.schema(text, f"Identifier of the {s.noun}."),
        "status": s.schema(states, "State after the call."),
    }
    for name, kind in more:
        properties[name] = s.schema(kind, s.describe(name, kind))
    return record(properties)


def narrow(s: Sheet, a: Attribute, required: bool) -> None:
    """An attribute as a condition: bounds for numbers, a range for dates, the value itself for the rest."""
    kind, noun = s.type(a), a.name.replace("_", " ")
    if kind.is_number:
        side = s.rng.choice(("min", "max", "max", "both"))
        for word, long in (("min", "Lowest"), ("max", "Highest")):
            if side in (word, "both"):
                s.add(f"{word}_{a.name}", a.type, s.describe(noun, a.type, f"{long} {{noun}}"))
    elif a.type == "date" and s.rng.random() < 0.4:
        s.add(
            "from_date",
            "date",
            s.describe("from_date", "date", f"First {noun}" if "date" in noun else f"First date of {noun}"),
        )
        s.add(
            "to_date",
            "date",
            s.describe("to_date", "date", f"Last {noun}" if "date" in noun else f"Last date of {noun}"),
        )
    else:
        pattern = s.rng.choice(("{Noun} of the " + s.noun, "{Noun} to look for", "Wanted {noun}", "{Noun}"))
        s.add_attribute(a, pattern, required=required)


def contact(s: Sheet) -> None:
    """Where messages go."""
    kind = s.rng.choice((("email", "email"), ("phone", "phone"), ("email", "email")))
    s.add(*kind, s.describe(*kind, "{Noun} for messages"), required=True)
