"""One argument as a part of a sentence: `in Paris`, `with a price of at most 200`, `the notes are '…'`.

The words come from `requests.toml` by the parameter's name, else from its kind of value. Knows nothing of
whole requests.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from random import Random
from typing import Any, NamedTuple

from tastemaker.synthesis.dialogues.argument import Argument
from tastemaker.synthesis.dialogues.form import Formed
from tastemaker.synthesis.wording import article, listing, words

_BOUNDS = {
    "min": (
        "of at least {v}",
        "of {v} or more",
        "from {v} up",
        "of no less than {v}",
        "above or equal to {v}",
    ),
    "max": ("of at most {v}", "up to {v}", "of no more than {v}", "of {v} or less", "not above {v}"),
}
_NUMBER = ("{a x} of {v}", "{a x} of {v}", "{x} {v}", "{x} of {v}", "{x} = {v}", "the {x} at {v}")
_TEXT = ("{v} as the {x}", "the {x} {v}", "the {x} {v}", "{x} {v}", "{x} set to {v}", "{x}: {v}")
_CHOICE = ("{v} as the {x}", "{x} {v}", "the {x} {v}", "{v} {x}", "{x} set to {v}")
_LIST = ("the {x} {v}", "{x}: {v}", "{x} {v}", "{v} as the {x}", "these {x}: {v}")
_STATED = (
    "the {x} is {v}",
    "the {x} should be {v}",
    "{x} is {v}",
    "take {v} as the {x}",
    "use {v} for the {x}",
)
_STATED_MANY = ("the {x} are {v}", "the {x} should be {v}", "use {v} for the {x}", "{x} are {v}")
_CHANGED = ("the {x} changed to {v}", "{v} as the new {x}", "a new {x}: {v}", "the {x} set to {v}")
_CHANGED_STATED = ("the new {x} is {v}", "change the {x} to {v}", "set the {x} to {v}", "the {x} becomes {v}")
_OPENINGS = ("is_", "has_", "use_", "with_", "enable_", "allow_", "can_", "only_")


class Clause(NamedTuple):
    """A part of a request."""

    text: str
    form: str
    """plain: follows what is asked · with: follows the word `with` · stated: a sentence of its own."""


def clause(argument: Argument, rng: Random, *, changing: bool = False, stated: float = 0.12) -> list[Clause]:
    """How one argument is said: one clause, or for an object one for each member. `changing`: the argument is
    a new value for something that exists. `stated` is the share of sentences of their own.
    """
    if isinstance(argument, Formed) and argument.own_clause:
        return [Clause(argument.own_clause, "plain")]
    if argument.members and rng.random() < 0.75:
        return [part for member in argument.members for part in clause(member, rng, changing=changing)]
    name = "_".join(words(argument.name)) or "value"
    if argument.value is True or argument.value is False:
        return [Clause(_switch(name, argument.value, rng), "plain")]
    patterns = phrases()["parameters"].get(name)
    if patterns is not None and rng.random() < 0.8:
        return [_formed(_filled(rng.choice(patterns), name, argument, rng))]
    side, _, measured = name.partition("_")
    if side in _BOUNDS and measured:
        text = f"{{a x}} {rng.choice(_BOUNDS[side])}"
        return [Clause(_filled(text, measured, argument, rng), "with")]
    many = isinstance(argument.value, list)
    if rng.random() < stated:
        patterns = _CHANGED_STATED if changing else _STATED_MANY if many else _STATED
        return [Clause(_filled(rng.choice(patterns), name, argument, rng), "stated")]
    return [Clause(_with(name, argument, rng, changing), "with")]


def pair(argument: Argument) -> str:
    """`loan amount: 3000`."""
    return f"{' '.join(words(argument.name)) or 'value'}: {argument.said}"


def _with(name: str, argument: Argument, rng: Random, changing: bool) -> str:
    value = argument.value
    if changing:
        return _filled(rng.choice(_CHANGED), name, argument, rng)
    if isinstance(value, list):
        return _filled(rng.choice(_LIST), name, argument, rng)
    if isinstance(value, int | float):
        noun = name.rsplit("_", 1)[-1]
        if noun.removesuffix("s") in argument.said:
            return argument.said if rng.random() < 0.4 else f"{name.replace('_', ' ')} {argument.said}"
        if noun.endswith("s") and not noun.endswith("ss") and argument.said[-1:].isalnum():
            return f"{argument.said} {name.replace('_', ' ')}"
        return _filled(rng.choice(_NUMBER), name, argument, rng)
    closed = argument.kind is not None and bool(argument.kind.choices)
    return _filled(rng.choice(_CHOICE if closed else _TEXT), name, argument, rng)


def _switch(name: str, value: bool, rng: Random) -> str:
    switches = phrases()["switches"]
    side = "true" if value else "false"
    own = switches.get(f"{name}_{side}")
    head, _, rest = name.partition("_")
    if own is None and head in ("include", "notify") and rest:
        own = switches.get(f"{head}_{side}")
        name = rest
    for opening in _OPENINGS:
        name = name.removeprefix(opening)
    return str(rng.choice(own or switches[side])).replace("{x}", name.replace("_", " "))


def _filled(pattern: str, name: str, argument: Argument, rng: Random) -> str:
    noun = name.replace("_", " ")
    noun = noun[:-3] + " ID" if noun.endswith(" id") else noun
    said = argument.said
    if "{q}" in pattern:
        quote = "" if said[:1] in "'\"" else rng.choice(("'", '"', "'", ""))
        quote = "" if quote in said else quote
        pattern = pattern.replace("{q}", f"{quote}{said}{quote}")
    text = pattern.replace("{a x}", article(noun)).replace("{x}", noun).replace("{v}", said)
    return text.replace("order order", "order")


def _formed(text: str) -> Clause:
    if text.startswith("with "):
        return Clause(text[5:], "with")
    return Clause(text, "stated" if text.startswith("the ") and " is " in text else "plain")


def joined(clauses: list[Clause], rng: Random) -> tuple[str, str]:
    """What follows the thing that is asked, with a space before it, and the sentences after it."""
    plain = [part.text for part in clauses if part.form == "plain"]
    given = [part.text for part in clauses if part.form == "with"]
    stated = [f"{part.text[:1].upper()}{part.text[1:]}" for part in clauses if part.form == "stated"]
    text = "".join(f" {part}" for part in plain)
    if given:
        comma = "," if plain and rng.random() < 0.3 else ""
        text += f"{comma} with {listing(given)}"
    return text, "".join(f" {part}." for part in stated)


@cache
def phrases() -> dict[str, Any]:
    """The tables of `requests.toml`."""
    file = resources.files(__package__).joinpath("requests.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
