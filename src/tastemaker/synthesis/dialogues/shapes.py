"""Texts by their shape: identifiers, variations of examples, and texts that fit a pattern.

Knows nothing of schemas beyond patterns and lengths, nor of how a text is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Any

from tastemaker.synthesis.dialogues.codes import LETTERS, digits
from tastemaker.synthesis.dialogues.entities import given_name, last_name
from tastemaker.synthesis.dialogues.lists import capital, cities, part
from tastemaker.synthesis.dialogues.texts import heading, sentence
from tastemaker.synthesis.dialogues.titles import phrase, title

HEX = "0123456789abcdef"
_CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789_", "s": " "}
_ANY = "abcdefghijklmnopqrstuvwxyz"
_ALL = "".join(map(chr, range(33, 127)))
_MORE = 3
"""Repetitions beyond the least, where a pattern has no upper limit."""


def identifier(rng: Random, kind: str, shape: int) -> str:
    """An identifier of a thing (`@shop/order`); the same shape gives identifiers that look alike.

    >>> from random import Random
    >>> identifier(Random(1), "@shop/order", 2)[:4]
    'ord_'
    """
    thing = "".join(c for c in kind.rsplit("/", 1)[-1].lower() if c.isalpha()) or "item"
    first = thing[0].upper()
    consonants = (first + "".join(c for c in thing[1:].upper() if c not in "AEIOU") + "XX")[:3]
    shape %= 16
    if shape < 3:
        return (
            f"{consonants}-{digits(rng, 4)}",
            f"{consonants[:2]}-{digits(rng, 4)}",
            f"{thing[:3]}_{digits(rng, 4)}",
        )[shape]
    if shape < 6:
        return digits(rng, (3, 5, 8)[shape - 3])
    if shape == 6:
        return "".join(rng.choice(HEX) for _ in range(5))
    if shape == 7:
        return "".join(rng.choice(HEX) for _ in range(8))
    if shape == 8:
        return f"{consonants}{digits(rng, 5)}"
    if shape == 9:
        return f"{first}{digits(rng, 3)}"
    if shape == 10:
        return f"{first}-{digits(rng, 3)}-{rng.choice(LETTERS)}"
    if shape == 11:
        return f"{rng.randint(2022, 2026)}-{rng.randint(1, 9999):04d}"
    if shape == 12:
        return f"{thing}-{digits(rng, rng.randint(2, 3))}"
    if shape == 13:
        return f"{thing}_{''.join(rng.choice(HEX) for _ in range(4))}"
    if shape == 14:
        return "".join(rng.choice(LETTERS + "23456789") for _ in range(6))
    return f"{consonants}/{rng.randint(20, 26)}/{digits(rng, 3)}"


_SENTENCE_ENDS = (".", "?", "!")
_TRIES = 12


def variation(rng: Random, examples: tuple[str, ...]) -> str:
    """A text of the sort that the examples show, mostly none of them: other digits, words exchanged, one more
    word, or a title, name or phrase that is as long and as capital as they are.
    """
    example = rng.choice(examples)
    if any("0" <= sign <= "9" for sign in example):
        return _redrawn(rng, example)
    if example.endswith(_SENTENCE_ENDS) and " " in example:
        return sentence(rng) if rng.random() < 0.7 else f"{example} {sentence(rng)}"
    if not all(sign.isalpha() or sign in " -'." for sign in example) or example.isupper():
        return _respelled(rng, example)
    parts = example.split(" ")
    other = rng.choice(examples).split(" ")
    draw = rng.random()
    if len(parts) > 1 and len(other) > 1 and other != parts and draw < 0.35:
        return " ".join((*parts[:-1], other[-1]))
    if example[0].isupper():
        return _name_like(rng, parts, draw)
    if len(parts) > 1 and draw < 0.6:
        return " ".join((part(rng, "adjectives"), *parts[1:]))
    if draw < 0.75:
        return f"{part(rng, 'adjectives' if draw < 0.5 else 'qualities')} {example}"
    return part(rng, "nouns") if len(parts) == 1 else phrase(rng)


def _name_like(rng: Random, parts: list[str], draw: float) -> str:
    """A name or title of about as many words."""
    if len(parts) == 1:
        if draw < 0.3:
            return given_name(rng)
        if draw < 0.55:
            return capital(part(rng, "nouns"))
        if draw < 0.7:
            return rng.choice(rng.choice(cities()))
        return f"{parts[0]} {rng.randint(2, 99)}" if draw < 0.8 else title(rng)
    if parts[1][:1].isupper():
        if draw < 0.6:
            return " ".join((capital(part(rng, "adjectives")), *parts[1:]))
        return title(rng) if draw < 0.85 else f"{last_name(rng)} {parts[-1]}"
    return heading(rng) if draw < 0.8 else " ".join((capital(part(rng, "adjectives")), *parts[1:]))


def _redrawn(rng: Random, example: str) -> str:
    """The same with other digits, sometimes with other letters in codes."""
    letters = example.isupper() and rng.random() < 0.5
    made = []
    for place, sign in enumerate(example):
        if "0" <= sign <= "9":
            first = place == 0 or not ("0" <= example[place - 1] <= "9")
            made.append(rng.choice("123456789") if first and sign != "0" else rng.choice("0123456789"))
        elif letters and "A" <= sign <= "Z":
            made.append(rng.choice(LETTERS))
        else:
            made.append(sign)
    return "".join(made)


def _respelled(rng: Random, example: str) -> str:
    """Of texts with signs (`/login`, `#sunset`) or in capitals: a word in place of one of theirs."""
    found = list(re.finditer(r"[^\W\d_]{3,}", example))
    if not found or rng.random() < 0.2:
        return example
    match = rng.choice(found)
    word = part(rng, "nouns" if rng.random() < 0.6 else "topics").replace(" ", "-")
    word = word.upper() if match[0].isupper() else capital(word) if match[0][0].isupper() else word
    return example[: match.start()] + word + example[match.end() :]


def fitted(rng: Random, schema: Mapping[str, Any], value: str) -> str:
    """A text of the schema's pattern or lengths, for those that no source met."""
    low, high = schema.get("minLength", 0), schema.get("maxLength", 1 << 30)
    if "pattern" in schema:
        for _ in range(_TRIES):
            made = from_pattern(rng, schema["pattern"])
            if low <= len(made) <= high and re.search(schema["pattern"], made):
                return made
    while len(value) < low:
        value = f"{value} {part(rng, 'nouns')}"
    return value[:high].rstrip() if len(value[:high].rstrip()) >= low else value[:high]


def from_pattern(rng: Random, pattern: str) -> str:
    """A text of a common regular expression: literals, classes, groups, alternatives, repetitions.

    >>> re.fullmatch("[A-Z]{2}-[0-9]{4}", from_pattern(Random(1), "^[A-Z]{2}-[0-9]{4}$")) is not None
    True
    """
    return _Pattern(rng, pattern).alternatives()


class _Pattern:
    def __init__(self, rng: Random, pattern: str) -> None:
        self.rng = rng
        self.rest = pattern

    def alternatives(self) -> str:
        found = [self._sequence()]
        while self.rest[:1] == "|":
            self.rest = self.rest[1:]
            found.append(self._sequence())
        return self.rng.choice(found)

    def _sequence(self) -> str:
        made = ""
        while self.rest and self.rest[0] not in "|)":
            before = self.rest
            one = self._one()
            after = self.rest
            low, high = self._times()
            rest = self.rest
            if (low, high) != (1, 1):
                one = ""
                for _ in range(self.rng.randint(low, high)):
                    self.rest = before[: len(before) - len(after)]
                    one += self._one()
                self.rest = rest
            made += one
        return made

    def _one(self) -> str:
        sign, self.rest = self.rest[0], self.rest[1:]
        if sign in "^$":
            return ""
        if sign == "(":
            self.rest = re.sub(r"^\?(?::|P<\w+>)", "", self.rest)
            made = self.alternatives()
            self.rest = self.rest[1:]
            return made
        if sign == "[":
            return self.rng.choice(self._signs())
        if sign == ".":
            return self.rng.choice(_ANY)
        if sign == "\\":
            sign, self.rest = self.rest[:1], self.rest[1:]
            return self.rng.choice(_CLASSES[sign]) if sign in _CLASSES else "" if sign in "bBAZ" else sign
        return sign

    def _signs(self) -> str:
        """What a class in brackets stands for."""
        body, found = re.match(r"(\^?\]?(?:\\.|[^\]])*)\]?", self.rest), ""
        text = body[1] if body is not None else ""
        self.rest = self.rest[body.end() if body is not None else 0 :]
        negated, text = text.startswith("^"), text.removeprefix("^")
        for match in re.finditer(r"\\(.)|(.)-(.)|(.)", text):
            if match[1]:
                found += _CLASSES.get(match[1], match[1])
            elif match[2]:
                found += "".join(map(chr, range(ord(match[2]), ord(match[3]) + 1)))
            else:
                found += match[4]
        return "".join(sign for sign in _ALL if sign not in found) if negated else found or "x"

    def _times(self) -> tuple[int, int]:
        match = re.match(r"(\?|\*|\+|\{(\d+)(,?)(\d*)\})\??", self.rest)
        if match is None:
            return 1, 1
        self.rest = self.rest[match.end() :]
        if match[2] is None:
            low = int(match[1] == "+")
            return low, 1 if match[1] == "?" else low + _MORE
        low = int(match[2])
        return low, int(match[4]) if match[4] else low + _MORE if match[3] else low
