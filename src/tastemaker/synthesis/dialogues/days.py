"""Days and times of day, as people ask for them."""

from __future__ import annotations

import datetime as dt
from random import Random


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
