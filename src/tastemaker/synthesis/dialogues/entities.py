"""People, places, firms and things, and what is named after them: accounts, addresses, files."""

from __future__ import annotations

from random import Random

from tastemaker.synthesis.dialogues.codes import LETTERS, digits
from tastemaker.synthesis.dialogues.lists import capital, cities, cities_in_countries, part, people, states
from tastemaker.synthesis.dialogues.titles import title


def given_name(rng: Random) -> str:
    return rng.choice(rng.choice(people())[0])


def last_name(rng: Random) -> str:
    return rng.choice(rng.choice(people())[1])


def person(rng: Random) -> str:
    first, last = rng.choice(people())
    name = f"{rng.choice(first)} {rng.choice(last)}"
    draw = rng.random()
    if draw < 0.03:
        return f"Dr. {name}"
    if draw < 0.06:
        head, _, tail = name.partition(" ")
        return f"{head} {rng.choice(LETTERS)}. {tail}"
    return name


def city(rng: Random) -> str:
    known, american, others = cities()
    draw = rng.random()
    if draw < 0.3:
        return rng.choice(known)
    if draw < 0.4:
        name, state = part(rng, "cities_in_states").split("/")
        return f"{name}, {state if draw < 0.36 else states()[state]}"
    if draw < 0.5:
        return rng.choice(cities_in_countries())
    return rng.choice(american if draw < 0.58 else others)


def place(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.5:
        head = capital(part(rng, "adjectives" if draw < 0.15 else "nouns"))
        return f"{head} {part(rng, 'spots')}"
    if draw < 0.75:
        return f"{rng.choice(rng.choice(cities()))} {part(rng, 'spots')}"
    if draw < 0.9:
        return f"{last_name(rng)} {part(rng, 'spots')}"
    return street(rng)


def street(rng: Random) -> str:
    head = last_name(rng) if rng.random() < 0.4 else capital(part(rng, "nouns"))
    if rng.random() < 0.1:
        head = f"{rng.choice(('North', 'South', 'East', 'West'))} {head}"
    return f"{rng.randint(1, rng.choice((20, 200, 2000)))} {head} {part(rng, 'roads')}"


def company(rng: Random) -> str:
    form = rng.randrange(6)
    head = capital(part(rng, "adjectives")) + " " + capital(part(rng, "nouns"))
    if form == 0:
        return f"{last_name(rng)} {part(rng, 'endings')}"
    if form == 1:
        return f"{last_name(rng)} {part(rng, 'firms')}"
    if form == 2:
        return f"{capital(part(rng, 'nouns'))} {part(rng, 'firms')} {part(rng, 'endings')}"
    if form == 3:
        return capital(part(rng, "adjectives")) + part(rng, "nouns")
    return f"{head} {part(rng, 'firms')}" if form == 4 else head


def brand(rng: Random) -> str:
    form = rng.randrange(3)
    if form == 0:
        return last_name(rng)
    return capital(part(rng, "nouns")) + (part(rng, "nouns") if form == 1 else "")


def product(rng: Random) -> str:
    thing = part(rng, "things")
    draw = rng.random()
    if draw < 0.2:
        return thing
    if draw < 0.75:
        return f"{part(rng, 'qualities')} {thing}"
    if draw < 0.9:
        return f"{part(rng, 'qualities')} {part(rng, 'qualities')} {thing}"
    return f"{brand(rng)} {thing}"


def username(rng: Random) -> str:
    first, last = _plain(given_name(rng)), _plain(last_name(rng))
    forms = (
        f"{first}_{last[0]}",
        f"{first[0]}{last}",
        f"{first}{rng.randint(1, 99)}",
        f"{first}.{last}",
        f"{first}_{rng.randint(1970, 2012)}",
        f"{part(rng, 'adjectives')}_{part(rng, 'nouns')}",
        f"{part(rng, 'adjectives')}{capital(part(rng, 'nouns'))}{rng.randint(1, 999)}",
        f"{last}{first[0]}",
    )
    return rng.choice(forms)


def _plain(name: str) -> str:
    """Lower-case ASCII letters of a name."""
    kept = "".join(c for c in name.lower().translate(_ASCII) if c.isascii() and c.isalpha())
    return kept or "user"


_ASCII = str.maketrans(
    "áàâäãåąçćčďéèêëęěíìîïıłñńňóòôöõøřśšşťúùûüůýžźżğ", "aaaaaaacccdeeeeeeiiiiilnnnoooooorssstuuuuuyzzzg"
)


def email(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.75:
        first, last = _plain(given_name(rng)), _plain(last_name(rng))
        local = rng.choice(
            (f"{first}.{last}", f"{first[0]}.{last}", first, f"{first}{rng.randint(1, 99)}", last)
        )
    else:
        local = rng.choice(
            ("info", "office", "sales", "support", "hello", "contact", "team", "billing", "press")
        )
    return f"{local}@{domain(rng)}"


def domain(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.3:
        return part(rng, "hosts")
    name = (
        part(rng, "nouns")
        + rng.choice(("", "-", ""))
        + rng.choice((part(rng, "nouns"), part(rng, "services")))
    )
    if draw < 0.5:
        name = f"{part(rng, 'services')}.{name}"
    return f"{name}.{part(rng, 'domains')}"


def url(rng: Random) -> str:
    path = "/".join(_slug(rng) for _ in range(rng.choice((0, 1, 1, 2))))
    draw = rng.random()
    if path and draw < 0.15:
        path += rng.choice((".html", ".pdf", ".jpg", ".png"))
    elif draw < 0.25:
        path += f"?id={rng.randint(1, 9999)}"
    return f"http{'s' if rng.random() < 0.93 else ''}://{domain(rng)}" + (f"/{path}" if path else "")


def _slug(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.35:
        return part(rng, "topics")
    if draw < 0.5:
        return digits(rng, rng.randint(2, 6))
    return f"{part(rng, 'adjectives')}-{part(rng, 'nouns')}"


def file_name(rng: Random) -> str:
    stem, ending = part(rng, "files"), part(rng, "extensions")
    extra = rng.choice(
        (
            "",
            f"_{rng.randint(2019, 2027)}",
            f"_v{rng.randint(1, 9)}",
            f"-{part(rng, 'nouns')}",
            f"_{part(rng, 'topics')}",
            f"-{rng.randint(1, 40)}",
        )
    )
    return f"{stem}{extra}.{ending}"


def repository(rng: Random) -> str:
    head = part(rng, "nouns") if rng.random() < 0.6 else part(rng, "topics")
    return f"{head}{rng.choice('--_')}{part(rng, 'services')}"


def device(rng: Random) -> str:
    return f"{part(rng, 'rooms')} {part(rng, 'devices')}"


def item(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.5:
        return str(rng.randint(1, rng.choice((99, 999, 99999))))
    return f"{part(rng, 'nouns')}-{digits(rng, 4)}" if draw < 0.8 else title(rng)


def user(rng: Random) -> str:
    return str(rng.randint(1, rng.choice((999, 99999)))) if rng.random() < 0.5 else username(rng)


def sports_team(rng: Random) -> str:
    return f"{rng.choice(rng.choice(cities()[:2]))} {part(rng, 'clubs')}"


def school(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.15:
        return f"University of {rng.choice(cities()[0])}"
    head = last_name(rng) if draw < 0.5 else rng.choice((title(rng), rng.choice(cities()[1])))
    return f"{head} {part(rng, 'schools')}"


def car_model(rng: Random) -> str:
    names = (
        "Corolla",
        "Golf",
        "Focus",
        "Civic",
        "Fiesta",
        "Clio",
        "Octavia",
        "Picanto",
        "Tucson",
        "Leaf",
        "Mustang",
    )
    model = rng.choice(names) if rng.random() < 0.4 else f"{rng.choice('ACEGIQSTX')}{rng.choice('123456789')}"
    if rng.random() < 0.4:
        model += rng.choice(("0", "00", " GT", " Sport", " Hybrid", "-5", " 2.0"))
    return f"{part(rng, 'makers')} {model}"
