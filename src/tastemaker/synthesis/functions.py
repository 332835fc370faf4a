"""What can be done with a thing: for each verb the names, the words, the parameters and the result of an API.

Parameters and results come from `questions` and `actions`, names and sentences from `verbs.toml`. Knows
nothing of evolution.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from tastemaker.synthesis.actions import ACTIONS
from tastemaker.synthesis.questions import QUESTIONS, calculation
from tastemaker.synthesis.sheet import Sheet
from tastemaker.synthesis.wording import article, listing, plural, sentence

BUILDERS = {**QUESTIONS, **ACTIONS}
"""Each writes parameters and result on the sheet and gives the name of the metric that it is about, or an
empty text; None where the thing has nothing for it (no number to forecast, no choice to classify by)."""

_GENERIC = {
    "limit",
    "page",
    "sort_by",
    "order",
    "language",
    "format",
    "include_details",
    "currency",
    "units",
    "show_steps",
    "decimals",
    "dry_run",
    "time_zone",
}
"""Parameters that a description does not tell of."""
_ONE = re.compile(r"\b(new|existing|one|running) \{thing\}")
_QUALIFIED = ("search", "list", "recommend", "rank")
_QUALIFIED_SHARE = 0.3
"""So many of these say in their name what they go by."""


def apply(sheet: Sheet) -> bool:
    """Write the sheet's verb on it. False where it does not fit the thing."""
    build = calculation if sheet.thing.outputs else BUILDERS.get(sheet.verb)
    metric = build(sheet) if build else None
    if metric is None or not sheet.result:
        return False
    sheet.metric = metric
    word(sheet)
    return True


def word(sheet: Sheet) -> None:
    """Draw the name and the description that go with what is on the sheet."""
    words = _words()["calculations" if sheet.thing.outputs else "verbs"]
    entry = words.get(sheet.verb, words["calculate"])
    given = [name.replace("_", " ") for name in sheet.parameters if name not in _GENERIC][:3]
    noun = plural(sheet.noun) if sheet.many else sheet.noun
    filled = {
        "{things}": plural(sheet.noun),
        "{a thing}": noun if sheet.many else article(noun),
        "{thing}": noun,
        "{metric}": sheet.metric,
        "{by}": listing(given) if given else "default settings",
    }
    name, _, noun = _fill(sheet.rng.choice(entry["names"]), filled).partition("|")
    if given and sheet.verb in _QUALIFIED and sheet.rng.random() < _QUALIFIED_SHARE:
        noun += f" by {given[0]}"
    sheet.words = (name, noun)
    says = [text for text in entry["says"] if not (sheet.many and _ONE.search(text))]
    text = _fill(sheet.rng.choice(says or entry["says"][:1]), filled)
    sheet.summary = sentence("".join((text, *(f", {note}" for note in sheet.notes))))


@cache
def _words() -> dict[str, Any]:
    file = resources.files(__package__).joinpath("verbs.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _fill(text: str, filled: dict[str, str]) -> str:
    for key, value in filled.items():
        text = text.replace(key, value)
    return text
