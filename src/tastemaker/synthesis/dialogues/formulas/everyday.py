"""Formulas of the household, the road and sports."""

from __future__ import annotations

import math
from typing import Any

from tastemaker.synthesis.dialogues.formulas.registry import Given, of


@of("trip fuel cost")
def _fuel_cost(g: Given) -> dict[str, Any]:
    cost = g["distance"] * g["consumption"] / 100 * g["fuel_price"]
    return {"cost": cost, "per_person": cost / g.get("passengers", 1)}


@of("fuel consumption")
def _fuel_used(g: Given) -> dict[str, Any]:
    if g.get("unit", "litres per 100 km") == "litres per 100 km":
        return {"consumption": g["fuel_used"] / g["distance"] * 100}
    return {"consumption": g["distance"] / 1.609344 / (g["fuel_used"] / 3.785411784)}


@of("charging time")
def _charging(g: Given) -> dict[str, Any]:
    energy = g["battery"] * (g["target_charge"] - g["current_charge"]) / 100
    if energy <= 0:
        raise ValueError
    return {"minutes": math.ceil(60 * energy / g["charger_power"]), "energy": energy}


@of("appliance cost")
def _appliance(g: Given) -> dict[str, Any]:
    energy = g["power"] * g["hours_per_day"] * g["days"] / 1000
    return (
        {"energy": energy, "cost": energy * g["price_per_kwh"]}
        if "price_per_kwh" in g
        else {"energy": energy}
    )


@of("battery runtime")
def _battery(g: Given) -> dict[str, Any]:
    return {"hours": g["capacity"] * g["voltage"] / g["load"] * g.get("efficiency", 100) / 100}


@of("download time")
def _download(g: Given) -> dict[str, Any]:
    return {"seconds": g["file_size"] * 8000 / g["bandwidth"] * (1 + g.get("overhead", 0) / 100)}


@of("reading time")
def _reading(g: Given) -> dict[str, Any]:
    minutes = g["pages"] * g["words_per_page"] / g["words_per_minute"]
    more = {"days": math.ceil(minutes / g["minutes_per_day"])} if "minutes_per_day" in g else {}
    return {"hours": minutes / 60, **more}


@of("body mass index")
def _bmi(g: Given) -> dict[str, Any]:
    bmi = g["weight"] / (g["height"] / 100) ** 2
    words = ((18.5, "underweight"), (25, "normal"), (30, "overweight"), (math.inf, "obese"))
    return {"bmi": bmi, "category": next(word for most, word in words if bmi < most)}


@of("one-rep maximum")
def _one_rep(g: Given) -> dict[str, Any]:
    if g.get("formula", "Epley") == "Brzycki":
        return {"maximum": g["lifted"] * 36 / (37 - g["repetitions"])}
    return {"maximum": g["lifted"] * (1 + g["repetitions"] / 30) if g["repetitions"] > 1 else g["lifted"]}


@of("batting average")
def _batting(g: Given) -> dict[str, Any]:
    outputs = {"average": g["runs"] / g["dismissals"]}
    if "balls_faced" in g:
        outputs["strike_rate"] = 100 * g["runs"] / g["balls_faced"]
    return outputs


@of("paint amount")
def _paint(g: Given) -> dict[str, Any]:
    if g.get("windows") or g.get("doors"):
        raise ValueError
    return {"litres": g["wall_area"] * g.get("coats", 1) / g["coverage"]}


@of("concrete volume")
def _concrete(g: Given) -> dict[str, Any]:
    return {"volume": g["length"] * g["width"] * g["thickness"] / 100 * (1 + g.get("waste", 0) / 100)}


@of("flooring")
def _flooring(g: Given) -> dict[str, Any]:
    area = g["room_length"] * g["room_width"] * (1 + g.get("waste", 0) / 100)
    return {
        "area": area,
        **({"cost": area * g["price_per_square_metre"]} if "price_per_square_metre" in g else {}),
    }


@of("volumetric weight")
def _volumetric(g: Given) -> dict[str, Any]:
    divisor = int(g.get("divisor", 6000))
    return {"chargeable_weight": g["length"] * g["width"] * g["height"] * g.get("pieces", 1) / divisor}


@of("road gradient")
def _gradient(g: Given) -> dict[str, Any]:
    slope = g["rise"] / g["run"]
    unit = g.get("unit", "percent")
    return {
        "gradient": {"percent": slope * 100, "degrees": math.degrees(math.atan(slope)), "ratio": slope}[unit]
    }


@of("word count")
def _words(g: Given) -> dict[str, Any]:
    if g.get("ignore_stop_words"):
        raise ValueError
    text = g["text"]
    sentences = max(1, sum(text.count(mark) for mark in ".!?"))
    counts = {"words": len(text.split()), "characters": len(text), "sentences": sentences}
    return {"count": counts[g.get("unit", "words")], "reading_minutes": len(text.split()) / 200}
