"""Formulas of physics, chemistry and biology."""

from __future__ import annotations

import math
from typing import Any

from tastemaker.synthesis.dialogues.formulas.registry import Given, of


@of("ohms law")
def _ohm(g: Given) -> dict[str, Any]:
    current = g["voltage"] / g["resistance"]
    return {"current": current, "power": current * g["voltage"]}


@of("resistor network")
def _resistors(g: Given) -> dict[str, Any]:
    values = g["resistors"]
    total = sum(values) if g["arrangement"] == "series" else 1 / sum(1 / value for value in values)
    more = {"current": g["supply_voltage"] / total} if "supply_voltage" in g else {}
    return {"total_resistance": total, **more}


@of("led resistor")
def _led(g: Given) -> dict[str, Any]:
    drop, amperes = g["supply_voltage"] - g["forward_voltage"] * g.get("leds", 1), g["current"] / 1000
    if drop <= 0:
        raise ValueError
    return {"resistance": drop / amperes, "power": drop * amperes}


@of("kinetic energy")
def _kinetic(g: Given) -> dict[str, Any]:
    return {"energy": 0.5 * g["mass"] * g["velocity"] ** 2}


@of("spring force")
def _spring(g: Given) -> dict[str, Any]:
    force = g["stiffness"] * g["displacement"]
    return {"force": force, "stored_energy": force * g["displacement"] / 2}


@of("pendulum period")
def _pendulum(g: Given) -> dict[str, Any]:
    return {"period": 2 * math.pi * math.sqrt(g["length"] / g.get("gravity", 9.81))}


@of("torque")
def _torque(g: Given) -> dict[str, Any]:
    return {"torque": g["force"] * g["lever_arm"] * math.sin(math.radians(g.get("angle", 90)))}


@of("heat energy")
def _heat(g: Given) -> dict[str, Any]:
    return {"energy": g["mass"] * g["specific_heat"] * g["temperature_change"]}


@of("buoyant force")
def _buoyancy(g: Given) -> dict[str, Any]:
    return {"force": g["volume"] / 1000 * g["fluid_density"] * 9.81 * g.get("submerged", 100) / 100}


@of("projectile range")
def _projectile(g: Given) -> dict[str, Any]:
    gravity, height = g.get("gravity", 9.81), g.get("start_height", 0)
    up = g["initial_speed"] * math.sin(math.radians(g["launch_angle"]))
    seconds = (up + math.sqrt(up * up + 2 * gravity * height)) / gravity
    along = g["initial_speed"] * math.cos(math.radians(g["launch_angle"]))
    return {"range": along * seconds, "flight_time": seconds, "max_height": height + up * up / 2 / gravity}


@of("time dilation")
def _dilation(g: Given) -> dict[str, Any]:
    factor = 1 / math.sqrt(1 - g["speed_fraction"] ** 2)
    return {"elapsed": g["proper_time"] * factor, "lorentz_factor": factor}


@of("rocket equation")
def _rocket(g: Given) -> dict[str, Any]:
    return {"delta_v": g["exhaust_speed"] * math.log(g["initial_mass"] / g["final_mass"])}


@of("radioactive decay")
def _decay(g: Given) -> dict[str, Any]:
    left = 0.5 ** (g["elapsed"] / g["half_life"])
    return {"remaining": g["initial_amount"] * left, "decayed": 100 * (1 - left)}


@of("dilution")
def _dilution(g: Given) -> dict[str, Any]:
    stock = g["target_concentration"] * g["final_volume"] / g["stock_concentration"]
    if stock > g["final_volume"]:
        raise ValueError
    return {"stock_volume": stock, "solvent_volume": g["final_volume"] - stock}


@of("reaction yield")
def _yield(g: Given) -> dict[str, Any]:
    return {"yield": 100 * g["actual_mass"] / g["theoretical_mass"]}


@of("gc content")
def _gc(g: Given) -> dict[str, Any]:
    return {"gc_content": 100 * sum(base in "GC" for base in g["sequence"]) / len(g["sequence"])}


@of("biodiversity index")
def _biodiversity(g: Given) -> dict[str, Any]:
    if g.get("normalised"):
        raise ValueError
    shares = [count / sum(g["counts"]) for count in g["counts"]]
    if g["method"] == "Shannon":
        return {"index": -sum(share * math.log(share) for share in shares)}
    return {"index": 1 - sum(share * share for share in shares)}
