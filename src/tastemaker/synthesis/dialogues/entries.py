"""The entries of a list in a result as one whole: their order, their steps in time, the groups of statistics,
and the best one.

Knows nothing of how an entry's values are drawn.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Protocol

from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues.given import Given, attributes_of, day_of, is_number, plain
from tastemaker.synthesis.wording import words

FIRST_DAYS = ("start_date", "from_date", "since", "from", "start")
LAST_DAYS = ("end_date", "to_date", "until", "to", "end")
SERIES = ("forecast", "history")
_LOW_IS_GOOD = frozenset(
    {*("price", "cost", "fee", "distance", "duration", "delay", "rate", "fare"), "minutes", "weight"}
)


class Call(Protocol):
    """What the entries depend on beside the arguments."""

    api: Api
    verb: str
    thing: str
    rng: random.Random
    now: date


def arranged(call: Call, rows: list[Any], items: dict[str, Any], given: Given, name: str) -> list[Any]:
    """The entries in the order asked for; points of time step by step."""
    keys = {plain(key): key for key in items.get("properties", {})}
    if name in SERIES or call.verb in SERIES:
        for key in ("date", "time"):
            if key in keys:
                days = _steps(call, len(rows), given, forward=call.verb == "forecast")
                for row, day in zip(rows, days, strict=True):
                    row[keys[key]] = f"{day}T00:00:00Z" if key == "time" else str(day)
        for key, part in items.get("properties", {}).items():
            for before, row in pairwise(rows):
                if is_number(row[key]):
                    row[key] = near(before[key], 0.92 + 0.16 * call.rng.random(), part)
        return rows
    if "group" in keys and "mean" in keys:
        return _grouped(call, rows, keys, given)
    by = given.text("sort_by", "rank_by")
    metric = keys.get(plain(by)) if by else None
    if metric is None and call.verb == "rank":
        said = plain(f"{call.api.spec.name} {call.api.spec.description}")
        metric = next(
            (key for name, key in keys.items() if name in said and rows and is_number(rows[0][key])), None
        )
    if metric is not None and all(is_number(row.get(metric)) for row in rows):
        down = given.text("order") == "descending"
        rows.sort(key=lambda row: row[metric], reverse=down)
    return rows


def _steps(call: Call, n: int, given: Given, forward: bool) -> list[date]:
    step = {"week": 7, "month": 30}.get(given.text("interval") or "day", 1)
    first = day_of(given.text(*FIRST_DAYS)) if not forward else None
    last = day_of(given.text(*LAST_DAYS)) if not forward else None
    if first is None:
        first = call.now + timedelta(days=1) if forward else (last or call.now) - timedelta(days=step * n)
    if last is not None and n > 1 and first < last < first + timedelta(days=step * (n - 1)):
        step = (last - first).days // (n - 1)
    return [first + timedelta(days=step * place) for place in range(n)]


def _grouped(call: Call, rows: list[Any], keys: dict[str, str], given: Given) -> list[Any]:
    """Rows of statistics: groups as asked for, means in the range of what is measured."""
    by, metric = given.text("group_by"), given.text("metric")
    kinds = attributes_of(call.api.domain, call.thing)
    kind = kinds.get(plain(by)) if by else None
    names: Sequence[str] = (kind.choices or kind.examples) if kind is not None else ()
    if by is None or by == "none" or not names:
        names = ("all",) if by in (None, "none") else ("A", "B", "C", "D")
    names = call.rng.sample(list(names), min(len(names), len(rows)))
    measured = kinds.get(plain(metric)) if metric else None
    if measured is None:
        said = plain(f"{call.api.spec.name} {call.api.spec.description}")
        measured = next((k for name, k in kinds.items() if k.is_number and name in said), None)
    for row, group in zip(rows, names, strict=False):
        row[keys["group"]] = str(group)
        if measured is not None:
            low, high = measured.schema.get("minimum", 1), measured.schema.get("maximum", 100)
            row[keys["mean"]] = round(low + (high - low) * (0.2 + 0.4 * call.rng.random()), 2)
    return rows[: len(names)]


def near(value: float, factor: float, schema: dict[str, Any]) -> float:
    """The value times the factor, within the schema's bounds."""
    made = round(value * factor, 2)
    made = float(min(max(made, schema.get("minimum", made)), schema.get("maximum", made)))
    return round(made) if schema.get("type") == "integer" else made


def best_of(rows: list[dict[str, Any]], by: list[str]) -> dict[str, Any]:
    for name in by:
        for key, value in rows[0].items():
            if plain(key) == name and is_number(value):
                low = any(word in _LOW_IS_GOOD for word in words(key))
                return (min if low else max)(rows, key=lambda row: float(row[key]))
    return rows[0]
