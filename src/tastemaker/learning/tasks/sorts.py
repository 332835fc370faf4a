"""Sorts of values: what a price, a town or a date is for programs, questions and answers.

A sort says which JSON type its values have, how one is drawn, written in a question and referred to again.
A parameter takes the values of its own sort, and one of sort `number` takes any numeric value. Knows nothing
of tools.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from tastemaker.learning.tasks import lexicon

Draw = Callable[[Random], Any]


@dataclass(frozen=True)
class Sort:
    """One sort of values."""

    schema: dict[str, Any]
    """JSON Schema of a value."""
    again: str
    """How a value found before is referred to."""
    words: tuple[str, ...] = ()
    """Names that a parameter of this sort may have."""
    draw: Draw | None = None
    """Draws a literal; None where values come from a table of the world, or from calls alone."""
    table: str | None = None
    """The table whose keys are the values."""
    written: str = "{}"
    """How a literal stands in a question."""
    numeric: bool = False
    whole: tuple[str, ...] = field(default=())
    """All values, where there are few."""


_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "number"}
_WHOLE: Final = {"type": "integer"}
_FIRST_DAY: Final = date(2024, 1, 1).toordinal()
_DAYS: Final = 1400


def _decimal(low: int, high: int) -> Draw:
    """Numbers of at most one decimal."""
    return lambda rng: (
        rng.randint(low, high) if rng.random() < 0.5 else tidy(rng.randint(low * 10, high * 10) / 10)
    )


def _integer(low: int, high: int) -> Draw:
    return lambda rng: rng.randint(low, high)


def born(rng: Random) -> str:
    """A date of birth."""
    return date(rng.randint(1955, 2004), rng.randint(1, 12), rng.randint(1, 28)).isoformat()


def _date(rng: Random) -> str:
    return (date.fromordinal(_FIRST_DAY) + timedelta(rng.randrange(_DAYS))).isoformat()


def _numbers(rng: Random) -> list[int]:
    return rng.sample(range(2, 99), rng.randint(4, 6))


def _named(table: str, again: str, *words: str, written: str = "{}") -> Sort:
    return Sort(_TEXT, again, words, table=table, written=written)


def _measure(again: str, unit: str, low: int, high: int, *words: str) -> Sort:
    return Sort(_NUMBER, again, words, _decimal(low, high), written="{} " + unit, numeric=True)


def _found(again: str) -> Sort:
    """A sort whose values only come from calls."""
    return Sort(_TEXT, again)


SORTS: Final[dict[str, Sort]] = {
    "person": _named("person", "that person", "person", "name", "employee", "full name"),
    "town": _named("town", "that town", "town", "city", "place"),
    "product": _named("product", "that product", "product", "item", "article"),
    "film": _named("film", "that film", "film", "title", "movie", written='"{}"'),
    "genre": _named("genre", "that genre", "genre", "category"),
    "event": _named("event", "that event", "event", "show", "event name"),
    "course": _named("course", "that course", "course", "class name"),
    "restaurant": _named("restaurant", "that restaurant", "restaurant", "venue"),
    "account": _named("account", "that account", "account", "account name"),
    "budget": _named("budget", "that budget", "budget", "pot", "envelope"),
    "card": _named("card", "that gift card", "card", "card code"),
    "memo": _named("memo", "that memo", "memo", "memo title", "subject", written='"{}"'),
    "message": _named("message", "that message", "message", "topic", written='"{}"'),
    "currency": _named("currency", "that currency", "currency", "currency code"),
    "date": Sort(_TEXT | {"format": "date"}, "that date", ("date", "day"), _date),
    "number": Sort(_NUMBER, "that result", (), _decimal(3, 400), numeric=True),
    "size": Sort(_NUMBER, "", (), _decimal(3, 90)),
    "percent": Sort(_NUMBER, "that rate", (), _integer(3, 60), numeric=True),
    "count": Sort(_WHOLE, "that count", (), _integer(12, 90), numeric=True),
    "days": Sort(_WHOLE, "that many days", (), _integer(5, 120), numeric=True),
    "weeks": Sort(_WHOLE, "that many weeks", (), _integer(2, 30)),
    "quantity": Sort(_WHOLE, "", (), _integer(2, 9)),
    "money": _measure("that amount", "euros", 8, 300, "amount", "sum", "euros"),
    "km": _measure("that distance", "km", 5, 400, "km", "kilometres", "distance km"),
    "miles": _measure("that distance", "miles", 5, 400, "miles", "distance miles"),
    "kg": _measure("that weight", "kg", 2, 90, "kg", "kilograms", "weight kg"),
    "metres": _measure("that height", "metres", 3, 900, "metres", "meters", "length m"),
    "inches": _measure("that length", "inches", 3, 90, "inches", "length inches"),
    "litres": _measure("that volume", "litres", 3, 90, "litres", "liters", "volume l"),
    "minutes": _measure("that time", "minutes", 20, 400, "minutes", "duration", "mins"),
    "celsius": _measure("that temperature", "degrees Celsius", 2, 38, "celsius", "temperature", "degrees"),
    "numbers": Sort({"type": "array", "items": _NUMBER, "minItems": 2}, "", (), _numbers),
    "text": Sort(_TEXT, "that text", ("text", "sentence", "phrase"), lexicon.phrase, written='"{}"'),
    "letter": Sort(_TEXT | {"minLength": 1, "maxLength": 1}, "", ("letter", "character"), lexicon.letter),
    "task": Sort(_TEXT, "", ("task", "title", "what"), lexicon.errand, written='"{}"'),
    "speed unit": Sort(_TEXT | {"enum": ["km/h", "mph", "m/s"]}, "", (), lambda r: r.choice(("km/h", "mph"))),
    "time unit": Sort(
        _TEXT | {"enum": ["minutes", "hours", "days"]},
        "",
        (),
        lambda r: r.choice(("minutes", "hours", "days")),
    ),
    "phone": _found("that phone number"),
    "email": _found("that address"),
    "department": _found("that department"),
    "room": _found("that room"),
    "shelf": _found("that shelf"),
    "postcode": _found("that postcode"),
    "time": _found("that time of day"),
    "note": _found("that note"),
    "order": Sort(_TEXT, "that order", ("order", "order id", "order number")),
    "weekday": Sort(
        _TEXT,
        "that weekday",
        whole=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ),
}


def accepts(parameter: str, value: str) -> bool:
    """Whether a parameter of one sort takes values of another."""
    return parameter == value or (parameter == "number" and SORTS[value].numeric)


def written(sort: str, value: Any) -> str:
    """A literal as a question has it.

    >>> written("km", 12.5)
    '12.5 km'
    """
    return SORTS[sort].written.format(value)


def tidy(number: float) -> float | int:
    """At most two decimals, and none where there are none: what tools give, so that answers can copy it."""
    rounded = round(number, 2)
    return int(rounded) if rounded == int(rounded) else rounded
