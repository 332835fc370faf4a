"""Questions and replies: a small grammar that says a program in words, in many ways.

A thing asked is a noun phrase that may hold others ("the distance from the home town of Ana Marsh to
Ashford"), or the steps are told one after the other, each referring to the last ("Then find the distance from
that town to Ashford"). Knows nothing of how the words are scored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from tastemaker.learning.tasks.program import Call, Program
from tastemaker.learning.tasks.sorts import SORTS, written

SHORTEST: Final = 15
"""Words of a question; shorter ones get a remark before or after."""
_SHORT_PHRASE: Final = 11
"""Words of a noun phrase that a reply repeats."""

_OPEN: Final = (
    "What is {}?",
    "Tell me {}.",
    "Please find {}.",
    "I would like to know {}.",
    "Can you tell me {}?",
    "Could you find out {}?",
    "Give me {}, please.",
    "I need to know {}.",
    "Find {} for me.",
    "Please tell me {}.",
)
_OPEN_SEVERAL: Final = (
    "What are {}?",
    "Tell me {}.",
    "Please find {}.",
    "I would like to know {}.",
    "Can you tell me {}?",
    "Give me {}, please.",
    "Please look up {}.",
)
_OPEN_PERSON: Final = (
    "Who is {}?",
    "Tell me who is {}.",
    "Can you tell me who is {}?",
    "Find out who is {}.",
)
_FIRST: Final = ("First find {}.", "Start with {}.", "Begin by finding {}.", "Look up {} first.", "Take {}.")
_NEXT: Final = ("Then find {}.", "Next, find {}.", "Now get {}.", "With it, find {}.", "From there, get {}.")
_LAST: Final = (
    "Then tell me {}.",
    "Finally, tell me {}.",
    "In the end I want to know {}.",
    "What I want is {}.",
    "After that, give me {}.",
)
_DO: Final = ("Please {}.", "I want you to {}.", "Could you {}?", "Kindly {}.")
_DONE: Final = (
    "Then tell me {}.",
    "After that, what is {}?",
    "When that is done, give me {}.",
    "I also want to know {} after that.",
)
_BEFORE: Final = (
    "I am putting together some notes for my team and need your help.",
    "We are planning ahead and there is something I have to check.",
    "A colleague asked me about this and I do not want to guess.",
    "I am filling in a form and want to get this right.",
    "Here is a thing that I would rather leave to you.",
    "Before our meeting starts I have to settle a small matter.",
    "My notebook is at home, so I have to ask you.",
    "I promised to look this up today for a friend of mine.",
    "For my records, I would like to have the following exactly.",
    "There is a gap in my report that you can help with.",
    "Hello! I hope you can help me with something small today.",
    "I am going through my list and this is still open.",
)
_AFTER: Final = (
    "A short answer is enough.",
    "Please keep it brief, as I am in a hurry.",
    "Thank you very much for your help with this.",
    "I only need the result, without any explanation.",
    "Just give me the result, please.",
    "That would help me a lot.",
)
_NAMED: Final = "|".join(("film", "account", "memo", "message", "gift card"))
"""What a phrase says before a name and not before a result, which says it itself."""
_IS: Final = ("It is {}.", "The answer is {}.", "That is {}.", "The result is {}.", "{}")
_ARE: Final = ("They are {}.", "The answers are {}.", "{}.", "The results are {}.")
DECLINES: Final = (
    "I cannot do that: none of the available tools gives it.",
    "None of the tools I have can answer this, so I cannot tell you.",
    "I am sorry, but I have no tool for that and cannot answer it.",
    "That is not possible with the tools at hand.",
    "The tools offered do not cover this, so I am unable to answer.",
    "I cannot answer this, as no tool here provides it.",
    "There is no tool for this request, so I cannot help with it.",
    "Unfortunately I am not able to find that with these tools.",
)


class Words:
    """The words for one program: the phrase of each call is chosen once."""

    def __init__(self, rng: Random, program: Program, shown: dict[tuple[Call, str], Any]) -> None:
        """`shown` gives literals that the question has in another form than the call."""
        self._rng = rng
        self._program = program
        self._shown = shown
        self._phrase = {call: rng.choice(_fitting(call)) for call in program.calls()}

    def question(self) -> str:
        """The question, with a remark before or after it where it is short."""
        rng, asks = self._rng, self._program.asks
        if self._program.acts:
            text = self._deeds()
        elif len(asks) == 1 and (line := _line(asks[0])) and rng.random() < (0.4 if len(line) < 3 else 0.8):
            text = self._told(line)
        else:
            text = self._opened(asks)
        if len(text.split()) < SHORTEST or rng.random() < 0.2:
            text = f"{rng.choice(_BEFORE)} {text}"
        if len(text.split()) < SHORTEST or rng.random() < 0.1:
            text = f"{text} {rng.choice(_AFTER)}"
        return text

    def reply(self) -> str:
        """The answer in words."""
        rng, asks = self._rng, self._program.asks
        if rng.random() < 0.35:
            phrases = [self._noun(call, again=False, shown=False) for call in asks]
            if all(
                len(phrase.split()) <= _SHORT_PHRASE and not call.inner
                for phrase, call in zip(phrases, asks, strict=True)
            ):
                parts = [
                    f"{phrase} {'are' if call.function.many else 'is'} {_told_value(call)}"
                    for phrase, call in zip(phrases, asks, strict=True)
                ]
                return _capital("; ".join(parts) + ".")
        values = [_told_value(call) for call in asks]
        if len(asks) == 1 and not asks[0].function.many:
            return rng.choice(_IS).format(values[0])
        return rng.choice(_ARE).format(_listed(values))

    def _opened(self, asks: Sequence[Call]) -> str:
        phrases = [self._noun(call, again=False) for call in asks]
        if len(asks) > 1 or asks[0].function.many:
            return self._rng.choice(_OPEN_SEVERAL).format(_listed(phrases))
        openers = _OPEN_PERSON if asks[0].function.sort == "person" else _OPEN
        return self._rng.choice(openers).format(phrases[0])

    def _told(self, line: Sequence[Call]) -> str:
        """The steps of a chain, one after the other."""
        nouns = [self._noun(call, again=True) for call in line]
        parts = [self._rng.choice(_FIRST).format(nouns[0])]
        parts += [self._rng.choice(_NEXT).format(noun) for noun in nouns[1:-1]]
        parts.append(self._rng.choice(_LAST).format(nouns[-1]))
        return " ".join(parts)

    def _deeds(self) -> str:
        deeds = _listed([self._noun(call, again=True) for call in self._program.acts])
        ask = self._noun(self._program.asks[0], again=True)
        return f"{self._rng.choice(_DO).format(deeds)} {self._rng.choice(_DONE).format(ask)}"

    def _noun(self, call: Call, *, again: bool, shown: bool = True) -> str:
        """The phrase of a call. `again` refers to inner calls, which were told before; else they are told
        inside it. `shown` has literals as the question has them, else as the call has them.
        """
        phrase = self._phrase[call]
        for parameter in call.function.parameters:
            place = f"{{{parameter.name}}}"
            inner = call.inner.get(parameter.name)
            if inner is None:
                value = call.values[parameter.name]
                if shown:
                    value = self._shown.get((call, parameter.name), value)
                text = written(parameter.sort, value)
            else:
                text = (
                    SORTS[inner.function.sort or "order"].again if again else self._noun(inner, again=False)
                )
                phrase = re.sub(rf"the (?:{_NAMED} )?{re.escape(place)}", place, phrase)
            phrase = phrase.replace(place, text)
        return phrase


def _fitting(call: Call) -> list[str]:
    """Phrases that read well with the arguments that are results: what comes after a long phrase could belong
    to a part of it.
    """
    says = [say for say in call.function.says if not any(f"{{{name}}}'s" in say for name in call.inner)]
    clear = [say for say in says if not any(say.startswith(f"{{{name}}}") for name in call.inner)]
    return clear or says or list(call.function.says)


def _line(call: Call) -> list[Call]:
    """A chain of two or more calls, the first one first; empty for anything else."""
    line = [call]
    while line[0].inner:
        if len(line[0].inner) > 1:
            return []
        line.insert(0, next(iter(line[0].inner.values())))
    return line if len(line) > 1 else []


def _told_value(call: Call) -> str:
    if isinstance(call.value, list):
        return _listed([str(value) for value in call.value])
    return str(call.value)


def _listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
