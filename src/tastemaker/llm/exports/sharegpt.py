"""ShareGPT's form as ToolACE uses it: `{"system": …, "conversations": [{"from": …, "value": …}]}`.

The system prompt offers the tools as a JSON list; turns are from `human`, `gpt`, `function_call` (calls in a
wire format) and `observation` (a JSON list of `{"name", "results"}`, one entry a call). ToolACE's own names
for them, `user`, `assistant` and `tool`, are read too, and so are tools in a field `tools`. The form has no
ids of calls and no schemas of results: reading numbers the calls. White space at the ends of a text beside
calls is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count, groupby
from typing import Any

from tastemaker.llm.exports.dialogue import as_trajectory
from tastemaker.llm.formats.base import CallFormat, FormatError, Parsed, call_id, checked, dump, load_at
from tastemaker.llm.formats.hermes import HermesFormat
from tastemaker.llm.formats.pythonic import PythonicFormat
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import Message, ToolCall, ToolSpec, Trajectory

_OFFER = "Functions that you can call, as a JSON list:\n"
_SHAPE = "\nTo call, write nothing but the calls, like this:\n"
_EXAMPLE = (
    ToolCall(id="a", name="function_1", arguments={"name_1": "value", "name_2": 2}),
    ToolCall(id="b", name="function_2"),
)


_OF_TOOLS = frozenset(["description", "parameters", "function", "inputSchema", "input_schema"])
_SPEAKERS = {"user": "human", "assistant": "gpt"}


def to_sharegpt(trajectory: Trajectory, form: CallFormat) -> dict[str, Any]:
    """The messages and tools of a trajectory, its calls written in that format.

    Raises FormatError for what would not read back as it is: calls that the format cannot carry, or a text
    beside calls that looks like one.
    """
    messages = list(trajectory.messages)
    system = messages.pop(0).text if messages and messages[0].role == "system" else ""
    turns: list[dict[str, str]] = []
    open_calls: Sequence[ToolCall] = ()
    for of_tools, group in groupby(messages, lambda message: message.role == "tool"):
        if of_tools:
            turns.append({"from": "observation", "value": _observation(list(group), open_calls)})
            continue
        for message in group:
            turns.append(_turn(message, form, trajectory.tools))
            open_calls = message.calls
    return {"system": _system(system, trajectory.tools, form), "conversations": turns}


def from_sharegpt(record: Any, id: str, form: CallFormat) -> Trajectory:
    """The trajectory of such a record, its calls read in that format, or as plain JSON objects with `name`
    and `arguments` where they are such. Raises FormatError with the turn's place."""
    if not isinstance(record, dict) or not isinstance(record.get("conversations"), list):
        raise FormatError("a record must be an object with a list of conversations")
    system, tools = _offered(record)
    messages = [Message(role="system", text=system)] if system else []
    ids = count(1)
    open_calls: Sequence[ToolCall] = ()
    for number, turn in enumerate(record["conversations"], 1):
        try:
            match turn:
                case {"from": str(who), "value": str(value)}:
                    read = _read(who, checked(value), open_calls, form, tools)
                case _:
                    raise FormatError('it is not {"from": …, "value": …}')
        except FormatError as error:
            raise FormatError(f"turn {number}: {error}") from None
        for message in read:
            if message.role != "tool":
                open_calls = [c.model_copy(update={"id": call_id(next(ids))}) for c in message.calls]
                message = message.model_copy(update={"calls": tuple(open_calls)})
            messages.append(message)
    return as_trajectory(id, messages, tools)


def _system(text: str, tools: Sequence[ToolSpec], form: CallFormat) -> str:
    if not tools or _list_in(text) == [tool.model_copy(update={"result": None}) for tool in tools]:
        return text
    offer = f"{_OFFER}{PythonicFormat().render_tools(tools)}{_SHAPE}{form.render_calls(_EXAMPLE)}"
    return f"{text}\n\n{offer}" if text else offer


def _offered(record: dict[str, Any]) -> tuple[str, list[ToolSpec]]:
    """The system prompt without an offer that `to_sharegpt` added, and the tools."""
    text = record.get("system") or ""
    if not isinstance(text, str):
        raise FormatError("system is no text")
    checked(text)
    if record.get("tools") not in (None, "", "[]", []):
        return text, read_tools(record["tools"])
    own = text.rfind(_OFFER)
    tools = _list_in(text, max(own, 0)) or []
    return (text[:own].removesuffix("\n\n") if own >= 0 and tools else text), tools


def _list_in(text: str, start: int = 0) -> list[ToolSpec] | None:
    """The first tool list in a text, where there is one. Raises FormatError when it is no good list."""
    while (start := text.find("[{", start)) >= 0:
        try:
            value, _ = load_at(text, start)
        except FormatError:
            value = None
        if value and all(isinstance(entry, dict) and not _OF_TOOLS.isdisjoint(entry) for entry in value):
            return read_tools(value)
        start += 2
    return None


def _turn(message: Message, form: CallFormat, tools: Sequence[ToolSpec]) -> dict[str, str]:
    if not message.calls:
        return {"from": _SPEAKERS.get(message.role, message.role), "value": message.text}
    value = "\n".join(filter(None, [message.text, form.render_calls(message.calls)]))
    read = form.parse_calls(value, tools)
    if _plain(read.calls) != _plain(message.calls) or read.text != message.text.strip():
        raise FormatError(f"in {form.name} form, calls cannot be told from the text {message.text[:60]!r}")
    return {"from": "function_call", "value": value}


def _plain(calls: Sequence[ToolCall]) -> str:
    return dump([[call.name, call.arguments] for call in calls])


def _observation(results: Sequence[Message], open_calls: Sequence[ToolCall]) -> str:
    """Results by name; JSON as JSON where nothing is lost by it, else as a string."""
    if len(results) == 1 and results[0].call_id is None:
        return results[0].text
    if [result.call_id for result in results] != [call.id for call in open_calls]:
        raise FormatError("in ShareGPT form, the results must answer the calls before them, in their order")
    entries = [
        {"name": call.name, "results": _value(result.text)}
        for call, result in zip(open_calls, results, strict=True)
    ]
    return json.dumps(entries, ensure_ascii=False)


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
        return text if isinstance(value, str) or dump(value) != text else value
    except (ValueError, RecursionError, FormatError):
        return text


def _read(
    who: str, value: str, open_calls: Sequence[ToolCall], form: CallFormat, tools: Sequence[ToolSpec]
) -> list[Message]:
    if who in ("human", "user"):
        return [Message(role="user", text=value)]
    if who in ("observation", "tool", "function_response"):
        return _results(value, open_calls)
    if who == "gpt":
        return [Message(role="assistant", text=value)]
    if who == "system":
        return [Message(role="system", text=value)]
    if who not in ("assistant", "function_call"):
        raise FormatError(f"unknown speaker {who[:40]!r}")
    parsed = _calls(value, form, tools)
    if who == "function_call" and not parsed.calls:
        raise FormatError(f"no call in {form.name} form")
    text = parsed.text if parsed.calls else value
    return [Message(role="assistant", text=text, calls=parsed.calls)]


def _calls(value: str, form: CallFormat, tools: Sequence[ToolSpec]) -> Parsed:
    """Calls as the format has them, or `{"name", "arguments"}` and lists of it, as LLaMA-Factory has them."""
    try:
        plain = json.loads(value)
    except (ValueError, RecursionError):
        return form.parse_calls(value, tools)
    entries = plain if isinstance(plain, list) else [plain]
    if not entries or not all(isinstance(e, dict) and set(e) == {"name", "arguments"} for e in entries):
        return form.parse_calls(value, tools)
    return HermesFormat().parse_calls("".join(f"<tool_call>{dump(e)}</tool_call>" for e in entries))


def _results(value: str, open_calls: Sequence[ToolCall]) -> list[Message]:
    """A message for each call where there is an entry for each, else one for all."""
    try:
        entries = json.loads(value)
    except (ValueError, RecursionError):
        entries = None
    fits = isinstance(entries, list) and len(entries) == len(open_calls)
    if not fits or not all(isinstance(e, dict) and set(e) == {"name", "results"} for e in entries):
        only = open_calls[0].id if len(open_calls) == 1 else None
        return [Message(role="tool", text=value, call_id=only)]
    texts = [e["results"] if isinstance(e["results"], str) else dump(e["results"]) for e in entries]
    return [
        Message(role="tool", text=text, call_id=call.id) for text, call in zip(texts, open_calls, strict=True)
    ]
