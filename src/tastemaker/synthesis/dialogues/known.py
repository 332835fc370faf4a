"""Values that follow from a user's words and what everybody knows: a city's country, a company's ticker, a
code, one of the choices that were told. Knows nothing of descriptions.
"""

from __future__ import annotations

from functools import lru_cache

from tastemaker.synthesis.dialogues import codes, entities, lists, phrases, sources
from tastemaker.synthesis.dialogues.argument import Argument
from tastemaker.synthesis.dialogues.form import Want, made, tables

_TRIES = 20


@lru_cache(1)
def _cities() -> tuple[tuple[str, str], ...]:
    return tuple((city, country) for country, found in tables()["cities"].items() for city in found)


@lru_cache(2)
def _american(known: bool) -> tuple[tuple[str, str], ...]:
    found = tables()["american"]["known"] if known else lists.words()["parts"]["cities_in_states"]
    return tuple((name, state) for name, _, state in (entry.partition("/") for entry in found))


def city(want: Want) -> Argument:
    """A city with its country or state, or without what users say beside it."""
    rng = want.rng
    american = want.about.startswith("City, S") or (want.about == "City" and rng.random() < 0.4)
    if not american:
        city, country = rng.choice(_cities())
        both: tuple[str, ...] = (f"{city}, {country}", f"{city} in {country}")
        if want.about == "City":
            return made(want, city, rng.choice((city, *both)))
        return made(want, both[0], rng.choice((city, city, city, *both)))
    known = rng.random() < 0.6
    city, code = rng.choice(_american(known))
    state = lists.states()[code]
    both = (f"{city}, {code}", f"{city}, {state}", f"{city} in {state}")
    if want.about == "City":
        return made(want, city, rng.choice((city, *both)))
    value = both[0] if want.about == "City, ST" else both[1]
    return made(want, value, rng.choice((city, *both) if known else both))


def country(want: Want) -> Argument:
    """A country by its name, or by a code of two or three letters."""
    rng = want.rng
    code = sources.named()["country_code"](rng)
    names = lists.words()["codes"]["country"][code]
    said = rng.choice(names)
    value = {"ISO2": code, "iso2": code.lower(), "ISO3": tables()["iso3"][code][0]}.get(
        want.about, names[0].removeprefix("the ")
    )
    return made(want, value, said if rng.random() < 0.9 else value)


def currency(want: Want) -> Argument:
    """A currency by its code or its name."""
    rng = want.rng
    known = tables()["currencies"]
    code = rng.choice(tuple(known))
    value = {"code": code, "lower": code.lower()}.get(want.about, known[code][0])
    said = phrases.code(rng, code, "currency") if rng.random() < 0.5 else f"{known[code][0]}s"
    unchanging = ("yuan", "koruna", "krone", "forint", "yen", "won", "zloty", "krona", "baht", "rand", "real")
    if said.removesuffix("s").endswith(unchanging):
        said = known[code][0]
    return made(want, value, said)


def pool_code(value: str, about: str) -> str:
    """A country, currency or language as the pool has it: by its name (`country`, `language`), else its code.

    >>> pool_code("DEU", "country"), pool_code("euro", "currency"), pool_code("FR", "language")
    ('Germany', 'EUR', 'French')
    """
    sort = about.removesuffix("_code")
    for code, names in lists.words()["codes"][sort].items():
        name = names[0].removeprefix("the ")
        others = tables()["iso3"].get(code, ()) if sort == "country" else tables()["currencies"].get(code, ())
        if value.lower() in (code.lower(), name.lower(), *(other.lower() for other in others)):
            return str(name if about in ("country", "language") else code)
    return value


def ticker(want: Want) -> Argument:
    """A company by its symbol."""
    symbol = want.rng.choice(tuple(tables()["tickers"]))
    said = want.rng.choice(tables()["tickers"][symbol]) if want.rng.random() < 0.9 else symbol
    return made(want, symbol, said)


def language(want: Want) -> Argument:
    """A language by its code or its name."""
    rng = want.rng
    code = sources.named()["language_code"](rng)
    name = lists.words()["codes"]["language"][code][0]
    return made(want, {"code": code, "CODE": code.upper()}.get(want.about, name), name)


def person(want: Want) -> Argument:
    """A person with the last name first."""
    for _ in range(_TRIES):
        name = entities.person(want.rng)
        if name.count(" ") == 1:
            break
    first, _, last = name.rpartition(" ")
    return made(want, f"{last}, {first}", name)


def phone(want: Want) -> Argument:
    """A telephone number without its plus sign or with spaces left out."""
    number = codes.phone(want.rng)
    n = 3 if number[1] != "1" else 2
    spaced = f"{number[:n]} {number[n : n + 3]} {number[n + 3 : n + 6]} {number[n + 6 :]}"
    said = want.rng.choice((number, spaced, spaced, spaced.replace(" ", "-")))
    return made(want, number[1:] if want.about == "digits" else number, said, number)


def color(want: Want) -> Argument:
    """A colour in hexadecimal, with or without its sign."""
    if want.kind.choices:
        name = want.rng.choice(tuple(tables()["hex"]))
        value, said = tables()["hex"][name][0], name
    else:
        value = said = codes.hex_color(want.rng)
    return made(want, value.removeprefix("#") if want.about == "bare" else value, said)


def choice_in_form(option: str, about: str) -> str:
    """A choice as its description writes it.

    >>> choice_in_form("not found", "upper"), choice_in_form("Monday", "three")
    ('NOT_FOUND', 'Mon')
    """
    if about == "upper":
        return option.upper().replace(" ", "_").replace("-", "_")
    if about == "lower":
        return option.lower()
    if about == "three":
        return option[:3]
    return {"other": "X"}.get(option, option[:1].upper()) if about == "one" else option


def choice(want: Want) -> Argument:
    """One of the choices that the description lists."""
    rng = want.rng
    options = want.kind.choices
    option = rng.choice(options)
    if want.about == "number":
        return made(want, options.index(option) + 1, option)
    said = phrases.choice(rng, option, 0.02)
    return made(want, choice_in_form(option, want.about), said, option)


def switch(want: Want) -> Argument:
    """Yes or no in other words."""
    value = want.rng.random() < 0.6 if "default" not in want.schema else not want.schema["default"]
    listed = tables()["switched"]["_".join(phrases.spaced(want.name).split())]
    place = 0 if value else 1
    clause = listed[place] if place < len(listed) else ""
    return made(want, value, "yes" if value else "no", clause=clause)
