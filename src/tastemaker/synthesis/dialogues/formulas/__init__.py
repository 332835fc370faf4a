"""Results that follow from the arguments by a formula that everybody knows, for calculations of the tree.

A formula is keyed by the thing that is calculated (`Api.path[0]`) and takes the arguments by their names in
snake_case, in the units of the context tree. Prices, rates of exchange and taxes are not here: nobody can
work them out. Knows nothing of schemas.
"""

from __future__ import annotations

from typing import Any

from tastemaker.synthesis.dialogues.formulas import days, everyday, mathematics, money, science, units
from tastemaker.synthesis.dialogues.formulas.registry import FORMULAS, Given

__all__ = ["computed", "days", "everyday", "mathematics", "money", "science", "units"]


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
