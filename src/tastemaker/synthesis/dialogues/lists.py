"""Lists that values are drawn from: Faker's names, places and words, and those of `words.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module, resources
from random import Random
from typing import Any

_NAME_LOCALES = (
    *("en_US", "en_US", "en_US", "en_IE", "en_IN", "en_IN", "en_NG", "de_DE", "fr_FR", "es_ES", "it_IT"),
    *("pt_BR", "nl_NL", "pl_PL", "sv_SE", "fi_FI", "cs_CZ", "tr_TR", "id_ID"),
)
_CITY_LOCALES = ("de_DE", "en_IN", "nl_NL", "pl_PL", "sv_SE", "fi_FI", "id_ID", "pt_PT", "cs_CZ")


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


def provider(name: str) -> Any:
    """A provider of Faker."""
    return import_module(f"faker.providers.{name}").Provider


@lru_cache(1)
def people() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """For each locale: first names and last names."""
    found = []
    for locale in _NAME_LOCALES:
        names = provider(f"person.{locale}")
        last = getattr(names, "unisex_last_names", names.last_names)
        found.append((_latin(names.first_names), _latin(last)))
    return tuple(found)


@lru_cache(1)
def cities() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Well-known cities, American ones, and others."""
    geo = provider("geo").land_coords
    american = _latin(entry[2] for entry in geo if entry[3] == "US")
    others = _latin(
        [
            *(entry[2] for entry in geo),
            *(city for locale in _CITY_LOCALES for city in provider(f"address.{locale}").cities),
            *sorted(set(provider("address.it_IT").cities))[::12],
            *provider("address.es_CO").municipalities,
        ]
    )
    return tuple(words()["parts"]["cities"]), american, others


@lru_cache(1)
def cities_in_countries() -> tuple[str, ...]:
    """Cities with their country."""
    countries = words()["codes"]["country"]
    found = ((_latin([entry[2]]), countries.get(entry[3])) for entry in provider("geo").land_coords)
    return tuple(
        f"{name[0]}, {country[0].removeprefix('the ')}" for name, country in found if name and country
    )


@lru_cache(1)
def states() -> dict[str, str]:
    """American states by their two letters."""
    return {entry.split("/")[0]: entry.split("/")[1] for entry in words()["parts"]["states"]}


@lru_cache(1)
def jobs() -> tuple[str, ...]:
    """Names of jobs."""
    jobs = (job.split(",")[0].split("/")[0].lower() for job in provider("job.en_US").jobs)
    return tuple(dict.fromkeys(jobs))


@lru_cache(1)
def colors() -> tuple[str, ...]:
    """Names of colours."""
    names = provider("color.en_US").all_colors
    return tuple(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in names)


@lru_cache(1)
def lorem() -> tuple[str, ...]:
    """Words without meaning."""
    return tuple(word for word in provider("lorem.en_US").word_list if len(word) > 3 and word.isalpha())


def part(rng: Random, name: str) -> str:
    """One of the parts that texts are put together from."""
    return str(rng.choice(words()["parts"][name]))


def entry(rng: Random, name: str) -> str:
    """One of the entries of an open type."""
    return str(rng.choice(words()["open"][name]))


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]
