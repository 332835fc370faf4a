"""Made-up names and words that worlds and questions are filled with. No entry is the name of a real person's
record; combinations are drawn.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST: Final = _words(
    "Ana Tom Mira Joel Nadia Piet Rosa Evan Lena Omar Greta Hugo Ines Karl Dana Felix Vera Amos Tilda "
    "Rory Nora Ivan Selma Otto Paula Basil Maeve Anton Freya Cyrus Thea Lukas Wanda Emil Clara Boris "
    "Hedda Nico Agnes Jonas"
)
_LAST: Final = _words(
    "Marsh Reed Holt Banner Kesler Novak Dunne Farrow Lindt Osman Pryce Quill Rowan Sato Tully Vance "
    "Weller Yates Zeller Archer Bloom Carver Drake Ellery Frost Gale Harker Irving Jarvis Keane Lomax "
    "Mercer Nash Orwin Peake Renner Stroud Thorne Ulman Voss"
)
_TOWN_HEAD: Final = _words(
    "Ash Birch Cold Dun East Fern Glen Hazel Iron Kings Lake Maple North Oak Pine Quarry Red Stone "
    "Thorn Wind Clay Elm Marl Raven Salt"
)
_TOWN_TAIL: Final = _words("ford ham ton bury mouth field wick dale port bridge haven stead")
_KIND: Final = _words(
    "oak steel blue green red folding garden travel paper glass cotton woven small tall round classic "
    "compact bright"
)
_THING: Final = _words(
    "lamp kettle chair desk mug rug shelf clock tent backpack notebook bottle blanket basket mirror "
    "stool tray vase bench toaster"
)
_FILM_HEAD: Final = _words(
    "Silent Golden Broken Hidden Distant Crimson Paper Frozen Hollow Electric Midnight Velvet Burning Lost"
)
_FILM_TAIL: Final = _words(
    "Harbour Garden Orchard Signal Mountain Letters River Carnival Station Empire Tide Lantern Bridge Horizon"
)
_GENRES: Final = ("comedy", "drama", "thriller", "western", "musical", "animation", "romance", "mystery")
_EVENTS: Final = (
    "jazz night",
    "book fair",
    "film evening",
    "choir concert",
    "chess open",
    "wine tasting",
    "science talk",
    "poetry slam",
    "puppet show",
    "craft market",
)
_COURSES: Final = (
    "pottery",
    "Spanish",
    "first aid",
    "drawing",
    "bread baking",
    "sewing",
    "photography",
    "yoga",
    "carpentry",
)
_RESTAURANTS: Final = (
    "Blue Heron",
    "Copper Budget",
    "Olive Yard",
    "Little Anchor",
    "Red Lantern",
    "Mill House",
    "Salt Cellar",
)
_ACCOUNTS: Final = ("savings", "travel", "household", "business", "pension", "emergency", "holiday")
_BUDGETS: Final = ("rent", "groceries", "fuel", "gifts", "repairs", "clothes", "hobbies")
_SUBJECTS: Final = (
    "office move",
    "spring sale",
    "roof repair",
    "new kitchen",
    "team lunch",
    "stock check",
    "summer party",
    "fire drill",
    "parking plan",
    "winter hours",
)
_CURRENCIES: Final = ("USD", "GBP", "JPY", "CHF", "SEK", "NOK", "PLN", "CZK")
_WORDS: Final = _words(
    "river stone under early quiet green lamp window paper travel bright small cloud garden market "
    "winter music yellow bread simple story forest silver morning letter bridge gentle orange "
    "castle"
)
_ERRANDS: Final = (
    "call the dentist",
    "water the plants",
    "pay the plumber",
    "book the ferry",
    "renew the pass",
    "buy stamps",
    "send the parcel",
    "clean the oven",
    "charge the drill",
    "return the books",
    "order firewood",
    "feed the cat",
)


def _person(rng: Random) -> str:
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def _town(rng: Random) -> str:
    return rng.choice(_TOWN_HEAD) + rng.choice(_TOWN_TAIL)


def _product(rng: Random) -> str:
    return f"{rng.choice(_KIND)} {rng.choice(_THING)}"


def _film(rng: Random) -> str:
    return f"{rng.choice(_FILM_HEAD)} {rng.choice(_FILM_TAIL)}"


def _card(rng: Random) -> str:
    return f"{rng.choice(string.ascii_uppercase)}{rng.choice(string.ascii_uppercase)}{rng.randint(100, 999)}"


def _one_of(names: tuple[str, ...]) -> Callable[[Random], str]:
    return lambda rng: rng.choice(names)


NAMES: Final[dict[str, Callable[[Random], str]]] = {
    "person": _person,
    "town": _town,
    "product": _product,
    "film": _film,
    "card": _card,
    "genre": _one_of(_GENRES),
    "event": _one_of(_EVENTS),
    "course": _one_of(_COURSES),
    "restaurant": _one_of(_RESTAURANTS),
    "account": _one_of(_ACCOUNTS),
    "budget": _one_of(_BUDGETS),
    "memo": _one_of(_SUBJECTS),
    "message": _one_of(_SUBJECTS),
    "currency": _one_of(_CURRENCIES),
}
"""By table: a key of it."""


def phrase(rng: Random) -> str:
    """Three to six plain words."""
    return " ".join(rng.sample(_WORDS, rng.randint(3, 6)))


def letter(rng: Random) -> str:
    return rng.choice("aeionrst")


def errand(rng: Random) -> str:
    return rng.choice(_ERRANDS)


def memo(rng: Random) -> str:
    """A short note that holds two or three numbers."""
    few, more, most = rng.sample(range(3, 90), 3)
    first, second, third = rng.sample(_THING, 3)
    if rng.random() < 0.5:
        return f"we ordered {few} {first}s and {more} {second}s"
    return f"please bring {few} {first}s, {more} {second}s and {most} {third}s"


def message(rng: Random) -> str:
    """A short note without numbers."""
    return f"{phrase(rng)} {rng.choice(_THING)}"


def errands(rng: Random) -> list[str]:
    return rng.sample(_ERRANDS, rng.randint(2, 3))
