"""Complexity without a model: what H_M grows with, read off the sample itself.

ToolACE (arXiv 2409.00920) finds that the loss grows with the number of candidate tools, the number of tools
used and the dissimilarity of the query to the tools' descriptions; the number of values to be written is
added. The proxy orders samples; it is no loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

from tastemaker.records import ToolSpec, Trajectory
from tastemaker.synthesis.verification.grounding import normalised

Level = Literal["low", "medium", "high"]
LEVELS: Final[tuple[Level, ...]] = ("low", "medium", "high")

_MOST: Final = (8.0, 4.0, 1.0, 12.0)
"""The measure from which each feature counts in full."""

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_IDLE_WORDS = "a an the of in on at to for and or by with is are my me i it its please this that from all be"
_IDLE: Final = frozenset(_IDLE_WORDS.split())


class Features(NamedTuple):
    """What makes a sample hard."""

    candidates: int
    """Tools offered."""
    used: int
    """Calls made."""
    distance: float
    """1 - the share of the used tools' words (names and descriptions) that the user says; where nothing is
    called, that share itself for the offered tool with the most: a tool that almost fits is hard to decline.
    """
    values: int
    """Values in the calls: numbers, texts, flags, also inside lists and objects."""


def features(sample: Trajectory) -> Features:
    """What makes this sample hard."""
    calls = [call for message in sample.messages for call in message.calls]
    said = _words(message.text for message in sample.messages if message.role == "user")
    called = {call.name for call in calls}
    used = [_share(spec, said) for spec in sample.tools if spec.name in called]
    if used:
        distance = 1 - sum(used) / len(used)
    else:
        distance = max((_share(spec, said) for spec in sample.tools), default=0.0)
    return Features(len(sample.tools), len(calls), distance, sum(_values(call.arguments) for call in calls))


def proxy(sample: Trajectory) -> float:
    """From 0 to 1: the mean of the features, each as a share of what counts in full."""
    shares = [min(1.0, value / most) for value, most in zip(features(sample), _MOST, strict=True)]
    return sum(shares) / len(shares)


def bands(values: Sequence[float], kinds: Sequence[str] | None = None) -> list[Level]:
    """The third that each value is in: as many low as medium as high ones, up to one. Of equal values the
    first is the lower. With `kinds`, thirds are those of each kind, so that the levels have one mix of them.

    >>> bands([0.5, 0.1, 0.9])
    ['medium', 'low', 'high']
    """
    groups: dict[str, list[int]] = {}
    for number, kind in enumerate(kinds or [""] * len(values)):
        groups.setdefault(kind, []).append(number)
    found: list[Level] = ["low"] * len(values)
    for group in groups.values():
        for place, number in enumerate(sorted(group, key=lambda number: values[number])):
            found[number] = LEVELS[3 * place // len(group)]
    return found


def _share(spec: ToolSpec, said: frozenset[str]) -> float:
    words = _words([_CAPITAL.sub(" ", spec.name), spec.description])
    return len(words & said) / len(words) if words else 0.0


def _words(texts: Iterable[str]) -> frozenset[str]:
    """Words that tell something, without a plural's s."""
    words = (word for text in texts for word in normalised(text).split() if word not in _IDLE)
    return frozenset(word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words)


def _values(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_values, value.values()))
    return sum(map(_values, value)) if isinstance(value, list) else 1
