"""Numbers in a form that a description tells: shares as decimals, other units, cents, thousands, and how many
are meant. Every conversion is exact. Knows nothing of descriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from tastemaker.synthesis.dialogues import phrases
from tastemaker.synthesis.dialogues.argument import Argument
from tastemaker.synthesis.dialogues.form import Want, made, tables
from tastemaker.synthesis.dialogues.ranges import draw_number
from tastemaker.synthesis.wording import singular

_TRIES = 20
MONEY: Final = frozenset(("price", "amount", "budget", "salary"))


def plain_figure(value: Fraction, whole: bool = False) -> float:
    """The fraction as JSON has it, whole numbers without a point."""
    return int(value) if whole or value.denominator == 1 else float(value)


def percent(want: Want) -> Argument:
    """5 for `5%`, or as a decimal 0.05."""
    rng = want.rng
    whole = {"type": "integer"} if rng.random() < 0.6 else {"type": "number"}
    for _ in range(_TRIES):
        share = Fraction(str(round(draw_number(rng, whole, want.kind), 2)))
        value = plain_figure(share / 100 if want.about == "decimal" else share)
        if _allowed(value, want.schema):
            break
    else:
        share = Fraction(str(draw_number(rng, want.schema, None)))
        value = plain_figure(share)
        share = share * 100 if want.about == "decimal" else share
    shown = plain_figure(share)
    return made(want, value, phrases.measured(rng, shown, "%"), shown)


UNITS: Final[dict[str, dict[str, Fraction]]] = {
    "length": {"mm": Fraction(1), "cm": Fraction(10), "m": Fraction(1000), "km": Fraction(1_000_000)},
    "mass": {"mg": Fraction(1), "g": Fraction(1000), "kg": Fraction(1_000_000), "tonnes": Fraction(10**9)},
    "time": {
        "seconds": Fraction(1),
        "minutes": Fraction(60),
        "hours": Fraction(3600),
        "days": Fraction(86400),
        "weeks": Fraction(604800),
    },
    "long time": {"months": Fraction(1), "years": Fraction(12)},
    "volume": {"ml": Fraction(1), "litres": Fraction(1000)},
    "power": {"W": Fraction(1), "kW": Fraction(1000)},
    "energy": {"Wh": Fraction(1), "kWh": Fraction(1000)},
    "speed": {"m/s": Fraction(18), "km/h": Fraction(5)},
    "frequency": {"Hz": Fraction(1), "kHz": Fraction(1000), "MHz": Fraction(10**6), "GHz": Fraction(10**9)},
}
"""Units of one kind, each as a multiple of the smallest."""
UNIT_NAMES: Final = {
    "mm": "millimetres",
    "cm": "centimetres",
    "m": "metres",
    "km": "kilometres",
    "mg": "milligrams",
    "g": "grams",
    "kg": "kilograms",
    "ml": "millilitres",
    "W": "watts",
    "kW": "kilowatts",
    "Wh": "watt hours",
    "kWh": "kilowatt hours",
    "m/s": "metres per second",
    "km/h": "kilometres per hour",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
}


def related_units(unit: str) -> dict[str, Fraction]:
    """The units that one can be converted to, each as a multiple of it; empty where there are none.

    >>> related_units("years")
    {'months': Fraction(1, 12), 'years': Fraction(1, 1)}
    """
    for family in UNITS.values():
        if unit in family:
            return {name: size / family[unit] for name, size in family.items()}
    return {}


def in_unit(want: Want) -> Argument:
    """A number in the unit that is told, said in this one or another; exact."""
    rng, told = want.rng, want.about
    amount, unit, value = _amount(want, told)
    said = phrases.measured(rng, plain_figure(amount), unit)
    pooled = plain_figure(value * related_units(want.kind.unit)[told])
    clause = f"for {said}" if told in _SPANS and phrases.spaced(want.name).split()[-1] == told else ""
    whole = want.schema.get("type") == "integer"
    return made(want, plain_figure(value, whole), said, pooled, clause)


_SPANS = frozenset(("seconds", "minutes", "hours", "days", "weeks", "months", "years"))


def _amount(want: Want, told: str, spoken: tuple[str, ...] = ()) -> tuple[Fraction, str, Fraction]:
    """A number as it is said, its unit, and the number in the unit that is told."""
    rng = want.rng
    units = related_units(told)
    pool = related_units(want.kind.unit)
    others = [u for u in spoken or units if Fraction(1, 2000) < units[u] < 2000]
    whole = want.schema.get("type") == "integer"
    for _ in range(2 * _TRIES):
        unit = told if told in others and rng.random() < 0.3 else rng.choice(others)
        drawn = Fraction(str(draw_number(rng, {"type": "number"}, want.kind))) / pool[unit]
        amount = _round(drawn)
        value = amount * units[unit]
        if (
            not 0 < amount <= 5000
            or value < Fraction(1, 20)
            or (unit not in (told, want.kind.unit) and amount < Fraction(1, 4))
        ):
            continue
        exact = value.denominator == 1 if whole else (value * 1000).denominator == 1
        if exact and _in_range(want, value * pool[told]) and _allowed(float(value), want.schema):
            return amount, unit, value
    value = Fraction(str(draw_number(rng, want.schema, want.kind if told == want.kind.unit else None)))
    return value, told, value


def _in_range(want: Want, pooled: Fraction) -> bool:
    bounds = want.bounds()
    return bounds is None or bounds[0] <= pooled <= bounds[1]


def _round(value: Fraction) -> Fraction:
    """A number near it that people would say: two figures, or a half below ten."""
    number = float(value)
    if number >= 100:
        step = 10 ** (len(str(int(number))) - 2)
        return Fraction(round(number / step) * step)
    if number >= 10:
        return Fraction(round(number))
    return Fraction(round(number * 2), 2) if number >= 1 else Fraction(round(number * 4), 4)


def with_unit(want: Want) -> Argument:
    """A number with its unit as one text, such as `2 weeks` or `5 km`."""
    rng, unit = want.rng, want.about
    units = related_units(want.kind.unit)
    spoken = tuple(units) if unit == "any" else (unit,)
    amount, unit, _ = _amount(want, unit if unit != "any" else want.kind.unit, spoken)
    shown = plain_figure(amount)
    name = singular(unit) if shown == 1 and unit in _SPANS else unit
    value = f"{phrases.plain_number(shown)} {name}"
    said = value
    if rng.random() < 0.5 and unit in _SPANS and isinstance(shown, int):
        said = (
            f"{phrases.spelled(shown)} {name}" if shown != 1 else f"{'an' if unit == 'hours' else 'a'} {name}"
        )
    return made(want, value, said)


def clock_span(want: Want) -> Argument:
    """Hours and minutes as HH:MM."""
    amount, unit, minutes = _amount(
        want._replace(schema={"type": "integer"}), "minutes", ("minutes", "hours")
    )
    hours, rest = divmod(int(minutes), 60)
    value = f"{hours:02d}:{rest:02d}"
    return made(want, value, phrases.measured(want.rng, plain_figure(amount), unit))


def cents(want: Want) -> Argument:
    """An amount of money in cents, said in dollars."""
    rng = want.rng
    for _ in range(_TRIES):
        amount = round(draw_number(rng, {"type": "number"}, want.kind), 2)
        if _allowed(round(amount * 100), want.schema):
            break
    shown = f"{amount:,.2f}" if amount != int(amount) else f"{int(amount):,}"
    said = f"${shown}" if rng.random() < 0.7 else f"{shown} dollar{'' if shown == '1' else 's'}"
    return made(want, round(amount * 100), said, amount)


SCALES: Final = {"thousands": 1000, "millions": 1_000_000}


def large(want: Want) -> Argument:
    """A large number, said as `2.5 million` or `350 thousand`; in full, in thousands or in millions."""
    rng = want.rng
    scale = SCALES.get(want.about.split(" ")[0], 1)
    money = want.kind.text in MONEY or want.about.endswith("dollars")
    for _ in range(2 * _TRIES):
        drawn = Fraction(str(draw_number(rng, {"type": "number"}, want.kind)))
        size = 1_000_000 if drawn >= 1_000_000 else 1000
        amount = _round(drawn / size)
        value = amount * size / scale
        whole = want.schema.get("type") != "integer" or value.denominator == 1
        if 1 <= amount < 1000 and whole and _in_range(want, amount * size) and _allowed(value, want.schema):
            break
    else:
        figure = draw_number(rng, want.schema, want.kind if scale == 1 else None)
        pooled = plain_figure(Fraction(str(figure)) * scale)
        return made(want, figure, phrases.number(rng, pooled, money=money), pooled)
    shown = phrases.plain_number(plain_figure(amount))
    short, word = ("M", "million") if size > 1000 else ("k", "thousand")
    draw = rng.random()
    if draw < 0.25:
        said = f"{shown}{short}"
    elif draw < 0.4:
        said = f"{plain_figure(amount * size):,}"
    elif draw < 0.6 and amount.denominator == 1 and amount < 100:
        said = f"{phrases.spelled(int(amount))} {word}"
    else:
        said = f"{shown} {word}"
    if money and said[0].isdigit():
        said = f"${said}"
    return made(want, plain_figure(value), said, plain_figure(amount * size))


def count(want: Want) -> Argument:
    """A number that is implied: `for the two of us`, `a dozen tickets`."""
    rng = want.rng
    people = want.about == "people"
    likely = (1, 2, 2, 2, 3, 4, 5, 6, 8) if people else (1, 1, 2, 2, 6, 12, 12, 24)
    fitting = [n for n in likely if _allowed(n, want.schema) and _in_range(want, Fraction(n))]
    number = rng.choice(fitting) if fitting else int(draw_number(rng, want.schema, want.kind))
    if people:
        listed = tables()["people"].get(str(number), tables()["people"]["more"])
        clause = rng.choice(listed).replace("{n}", phrases.spelled(number))
        return made(want, number, str(number), clause=clause if fitting else "")
    noun = phrases.spaced(want.name)
    one = singular(noun)
    ways = {
        1: (f"a single {one}", f"just one {one}", f"only one {one}"),
        2: (f"a couple of {noun}", f"two {noun}"),
        6: (f"half a dozen {noun}", f"six {noun}"),
        12: (f"a dozen {noun}", f"twelve {noun}"),
        24: (f"two dozen {noun}",),
    }
    clause = f"with {rng.choice(ways[number])}" if number in ways else ""
    return made(want, number, str(number), clause=clause)


def from_rest(want: Want) -> Argument:
    """A speed or position at the start, often none."""
    if want.rng.random() < 0.6 and _allowed(0, want.schema) and _in_range(want, Fraction(0)):
        clause = want.rng.choice(("starting from rest", "from a standstill", "starting at rest"))
        return made(want, 0, "0", clause=clause)
    value = draw_number(want.rng, want.schema, want.kind)
    return made(want, value, phrases.number(want.rng, value, unit=want.kind.unit))


def _allowed(value: float | Fraction, schema: Mapping[str, Any]) -> bool:
    return bool(
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and (schema.get("type") != "integer" or value == int(value))
    )
