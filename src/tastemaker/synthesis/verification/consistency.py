"""Rules on what must agree within a sample: calls and responses, the prompt's format, the order of roles."""

from __future__ import annotations

import json
import re
from typing import Final

from tastemaker.records import Message
from tastemaker.synthesis.verification.sample import Fault, Sample, named_result


def response_names(sample: Sample) -> list[Fault]:
    """A tool's response that names its API names the one that was called."""
    faults = []
    for number, message, call in sample.answered:
        if call is None:
            continue
        known = sample.by_name.get(call.name)
        name, _ = named_result(message.text, call.name, known is not None and known.names_result)
        if name is not None and name != call.name:
            why = f"the response is of {name!r}, the call of {call.name!r}"
            faults.append(Fault("response-names", f"messages[{number}]", why))
    return faults


_CALLS_ALONE: Final = (
    "no other text",
    "without other text",
    "without any other text",
    "only return the function call",
    "only return the tool call",
    "not write any other text",
    "not add any other text",
    "not include any other text",
)
"""Words of a prompt that wants calls alone."""
_ANSWER_IN_JSON: Final = re.compile(
    r"\b(?:answers?|reply|replies|respond|responses?)\b[^.\n]{0,30}"
    r"(?:\b(?:in|as|with)(?: a| only)?(?: valid)?|only) json(?:$|[.!\n]| object| only)"
)
_BEFORE, _AFTER = 70, 12
"""Characters of the prompt that are looked at around each "json"."""
_MARKUP: Final = re.compile(
    r"</?tool_call>|<function=|<\|python_tag\|>|\[TOOL_CALLS\]|<\|?/?(?:tool_response|function_call)"
)
_JSON_CALL: Final = re.compile(
    r"\{\s*\"(?:name|function|tool)\"\s*:\s*\"([^\"]+)\"\s*,\s*\"(?:arguments|parameters|args)\"\s*:"
)


def prompt_format(sample: Sample) -> list[Fault]:
    """What the assistant writes keeps to the format that the system prompt sets.

    A call that stands in a text, in whatever syntax, was not made as a call. Where the prompt wants calls
    without other text, no text stands beside them; where it wants answers in JSON, they are JSON.
    """
    prompt = sample.system.lower()
    alone = any(words in prompt for words in _CALLS_ALONE)
    in_json = _wants_json(prompt)
    faults = []
    for number, message in enumerate(sample.messages):
        if message.role == "assistant" and message.text:
            why = _broken(message, sample, alone, in_json)
            if why:
                faults.append(Fault("prompt-format", f"messages[{number}]", why))
    return faults


def _wants_json(prompt: str) -> bool:
    at = prompt.find("json")
    while at >= 0:
        if _ANSWER_IN_JSON.search(prompt[max(0, at - _BEFORE) : at + _AFTER]):
            return True
        at = prompt.find("json", at + 4)
    return False


def _broken(message: Message, sample: Sample, alone: bool, in_json: bool) -> str | None:
    text = message.text
    if alone and message.calls and text.strip():
        return "text stands beside calls, which the prompt wants alone"
    if ("<" in text or "[" in text) and (found := _MARKUP.search(text)):
        return f"markup of a call stands in the text: {found[0]}"
    for call in _JSON_CALL.finditer(text) if "{" in text else ():
        if call[1] in sample.by_name:
            return f"a call of {call[1]!r} stands in the text"
    for name in sample.by_name if "[" in text else ():
        if f"[{name}(" in text:
            return f"a call of {name!r} stands in the text"
    if in_json and not message.calls:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return "the prompt wants answers in JSON, and this is none"
    return None


_NEXT: Final = {
    "start": ("system", "user"),
    "system": ("user",),
    "user": ("assistant",),
    "assistant": ("user",),
    "calling": ("tool",),
    "tool": ("tool", "assistant"),
}


def role_order(sample: Sample) -> list[Fault]:
    """system first if at all, then the user; the assistant after the user or after results; the assistant
    last. After calls come their results."""
    faults = []
    before = "start"
    for number, message in enumerate(sample.messages):
        if message.role not in _NEXT[before]:
            why = f"{message.role} after {before}; it should be {' or '.join(_NEXT[before])}"
            faults.append(Fault("role-order", f"messages[{number}]", why))
        before = "calling" if message.role == "assistant" and message.calls else message.role
    if before in ("system", "user", "tool"):
        faults.append(Fault("role-order", f"messages[{len(sample.messages) - 1}]", f"it ends with {before}"))
    return faults


def response_follows_call(sample: Sample) -> list[Fault]:
    """The tool messages after an assistant's calls answer each of them once, and answer nothing else.

    Calls in the last message need no response: a sample may end with what the model should learn to call.
    """
    faults = []
    open_ids: dict[str, str] = {}

    def close() -> None:
        for where in open_ids.values():
            faults.append(Fault("response-follows-call", where, "no response follows this call"))
        open_ids.clear()

    for number, message in enumerate(sample.messages):
        if message.role == "tool":
            if open_ids.pop(message.call_id or "", None) is None:
                why = f"it answers {message.call_id!r}, which is not a call before it that is still open"
                faults.append(Fault("response-follows-call", f"messages[{number}]", why))
        else:
            close()
            open_ids.update(
                (call.id, f"messages[{number}].calls[{place}]") for place, call in enumerate(message.calls)
            )
    if sample.messages and sample.messages[-1].role == "tool":
        close()
    return faults
