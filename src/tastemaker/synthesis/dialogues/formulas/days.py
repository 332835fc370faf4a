"""Formulas about days of the calendar."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tastemaker.synthesis.dialogues.formulas.registry import Given, of


@of("date difference")
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


@of("date shift")
def _shift(g: Given) -> dict[str, Any]:
    unit, amount = g.get("unit", "days"), g["amount"]
    if unit not in ("days", "weeks"):
        raise ValueError
    days = amount * (7 if unit == "weeks" else 1) * (-1 if g.get("direction") == "backward" else 1)
    day = date.fromisoformat(g["start"]) + timedelta(days=days)
    return {"result": day.isoformat(), "day": f"{day:%A}"}


@of("age")
def _age(g: Given) -> dict[str, Any]:
    return {
        "age": _between(
            date.fromisoformat(g["birth_date"]), date.fromisoformat(g["on_date"]), g.get("unit", "years")
        )
    }
