"""Results that follow from the arguments by a formula that everybody knows, for calculations of the tree.

A formula is keyed by the thing that is calculated (`Api.path[0]`) and takes the arguments by their names in
snake_case, in the units of the context tree. Prices, rates of exchange and taxes are not here: nobody can
work them out. Knows nothing of schemas.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

Given = Mapping[str, Any]
Formula = Callable[[Given], dict[str, Any]]

FORMULAS: Final[dict[str, Formula]] = {}
"""By thing. Outputs are by their names in snake_case, unrounded; a missing argument raises KeyError."""


def computed(thing: str, given: Given) -> dict[str, Any]:
    """The outputs of the thing's formula; empty where there is none or the arguments do not suffice for it.

    >>> computed("ohms law", {"voltage": 12.0, "resistance": 4.0})
    {'current': 3.0, 'power': 36.0}
    """
    formula = FORMULAS.get(thing)
    if formula is None:
        return {}
    try:
        outputs = formula(given)
    except (KeyError, ValueError, ZeroDivisionError, OverflowError, TypeError, IndexError):
        return {}
    return {name: value for name, value in outputs.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return not isinstance(value, float | int) or -1e15 < value < 1e15


def _of(thing: str) -> Callable[[Formula], Formula]:
    def keep(formula: Formula) -> Formula:
        FORMULAS[thing] = formula
        return formula

    return keep


@_of("tip")
def _tip(g: Given) -> dict[str, Any]:
    tip = g["bill"] * g["percentage"] / 100
    total = g["bill"] + tip
    if g.get("round_up"):
        tip, total = tip + math.ceil(total) - total, math.ceil(total)
    return {"tip": tip, "per_person": total / g.get("people", 1)}


@_of("bill split")
def _split(g: Given) -> dict[str, Any]:
    if g.get("shares"):
        raise ValueError
    share = g["total"] * (1 + g.get("tip", 0) / 100) / g["people"]
    return {"per_person": [share] * g["people"]}


@_of("compound interest")
def _interest(g: Given) -> dict[str, Any]:
    if g.get("monthly_deposit"):
        raise ValueError
    times = {"yearly": 1, "quarterly": 4, "monthly": 12, "daily": 365}[g.get("compounding", "yearly")]
    final = g["principal"] * (1 + g["annual_rate"] / 100 / times) ** (times * g["years"])
    return {"final_amount": final, "interest": final - g["principal"]}


@_of("mortgage payment")
def _mortgage(g: Given) -> dict[str, Any]:
    if g.get("frequency", "monthly") != "monthly":
        raise ValueError
    debt, rate, months = g["loan_amount"] - g.get("down_payment", 0), g["annual_rate"] / 1200, g["term"] * 12
    payment = debt * rate / (1 - (1 + rate) ** -months)
    return {"payment": payment, "total_interest": payment * months - debt}


@_of("return on investment")
def _roi(g: Given) -> dict[str, Any]:
    gain = (g["returned"] - g.get("fees", 0)) / g["invested"]
    outputs = {"roi": (gain - 1) * 100}
    if "years" in g:
        outputs["yearly_return"] = (gain ** (1 / g["years"]) - 1) * 100
    return outputs


@_of("profit margin")
def _margin(g: Given) -> dict[str, Any]:
    profit = (g["revenue"] - g["costs"]) * (1 - g.get("tax_rate", 0) / 100)
    return {"margin": profit / g["revenue"] * 100, "profit": profit}


@_of("break-even point")
def _break_even(g: Given) -> dict[str, Any]:
    each = g["unit_price"] - g["unit_cost"]
    units = math.ceil((g["fixed_costs"] + g.get("target_profit", 0)) / each)
    if units < 0:
        raise ValueError
    return {"units": units, "revenue": units * g["unit_price"]}


@_of("conversion rate")
def _conversion(g: Given) -> dict[str, Any]:
    return {"rate": g["conversions"] / g["visitors"] * 100}


@_of("overtime pay")
def _overtime(g: Given) -> dict[str, Any]:
    extra = g["overtime_hours"] * g.get("multiplier", 1.5)
    return {"pay": g["hourly_rate"] * (g["regular_hours"] + extra)}


@_of("depreciation")
def _depreciation(g: Given) -> dict[str, Any]:
    if g.get("method", "straight line") != "straight line" or g.get("salvage_value", 0) > g["cost"]:
        raise ValueError
    yearly = (g["cost"] - g.get("salvage_value", 0)) / g["useful_life"]
    return (
        {"yearly_amount": yearly, "book_value": g["cost"] - yearly * min(g["year"], g["useful_life"])}
        if ("year" in g)
        else {"yearly_amount": yearly}
    )


@_of("rental yield")
def _rental(g: Given) -> dict[str, Any]:
    rent = 12 * g["monthly_rent"] * (1 - g.get("vacancy", 0) / 100)
    price = g["purchase_price"]
    return {
        "gross_yield": 1200 * g["monthly_rent"] / price,
        "net_yield": (rent - g.get("yearly_costs", 0)) / price * 100,
    }


@_of("discount")
def _discount(g: Given) -> dict[str, Any]:
    whole = g["original_price"] * g.get("quantity", 1)
    saved = whole * g["discount_rate"] / 100
    return {"final_price": (whole - saved) * (1 + g.get("tax_rate", 0) / 100), "saved": saved}


@_of("payback time")
def _payback(g: Given) -> dict[str, Any]:
    return {"years": (g["cost"] - g.get("subsidy", 0)) / g["yearly_savings"]}


@_of("trip fuel cost")
def _fuel_cost(g: Given) -> dict[str, Any]:
    cost = g["distance"] * g["consumption"] / 100 * g["fuel_price"]
    return {"cost": cost, "per_person": cost / g.get("passengers", 1)}


@_of("fuel consumption")
def _fuel_used(g: Given) -> dict[str, Any]:
    if g.get("unit", "litres per 100 km") == "litres per 100 km":
        return {"consumption": g["fuel_used"] / g["distance"] * 100}
    return {"consumption": g["distance"] / 1.609344 / (g["fuel_used"] / 3.785411784)}


@_of("charging time")
def _charging(g: Given) -> dict[str, Any]:
    energy = g["battery"] * (g["target_charge"] - g["current_charge"]) / 100
    if energy <= 0:
        raise ValueError
    return {"minutes": math.ceil(60 * energy / g["charger_power"]), "energy": energy}


@_of("appliance cost")
def _appliance(g: Given) -> dict[str, Any]:
    energy = g["power"] * g["hours_per_day"] * g["days"] / 1000
    return (
        {"energy": energy, "cost": energy * g["price_per_kwh"]}
        if "price_per_kwh" in g
        else {"energy": energy}
    )


@_of("battery runtime")
def _battery(g: Given) -> dict[str, Any]:
    return {"hours": g["capacity"] * g["voltage"] / g["load"] * g.get("efficiency", 100) / 100}


@_of("download time")
def _download(g: Given) -> dict[str, Any]:
    return {"seconds": g["file_size"] * 8000 / g["bandwidth"] * (1 + g.get("overhead", 0) / 100)}


@_of("reading time")
def _reading(g: Given) -> dict[str, Any]:
    minutes = g["pages"] * g["words_per_page"] / g["words_per_minute"]
    more = {"days": math.ceil(minutes / g["minutes_per_day"])} if "minutes_per_day" in g else {}
    return {"hours": minutes / 60, **more}


@_of("body mass index")
def _bmi(g: Given) -> dict[str, Any]:
    bmi = g["weight"] / (g["height"] / 100) ** 2
    words = ((18.5, "underweight"), (25, "normal"), (30, "overweight"), (math.inf, "obese"))
    return {"bmi": bmi, "category": next(word for most, word in words if bmi < most)}


@_of("one-rep maximum")
def _one_rep(g: Given) -> dict[str, Any]:
    if g.get("formula", "Epley") == "Brzycki":
        return {"maximum": g["lifted"] * 36 / (37 - g["repetitions"])}
    return {"maximum": g["lifted"] * (1 + g["repetitions"] / 30) if g["repetitions"] > 1 else g["lifted"]}


@_of("batting average")
def _batting(g: Given) -> dict[str, Any]:
    outputs = {"average": g["runs"] / g["dismissals"]}
    if "balls_faced" in g:
        outputs["strike_rate"] = 100 * g["runs"] / g["balls_faced"]
    return outputs


@_of("paint amount")
def _paint(g: Given) -> dict[str, Any]:
    if g.get("windows") or g.get("doors"):
        raise ValueError
    return {"litres": g["wall_area"] * g.get("coats", 1) / g["coverage"]}


@_of("concrete volume")
def _concrete(g: Given) -> dict[str, Any]:
    return {"volume": g["length"] * g["width"] * g["thickness"] / 100 * (1 + g.get("waste", 0) / 100)}


@_of("flooring")
def _flooring(g: Given) -> dict[str, Any]:
    area = g["room_length"] * g["room_width"] * (1 + g.get("waste", 0) / 100)
    return {
        "area": area,
        **({"cost": area * g["price_per_square_metre"]} if "price_per_square_metre" in g else {}),
    }


@_of("volumetric weight")
def _volumetric(g: Given) -> dict[str, Any]:
    divisor = int(g.get("divisor", 6000))
    return {"chargeable_weight": g["length"] * g["width"] * g["height"] * g.get("pieces", 1) / divisor}


@_of("road gradient")
def _gradient(g: Given) -> dict[str, Any]:
    slope = g["rise"] / g["run"]
    unit = g.get("unit", "percent")
    return {
        "gradient": {"percent": slope * 100, "degrees": math.degrees(math.atan(slope)), "ratio": slope}[unit]
    }


@_of("ohms law")
def _ohm(g: Given) -> dict[str, Any]:
    current = g["voltage"] / g["resistance"]
    return {"current": current, "power": current * g["voltage"]}


@_of("resistor network")
def _resistors(g: Given) -> dict[str, Any]:
    values = g["resistors"]
    total = sum(values) if g["arrangement"] == "series" else 1 / sum(1 / value for value in values)
    more = {"current": g["supply_voltage"] / total} if "supply_voltage" in g else {}
    return {"total_resistance": total, **more}


@_of("led resistor")
def _led(g: Given) -> dict[str, Any]:
    drop, amperes = g["supply_voltage"] - g["forward_voltage"] * g.get("leds", 1), g["current"] / 1000
    if drop <= 0:
        raise ValueError
    return {"resistance": drop / amperes, "power": drop * amperes}


@_of("kinetic energy")
def _kinetic(g: Given) -> dict[str, Any]:
    return {"energy": 0.5 * g["mass"] * g["velocity"] ** 2}


@_of("spring force")
def _spring(g: Given) -> dict[str, Any]:
    force = g["stiffness"] * g["displacement"]
    return {"force": force, "stored_energy": force * g["displacement"] / 2}


@_of("pendulum period")
def _pendulum(g: Given) -> dict[str, Any]:
    return {"period": 2 * math.pi * math.sqrt(g["length"] / g.get("gravity", 9.81))}


@_of("torque")
def _torque(g: Given) -> dict[str, Any]:
    return {"torque": g["force"] * g["lever_arm"] * math.sin(math.radians(g.get("angle", 90)))}


@_of("heat energy")
def _heat(g: Given) -> dict[str, Any]:
    return {"energy": g["mass"] * g["specific_heat"] * g["temperature_change"]}


@_of("buoyant force")
def _buoyancy(g: Given) -> dict[str, Any]:
    return {"force": g["volume"] / 1000 * g["fluid_density"] * 9.81 * g.get("submerged", 100) / 100}


@_of("projectile range")
def _projectile(g: Given) -> dict[str, Any]:
    gravity, height = g.get("gravity", 9.81), g.get("start_height", 0)
    up = g["initial_speed"] * math.sin(math.radians(g["launch_angle"]))
    seconds = (up + math.sqrt(up * up + 2 * gravity * height)) / gravity
    along = g["initial_speed"] * math.cos(math.radians(g["launch_angle"]))
    return {"range": along * seconds, "flight_time": seconds, "max_height": height + up * up / 2 / gravity}


@_of("time dilation")
def _dilation(g: Given) -> dict[str, Any]:
    factor = 1 / math.sqrt(1 - g["speed_fraction"] ** 2)
    return {"elapsed": g["proper_time"] * factor, "lorentz_factor": factor}


@_of("rocket equation")
def _rocket(g: Given) -> dict[str, Any]:
    return {"delta_v": g["exhaust_speed"] * math.log(g["initial_mass"] / g["final_mass"])}


@_of("radioactive decay")
def _decay(g: Given) -> dict[str, Any]:
    left = 0.5 ** (g["elapsed"] / g["half_life"])
    return {"remaining": g["initial_amount"] * left, "decayed": 100 * (1 - left)}


@_of("dilution")
def _dilution(g: Given) -> dict[str, Any]:
    stock = g["target_concentration"] * g["final_volume"] / g["stock_concentration"]
    if stock > g["final_volume"]:
        raise ValueError
    return {"stock_volume": stock, "solvent_volume": g["final_volume"] - stock}


@_of("reaction yield")
def _yield(g: Given) -> dict[str, Any]:
    return {"yield": 100 * g["actual_mass"] / g["theoretical_mass"]}


@_of("gc content")
def _gc(g: Given) -> dict[str, Any]:
    return {"gc_content": 100 * sum(base in "GC" for base in g["sequence"]) / len(g["sequence"])}


@_of("quadratic equation")
def _quadratic(g: Given) -> dict[str, Any]:
    a, b = g["a"], g["b"]
    under = b * b - 4 * a * g["c"]
    root = math.sqrt(under) if under >= 0 else math.nan
    roots = (
        [] if under < 0 else [-b / (2 * a)] if under == 0 else [(-b - root) / (2 * a), (-b + root) / (2 * a)]
    )
    return {"roots": roots, "discriminant": under}


@_of("polynomial value")
def _polynomial(g: Given) -> dict[str, Any]:
    if g.get("derivative_order"):
        raise ValueError
    total = 0.0
    for coefficient in g["coefficients"]:
        total = total * g["x"] + coefficient
    return {"value": total}


@_of("greatest common divisor")
def _gcd(g: Given) -> dict[str, Any]:
    return {"divisor": math.gcd(*g["numbers"]), "multiple": math.lcm(*g["numbers"])}


@_of("combinations")
def _combinations(g: Given) -> dict[str, Any]:
    n, k = g["total_items"], g["chosen"]
    if g.get("repetition"):
        return {"count": n**k if g.get("ordered") else math.comb(n + k - 1, k)}
    return {"count": math.perm(n, k) if g.get("ordered") else math.comb(n, k)}


@_of("point distance")
def _distance(g: Given) -> dict[str, Any]:
    gaps = [abs(a - b) for a, b in zip(g["point_a"], g["point_b"], strict=True)]
    kinds = {"Euclidean": math.hypot(*gaps), "Manhattan": sum(gaps), "Chebyshev": max(gaps)}
    return {"distance": kinds[g.get("metric", "Euclidean")]}


@_of("summary statistics")
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


@_of("biodiversity index")
def _biodiversity(g: Given) -> dict[str, Any]:
    if g.get("normalised"):
        raise ValueError
    shares = [count / sum(g["counts"]) for count in g["counts"]]
    if g["method"] == "Shannon":
        return {"index": -sum(share * math.log(share) for share in shares)}
    return {"index": 1 - sum(share * share for share in shares)}


@_of("roman numeral")
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


@_of("word count")
def _words(g: Given) -> dict[str, Any]:
    if g.get("ignore_stop_words"):
        raise ValueError
    text = g["text"]
    sentences = max(1, sum(text.count(mark) for mark in ".!?"))
    counts = {"words": len(text.split()), "characters": len(text), "sentences": sentences}
    return {"count": counts[g.get("unit", "words")], "reading_minutes": len(text.split()) / 200}


@_of("date difference")
def _difference(g: Given) -> dict[str, Any]:
    if g.get("business_days_only"):
        raise ValueError
    start, end = date.fromisoformat(g["start_date"]), date.fromisoformat(g["end_date"])
    return {"difference": _between(start, end, g.get("unit", "days"))}


def _between(start: date, end: date, unit: str) -> int:
    """Whole units from one day to another; negative where the other is earlier."""
    if end < start:
        return -_between(end, start, unit)
    days = (end - start).days
    months = 12 * (end.year - start.year) + end.month - start.month - (end.day < start.day)
    return {"days": days, "weeks": days // 7, "months": months, "years": months // 12}[unit]


@_of("date shift")
def _shift(g: Given) -> dict[str, Any]:
    unit, amount = g.get("unit", "days"), g["amount"]
    if unit not in ("days", "weeks"):
        raise ValueError
    days = amount * (7 if unit == "weeks" else 1) * (-1 if g.get("direction") == "backward" else 1)
    day = date.fromisoformat(g["start"]) + timedelta(days=days)
    return {"result": day.isoformat(), "day": f"{day:%A}"}


@_of("age")
def _age(g: Given) -> dict[str, Any]:
    return {
        "age": _between(
            date.fromisoformat(g["birth_date"]), date.fromisoformat(g["on_date"]), g.get("unit", "years")
        )
    }


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


@_of("data size")
def _data_size(g: Given) -> dict[str, Any]:
    steps = ("byte", "KB", "MB", "GB", "TB")
    base = 1024 if g.get("binary") else 1000
    return {
        "converted_value": g["value"] * base ** float(steps.index(g["from_unit"]) - steps.index(g["to_unit"]))
    }


@_of("volume unit")
def _volume(g: Given) -> dict[str, Any]:
    imperial = bool(g.get("imperial"))
    gallon = 4.54609 if imperial else 3.785411784
    litres = {"litre": 1.0, "cubic metre": 1000.0, "gallon": gallon, "pint": gallon / 8}
    return {"converted_value": g["value"] * litres[g["from_unit"]] / litres[g["to_unit"]]}


@_of("temperature")
def _temperature(g: Given) -> dict[str, Any]:
    value = g["value"]
    kelvin = {"celsius": value + 273.15, "fahrenheit": (value + 459.67) * 5 / 9, "kelvin": value}[
        g["from_scale"]
    ]
    if kelvin < 0:
        raise ValueError
    scales = {"celsius": kelvin - 273.15, "fahrenheit": kelvin * 9 / 5 - 459.67, "kelvin": kelvin}
    return {"converted_value": scales[g["to_scale"]]}


@_of("circle")
def _circle(g: Given) -> dict[str, Any]:
    radius = g["radius"]
    kinds = {"area": math.pi * radius**2, "circumference": 2 * math.pi * radius, "diameter": 2 * radius}
    return {"value": kinds[g["quantity"]]}


@_of("triangle side")
def _triangle(g: Given) -> dict[str, Any]:
    a, b, angle = g["side_a"], g["side_b"], math.radians(g["included_angle"])
    side = math.sqrt(a * a + b * b - 2 * a * b * math.cos(angle))
    return {"side_c": side, "area": a * b * math.sin(angle) / 2}


@_of("prime factors")
def _factors(g: Given) -> dict[str, Any]:
    left, divisor, found = g["value"], 2, []
    while divisor * divisor <= left:
        while left % divisor == 0:
            found.append(divisor)
            left //= divisor
        divisor += 1
    return {"factors": [*found, left] if left > 1 else found}
