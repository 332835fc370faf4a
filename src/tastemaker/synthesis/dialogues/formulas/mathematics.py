"""Formulas of mathematics."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

from tastemaker.synthesis.dialogues.formulas.registry import Given, of


@of("quadratic equation")
def _quadratic(g: Given) -> dict[str, Any]:
    a, b = g["a"], g["b"]
    under = b * b - 4 * a * g["c"]
    root = math.sqrt(under) if under >= 0 else math.nan
    roots = (
        [] if under < 0 else [-b / (2 * a)] if under == 0 else [(-b - root) / (2 * a), (-b + root) / (2 * a)]
    )
    return {"roots": roots, "discriminant": under}


@of("polynomial value")
def _polynomial(g: Given) -> dict[str, Any]:
    if g.get("derivative_order"):
        raise ValueError
    total = 0.0
    for coefficient in g["coefficients"]:
        total = total * g["x"] + coefficient
    return {"value": total}


@of("greatest common divisor")
def _gcd(g: Given) -> dict[str, Any]:
    return {"divisor": math.gcd(*g["numbers"]), "multiple": math.lcm(*g["numbers"])}


@of("combinations")
def _combinations(g: Given) -> dict[str, Any]:
    n, k = g["total_items"], g["chosen"]
    if g.get("repetition"):
        return {"count": n**k if g.get("ordered") else math.comb(n + k - 1, k)}
    return {"count": math.perm(n, k) if g.get("ordered") else math.comb(n, k)}


@of("point distance")
def _distance(g: Given) -> dict[str, Any]:
    gaps = [abs(a - b) for a, b in zip(g["point_a"], g["point_b"], strict=True)]
    kinds = {"Euclidean": math.hypot(*gaps), "Manhattan": sum(gaps), "Chebyshev": max(gaps)}
    return {"distance": kinds[g.get("metric", "Euclidean")]}


@of("summary statistics")
def _summary(g: Given) -> dict[str, Any]:
    values = g["values"]
    known: dict[str, Callable[[], float]] = {
        "mean": lambda: statistics.fmean(values),
        "median": lambda: statistics.median(values),
        "mode": lambda: statistics.mode(values),
        "variance": lambda: statistics.variance(values) if g.get("sample") else statistics.pvariance(values),
        "range": lambda: max(values) - min(values),
    }
    return {"results": [known[measure]() for measure in g["measures"]]}


@of("roman numeral")
def _roman(g: Given) -> dict[str, Any]:
    if g.get("direction", "to roman") != "to roman":
        raise ValueError
    signs = zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    )
    left, text = g["number"], ""
    for size, sign in signs:
        text += sign * (left // size)
        left %= size
    return {"numeral": text}


@of("circle")
def _circle(g: Given) -> dict[str, Any]:
    radius = g["radius"]
    kinds = {"area": math.pi * radius**2, "circumference": 2 * math.pi * radius, "diameter": 2 * radius}
    return {"value": kinds[g["quantity"]]}


@of("triangle side")
def _triangle(g: Given) -> dict[str, Any]:
    a, b, angle = g["side_a"], g["side_b"], math.radians(g["included_angle"])
    side = math.sqrt(a * a + b * b - 2 * a * b * math.cos(angle))
    return {"side_c": side, "area": a * b * math.sin(angle) / 2}


@of("prime factors")
def _factors(g: Given) -> dict[str, Any]:
    left, divisor, found = g["value"], 2, []
    while divisor * divisor <= left:
        while left % divisor == 0:
            found.append(divisor)
            left //= divisor
        divisor += 1
    return {"factors": [*found, left] if left > 1 else found}
