"""What the assistant says: about results, about what it still needs, about failures, about itself.

Every number and name is taken from the result as it stands there (`telling`). The patterns are in
`answers.toml`. Knows nothing of how results come about.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from tastemaker.records import ToolSpec
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues.failures import Failure
from tastemaker.synthesis.dialogues.telling import clause, is_many, label_of, phrases, shown
from tastemaker.synthesis.wording import article, listing, plural

Told = tuple[Api, dict[str, Any], Any]
"""An API, the arguments of a call of it, and the result."""

_CONTINUES: Final = (
    "the ",
    "it ",
    "there ",
    "this ",
    "that ",
    "no ",
    "yes",
    "I ",
    "here ",
    "these ",
    "your ",
)
"""How a clause begins that may follow other words in a sentence."""

_SAD: Final = ("no ", "not ", "nothing", "sorry", "sadly", "unfortunately", "empty", "problem", "failed")
"""Words of a clause that no cheerful opening stands before."""


def answer(api: Api, arguments: dict[str, Any], result: Any, rng: random.Random) -> str:
    """What a call gave, in one or two sentences."""
    opening, closing = rng.choice(phrases()["openings"]), rng.choice(phrases()["closings"])
    said = clause(api, arguments, result, rng)
    if not said.startswith(_CONTINUES) or any(word in said for word in _SAD):
        opening = ""
    return _sentence(opening + said) + str(closing)


def answers(told: Sequence[Told], rng: random.Random) -> str:
    """What several calls gave. Calls of one API are told apart by the argument that varies."""
    if len(told) == 1:
        return answer(*told[0], rng)
    names = _names(told)
    brief = 2 if len(told) == 2 else 1
    parts = []
    for (api, arguments, result), name in zip(told, names, strict=True):
        said = clause(api, arguments, result, rng, brief)
        parts.append((name if name and name not in said else "", said))
    style = rng.random()
    if style < 0.3:
        lines = [_sentence(f"{name}: {said}" if name else said) for name, said in parts]
        return "\n".join(f"- {line}" for line in lines)
    if style < 0.45:
        words = ("First, ", "Second, ", "Third, ", "Fourth, ")
        if len(parts) <= len(words):
            joined = (
                _sentence(word + (f"for {name}, {said}" if name else said))
                for word, (name, said) in zip(words, parts, strict=False)
            )
            return " ".join(joined)
    return " ".join(_sentence(f"for {name}, {said}" if name else said) for name, said in parts)


def _names(told: Sequence[Told]) -> list[str]:
    """What tells each call from the others of its API: the value of the first argument that varies."""
    count = Counter(api.spec.name for api, _, _ in told)
    names = []
    for api, arguments, _ in told:
        name = ""
        if count[api.spec.name] > 1:
            others = [given for other, given, _ in told if other.spec.name == api.spec.name]
            for key, value in arguments.items():
                plain = isinstance(value, str | int | float) and not isinstance(value, bool)
                if plain and len(str(value)) < 40 and any(given.get(key) != value for given in others):
                    name = shown(value) if isinstance(value, str) else f"{label_of(key)} {shown(value)}"
                    break
        names.append(name)
    return names


def ask_for(api: Api, missing: Sequence[str], rng: random.Random) -> str:
    """Ask for the required parameters that were not given, and for nothing else."""
    ask = phrases()["ask"]
    properties = api.spec.parameters.get("properties", {})
    names = [_wanted(name, properties.get(name.partition(".")[0], {}), rng) for name in missing]
    many = len(names) > 1 or is_many(names[0].partition(" (")[0])
    what = listing([f"the {name}" for name in names])
    said = rng.choice(ask["cores"]).format(
        do=_aim(api),
        what=what,
        What=what[:1].upper() + what[1:],
        it="them" if many else "it",
        **{"is": "are" if many else "is"},
    )
    return str(rng.choice(ask["openings"]) + said)


def _wanted(name: str, schema: dict[str, Any], rng: random.Random) -> str:
    """A parameter in plain words, sometimes with what may be chosen."""
    label = label_of(name.rpartition(".")[2])
    choices = schema.get("enum", ())
    if 2 <= len(choices) <= 5 and rng.random() < 0.5:
        return f"{label} ({listing([str(choice) for choice in choices], 'or')})"
    entry = schema.get("items", schema)
    members = entry.get("required") or list(entry.get("properties", ()))
    if members and rng.random() < 0.8:
        return f"{label} ({listing([label_of(member) for member in members[:4]])})"
    return label


def _aim(api: Api) -> str:
    """What the API is for, after `to`."""
    verbs = phrases()["verbs"]
    pattern = verbs.get(api.path[-1], verbs["other"])
    thing = api.path[0]
    return str(pattern.format(thing=thing, things=plural(thing), a_thing=article(thing)))


def decline(rng: random.Random, specs: Sequence[ToolSpec] = (), asked: str = "") -> str:
    """Say that no offered tool fits. `asked` is what was wanted, after `to`."""
    parts = phrases()["decline"]
    opening, subject = rng.choice(parts["openings"]), rng.choice(parts["subjects"])
    if not specs:
        subject = "no function"
    predicate = rng.choice(parts["predicates"]).format(asked=asked) if asked else rng.choice(parts["plain"])
    closing = rng.choice(parts["closings"]) if asked.count(" ") < 6 else ""
    return _sentence(f"{opening}{subject} {predicate}") + str(closing)


def confirm_failure(api: Api, failure: Failure, rng: random.Random) -> str:
    """Tell that a call failed, why, and what may come next."""
    parts = phrases()["failure"]
    said = rng.choice(parts["cores"]).format(do=_aim(api), reason=failure.reason)
    kind = "retry" if failure.retryable else "repair" if failure.repair else "tell"
    return _sentence(said) + str(rng.choice(parts[kind]))


def about_tools(specs: Sequence[ToolSpec], rng: random.Random) -> str:
    """What the assistant can do with these tools."""
    parts = phrases()["about"]
    does = [spec.description.partition(". ")[0].rstrip(".") or label_of(spec.name) for spec in specs]
    if not does:
        return str(rng.choice(parts["none"]))
    if len(does) == 1:
        return _sentence(rng.choice(parts["one"]).format(what=does[0]))
    opening = rng.choice(parts["openings"])
    if rng.random() < 0.5:
        return "\n".join([opening, *(f"- {_sentence(what)}" for what in does)])
    return _sentence(f"{opening} {'; '.join(does)}")


def chat(rng: random.Random) -> tuple[str, str]:
    """Small talk and its answer. Questions of fact are not among it: a tool may know better."""
    asked, told = rng.choice(phrases()["chat"]["pairs"])
    return asked, told


def thought(calls: Sequence[tuple[Api, dict[str, Any]]], rng: random.Random) -> str:
    """One sentence of thinking before these calls; before none, why there are none."""
    parts = phrases()["thought"]
    if not calls:
        return str(rng.choice(parts["none"]))
    if len(calls) == 1:
        api, arguments = calls[0]
        given = listing([label_of(name) for name in arguments][:5])
        shown_with = f" with the {given}" if given else ""
        return str(rng.choice(parts["one"]).format(do=_aim(api), name=api.spec.name, **{"with": shown_with}))
    counts = Counter(api.spec.name for api, _ in calls)
    names = listing([name if n == 1 else f"{name} {n} times" for name, n in counts.items()])
    return str(rng.choice(parts["many"]).format(n=len(calls), names=names))


def _sentence(text: str) -> str:
    """The text with a capital letter and an end."""
    first = text.partition(" ")[0]
    if first.rstrip(":,").isalpha():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", '."', '!"', '?"')) else f"{text}."
