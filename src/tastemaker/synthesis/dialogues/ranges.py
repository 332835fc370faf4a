"""Numbers that look as people choose them, within a schema and a value type's range.

Knows nothing of how a number is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

from tastemaker.synthesis.value_types import ValueType

_ENDS = (1, 10, 20, 100, 100, 100, 500, 1000, 10_000)
_TRIES = 20


def draw_number(rng: Random, schema: Mapping[str, Any], kind: ValueType | None) -> float:
    """An integer where the schema wants one, else a number, whole ones mostly without a point.

    >>> draw_number(Random(3), {"type": "integer", "minimum": 4, "maximum": 4}, None)
    4
    """
    whole = schema.get("type") == "integer"
    low, high = _bounds(rng, schema, kind)
    step = schema.get("multipleOf")
    for _ in range(_TRIES):
        if step:
            value = _multiple(rng, step, low, high)
        elif whole:
            value = _whole(rng, math.ceil(low), math.floor(high))
        else:
            value = _decimal(rng, low, high, kind.text if kind is not None else "")
        if _fits(value, schema):
            return value
    return math.ceil(low) if whole else low


def _bounds(rng: Random, schema: Mapping[str, Any], kind: ValueType | None) -> tuple[float, float]:
    """The narrower ones of schema and type; where nothing is told, ones of a usual size."""
    told: list[Mapping[str, Any]] = [schema]
    if kind is not None and kind.is_number:
        told.append(kind.schema)
    lows = [part[key] for part in told for key in ("minimum", "exclusiveMinimum") if key in part]
    highs = [part[key] for part in told for key in ("maximum", "exclusiveMaximum") if key in part]
    if lows and highs and max(lows) <= min(highs):
        return max(lows), min(highs)
    own = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
    if own:
        return max(own), max(own) + max(100, abs(max(own)))
    if highs:
        return min(0, min(highs) - 100), min(highs)
    if lows:
        return lows[0], lows[0] + 500
    end = rng.choice(_ENDS)
    return (-end, end) if rng.random() < 0.12 else (0 if end == 1 else 1, end)


def _fits(value: float, schema: Mapping[str, Any]) -> bool:
    return bool(
        value >= schema.get("minimum", -math.inf)
        and value <= schema.get("maximum", math.inf)
        and value > schema.get("exclusiveMinimum", -math.inf)
        and value < schema.get("exclusiveMaximum", math.inf)
    )


def _multiple(rng: Random, step: float, low: float, high: float) -> float:
    value = rng.randint(math.ceil(low / step), math.floor(high / step)) * step
    return value if isinstance(value, int) else round(value, 10)


def _whole(rng: Random, low: int, high: int) -> int:
    span = high - low
    draw = rng.random()
    if span <= 24:
        return rng.randint(low, max(low, high))
    if low >= 1500 and high <= 2100:
        return rng.randint(max(low, 1985), high) if draw < 0.6 and high > 1985 else rng.randint(low, high)
    if draw < 0.45:
        scale: int = 10 ** int(math.log10(span / 3))
        step = rng.choice((scale, scale, max(1, scale // 2), 5 * max(1, scale // 10), max(1, scale // 10)))
        first = -(-low // step)
        return rng.randint(first, high // step) * step
    if draw < 0.7:
        return low + int((span + 1) ** rng.random()) - 1
    return rng.randint(low, high)


def _decimal(rng: Random, low: float, high: float, about: str) -> float:
    span = high - low
    draw = rng.random()
    if about in ("latitude", "longitude"):
        return round(rng.uniform(low, high), 4 if draw < 0.6 else 2)
    if span > 3 and draw < 0.45 and math.floor(high) >= math.ceil(low):
        whole = _whole(rng, math.ceil(low), math.floor(high))
        return float(whole) if draw < 0.05 else whole
    places = 1 if draw < 0.75 else 2
    if span <= 3:
        places = 2 if draw < 0.6 else 1 if draw < 0.8 else 3
        if span < 0.05:
            places += 2
    end = high if span < 50 or draw < 0.7 else low + span ** rng.uniform(0.4, 1.0)
    value = round(rng.uniform(low, end), places)
    if about == "price" and draw > 0.85:
        value = math.floor(value) + rng.choice((0.99, 0.5, 0.95, 0.49))
    elif draw > 0.92 and span > 3:
        value = math.floor(value) + 0.5
    return value
