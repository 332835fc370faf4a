"""What is wrong with a text as such: characters, scripts, and an end that is none.

Languages are told apart by their Unicode script alone, so two languages of one script are not; what stands in
quotation marks, code or addresses is nobody's language. Knows nothing of dialogues.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection

_INVALID = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters
    "\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff"  # invisible, and those that turn the direction
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufff0-\uffff\U000f0000-\U0010ffff]"  # not for exchange
)
_MISREAD = re.compile("[ÂÃ][\xa0-\xbf]|â€|ï¿½|ï»¿")
"""UTF-8 that was read as Latin-1 or as Windows-1252."""


def invalid_character(text: str) -> str | None:
    """The first character, or pair of them, that no clean text holds; None where all is well.

    >>> invalid_character("caf\\ufffd")
    'U+FFFD'
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable():
        return None
    found = _INVALID.search(text) or (None if text.isascii() else _MISREAD.search(text))
    return " ".join(f"U+{ord(character):04X}" for character in found[0]) if found else None


_SCRIPTS = {
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Armenian": "\u0530-\u058f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f",
    "Devanagari": "\u0900-\u097f",
    "Bengali": "\u0980-\u09ff",
    "Tamil": "\u0b80-\u0bff",
    "Thai": "\u0e00-\u0e7f",
    "Georgian": "\u10a0-\u10ff",
    "Japanese": "\u3040-\u30ff",
    "Han": "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ffff",
    "Hangul": "\u1100-\u11ff\uac00-\ud7af",
    "Latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
}
_WORDS = re.compile("|".join(f"(?P<{name}>[{span}]+)" for name, span in _SCRIPTS.items()))
_NOT_LATIN = re.compile("[" + "".join(span for name, span in _SCRIPTS.items() if name != "Latin") + "]")
_DENSE = {"Han": 3, "Japanese": 2, "Hangul": 2}
"""Latin letters that one character of a script weighs as much as."""

_SENTENCE_END = re.compile(r"[.!?:;。！？؟।：；\n]+")
_NOT_SPEECH = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|「[^」\n]*」|‘[^’\n]*’"
    r"|\*[^*\n]+\*|\([^()\n]*\)",
    re.DOTALL,
)
"""Code, addresses, what is quoted or set in italics, and what is put in brackets."""


def scripts(text: str, known: Collection[str] = ()) -> list[Counter[str]]:
    """Letters by script of each sentence, in the weight of Latin ones; words among `known` (names, quoted
    data) do not count.

    >>> scripts("hello! привет")
    [Counter({'Latin': 5}), Counter({'Cyrillic': 6})]
    """
    return [_counted(sentence, known) for sentence in _SENTENCE_END.split(_NOT_SPEECH.sub(" ", text))]


def _counted(sentence: str, known: Collection[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word in _WORDS.finditer(sentence):
        script = word.lastgroup or ""
        if script == "Latin" or word[0] not in known:
            counts[script] += len(word[0]) * _DENSE.get(script, 1)
    if "Japanese" in counts:
        counts["Japanese"] += counts.pop("Han", 0)
    elif "Hangul" in counts:
        counts["Hangul"] += counts.pop("Han", 0)
    return counts


def only_latin(text: str) -> bool:
    """Whether all letters of a text are of the Latin script, as far as scripts are told apart."""
    return text.isascii() or not _NOT_LATIN.search(text)


def words(text: str) -> set[str]:
    """The words of a text in scripts other than Latin."""
    return set() if only_latin(text) else {word[0] for word in _WORDS.finditer(text)}


_ENDINGS = tuple(".!?…;。！？؟।։)]}\"'”’»」』）`~>|\u06d4")
_OPENERS = {")": "(", "]": "[", "}": "{", "）": "（"}
_ITEM = re.compile(r"\s*(?:[*•–#>|]|[-+](?!\d)|\d{1,3}[.):](?!\d)|[A-Za-z][.)]\s)")
_LABELLED = re.compile(r"\s*[^\s:：][^:：]{0,60}[:：]\s*\S")
_VALUE = re.compile(r"[-+$€£¥]?[\d.,:/%°-]*\d[\d.,:/%°]*\s?\S{0,12}")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+$|\S+@\S+\.\w+$|\.(?:com|org|net|io|gov|edu)\S*$")
_UNFINISHED_WORDS = (
    "a an the and or but nor so of to in on at by for from with as is are was were be been has have had will "
    "would can could should may might must that which who whose this these those your our their its his her "
    "my if when while because than then into about between if not no also please let"
)
_UNFINISHED = frozenset(_UNFINISHED_WORDS.split())
_WITHOUT_FULL_STOP = re.compile("[\u0e00-\u0e7f]\\s*$")
"""Thai ends no sentence with a mark."""


def unfinished(text: str) -> str | None:
    """Why a text looks cut off; None where it ends as texts end.

    It ends well with a closing mark, or as a structure: JSON, a table, a list whose last item is like the
    others, a labelled value, an address, a bare number.

    >>> unfinished("The ferry leaves at")
    'it ends with the word at'
    """
    end = text.rstrip()
    if end.count("```") % 2:
        return "a block of code is not closed"
    lines = end.splitlines()
    if not lines:
        return None
    last = lines[-1].strip()
    character = last.rstrip("*_")[-1:]
    if last.count("**") % 2:
        return "a mark ** is not closed"
    if any(_opened(last, opener, closer) for closer, opener in _OPENERS.items()):
        return "a bracket is not closed"
    if character in ",，、:：(（[{" or last.endswith((" -", " –", " &", " +")):
        return f"it ends with {character}"
    if character in _ENDINGS or _ends_in_a_sign(character) or _WITHOUT_FULL_STOP.search(last):
        return None
    if _ADDRESS.search(last):
        return None
    word = re.split(r"\W+", last)[-1].lower()
    if word in _UNFINISHED:
        return f"it ends with the word {word}"
    if _is_item(last):
        others = [line.strip() for line in lines[:-1] if _is_item(line)]
        return None if _like_the_others(last, others) else "the last item ends unlike the others"
    if _LABELLED.match(last) and len(last) < 80 and len(lines) > 1:
        return None
    if len(lines) == 1 and _VALUE.fullmatch(last):
        return None
    return None if _is_json(end) else "it has no closing mark"


def _opened(line: str, opener: str, closer: str) -> bool:
    return line.count(opener) > line.count(closer)


def _is_item(line: str) -> bool:
    return _ITEM.match(line) is not None


def _like_the_others(last: str, others: list[str]) -> bool:
    """Whether a list may end with this item: one with a label, or as long as others and ending as they do or
    with a value or a name."""
    if 2 * sum(other[-1] in ".!?。！？" for other in others) > len(others):
        return False
    if _LABELLED.match(last):
        return True
    words, lengths = last.split(), [len(other.split()) for other in others]
    if not others or len(words) < 0.6 * min(lengths):
        return False
    if not words[-1].islower() or any(letter.isdigit() for letter in words[-1]):
        return True
    return len(words) in lengths or any(other.split()[-1] == words[-1] for other in others)


def _ends_in_a_sign(character: str) -> bool:
    """Whether the last character is a picture or the like."""
    return not character.isascii() and not character.isalnum()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
