"""Texts put together from lists of words, so that few repeat: headings, sentences, comments, searches."""

from __future__ import annotations

from random import Random

from tastemaker.synthesis.dialogues.entities import city, given_name, person, product
from tastemaker.synthesis.dialogues.lists import capital, entry, part
from tastemaker.synthesis.dialogues.titles import phrase


def heading(rng: Random) -> str:
    """A title of a document, meeting or task, with a capital first letter."""
    form = rng.randrange(7)
    if form == 0:
        return f"{capital(part(rng, 'topics'))} for beginners"
    if form == 1:
        return f"{capital(phrase(rng))} {rng.randint(2023, 2027)}"
    if form == 2:
        return f"{capital(part(rng, 'events'))} with {given_name(rng)}"
    if form == 3:
        return f"{part(rng, 'months')} {part(rng, 'topics')} {part(rng, 'events')}"
    if form == 4:
        return capital(entry(rng, "deeds"))
    return capital(phrase(rng))


def sentence(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.25:
        return entry(rng, "sentences")
    if draw < 0.5:
        text = f"{entry(rng, 'starts')} {entry(rng, 'deeds')} {entry(rng, 'whens')}"
        return text + ("?" if text.startswith("Could") else ".")
    if draw < 0.65:
        return f"{given_name(rng)} will {entry(rng, 'deeds')} {entry(rng, 'whens')}."
    if draw < 0.8:
        return comment(rng) + "."
    if draw < 0.9:
        day = f"{part(rng, 'months')} {rng.randint(1, 28)}"
        return f"The {phrase(rng)} in {city(rng).split(',')[0]} starts on {day}."
    return f"I bought the {product(rng)} for {given_name(rng)}, and it {entry(rng, 'praises')}."


def text(rng: Random) -> str:
    one = sentence(rng)
    return one if rng.random() < 0.75 else f"{one} {sentence(rng)}"


def comment(rng: Random) -> str:
    good = rng.random() < 0.5
    head = f"{entry(rng, 'subjects')} {entry(rng, 'praises' if good else 'complaints')}"
    draw = rng.random()
    if draw < 0.25:
        return head
    if draw < 0.4:
        return f"{head} and {entry(rng, 'praises' if good else 'complaints')}"
    return f"{head}, {entry(rng, 'thanks' if good else 'demands')}"


def notes(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.45:
        return entry(rng, "notes")
    if draw < 0.75:
        return capital(entry(rng, "deeds")) + (" " + entry(rng, "whens") if draw < 0.6 else "")
    return f"Ask for {person(rng)}" if draw < 0.85 else comment(rng)


def query(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.3:
        return entry(rng, "query")
    if draw < 0.55:
        return phrase(rng)
    if draw < 0.8:
        return product(rng)
    ending = rng.choice(("for beginners", "tips", "near me", "basics", "news", "history"))
    return f"{part(rng, 'topics')} {ending}"


def tag(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.5:
        return entry(rng, "tag")
    return part(rng, "topics") if draw < 0.8 else f"{part(rng, 'adjectives')}-{part(rng, 'nouns')}"
