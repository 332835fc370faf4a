"""Small English: plurals, articles, lists, and names of tools and parameters in several styles.

Knows nothing of tools; good enough for names and one-line descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

STYLES = ("snake", "camel", "dotted", "title", "pascal")
"""`search_hotels`, `searchHotels`, `hotels.search`, `Search Hotels`, `SearchHotels`."""

_IRREGULAR = {
    "person": "people",
    "child": "children",
    "series": "series",
    "species": "species",
    "aircraft": "aircraft",
    "furniture": "furniture",
    "news": "news",
    "leaf": "leaves",
    "shelf": "shelves",
    "half": "halves",
    "life": "lives",
    "lens": "lenses",
    "gas": "gases",
    "atlas": "atlases",
    "census": "censuses",
    "tooth": "teeth",
    "foot": "feet",
    "equipment": "equipment",
    "cosmetic": "cosmetics",
    "jewellery": "jewellery",
    "software": "software",
    "lyrics": "lyrics",
    "weather": "weather",
    "homework": "homework",
    "fun": "fun",
    "information": "information",
    "radius": "radii",
    "genus": "genera",
}
_SOUND_LIKE_A = ("uni", "use", "uti", "eu", "one-", "ufo", "url", "uv", "u-")
_SOUND_LIKE_AN = ("hour", "honest", "heir", "sms", "led ", "mp", "x-ray", "fm", "html", "http", "rss")
_ACRONYMS = {
    *("qr", "ip", "dns", "vpn", "sms", "uv", "dna", "gc", "ssl", "http", "pdf", "api", "tv", "ph", "iso"),
    *("isbn", "led", "vin", "cnc", "gps", "iban", "seo"),
}
_ACRONYM = re.compile(rf"\b(?:{'|'.join(sorted(_ACRONYMS))})\b(?![./@])", re.IGNORECASE)
_KINDS = ("search", "info", "comparison", "converter")
"""Second words of names such as `hotel search`: they are the verb."""


@lru_cache(4096)
def plural(noun: str) -> str:
    """The plural of a noun or noun phrase: its last word changes.

    >>> plural("train connection"), plural("city"), plural("box"), plural("species")
    ('train connections', 'cities', 'boxes', 'species')
    """
    head, space, last = noun.rpartition(" ")
    if last.endswith("person") and last != "person":
        last = last[:-6] + "people"
    elif last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("data") or re.search(r"[^sui]s$", last):
        pass
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    elif re.search(r"(s|x|z|ch|sh)$", last):
        last += "es"
    else:
        last += "s"
    return f"{head}{space}{last}"


@lru_cache(4096)
def singular(noun: str) -> str:
    """The likely singular of a noun phrase.

    >>> singular("albums"), singular("categories"), singular("bus"), singular("news")
    ('album', 'category', 'bus', 'news')
    """
    head, space, last = noun.rpartition(" ")
    if last in _IRREGULAR.values():
        last = next(one for one, many in _IRREGULAR.items() if many == last)
    elif last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif re.search(r"(sses|xes|ches|shes)$", last):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith(("ss", "us", "is")) and len(last) > 3:
        last = last[:-1]
    return f"{head}{space}{last}"


def article(noun: str) -> str:
    """The noun with `a` or `an`.

    >>> article("hotel"), article("order"), article("hour"), article("university")
    ('a hotel', 'an order', 'an hour', 'a university')
    """
    low = noun.lower()
    vowel = low[:1] in "aeiou" and not low.startswith(_SOUND_LIKE_A)
    return f"{'an' if vowel or low.startswith(_SOUND_LIKE_AN) else 'a'} {noun}"


def listing(parts: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop.

    >>> sentence("find hotels")
    'Find hotels.'
    """
    text = _ACRONYM.sub(lambda match: match[0].upper(), text[:1].upper() + text[1:])
    return text if text.endswith((".", "!", "?")) else text + "."


@lru_cache(16384)
def words(name: str) -> tuple[str, ...]:
    """The lower-case words of a name in any style.

    >>> words("getUserPlaylists"), words("search-hotels_by city"), words("GET_movie-id")
    (('get', 'user', 'playlists'), ('search', 'hotels', 'by', 'city'), ('get', 'movie', 'id'))
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(re.findall(r"[a-z0-9]+", spaced.lower().replace("'", "")))


def snake(name: str) -> str:
    """`departure_date` for any way of writing it; begins with a letter."""
    text = "_".join(words(name))
    return text if text[:1].isalpha() else f"x_{text}".rstrip("_")


def camel(name: str) -> str:
    """`departureDate` for any way of writing it."""
    head, *rest = words(name) or ("x",)
    return head + "".join(part.capitalize() for part in rest)


def styled(verb: str, noun: str, style: str) -> str:
    """A tool's name from what it does and to what.

    >>> [styled("search", "train connections", style) for style in STYLES[:3]]
    ['search_train_connections', 'searchTrainConnections', 'train_connections.search']
    >>> styled("get", "QR code", "title")
    'Get QR Code'
    """
    if style == "dotted" and noun in _KINDS:
        verb, noun = noun, verb
    if style == "dotted" and noun:
        return f"{snake(noun)}.{snake(verb)}"
    whole = f"{verb} {noun}".strip()
    if style == "camel":
        return camel(whole)
    if style == "snake" or style == "dotted":
        return snake(whole)
    parts = [part.upper() if part in _ACRONYMS else part.capitalize() for part in words(whole)]
    return (" " if style == "title" else "").join(parts)
