"""Formulas from one unit to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tastemaker.synthesis.dialogues.formulas.registry import FORMULAS, Formula, Given, of

_FACTORS: Final[dict[str, dict[str, float]]] = {
    "length": {
        "metre": 1,
        "kilometre": 1000,
        "mile": 1609.344,
        "foot": 0.3048,
        "inch": 0.0254,
        "yard": 0.9144,
    },
    "mass": {"kilogram": 1, "gram": 0.001, "pound": 0.45359237, "ounce": 0.028349523125, "stone": 6.35029318},
    "area unit": {"square metre": 1, "hectare": 1e4, "acre": 4046.8564224, "square foot": 0.09290304},
    "speed unit": {"m/s": 1, "km/h": 1 / 3.6, "mph": 0.44704, "knots": 1852 / 3600},
}


def _convert(factors: Mapping[str, float]) -> Formula:
    return lambda g: {"converted_value": g["value"] * factors[g["from_unit"]] / factors[g["to_unit"]]}


FORMULAS.update({thing: _convert(factors) for thing, factors in _FACTORS.items()})


@of("data size")
def _data_size(g: Given) -> dict[str, Any]:
    steps = ("byte", "KB", "MB", "GB", "TB")
    base = 1024 if g.get("binary") else 1000
    return {
        "converted_value": g["value"] * base ** float(steps.index(g["from_unit"]) - steps.index(g["to_unit"]))
    }


@of("volume unit")
def _volume(g: Given) -> dict[str, Any]:
    imperial = bool(g.get("imperial"))
    gallon = 4.54609 if imperial else 3.785411784
    litres = {"litre": 1.0, "cubic metre": 1000.0, "gallon": gallon, "pint": gallon / 8}
    return {"converted_value": g["value"] * litres[g["from_unit"]] / litres[g["to_unit"]]}


@of("temperature")
def _temperature(g: Given) -> dict[str, Any]:
    value = g["value"]
    kelvin = {"celsius": value + 273.15, "fahrenheit": (value + 459.67) * 5 / 9, "kelvin": value}[
        g["from_scale"]
    ]
    if kelvin < 0:
        raise ValueError
    scales = {"celsius": kelvin - 273.15, "fahrenheit": kelvin * 9 / 5 - 459.67, "kelvin": kelvin}
    return {"converted_value": scales[g["to_scale"]]}
