"""Short titles and noun phrases put together from lists of words, so that few repeat."""

from __future__ import annotations

from random import Random

from tastemaker.synthesis.dialogues.lists import capital, part


def title(rng: Random) -> str:
    """A short title in title case: of a film, a book, a house, a product line.

    >>> from random import Random
    >>> len(title(Random(1)).split()) >= 1
    True
    """
    adjective, noun, other = (capital(part(rng, kind)) for kind in ("adjectives", "nouns", "nouns"))
    return rng.choice(
        (
            f"{adjective} {noun}",
            f"{adjective} {noun}",
            f"{noun} {other}",
            f"The {adjective} {noun}",
            f"{noun} and {other}",
            f"The {noun} of {other}",
            f"{adjective} {noun} {rng.randint(2, 12)}",
            f"{noun} {rng.randint(2, 99)}",
            noun,
        )
    )


def phrase(rng: Random) -> str:
    """A lower-case noun phrase: an event or work about something."""
    topic, event = part(rng, "topics"), part(rng, "events")
    form = rng.randrange(8)
    if form < 3:
        return f"{topic} {event}"
    if form == 3:
        return f"{part(rng, 'adjectives')} {part(rng, 'nouns')}"
    if form == 4:
        return f"{event} on {topic}"
    if form == 5:
        return f"{topic} and {part(rng, 'topics')}"
    if form == 6:
        return f"{part(rng, 'adjectives')} {event}"
    return topic
