"""One argument of a call together with how a user says its value. Knows nothing of how either is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tastemaker.synthesis.value_types import ValueType


@dataclass(frozen=True)
class Argument:
    """A value for one parameter (or for an object's member, or a list's entry), and its words."""

    name: str
    """The parameter's or member's key; empty for a list's entry."""
    value: Any
    """The JSON value that goes into the call; it fits the parameter's schema."""
    said: str
    """How a user says the value, without the parameter's name: `3 kg`, `the 5th of May 2026`, `Paris`."""
    kind: ValueType | None = None
    """The value's type, where the pool knows it."""
    members: tuple[Argument, ...] = ()
    """Of an object: its members."""
    entries: tuple[Argument, ...] = ()
    """Of a list: its entries."""


def call_arguments(arguments: Iterable[Argument]) -> dict[str, Any]:
    """The arguments as the call has them."""
    return {argument.name: argument.value for argument in arguments}
