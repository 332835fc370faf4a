"""What a user says to have calls made: one request in many forms, from a tool and its arguments.

A request has a head (what is wanted), clauses (the arguments), and a frame (question, imperative, courtesy).
`distance` says how far its words are from the tool's own description: at 0 the description itself is the
head, at 1 there is no verb of the tool's at all. Values stand in it exactly as `Argument.said` has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random

from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues.argument import Argument
from tastemaker.synthesis.dialogues.clauses import Clause, clause, joined, pair, phrases
from tastemaker.synthesis.wording import article, listing, plural, words

_NEAR, _FAR = 0.15, 0.8
"""Below: in the description's words. Above: without a verb."""
_KEYS = ("id", "name", "title", "number", "symbol", "model", "line")
_SPECIFICS = (" with ", " by ", " given ", " that ", " for the given ", " from ", " to a ", ", ", "; ", ": ")
"""Where a description begins to tell of parameters."""
_BARE = (
    "{things}{rest}", "{things}{rest}, please", "any {things}{rest}", "I'm interested in {things}{rest}",
    "something like {things}{rest}", "it's about {a thing}{rest}", "we need {a thing}{rest}",
    "looking for {a thing}{rest}", "I was thinking of {a thing}{rest}", "{thing}{rest}",
)  # fmt: skip
_GIVEN = (
    "Given {p}, {do}.",
    "With {p}, {do}.",
    "Using {p}, {do}.",
    "For {p}, {do}.",
    "I have {p}. {Do}.",
    "Take {p} and {do}.",
)
_DETAILS = (
    ". Details: {p}.",
    ": {p}",
    " ({p})",
    ". {p}.",
    ". Use {p}.",
    ". Here is what you need: {p}",
    ", {p}",
)
_ASKING = 0.7
"""Share of questions, among requests that can be put as one."""
_NOT_ASKED = frozenset({"id", "success", "status", "next_page", "total", "count"})
"""Outputs that nobody asks for."""
_MODIFIER_NAMES = (
    "brand breed category class color colour cuisine diet difficulty discipline fuel genre kind level"
    " manufacturer material mode season size species sport style subject theme topic type"
)
_MODIFIERS = frozenset(_MODIFIER_NAMES.split())
"""Last words of names whose values stand before a noun as well."""
_MODIFIER = re.compile(r"[^\W\d][^\W\d]*([ '-][^\W\d]+){0,2}")
_BARE_NUMBER = re.compile(r"-?\d[\d,.]*")


def request(
    api: Api, arguments: Sequence[Argument], rng: Random, distance: float = 0.5, *, framed: bool = True
) -> str:
    """The words of one request. Without a frame it is a bare imperative that can be joined to others: no
    capital, no full stop, one sentence.
    """
    modifier = _modifier(arguments, rng)
    nouns = _nouns(api, modifier.said if modifier else "")
    head, left = _head(api, arguments, rng, distance, nouns)
    if modifier and modifier in left and f"{modifier.said} " in head:
        left = [a for a in left if a is not modifier]
    else:
        nouns = _nouns(api)
    changing = api.path[-1:] == ("update",)
    style = rng.random() if framed else 0.5
    if len(left) > 1 and style < 0.1:
        return _details(head, left, rng)
    bare = framed and distance > _FAR and rng.random() < 0.5
    left = list(arguments) if bare else left
    together, apart = _in_a_row(api, left, rng)
    clauses = together + [
        part for a in apart for part in clause(a, rng, changing=changing, stated=0.12 if framed else 0.0)
    ]
    clauses = (
        clauses if framed else [Clause(c.text, "with" if c.form == "stated" else c.form) for c in clauses]
    )
    if style > 0.9 and not bare and clauses and all(part.form == "with" for part in clauses):
        return _capital(rng.choice(_GIVEN), head, p=listing([part.text for part in clauses]))
    rest, after = joined(clauses, rng)
    if not framed:
        return head + rest
    if bare:
        return _sentence(_fill(rng.choice(_BARE), _nouns(api)).replace("{rest}", rest)) + after
    if rng.random() < _ASKING and (question := _question(api, rng, nouns)):
        said = _key_said(api, arguments, left)
        return _capital(rng.choice(phrases()["frames"]["ask"]), question + said + rest) + after
    return _capital(rng.choice(phrases()["frames"]["do"]), head + rest) + after


def requests_joined(parts: Sequence[str], rng: Random) -> str:
    """Several bare imperatives (`request` without a frame) as one text."""
    style = rng.random()
    if style < 0.5:
        text = listing(parts, rng.choice(("and", "and then", "and also", "and")))
        return _capital(rng.choice(phrases()["frames"]["do"]), text)
    if style < 0.8:
        first = _capital(rng.choice(phrases()["frames"]["do"]), parts[0])
        first = first if first[-1:] in ".?!" else first + "."
        rest = (f"{word}{part}." for part in parts[1:] for word in [rng.choice(phrases()["frames"]["also"])])
        return " ".join((first, *rest))
    if style < 0.9:
        numbered = " ".join(f"{place}) {part};" for place, part in enumerate(parts, 1))
        return f"{rng.choice(('I need a few things:', 'Please do this:', 'To do:'))} {numbered[:-1]}."
    return " ".join(_capital("{Do}.", part) for part in parts)


def embellished(text: str, rng: Random, share: float = 0.12) -> str:
    """The text with a greeting, thanks or a remark beside the point, each with this probability; and, rarely,
    without capitals or the full stop at its end."""
    frames = phrases()["frames"]
    if rng.random() < share:
        text = f"{rng.choice(frames['contexts'])} {text}"
    if rng.random() < share:
        text = rng.choice(frames["greetings"]) + text
    if rng.random() < share and text[-1:] in ".?!":
        text += rng.choice(frames["thanks"])
    if rng.random() < share / 2:
        text = text.removesuffix(".")
        text = text[:1].lower() + text[1:]
    return text


def _head(
    api: Api, arguments: Sequence[Argument], rng: Random, distance: float, nouns: Mapping[str, str]
) -> tuple[str, list[Argument]]:
    """What is wanted, and the arguments that it does not say, unless `nouns` do."""
    description = api.spec.description.split(". ")[0].rstrip(".")
    for words_before in _SPECIFICS:
        description = description.partition(words_before)[0]
    verb = phrases()["verbs"].get(api.path[-1]) if len(api.path) == 2 else None
    near = description[:1].lower() + description[1:]
    imperative = not description.split(" ")[0].endswith("s")
    if imperative and (distance < _NEAR or verb is None):
        return near, list(arguments)
    if verb is None:
        return " ".join(words(api.spec.name)), list(arguments)
    key = _key(api, arguments)
    if key is not None and "one" in verb and rng.random() < 0.85:
        text = rng.choice(verb["one"]).replace("{key}", _keyed(api, key, rng))
        return _fill(text, nouns), [a for a in arguments if a is not key]
    return _fill(rng.choice(verb["do"]), nouns), list(arguments)


def _modifier(arguments: Sequence[Argument], rng: Random) -> Argument | None:
    """An argument that is said as a word before the noun: `Italian` restaurants, a `used` guitar."""
    named = [a for a in arguments if a.name and _MODIFIERS.issuperset(words(a.name)[-1:])]
    found = [a for a in named if isinstance(a.value, str) and _MODIFIER.fullmatch(a.said)]
    return rng.choice(found) if found and rng.random() < 0.6 else None


def _key(api: Api, arguments: Sequence[Argument]) -> Argument | None:
    thing = words(api.path[0])
    for argument in arguments:
        spoken = words(argument.name)
        if spoken[-1:] and (spoken[-1] in _KEYS or spoken[-1].removesuffix("s") in _KEYS):
            own = spoken[:-1] in ((), thing)
            if own and isinstance(argument.value, str | list | int) and not isinstance(argument.value, bool):
                return argument
    return None


def _keyed(api: Api, key: Argument, rng: Random) -> str:
    if isinstance(key.value, list):
        return f"{rng.choice(('the ', ''))}{plural(api.path[0])} {key.said}"
    is_id = words(key.name)[-1] == "id"
    with_what = "with ID" if is_id else "named"
    return rng.choice(
        (
            f"the {api.path[0]} {key.said}",
            f"{api.path[0]} {key.said}",
            f"the {api.path[0]} {with_what} {key.said}",
            f"{article(api.path[0])} ({' '.join(words(key.name))} {key.said})" if is_id else key.said,
        )
    )


def _key_said(api: Api, arguments: Sequence[Argument], left: Sequence[Argument]) -> str:
    key = _key(api, arguments)
    return "" if key is None or key in left else f" {key.said}"


def _question(api: Api, rng: Random, nouns: Mapping[str, str]) -> str:
    """A question for what is wanted; empty where there is none. It may ask for one of the outputs."""
    verb = phrases()["verbs"].get(api.path[-1], {}) if len(api.path) == 2 else {}
    asks = verb.get("ask", ())
    outputs = [
        " ".join(words(name))
        for name, part in ((api.spec.result or {}).get("properties") or {}).items()
        if part.get("type") in ("string", "number", "integer") and name not in _NOT_ASKED
    ]
    if "of" in verb and outputs and rng.random() < 0.6:
        return _fill(rng.choice(verb["of"]).replace("{o}", rng.choice(outputs)), nouns)
    return _fill(rng.choice(asks), nouns) if asks else ""


def _in_a_row(
    api: Api, arguments: Sequence[Argument], rng: Random
) -> tuple[list[Clause], Sequence[Argument]]:
    """Numbers of a calculation as one clause without their names, in the order of the parameters (`of 36 and
    24`), and the arguments that it does not say.
    """
    if api.path[-1:] != ("calculate",) or rng.random() >= 0.3:
        return [], arguments
    named = phrases()["parameters"]
    bare = [a for a in arguments if _BARE_NUMBER.fullmatch(a.said) and "_".join(words(a.name)) not in named]
    if not 2 <= len(bare) <= 4:
        return [], arguments
    said = listing([a.said for a in bare])
    word = rng.choice(("of", "for", "with", "given"))
    found = Clause(said, "with") if word == "with" else Clause(f"{word} {said}", "plain")
    return [found], [a for a in arguments if a not in bare]


def _details(head: str, left: Sequence[Argument], rng: Random) -> str:
    pairs = [pair(a) for a in left]
    shown = rng.choice((", ", "; ", ", ")).join(pairs)
    return head[:1].upper() + head[1:] + rng.choice(_DETAILS).replace("{p}", shown)


def _nouns(api: Api, before: str = "") -> dict[str, str]:
    """What is called for by name, with a word before it."""
    thing = f"{before} {api.path[0]}".strip()
    return {"{things}": plural(thing), "{a thing}": article(thing), "{thing}": thing}


def _fill(text: str, nouns: Mapping[str, str]) -> str:
    for key, noun in nouns.items():
        text = text.replace(key, noun)
    return text


def _capital(frame: str, text: str, p: str = "") -> str:
    if " me" in frame:
        text = text.replace(" me ", " ", 1)
    raised = text[:1].upper() + text[1:]
    for name in ("do", "ask"):
        frame = frame.replace(f"{{{name}}}", text).replace(f"{{{name.capitalize()}}}", raised)
    return frame.replace("{p}", p).replace("..", ".")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in '.?!' else '.'}"
