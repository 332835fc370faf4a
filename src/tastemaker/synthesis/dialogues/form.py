"""A form that a parameter's description tells: what is wanted, and what is drawn.

A value type's text tells the form, too: `percent decimal << 0.0..5.0 %` is a share as a decimal where the
pool has per cent. Before the mark stands a form's name and, after a space, which one of its kind. Knows
nothing of how values are drawn.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random
from typing import Any, Final, NamedTuple

from tastemaker.synthesis.dialogues.argument import Argument
from tastemaker.synthesis.value_types import ValueType

MARK: Final = " << "
_BAR: Final = "¦"
"""Stands for | in a type after the mark: a text with a form is no value type of its own."""


class Want(NamedTuple):
    """What is to be drawn."""

    rng: Random
    schema: Mapping[str, Any]
    name: str
    kind: ValueType
    """The type of values in the pool's form."""
    about: str
    """Which form of its kind."""
    today: dt.date | None = None

    def bounds(self) -> tuple[float, float] | None:
        """The ends of the range in the pool's form."""
        schema = self.kind.schema
        return (schema["minimum"], schema["maximum"]) if "minimum" in schema and "maximum" in schema else None


@dataclass(frozen=True)
class Formed(Argument):
    """An argument in a form of its own."""

    pooled: Any = None
    """The value in the pool's form."""
    clause: str = ""
    """A clause that says both parameter and value, such as `for the two of us`."""
    said_so: str = ""
    """The words that the clause stands for: where they were changed, it no longer holds."""

    @property
    def own_clause(self) -> str:
        """The clause, where there is one that holds."""
        return self.clause if self.said == self.said_so else ""


@lru_cache(1)
def tables() -> dict[str, dict[str, tuple[str, ...]]]:
    """What everybody knows: the tables of `forms.toml`, lists in place of texts."""
    return {name: _lists(table) for name, table in _file().items() if name != "told"}


@lru_cache(1)
def ways_to_tell() -> dict[str, dict[str, tuple[str, ...]]]:
    """Ways to tell the form of a text, by its type and by which one of its kind."""
    return {about: _lists(table) for about, table in _file()["told"].items()}


def _lists(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(entry.split(";")) for key, entry in table.items()}


@lru_cache(1)
def _file() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("forms.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def marked(form: str, about: str, base: str) -> str:
    """The text of a type in a form.

    >>> marked("date", "DD/MM/YYYY", "date"), parted("date DD/MM/YYYY << date")
    ('date DD/MM/YYYY << date', ('date', 'DD/MM/YYYY', 'date'))
    """
    return f"{form} {about}{MARK}{base.replace('|', _BAR)}"


def parted(text: str) -> tuple[str, str, str]:
    """The form's name, which one of its kind, and the type in the pool's form."""
    head, _, base = text.partition(MARK)
    form, _, about = head.partition(" ")
    return form, about, base.replace(_BAR, "|")


def in_pool_form(argument: Argument) -> Any:
    """The value as the pool would have it."""
    return argument.pooled if isinstance(argument, Formed) else argument.value


def made(want: Want, value: Any, said: str, pooled: Any = None, clause: str = "") -> Formed:
    pooled = value if pooled is None else pooled
    return Formed(want.name, value, said, want.kind, pooled=pooled, clause=clause, said_so=said)
