"""Rules on the dialogue as text: what each message must hold, its length, characters, language and end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tastemaker.synthesis.verification.sample import Fault, Sample
from tastemaker.synthesis.verification.text import invalid_character, only_latin, scripts, unfinished, words

LONGEST: Final = 6000
"""Characters of the longest response of an assistant."""

FOREIGN: Final = 0.15
"""Share of letters in another script than the dialogue's at which a text is of mixed languages."""

LATIN_GUEST: Final = 0.5
"""The same for Latin letters among others, which brands and technical terms are written in everywhere."""

_LATIN_WEIGHT = 0.3
"""What Latin letters of a user weigh against others in telling the dialogue's script."""
_SPEAKERS = ("user", "assistant")
_FEWEST = 6
"""Foreign letters that are too few to be another language."""


def fields(sample: Sample) -> list[Fault]:
    """Each message has what its role needs and nothing of another's; somebody asks, somebody answers."""
    faults: list[Fault] = []

    def fault(where: str, why: str) -> None:
        faults.append(Fault("dialogue-fields", where, why))

    if not sample.trajectory.id.strip():
        fault("id", "it is empty")
    ids: set[str] = set()
    roles = set()
    for number, message in enumerate(sample.messages):
        where = f"messages[{number}]"
        roles.add(message.role)
        if not message.text.strip() and not message.calls:
            fault(where, f"the {message.role} message is empty")
        if message.calls and message.role != "assistant":
            fault(where, f"a {message.role} message makes calls")
        if message.role == "tool" and not message.call_id:
            fault(where, "the tool message names no call")
        elif message.role != "tool" and message.call_id is not None:
            fault(where, f"a {message.role} message answers a call")
        for place, call in enumerate(message.calls):
            if not call.id or not call.name.strip():
                fault(f"{where}.calls[{place}]", "the call has no id or no name")
            if call.id in ids:
                fault(f"{where}.calls[{place}]", f"the id {call.id} is there twice")
            ids.add(call.id)
    for role in _SPEAKERS:
        if role not in roles:
            fault("messages", f"there is no {role} message")
    return faults


def length(sample: Sample) -> list[Fault]:
    """No response of the assistant is longer than LONGEST."""
    return [
        Fault(
            "response-length", f"messages[{number}]", f"{len(message.text)} characters, more than {LONGEST}"
        )
        for number, message in enumerate(sample.messages)
        if message.role == "assistant" and len(message.text) > LONGEST
    ]


def characters(sample: Sample) -> list[Fault]:
    """No text, and no text inside a call, holds a character that clean text does not hold."""
    found = [
        Fault("valid-characters", f"messages[{number}]", f"it holds {bad}")
        for number, message in enumerate(sample.messages)
        if (bad := invalid_character(message.text))
    ]
    for call, _, where in sample.calls:
        for text in _texts([call.name, call.arguments]):
            if bad := invalid_character(text):
                found.append(Fault("valid-characters", where, f"it holds {bad}"))
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield key
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)


def language(sample: Sample) -> list[Fault]:
    """User and assistant speak in one script, the one that the user mostly writes in.

    A text is of mixed languages by the share of its letters, or where a whole sentence is in another script.
    Quotations and code do not count, and neither do words that stand in arguments or results: names are
    written as they are written.
    """
    if all(only_latin(message.text) for message in sample.messages if message.role in _SPEAKERS):
        return []
    known: set[str] = set()
    for call, _, _ in sample.calls:
        for text in _texts(call.arguments):
            known |= words(text)
    for message in sample.messages:
        if message.role == "tool":
            known |= words(message.text)
    spoken = [
        (number, message.role, scripts(message.text, known))
        for number, message in enumerate(sample.messages)
        if message.role in _SPEAKERS
    ]
    asked = sum((counts for _, role, said in spoken if role == "user" for counts in said), Counter[str]())
    if not asked:
        return []
    own = max(asked, key=lambda script: asked[script] * (_LATIN_WEIGHT if script == "Latin" else 1.0))
    faults = []
    for number, _, said in spoken:
        if script := _other_script(said, own):
            why = f"it is partly in {script} in a dialogue in {own}"
            faults.append(Fault("one-language", f"messages[{number}]", why))
    return faults


def _other_script(said: Sequence[Counter[str]], own: str) -> str | None:
    """The script that a text is wrongly in, or a sentence of it."""
    whole = sum(said, Counter[str]())
    for script, count in whole.items():
        allowed = LATIN_GUEST if script == "Latin" else FOREIGN
        if script != own and count >= _FEWEST and count > allowed * whole.total():
            return script
    for counts in said:
        for script, count in counts.items():
            if script not in (own, "Latin") and count >= 2 * _FEWEST and 2 * count > counts.total():
                return script
    return None


def complete(sample: Sample) -> list[Fault]:
    """Every response of the assistant that makes no call ends as a text ends."""
    return [
        Fault("response-complete", f"messages[{number}]", why)
        for number, message in enumerate(sample.messages)
        if message.role == "assistant" and not message.calls and (why := unfinished(message.text))
    ]
