"""Open values: texts of the named types (person, city, product, …).

Words come from Faker's providers and from `words.toml`; most texts are put together, so that few repeat. Each
source is a function of a `random.Random` alone. Knows nothing of schemas or of how a value is said.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module, resources
from random import Random
from typing import Any

Source = Callable[[Random], str]
_NAME_LOCALES = (
    *("en_US", "en_US", "en_US", "en_IE", "en_IN", "en_IN", "en_NG", "de_DE", "fr_FR", "es_ES", "it_IT"),
    *("pt_BR", "nl_NL", "pl_PL", "sv_SE", "fi_FI", "cs_CZ", "tr_TR", "id_ID"),
)
_CITY_LOCALES = ("de_DE", "en_IN", "nl_NL", "pl_PL", "sv_SE", "fi_FI", "id_ID", "pt_PT", "cs_CZ")
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_SIGNS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@lru_cache(1)
def words() -> dict[str, Any]:
    """The tables of `words.toml`, with lists in place of texts."""
    text = resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    return {name: _lists(table) for name, table in tomllib.loads(text).items()}


def _lists(table: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _lists(entry) if isinstance(entry, dict) else tuple(entry.split(";"))
        for name, entry in table.items()
    }


def _latin(names: Iterable[Any]) -> tuple[str, ...]:
    """The names that stand in Latin letters alone, each once."""
    texts = (str(name[1] if isinstance(name, tuple) else name).strip() for name in names)
    return tuple(
        dict.fromkeys(
            text
            for text in texts
            if 2 < len(text) < 25
            and text[0].isupper()
            and "Ã" not in text
            and all(ord(c) < 0x180 and (c.isalpha() or c in " -'.") for c in text)
        )
    )


def _provider(name: str) -> Any:
    return import_module(f"faker.providers.{name}").Provider


@lru_cache(1)
def people() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """For each locale: first names and last names."""
    found = []
    for locale in _NAME_LOCALES:
        provider = _provider(f"person.{locale}")
        last = getattr(provider, "unisex_last_names", provider.last_names)
        found.append((_latin(provider.first_names), _latin(last)))
    return tuple(found)


@lru_cache(1)
def cities() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Well-known cities, American ones, and others."""
    geo = _provider("geo").land_coords
    american = _latin(entry[2] for entry in geo if entry[3] == "US")
    others = _latin(
        [
            *(entry[2] for entry in geo),
            *(city for locale in _CITY_LOCALES for city in _provider(f"address.{locale}").cities),
            *sorted(set(_provider("address.it_IT").cities))[::12],
            *_provider("address.es_CO").municipalities,
        ]
    )
    return tuple(words()["parts"]["cities"]), american, others


@lru_cache(1)
def _cities_in_countries() -> tuple[str, ...]:
    countries = words()["codes"]["country"]
    found = ((_latin([entry[2]]), countries.get(entry[3])) for entry in _provider("geo").land_coords)
    return tuple(
        f"{name[0]}, {country[0].removeprefix('the ')}" for name, country in found if name and country
    )


@lru_cache(1)
def states() -> dict[str, str]:
    """American states by their two letters."""
    return {entry.split("/")[0]: entry.split("/")[1] for entry in words()["parts"]["states"]}


@lru_cache(1)
def _jobs() -> tuple[str, ...]:
    jobs = (job.split(",")[0].split("/")[0].lower() for job in _provider("job.en_US").jobs)
    return tuple(dict.fromkeys(jobs))


@lru_cache(1)
def _colors() -> tuple[str, ...]:
    names = _provider("color.en_US").all_colors
    return tuple(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in names)


@lru_cache(1)
def _lorem() -> tuple[str, ...]:
    return tuple(word for word in _provider("lorem.en_US").word_list if len(word) > 3 and word.isalpha())


def part(rng: Random, name: str) -> str:
    return str(rng.choice(words()["parts"][name]))


def _open(rng: Random, name: str) -> str:
    return str(rng.choice(words()["open"][name]))


def day(rng: Random, name: str, today: dt.date | None = None) -> dt.date:
    """A day for a parameter of this name, often soon after today where that is told."""
    if "birth" in name or name in ("born", "died", "founded"):
        return dt.date(rng.randint(1935, 2021), rng.randint(1, 12), rng.randint(1, 28))
    if today is not None and rng.random() < 0.7:
        return today + dt.timedelta(rng.randint(0, rng.choice((3, 14, 90))))
    first = dt.date(2022 if rng.random() < 0.25 else 2025, 1, 1)
    return first + dt.timedelta(rng.randrange(365 * 3))


def hour_and_minute(rng: Random) -> tuple[int, int]:
    """A time of day, mostly a round one by day."""
    return rng.choice(_HOURS), rng.choice(_MINUTES)


_HOURS = (*range(6, 23), *range(7, 20), *range(24))
_MINUTES = (0, 0, 0, 0, 0, 30, 30, 30, 15, 45, 10, 20, 5, 40, 50, 25)


def digits(rng: Random, n: int) -> str:
    """A number of n digits that does not begin with 0."""
    return str(rng.randrange(10 ** (n - 1), 10**n))


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def title(rng: Random) -> str:
    """A short title in title case: of a film, a book, a house, a product line.

    >>> from random import Random
    >>> len(title(Random(1)).split()) >= 1
    True
    """
    adjective, noun, other = (capital(part(rng, kind)) for kind in ("adjectives", "nouns", "nouns"))
    return rng.choice(
        (
            f"{adjective} {noun}",
            f"{adjective} {noun}",
            f"{noun} {other}",
            f"The {adjective} {noun}",
            f"{noun} and {other}",
            f"The {noun} of {other}",
            f"{adjective} {noun} {rng.randint(2, 12)}",
            f"{noun} {rng.randint(2, 99)}",
            noun,
        )
    )


def phrase(rng: Random) -> str:
    """A lower-case noun phrase: an event or work about something."""
    topic, event = part(rng, "topics"), part(rng, "events")
    form = rng.randrange(8)
    if form < 3:
        return f"{topic} {event}"
    if form == 3:
        return f"{part(rng, 'adjectives')} {part(rng, 'nouns')}"
    if form == 4:
        return f"{event} on {topic}"
    if form == 5:
        return f"{topic} and {part(rng, 'topics')}"
    if form == 6:
        return f"{part(rng, 'adjectives')} {event}"
    return topic


def heading(rng: Random) -> str:
    """A title of a document, meeting or task, with a capital first letter."""
    form = rng.randrange(7)
    if form == 0:
        return f"{capital(part(rng, 'topics'))} for beginners"
    if form == 1:
        return f"{capital(phrase(rng))} {rng.randint(2023, 2027)}"
    if form == 2:
        return f"{capital(part(rng, 'events'))} with {given_name(rng)}"
    if form == 3:
        return f"{part(rng, 'months')} {part(rng, 'topics')} {part(rng, 'events')}"
    if form == 4:
        return capital(_open(rng, "deeds"))
    return capital(phrase(rng))


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
        return rng.choice(_cities_in_countries())
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


def sentence(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.25:
        return _open(rng, "sentences")
    if draw < 0.5:
        text = f"{_open(rng, 'starts')} {_open(rng, 'deeds')} {_open(rng, 'whens')}"
        return text + ("?" if text.startswith("Could") else ".")
    if draw < 0.65:
        return f"{given_name(rng)} will {_open(rng, 'deeds')} {_open(rng, 'whens')}."
    if draw < 0.8:
        return comment(rng) + "."
    if draw < 0.9:
        day = f"{part(rng, 'months')} {rng.randint(1, 28)}"
        return f"The {phrase(rng)} in {city(rng).split(',')[0]} starts on {day}."
    return f"I bought the {product(rng)} for {given_name(rng)}, and it {_open(rng, 'praises')}."


def text(rng: Random) -> str:
    one = sentence(rng)
    return one if rng.random() < 0.75 else f"{one} {sentence(rng)}"


def comment(rng: Random) -> str:
    good = rng.random() < 0.5
    head = f"{_open(rng, 'subjects')} {_open(rng, 'praises' if good else 'complaints')}"
    draw = rng.random()
    if draw < 0.25:
        return head
    if draw < 0.4:
        return f"{head} and {_open(rng, 'praises' if good else 'complaints')}"
    return f"{head}, {_open(rng, 'thanks' if good else 'demands')}"


def notes(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.45:
        return _open(rng, "notes")
    if draw < 0.75:
        return capital(_open(rng, "deeds")) + (" " + _open(rng, "whens") if draw < 0.6 else "")
    return f"Ask for {person(rng)}" if draw < 0.85 else comment(rng)


def query(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.3:
        return _open(rng, "query")
    if draw < 0.55:
        return phrase(rng)
    if draw < 0.8:
        return product(rng)
    ending = rng.choice(("for beginners", "tips", "near me", "basics", "news", "history"))
    return f"{part(rng, 'topics')} {ending}"


def tag(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.5:
        return _open(rng, "tag")
    return part(rng, "topics") if draw < 0.8 else f"{part(rng, 'adjectives')}-{part(rng, 'nouns')}"


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


def phone(rng: Random) -> str:
    code, n = rng.choice(
        (("1", 10), ("44", 10), ("49", 10), ("33", 9), ("81", 9), ("91", 10), ("34", 9), ("61", 9))
    )
    return f"+{code}{digits(rng, n)}"


def postal_code(rng: Random) -> str:
    form = rng.randrange(4)
    if form < 2:
        return f"{rng.randint(1001, 99950):05d}"
    one = rng.choice
    signs = "AA{} 1AA" if form == 2 else "A1A 1A1"
    drawn = (one(LETTERS) if sign == "A" else one("123456789") if sign == "1" else sign for sign in signs)
    return "".join(drawn).replace("{}", str(rng.randint(1, 20)))


@lru_cache(1)
def _zones() -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(zone for entry in _provider("date_time").countries for zone in entry.timezones)
    )


def time_zone(rng: Random) -> str:
    return "UTC" if rng.random() < 0.05 else rng.choice(_zones())


def ip_address(rng: Random) -> str:
    head = rng.choice(("192.0.2", "198.51.100", "203.0.113", "10.0.0", "10.12.4", "192.168.1", "172.16.5"))
    return f"{head}.{rng.randint(1, 254)}"


def hex_color(rng: Random) -> str:
    return f"#{rng.randrange(1 << 24):06X}"


def isbn(rng: Random) -> str:
    stem = f"978{rng.randrange(10**9):09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(stem))
    return f"{stem}{-total % 10}"


def iban(rng: Random) -> str:
    country, n = rng.choice((("DE", 18), ("FR", 18), ("ES", 20), ("NL", 10), ("BE", 12), ("AT", 16)))
    bank = "".join(rng.choice(LETTERS) for _ in range(4)) if country == "NL" else ""
    body = bank + f"{rng.randrange(10**n):0{n}d}"
    number = "".join(str(int(sign, 36)) for sign in f"{body}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{body}"


def vin(rng: Random) -> str:
    return "".join(rng.choice(_VIN_SIGNS) for _ in range(17))


def _code(kind: str) -> Source:
    table, common = tuple(words()["codes"][kind]), _COMMON[kind]
    return lambda rng: rng.choice(common if rng.random() < 0.4 else table)


_COMMON = {
    "language": ("en", "es", "fr", "de", "it", "pt", "ja", "zh", "ar", "ru", "ko", "hi"),
    "currency": ("USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "INR", "CNY"),
    "country": ("US", "GB", "DE", "FR", "CA", "IN", "JP", "AU", "BR", "ES", "IT"),
}


def _mixed(name: str, other: Source, share: float) -> Source:
    """An entry of a list of `words.toml`, or with this probability something made up."""
    entries = words()["open"][name]
    return lambda rng: other(rng) if rng.random() < share else rng.choice(entries)


def _described(name: str, word: str, *, after: bool = False) -> Source:
    """Half of them entries of a list, half with a word of another list before or after."""

    def made(rng: Random) -> str:
        one = (_open(rng, name), _open(rng, word))
        return " ".join(one if after else reversed(one))

    return _mixed(name, made, 0.5)


def capitals(n: int) -> Source:
    """Codes of so many capital letters."""
    return lambda rng: "".join(rng.choice(LETTERS) for _ in range(n))


def star(rng: Random) -> str:
    catalogue = rng.choice(("HD", "HIP", "Kepler-", "Gliese", "Wolf", "TOI-"))
    return f"{catalogue}{'' if catalogue.endswith('-') else ' '}{digits(rng, rng.randint(2, 5))}"


@lru_cache(1)
def named() -> dict[str, Source]:
    """The source of each named open type."""
    listed = {name: _mixed(name, title, 0.0) for name in words()["open"]}
    made: dict[str, Source] = {
        "city": city,
        "country": _mixed("country", lambda rng: rng.choice(_provider("address").countries), 0.1),
        "region": _mixed("region", lambda rng: rng.choice(tuple(states().values())), 0.4),
        "place": place,
        "street": street,
        "person": person,
        "company": company,
        "team": _mixed("team", lambda rng: f"{part(rng, 'topics')} team", 0.3),
        "text": text,
        "comment": comment,
        "notes": notes,
        "reason": _mixed(
            "reason", lambda rng: f"{_open(rng, 'subjects').lower()} {_open(rng, 'complaints')}", 0.35
        ),
        "query": query,
        "tag": tag,
        "device": device,
        "film": _mixed("film", title, 0.6),
        "book": _mixed("book", title, 0.6),
        "song": _mixed("song", title, 0.6),
        "author": _mixed("author", person, 0.6),
        "artist": _mixed("artist", lambda rng: title(rng) if rng.random() < 0.5 else person(rng), 0.5),
        "user": user,
        "item": item,
        "category": _mixed("category", lambda rng: capital(part(rng, "topics")), 0.3),
        "sports_team": sports_team,
        "school": school,
        "product": product,
        "brand": brand,
        "car_model": car_model,
        "file_name": file_name,
        "repository": repository,
        "username": username,
        "dish": _mixed("dish", lambda rng: f"{_open(rng, 'ingredient')} {rng.choice(_PLATES)}", 0.5),
        "medicine": _described("medicine", "doses", after=True),
        "symptom": _described("symptom", "degrees"),
        "animal": _described("animal", "kinds"),
        "plant": _described("plant", "kinds"),
        "crop": _described("crop", "kinds"),
        "ingredient": _described("ingredient", "kinds"),
        "ticker": _mixed("ticker", capitals(4), 0.3),
        "airport": _mixed("airport", capitals(3), 0.3),
        "star": _mixed("star", star, 0.4),
        "currency": _code("currency"),
        "country_code": _code("country"),
        "language_code": _code("language"),
        "email": email,
        "phone": phone,
        "url": url,
        "postal_code": postal_code,
        "time_zone": time_zone,
        "ip_address": ip_address,
        "domain_name": domain,
        "hex_color": hex_color,
        "isbn": isbn,
        "vin": vin,
        "iban": iban,
        "job": lambda rng: rng.choice(_jobs()),
        "color": lambda rng: rng.choice(_colors()),
        "title": heading,
        "sentence": sentence,
        "word": lambda rng: rng.choice(_lorem()),
        "given_name": given_name,
        "last_name": last_name,
    }
    return listed | made


_PLATES = (
    "curry",
    "pie",
    "salad",
    "soup",
    "stew",
    "pasta",
    "risotto",
    "wrap",
    "burger",
    "gratin",
    "tart",
    "bowl",
)
