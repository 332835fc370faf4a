"""What a user says to have one tool called several times at once.

| wording | as in |
|---|---|
| merged | … in Paris, Oslo and Lima |
| respectively | … in Paris and Oslo on Monday and Friday respectively |
| each | … in Paris and Oslo, each on Monday and on Friday (all pairs) |
| again | … in Paris. Do the same for Oslo. |
| cases | There are two cases. The first has a base of 3. The second has a base of 5. Calculate … for both. |
| joined | … in Paris and … in Oslo |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random

from tastemaker.synthesis.api import Api
from tastemaker.synthesis.dialogues.argument import Argument, call_arguments
from tastemaker.synthesis.dialogues.requests import request, requests_joined
from tastemaker.synthesis.dialogues.values import Values
from tastemaker.synthesis.wording import article, listing, words

Sets = Sequence[Sequence[Argument]]
"""Arguments of each call, in the same order of names."""

_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")
_NUMBERS = ("", "", "two", "three", "four", "five", "six")


def several(
    api: Api,
    first: Sequence[Argument],
    values: Values,
    rng: Random,
    far: float,
    count: int | None = None,
) -> tuple[str, Sets]:
    """The user's words, and the arguments of each call; only one set of them where nothing can vary.
    `count` calls, by default two to four.
    """
    count = count or rng.choices((2, 3, 4), (5, 3, 2))[0]
    plain = [
        a.name for a in first if isinstance(a.value, str | int | float) and not isinstance(a.value, bool)
    ]
    draw = rng.random()
    sets: Sets
    if len(plain) > 1 and draw < 0.12:
        one, other = rng.sample(plain, 2)
        some = _varied(api, first, {one}, 2, values)
        more = _varied(api, first, {other}, rng.choice((2, 2, 3)), values)
        sets = [
            [_named(b, other) if a.name == other else a for a in sets_of_one]
            for sets_of_one, b in product(some, more)
        ]
        if len(sets) > 3:
            how = rng.choice((", for every combination", ", all pairs of them", ", each with each", ""))
            said = [_together(some, one, rng), _together(more, other, rng)]
            return _ended(request(api, _with(first, said), rng, far), how), sets
    if len(plain) > 1 and draw < 0.22:
        names = rng.sample(plain, 2)
        sets = _varied(api, first, set(names), count, values)
        if all(len({str(_named(s, name).value) for s in sets}) == len(sets) > 1 for name in names):
            said = [_together(sets, name, rng) for name in names]
            return _ended(
                request(api, _with(first, said), rng, far), rng.choice((" respectively", ", respectively"))
            ), sets
    if plain and draw < 0.8:
        name = rng.choice(plain)
        sets = _varied(api, first, {name}, count, values)
        if len(sets) > 1 and rng.random() < 0.8:
            return request(api, _with(first, [_together(sets, name, rng)]), rng, far), sets
    else:
        sets = _varied(api, first, {a.name for a in first}, count, values)
    if len(sets) == 1:
        return request(api, first, rng, far), sets
    return rng.choice((_again, _cases, _joined))(api, sets, rng, far), sets


def _varied(api: Api, first: Sequence[Argument], names: set[str], count: int, values: Values) -> Sets:
    """Up to `count` sets of arguments, no two alike, that differ in the named ones only."""
    sets = [list(first)]
    for _ in range(6 * count):
        if len(sets) >= count:
            break
        drawn = {a.name: a for a in values.arguments(api, optional=1.0)}
        fresh = [drawn.get(a.name, a) if a.name in names else a for a in first]
        if call_arguments(fresh) not in [call_arguments(known) for known in sets]:
            sets.append(fresh)
    return sets


def _named(arguments: Sequence[Argument], name: str) -> Argument:
    return next(a for a in arguments if a.name == name)


def _together(sets: Sets, name: str, rng: Random) -> Argument:
    """The argument with the values of all sets in its words."""
    said = [_named(arguments, name).said for arguments in sets]
    text = listing(said, rng.choice(("and", "and", "as well as", "and also")))
    if rng.random() < 0.1:
        text = rng.choice(
            ("each of {}", "{} each", "{} separately", "both {}" if len(said) == 2 else "{}")
        ).format(text)
    return replace(_named(sets[0], name), said=text, members=(), entries=())


def _with(first: Sequence[Argument], said: Sequence[Argument]) -> list[Argument]:
    new = {a.name: a for a in said}
    return [new.get(a.name, a) for a in first]


def _ended(text: str, how: str) -> str:
    stop = text[-1:] if text[-1:] in ".?!" else ""
    return text.removesuffix(stop) + how + stop


def _again(api: Api, sets: Sets, rng: Random, far: float) -> str:
    others = [
        " and ".join(
            f"{' '.join(words(a.name))} {a.said}"
            for a, b in zip(s, sets[0], strict=True)
            if a.value != b.value
        )
        for s in sets[1:]
    ]
    how = rng.choice(("Do the same for {}.", "Same for {}.", "Then the same with {}.", "And again with {}."))
    return f"{_stopped(request(api, sets[0], rng, far))} {how.format(', then '.join(others))}"


def _cases(api: Api, sets: Sets, rng: Random, far: float) -> str:
    """Each set in a sentence of its own, what is wanted before or after."""
    fixed = [a for a in sets[0] if all(_named(s, a.name).value == a.value for s in sets)]
    style = rng.randrange(3)
    told = []
    for place, arguments in enumerate(sets):
        parts = [_case(a, rng) for a in arguments if a not in fixed]
        opening = (
            f"The {_PLACES[place]} {rng.choice(('one ', ''))}has",
            f"In the {_PLACES[place]} case I have",
            f"{rng.choice(('Number', 'Case'))} {place + 1}:",
        )[style]
        told.append(f"{opening} {listing(parts)}.")
    wanted = _stopped(request(api, fixed, rng, max(far, 0.2)))
    number = _NUMBERS[len(sets)]
    if rng.random() < 0.5:
        hinge = rng.choice((f"There are {number} cases.", f"I have {number} of them.", "Here they are."))
        return f"{wanted} {hinge} {' '.join(told)}"
    all_of_them = "both" if len(sets) == 2 else f"all {number}"
    return (
        f"{' '.join(told)} {wanted[:-1]} for {rng.choice((all_of_them, 'each of them', 'each'))}{wanted[-1]}"
    )


def _case(argument: Argument, rng: Random) -> str:
    name = " ".join(words(argument.name))
    if isinstance(argument.value, int | float):
        return f"{article(name)} of {argument.said}"
    return rng.choice(
        (f"the {name} {argument.said}", f"{name} {argument.said}", f"{argument.said} as {name}")
    )


def _joined(api: Api, sets: Sets, rng: Random, far: float) -> str:
    return requests_joined([request(api, s, rng, far, framed=False) for s in sets], rng)


def _stopped(text: str) -> str:
    return text if text[-1:] in ".?!" else f"{text}."
