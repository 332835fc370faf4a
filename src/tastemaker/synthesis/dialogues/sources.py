"""Open values: texts of the named types (person, city, product, …).

Words come from Faker's providers and from `words.toml`; most texts are put together, so that few repeat. Each
source is a function of a `random.Random` alone. Knows nothing of schemas or of how a value is said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random

from tastemaker.synthesis.dialogues import codes, entities, texts
from tastemaker.synthesis.dialogues.lists import (
    capital,
    colors,
    entry,
    jobs,
    lorem,
    part,
    provider,
    states,
    words,
)
from tastemaker.synthesis.dialogues.titles import title

Source = Callable[[Random], str]


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
        one = (entry(rng, name), entry(rng, word))
        return " ".join(one if after else reversed(one))

    return _mixed(name, made, 0.5)


@lru_cache(1)
def named() -> dict[str, Source]:
    """The source of each named open type."""
    listed = {name: _mixed(name, title, 0.0) for name in words()["open"]}
    made: dict[str, Source] = {
        "city": entities.city,
        "country": _mixed("country", lambda rng: rng.choice(provider("address").countries), 0.1),
        "region": _mixed("region", lambda rng: rng.choice(tuple(states().values())), 0.4),
        "place": entities.place,
        "street": entities.street,
        "person": entities.person,
        "company": entities.company,
        "team": _mixed("team", lambda rng: f"{part(rng, 'topics')} team", 0.3),
        "text": texts.text,
        "comment": texts.comment,
        "notes": texts.notes,
        "reason": _mixed(
            "reason", lambda rng: f"{entry(rng, 'subjects').lower()} {entry(rng, 'complaints')}", 0.35
        ),
        "query": texts.query,
        "tag": texts.tag,
        "device": entities.device,
        "film": _mixed("film", title, 0.6),
        "book": _mixed("book", title, 0.6),
        "song": _mixed("song", title, 0.6),
        "author": _mixed("author", entities.person, 0.6),
        "artist": _mixed(
            "artist", lambda rng: title(rng) if rng.random() < 0.5 else entities.person(rng), 0.5
        ),
        "user": entities.user,
        "item": entities.item,
        "category": _mixed("category", lambda rng: capital(part(rng, "topics")), 0.3),
        "sports_team": entities.sports_team,
        "school": entities.school,
        "product": entities.product,
        "brand": entities.brand,
        "car_model": entities.car_model,
        "file_name": entities.file_name,
        "repository": entities.repository,
        "username": entities.username,
        "dish": _mixed("dish", lambda rng: f"{entry(rng, 'ingredient')} {rng.choice(_PLATES)}", 0.5),
        "medicine": _described("medicine", "doses", after=True),
        "symptom": _described("symptom", "degrees"),
        "animal": _described("animal", "kinds"),
        "plant": _described("plant", "kinds"),
        "crop": _described("crop", "kinds"),
        "ingredient": _described("ingredient", "kinds"),
        "ticker": _mixed("ticker", codes.capitals(4), 0.3),
        "airport": _mixed("airport", codes.capitals(3), 0.3),
        "star": _mixed("star", codes.star, 0.4),
        "currency": _code("currency"),
        "country_code": _code("country"),
        "language_code": _code("language"),
        "email": entities.email,
        "phone": codes.phone,
        "url": entities.url,
        "postal_code": codes.postal_code,
        "time_zone": codes.time_zone,
        "ip_address": codes.ip_address,
        "domain_name": entities.domain,
        "hex_color": codes.hex_color,
        "isbn": codes.isbn,
        "vin": codes.vin,
        "iban": codes.iban,
        "job": lambda rng: rng.choice(jobs()),
        "color": lambda rng: rng.choice(colors()),
        "title": texts.heading,
        "sentence": texts.sentence,
        "word": lambda rng: rng.choice(lorem()),
        "given_name": entities.given_name,
        "last_name": entities.last_name,
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
