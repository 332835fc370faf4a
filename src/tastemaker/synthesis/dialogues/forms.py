"""Values in a form that a parameter's description tells, and how users say them: 0.05 for `5%`, AAPL for
`Apple`, 120 for `two hours`.

Knows nothing of schemas' descriptions (`dressing` writes them) and APIs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from tastemaker.synthesis.dialogues import figures, known, moments
from tastemaker.synthesis.dialogues.argument import Argument
from tastemaker.synthesis.dialogues.figures import SCALES, plain_figure, related_units
from tastemaker.synthesis.dialogues.form import Want, parted
from tastemaker.synthesis.dialogues.known import choice_in_form, pool_code
from tastemaker.synthesis.dialogues.moments import DAYS, MOMENTS, TIMES
from tastemaker.synthesis.value_types import ValueType

_FORMS: Final[dict[str, Callable[[Want], Argument]]] = {
    "percent": figures.percent,
    "unit": figures.in_unit,
    "with-unit": figures.with_unit,
    "span": figures.clock_span,
    "cents": figures.cents,
    "large": figures.large,
    "count": figures.count,
    "rest": figures.from_rest,
    "date": moments.date,
    "datetime": moments.moment,
    "time": moments.time,
    "city": known.city,
    "country": known.country,
    "currency": known.currency,
    "ticker": known.ticker,
    "language": known.language,
    "person": known.person,
    "phone": known.phone,
    "color": known.color,
    "choice": known.choice,
    "switch": known.switch,
}


def formed(form: str, want: Want) -> Argument:
    """A value in this form with its words."""
    return _FORMS[form](want)


def pooled(text: str, value: Any, kind: ValueType) -> Any:
    """A value of a form as the pool would have it, as far as that can be told. `kind`: the pool's type.

    >>> from tastemaker.synthesis.value_types import ValueTypes
    >>> pooled("percent decimal << 0.0..5.0 %", 0.05, ValueTypes().read("0.0..5.0 %"))
    5
    """
    form, about, _ = parted(text)
    match form:
        case "percent" if about == "decimal":
            return plain_figure(Fraction(str(value)) * 100)
        case "unit":
            return plain_figure(Fraction(str(value)) * related_units(kind.unit)[about])
        case "cents":
            return value / 100
        case "large":
            return value * SCALES.get(about.split(" ")[0], 1)
        case "date" if about in DAYS:
            return dt.datetime.strptime(value, DAYS[about].replace("%-", "%")).date().isoformat()
        case "time":
            return f"{dt.datetime.strptime(value.upper(), TIMES[about].replace('%-', '%')):%H:%M}"
        case "datetime":
            return f"{dt.datetime.strptime(value, MOMENTS[about]):%Y-%m-%dT%H:%M:%S}Z"
        case "choice" if about == "number":
            return kind.choices[value - 1]
        case "choice":
            return next((one for one in kind.choices if choice_in_form(one, about) == value), value)
        case "country" | "currency" | "language":
            return pool_code(value, kind.text)
    return value
