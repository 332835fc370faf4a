"""The services whose functions tasks are made of; importing this registers them all."""

from tastemaker.learning.tasks.services import (
    accounts,
    bookings,
    dates,
    films,
    lists,
    notes,
    numbers,
    people,
    percent,
    reminders,
    shapes,
    shop,
    text,
    towns,
    units,
)

__all__ = [
    "accounts",
    "bookings",
    "dates",
    "films",
    "lists",
    "notes",
    "numbers",
    "people",
    "percent",
    "reminders",
    "shapes",
    "shop",
    "text",
    "towns",
    "units",
]
