"""The small world of a task: tables drawn under its seed, that its tools read and change.

A world is plain JSON, `{table: {key: {field: value}}}`, and holds only what the offered tools need. A pair of
towns is a key `A|B` of the table `route`, in alphabetical order. Knows nothing of tools.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final

from tastemaker.errors import ToolError
from tastemaker.learning.tasks import lexicon
from tastemaker.learning.tasks.sorts import SORTS, born

World = dict[str, dict[str, dict[str, Any]]]
Column = Callable[[Random, int], list[Any]]
"""Draws so many values, no two of them alike."""

KEYS: Final = 5
"""Rows of a table."""
PAIR: Final = "|"


def _whole(low: int, high: int) -> Column:
    return lambda rng, count: rng.sample(range(low, high), count)


def _cents(low: int, high: int) -> Column:
    return lambda rng, count: [
        number / 100 for number in rng.sample(range(low * 100 + 1, high * 100, 5), count)
    ]


def _tenths(low: int, high: int) -> Column:
    return lambda rng, count: [number / 10 for number in rng.sample(range(low * 10, high * 10), count)]


def _unlike(draw: Callable[[Random], Any]) -> Column:
    def column(rng: Random, count: int) -> list[Any]:
        found: dict[Any, None] = {}
        while len(found) < count:
            found[draw(rng)] = None
        return list(found)

    return column


def _of(sort: str) -> Column:
    draw = SORTS[sort].draw
    assert draw is not None
    return _unlike(draw)


def _choice(*values: str) -> Column:
    return lambda rng, count: rng.sample(values, count)


def _clock(rng: Random) -> str:
    return f"{rng.randint(5, 22):02d}:{rng.randrange(0, 60, 5):02d}"


_DEPARTMENTS: Final = ("Sales", "Finance", "Research", "Logistics", "Legal", "Marketing", "Support", "Design")

FIELDS: Final[dict[tuple[str, str], tuple[str, Column | None]]] = {
    ("person", "phone"): ("phone", _unlike(lambda r: f"555-{r.randrange(10000):04d}")),
    ("person", "email"): (
        "email",
        _unlike(lambda r: f"{lexicon.phrase(r).split()[0]}{r.randint(10, 99)}@mail.example"),
    ),
    ("person", "city"): ("town", None),
    ("person", "branch"): ("town", None),
    ("person", "manager"): ("person", None),
    ("person", "mentor"): ("person", None),
    ("person", "supervisor"): ("person", None),
    ("person", "department"): ("department", _choice(*_DEPARTMENTS)),
    ("person", "room"): ("room", _unlike(lambda r: f"{r.choice('ABCDE')}{r.randint(101, 399)}")),
    ("person", "hired"): ("date", _of("date")),
    ("person", "birthday"): ("date", _unlike(born)),
    ("person", "leave_days"): ("days", _whole(5, 60)),
    ("person", "last_film"): ("film", None),
    ("person", "suggested"): ("film", None),
    ("person", "wished"): ("product", None),
    ("person", "seen"): ("film", None),
    ("product", "price"): ("money", _cents(5, 200)),
    ("product", "cost"): ("money", _cents(5, 120)),
    ("product", "stock"): ("count", _whole(12, 400)),
    ("product", "weight"): ("kg", _tenths(2, 60)),
    ("product", "shelf"): ("shelf", _unlike(lambda r: f"{r.choice('RSTUV')}{r.randint(10, 99)}")),
    ("product", "supplier"): ("person", None),
    ("product", "made_in"): ("town", None),
    ("product", "warranty"): ("days", _whole(30, 800)),
    ("product", "arrives"): ("date", _of("date")),
    ("product", "accessory"): ("product", None),
    ("town", "temperature"): ("celsius", _tenths(2, 36)),
    ("town", "population"): ("count", _whole(2000, 90000)),
    ("town", "elevation"): ("metres", _whole(12, 1400)),
    ("town", "rainfall"): ("number", _tenths(12, 90)),
    ("town", "postcode"): (
        "postcode",
        _unlike(lambda r: f"{r.choice('KLMN')}{r.choice('WXYZ')}{r.randint(1000, 9999)}"),
    ),
    ("town", "mayor"): ("person", None),
    ("town", "market_day"): ("date", _of("date")),
    ("town", "visit"): ("town", None),
    ("route", "km"): ("km", _tenths(15, 500)),
    ("route", "minutes"): ("minutes", _whole(25, 500)),
    ("route", "fare"): ("money", _cents(6, 90)),
    ("route", "departs"): ("time", _unlike(_clock)),
    ("film", "rating"): ("number", _unlike(lambda r: r.randint(110, 499) / 100)),
    ("film", "similar"): ("film", None),
    ("film", "year"): ("number", _whole(1951, 2024)),
    ("film", "genre"): ("genre", None),
    ("film", "length"): ("minutes", _whole(71, 210)),
    ("film", "views"): ("count", _whole(300, 9000)),
    ("film", "director"): ("person", None),
    ("genre", "top"): ("film", None),
    ("memo", "text"): ("text", _unlike(lexicon.memo)),
    ("message", "text"): ("text", _unlike(lexicon.message)),
    ("currency", "rate"): ("number", _cents(1, 30)),
    ("event", "seats"): ("count", _whole(30, 300)),
    ("event", "when"): ("date", _of("date")),
    ("course", "places"): ("count", _whole(20, 90)),
    ("restaurant", "tables"): ("count", _whole(20, 90)),
    ("account", "balance"): ("money", _cents(400, 4000)),
    ("budget", "amount"): ("money", _cents(400, 2000)),
    ("card", "value"): ("money", _cents(300, 900)),
}
"""By table and field: the sort of its values and how they are drawn; None draws from the sort's own table."""

SEEN: Final = 3
"""Films in a person's history."""
EMPTY: Final = ("cart", "order", "diary", "agenda")
"""Tables that begin empty, or with what `draw_world` puts into them."""


def draw_world(rng: Random, needs: Iterable[tuple[str, str]]) -> World:
    """A world with the tables and fields asked for, and the tables that their values come from."""
    fields = list(dict.fromkeys(needs))
    tables: dict[str, None] = {}
    for table, name in fields:
        tables["town" if table == "route" else table] = None
        if table in SORTS or table == "route":
            sort, column = FIELDS[table, name] if name else ("", None)
            if sort and column is None:
                tables[SORTS[sort].table or sort] = None
    world: World = {table: {} if table in EMPTY else _keys(rng, table) for table in tables}
    for table, name in fields:
        if table in ("diary", "agenda"):
            world[table] = {day: {"tasks": lexicon.errands(rng)} for day in _of("date")(rng, KEYS)}
        elif name:
            _fill(rng, world, table, name)
    return world


def _keys(rng: Random, table: str) -> dict[str, dict[str, Any]]:
    return {key: {} for key in _unlike(lexicon.NAMES[table])(rng, KEYS)}


def _fill(rng: Random, world: World, table: str, name: str) -> None:
    sort, column = FIELDS[table, name]
    if table == "route":
        towns = sorted(world["town"])
        pairs = [a + PAIR + b for i, a in enumerate(towns) for b in towns[i + 1 :]]
        rows = [world.setdefault("route", {}).setdefault(pair, {}) for pair in pairs]
    else:
        rows = list(world[table].values())
    if name == "seen":
        films = list(world["film"])
        values: list[Any] = [rng.sample(films, rng.randint(2, SEEN)) for _ in rows]
    elif column is not None:
        values = column(rng, len(rows))
    else:
        values = list(world[SORTS[sort].table or sort])
        rng.shuffle(values)
        if sort == table:  # nobody is their own manager: each is followed by the next of a drawn circle
            after = dict(zip(values, values[1:] + values[:1], strict=True))
            values = [after[key] for key in world[table]]
    for row, value in zip(rows, values, strict=True):
        row[name] = value


def copied(world: World) -> World:
    """A copy that shares nothing that tools change."""
    return {
        table: {
            key: {name: list(value) if isinstance(value, list) else value for name, value in row.items()}
            for key, row in rows.items()
        }
        for table, rows in world.items()
    }


def find(world: World, table: str, key: str) -> dict[str, Any]:
    """The row of a key, whatever its case. Raises ToolError that names the nearest key."""
    rows = world[table]
    if key in rows:
        return rows[key]
    lowered = {known.casefold(): known for known in rows}
    wanted = key.strip().casefold()
    if wanted in lowered:
        return rows[lowered[wanted]]
    near = [
        known
        for low, known in lowered.items()
        if wanted and (low.startswith(wanted) or wanted in low.split())
    ]
    near = near or [lowered[low] for low in difflib.get_close_matches(wanted, lowered, 1, 0.6)]
    if not near:
        raise ToolError(f"there is no {table} {key!r}")
    raise ToolError(f"there is no {table} {key!r}; did you mean {near[0]!r}?")


def route(world: World, origin: str, destination: str) -> dict[str, Any]:
    """The row of two towns in either order. Raises ToolError for an unknown town and for one town twice."""
    find(world, "town", origin)
    find(world, "town", destination)
    names = sorted(_spelt(world, name) for name in (origin, destination))
    if names[0] == names[1]:
        raise ToolError("origin and destination are the same town")
    return world["route"][PAIR.join(names)]


def _spelt(world: World, town: str) -> str:
    return next(known for known in world["town"] if known.casefold() == town.strip().casefold())


def names(world: World, sort: str) -> set[str]:
    """All values of a sort of texts that the world holds."""
    found = set(SORTS[sort].whole) | set(world.get(SORTS[sort].table or "", ()))
    for (table, name), (kind, _) in FIELDS.items():
        if kind == sort and table in world:
            for row in world[table].values():
                value = row.get(name, ())
                found.update(value if isinstance(value, list) else (value,) if value != () else ())
    if sort == "note":
        for table in ("diary", "agenda"):
            for row in world.get(table, {}).values():
                found.update(row["tasks"])
    return found
