"""Settings of learning as text: `--set kl.weight=0.05` reaches a config within a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tastemaker.app.console import read_settings
from tastemaker.errors import InputError


def nested(pairs: Sequence[str] | None) -> dict[str, Any]:
    """`key=value` texts as a mapping of mappings, one level for each dot.

    >>> nested(["kl.weight=0.05", "rounds=3"])
    {'kl': {'weight': '0.05'}, 'rounds': '3'}
    """
    found: dict[str, Any] = {}
    for key, value in read_settings(pairs).items():
        *path, name = key.split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InputError(f"--set {key}={value}: {part} is given a value of its own as well")
        if isinstance(place.get(name), dict):
            raise InputError(f"--set {key}={value}: parts of it are given values of their own as well")
        place[name] = value
    return found


def part(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The settings of a config within a config. Raises InputError where it is given as one value."""
    found = settings.get(name, {})
    if not isinstance(found, dict):
        raise InputError(f"--set {name}={found}: it has settings of its own; write {name}.SETTING=value")
    return found


def flat(settings: Mapping[str, Any], path: str = "") -> list[str]:
    """The reverse of `nested`.

    >>> flat({"kl": {"weight": "0.05"}, "rounds": "3"})
    ['kl.weight=0.05', 'rounds=3']
    """
    found = []
    for key, value in settings.items():
        found += flat(value, f"{path}{key}.") if isinstance(value, Mapping) else [f"{path}{key}={value}"]
    return found
