"""The model layer's experts: what rules cannot decide, looked for first without a model.

Each expert gives its faults with a confidence from 0 to 1; `votes.ask` puts its question to a model. The
experts are those of ToolACE (arXiv 2409.00920): hallucinated values, consistency, the tools' responses, and
repetition with meaningless text.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tastemaker.records import Message, ToolCall
from tastemaker.synthesis.verification.grounding import Known, doubt, normalised
from tastemaker.synthesis.verification.sample import Sample, named_result


class Suspicion(NamedTuple):
    """What an expert found, with its confidence from 0 to 1 that this is a fault."""

    expert: str
    where: str
    why: str
    confidence: float


@dataclass(frozen=True)
class Expert:
    """A name, the question that a model is asked (yes means a fault), and the look without a model."""

    name: str
    question: str
    look: Callable[[Sample], list[Suspicion]]


_WORTH_TELLING = 0.35
"""Confidence below which nothing is told."""


def hallucinated_values(sample: Sample) -> list[Suspicion]:
    """Argument values that follow from nothing said before the call, nor from the argument's definition."""
    found = []
    for call, number, where in sample.calls:
        spec = next((spec for spec in sample.trajectory.tools if spec.name == call.name), None)
        properties = spec.parameters.get("properties", {}) if spec is not None else {}
        known = Known(message.text for message in sample.messages[:number])
        for name, value in call.arguments.items():
            part = properties.get(name)
            part = part if isinstance(part, dict) else {}
            if "default" in part and part["default"] == value:
                continue
            about = str(part.get("description", ""))
            missing = doubt(value, known, f"{name} {about}")
            if missing and (_is_choice(value, part) or not doubt(value, Known([about, str(part)]), name)):
                missing *= 0.3
            if missing >= _WORTH_TELLING:
                why = f"{_shown(value)} is in nothing that was said before"
                found.append(Suspicion("hallucinated-values", f"{where}.{name}", why, round(missing, 3)))
    return found


def _is_choice(value: Any, part: dict[str, Any]) -> bool:
    choices = part.get(
        "enum", part.get("items", {}).get("enum") if isinstance(part.get("items"), dict) else None
    )
    values = value if isinstance(value, list) else [value]
    return isinstance(choices, list) and all(entry in choices for entry in values)


_ASKED: Final = re.compile(
    r"\"([^\"\n]{1,80})\"|“([^”\n]{1,80})”|(?<=[a-z,;] )([A-Z][\w'-]+(?: [A-Z][\w'-]+)*)"
    r"|(?<![\w.,-])(\d[\d.,:/-]*\d|\d)"
)
"""What a request can be held to: quoted texts, names inside a sentence, numbers."""
_NOT_NAMES = "i i'm i'd i've i'll api us can could would please what how"
_NO_NAMES: Final = frozenset(_NOT_NAMES.split())


def consistency(sample: Sample) -> list[Suspicion]:
    """What a user named and neither a call nor a reply took up: an item left out, a constraint dropped.

    Surest where nothing of the request is taken up; less sure where the sample ends with the calls, as the
    reply might have said the rest.
    """
    found = []
    turns = [number for number, message in enumerate(sample.messages) if message.role == "user"]
    for number, end in zip(turns, [*turns[1:], len(sample.messages)], strict=True):
        turn = sample.messages[number + 1 : end]
        calls = [call for message in turn for call in message.calls]
        if not calls:
            continue
        matches = _ASKED.finditer(sample.messages[number].text)
        asked = list(dict.fromkeys(next(filter(None, match.groups())) for match in matches))
        asked = [item for item in asked if item.casefold() not in _NO_NAMES]
        taken = Known(_taken_up(sample, turn, calls))
        lost = [item for item in asked if doubt(_as_value(item), taken) > 0.5 and not _as_code(item, taken)]
        if lost:
            share = len(lost) / len(asked)
            confidence = (0.4 + 0.5 * share) * (0.6 if turn[-1].calls else 1.0)
            why = f"asked for and not taken up: {', '.join(lost[:5])}"
            found.append(Suspicion("consistency", f"messages[{number}]", why, round(confidence, 3)))
    return found


def _taken_up(sample: Sample, turn: Sequence[Message], calls: Sequence[ToolCall]) -> Iterator[str]:
    """What calls and replies of a turn say, and what the called tools say of themselves."""
    called = {call.name for call in calls}
    yield from (message.text for message in turn)
    yield from (json.dumps(call.arguments, ensure_ascii=False) for call in calls)
    yield from (f"{spec.name} {spec.description}" for spec in sample.trajectory.tools if spec.name in called)


def _as_value(item: str) -> Any:
    plain = item.replace(",", "")
    return float(plain) if re.fullmatch(r"\d+(\.\d+)?", plain) else item


def _as_code(item: str, taken: Known) -> bool:
    """Whether a number or name is part of a longer code or date that was taken up."""
    return normalised(item).replace(" ", "") in taken.squeezed


def tool_response(sample: Sample) -> list[Suspicion]:
    """Responses that do not fit what the API says it returns; an error that says so fits always."""
    found = []
    for number, message, call in sample.answered:
        known = sample.by_name.get(call.name) if call is not None else None
        if call is None or known is None:
            continue
        _, result = named_result(message.text, call.name, known.names_result)
        if result is None:
            result = message.text
        if _is_error(result):
            continue
        misfits = known.result_misfits(result)
        if misfits and isinstance(result, str):
            misfits = known.result_misfits(_scalar(result))
        if misfits:
            place = misfits[0].where or "the result"
            why = f"{place}: {misfits[0].why}"
            found.append(Suspicion("tool-response", f"messages[{number}]", why, 0.9))
    return found


_ERROR: Final = re.compile(r"\s*(?:\w+[_ ]){0,2}(?:error|failed)", re.IGNORECASE)


def _scalar(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_error(result: Any) -> bool:
    if isinstance(result, dict):
        return any(word in key.lower() for key in result for word in ("error", "fail"))
    return isinstance(result, str) and _ERROR.match(result) is not None


_PLACEHOLDER: Final = re.compile(
    r"\{\{\w+\}\}|<(?:unk|pad|eos|bos|s)>|<\|\w+\|>|\[(?:PLACEHOLDER|INSERT[^\]]*|TODO|TBD)\]|\blorem ipsum\b"
    r"|\basdf\w*|\bqwerty\b|\bXXXX+\b|(.)\1{9,}|(\b\w+\b)(?: \2\b){2,}",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[a-z]{5,}", re.IGNORECASE)
_VOWELLESS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}", re.IGNORECASE)


def repetition(sample: Sample) -> list[Suspicion]:
    """Texts of user and assistant that repeat themselves or one another, or that mean nothing."""
    found = []
    seen: set[str] = set()
    for number, message in enumerate(sample.messages):
        if message.role not in ("user", "assistant") or not message.text:
            continue
        for why, confidence in _repeats(message.text):
            found.append(Suspicion("repetition", f"messages[{number}]", why, confidence))
        plain = normalised(message.text)
        if message.role == "assistant" and len(plain) > 40 and plain in seen:
            found.append(Suspicion("repetition", f"messages[{number}]", "said before, word for word", 0.8))
        seen.add(plain)
    return found


def _repeats(text: str) -> Iterator[tuple[str, float]]:
    if mark := _PLACEHOLDER.search(text):
        yield f"it holds {mark[0][:40]!r}", 0.9
    sentences = Counter(s for s in re.split(r"[.!?\n]+\s*", text.casefold()) if len(s.split()) >= 4)
    if sentences and sentences.most_common(1)[0][1] >= 3:
        yield f"the same sentence {sentences.most_common(1)[0][1]} times", 0.9
    words = normalised(text).split()
    if len(words) >= 40:
        fours = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
        repeated = sum(count - 1 for count in fours.values()) / (len(words) - 3)
        if repeated > 0.35:
            yield f"{repeated:.0%} of its runs of four words are repeats", round(min(1.0, 0.4 + repeated), 3)
    letters = _LETTERS.findall(text)
    odd = [word for word in letters if _VOWELLESS.search(word)]
    if odd and len(odd) > 0.2 * len(letters):
        yield f"words without meaning, such as {odd[0]!r}", 0.6


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


EXPERTS: Final[tuple[Expert, ...]] = (
    Expert(
        "hallucinated-values",
        "Does any argument of a call hold a value that follows neither from what the user or the system "
        "prompt said, nor from earlier results, nor from the tool's own defaults?",
        hallucinated_values,
    ),
    Expert(
        "consistency",
        "Is anything that the user asked for left undone without saying so, or is a constraint that the user "
        "set not kept?",
        consistency,
    ),
    Expert(
        "tool-response",
        "Does any tool's response not fit its definition or the arguments of the call that it answers?",
        tool_response,
    ),
    Expert(
        "repetition",
        "Does any message repeat itself, or hold placeholders or words without meaning?",
        repetition,
    ),
)


def suspect(sample: Sample) -> list[Suspicion]:
    """What all experts find without a model."""
    return [suspicion for expert in EXPERTS for suspicion in expert.look(sample)]
