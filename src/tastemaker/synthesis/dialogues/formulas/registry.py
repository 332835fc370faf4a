"""Where formulas are kept: by the thing that is calculated (`Api.path[0]`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Given = Mapping[str, Any]
Formula = Callable[[Given], dict[str, Any]]

FORMULAS: Final[dict[str, Formula]] = {}
"""By thing. Outputs are by their names in snake_case, unrounded; a missing argument raises KeyError."""


def of(thing: str) -> Callable[[Formula], Formula]:
    """Keeps the function below as the thing's formula."""

    def keep(formula: Formula) -> Formula:
        FORMULAS[thing] = formula
        return formula

    return keep
