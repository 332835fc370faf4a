"""What a parameter's name tells: an end of a range, a year, the kind of text that it takes.

Knows nothing of values.
"""

from __future__ import annotations

from functools import lru_cache

from tastemaker.synthesis.dialogues.phrases import spaced

_LOW = frozenset(
    ("min", "minimum", "from", "start", "starts", "begin", "since", "after", "lower", "low", "earliest")
)
_HIGH = frozenset(("max", "maximum", "to", "end", "ends", "until", "before", "upper", "high", "latest"))
_PAIRS = {
    "check in": (0, "stay"),
    "check out": (1, "stay"),
    "departure date": (0, "trip"),
    "return date": (1, "trip"),
    "opens": (0, "opening"),
    "closes": (1, "opening"),
    "born": (0, "life"),
    "died": (1, "life"),
}


@lru_cache(8192)
def bound(name: str) -> tuple[int, str] | None:
    """Whether a name is that of a lower (0) or upper (1) end, and of what.

    >>> bound("min_price"), bound("priceMax"), bound("check_out"), bound("color")
    ((0, 'price'), (1, 'price'), (1, 'stay'), None)
    """
    words = spaced(name)
    if words in _PAIRS:
        return _PAIRS[words]
    parts = words.split()
    for place, part in enumerate(parts):
        if part in _LOW or part in _HIGH:
            return int(part in _HIGH), " ".join(parts[:place] + parts[place + 1 :])
    return None


@lru_cache(8192)
def beside(names: tuple[str, ...], part: str) -> bool:
    """Whether one of the names has this part, such as `unit`."""
    return any(part in name.lower() for name in names)


@lru_cache(8192)
def is_year(about: str, name: str) -> bool:
    """Whether numbers of this type and name are years."""
    return about == "year" or ("year" in spaced(name).split() and "years" not in about)


_SAYINGS = """
city: city cities town location destination origin
country: country
region: state region
street: address street
place: place venue
person: person author
company: company employer
email: email mail
phone: phone telephone
url: url link website
domain_name: domain
ip_address: ip
postal_code: zip postcode
time_zone: timezone
currency: currency
language: language
language_code: lang
date: date day
time: time
datetime: datetime timestamp
query: query search keyword q topic wants
text: text message body
comment: comment
notes: note notes
reason: reason
title: title subject
tag: tag tags
color: color colour
product: product
brand: brand
team: team
file_name: file filename
repository: repo repository
username: user username
film: movie film
book: book
song: song
artist: artist
airport: airport
ticker: ticker symbol
school: school
category: category
iban: iban
isbn: isbn
vin: vin
job: job profession
given_name: first
last_name: surname
ingredient: ingredient
dish: dish
animal: animal
plant: plant
"""
_WORDS = {
    word: source
    for line in _SAYINGS.strip().splitlines()
    for source, _, names in (line.partition(": "),)
    for word in names.split()
}


@lru_cache(8192)
def named_after(name: str) -> str:
    """What a parameter's name says of its texts: a named source, an identifier, or nothing.

    >>> named_after("departure_city"), named_after("order_id"), named_after("stuff")
    ('city', '@/order', '')
    """
    parts = spaced(name).lower().split()
    if parts[-1:] in (["id"], ["ids"], ["code"], ["number"]):
        return f"@/{parts[-2] if len(parts) > 1 else 'item'}"
    for part in reversed(parts):
        if part in _WORDS:
            return _WORDS[part]
        if part.endswith("s") and part[:-1] in _WORDS:
            return _WORDS[part[:-1]]
    return "person" if parts[-1:] == ["name"] else ""
