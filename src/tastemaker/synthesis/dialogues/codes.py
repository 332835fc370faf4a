"""Values with a form of their own: numbers of phones and accounts, codes, addresses of machines."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random

from tastemaker.synthesis.dialogues.lists import provider

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_SIGNS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


def digits(rng: Random, n: int) -> str:
    """A number of n digits that does not begin with 0."""
    return str(rng.randrange(10 ** (n - 1), 10**n))


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
    return tuple(dict.fromkeys(zone for entry in provider("date_time").countries for zone in entry.timezones))


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


def capitals(n: int) -> Callable[[Random], str]:
    """Codes of so many capital letters."""
    return lambda rng: "".join(rng.choice(LETTERS) for _ in range(n))


def star(rng: Random) -> str:
    catalogue = rng.choice(("HD", "HIP", "Kepler-", "Gliese", "Wolf", "TOI-"))
    return f"{catalogue}{'' if catalogue.endswith('-') else ' '}{digits(rng, rng.randint(2, 5))}"
