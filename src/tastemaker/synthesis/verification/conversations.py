"""Conversations from outside, in ShareGPT's form, to try the rules on; and what a conversion lost of them.

The excerpt of ToolACE that goes round was converted by a program that kept the last word of a called name,
and that took away the quotes of arguments, so that `"10001"` came back as a number and `True` as a text.
`mended` puts back what the conversation itself still tells; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tastemaker.errors import InputError, ToolError
from tastemaker.llm.exports.cut_names import restore_names
from tastemaker.llm.exports.sharegpt import from_sharegpt
from tastemaker.llm.formats.registry import get
from tastemaker.records import ToolCall, Trajectory
from tastemaker.tools.arguments import reader


def read_conversations(path: Path, *, mend: bool) -> Iterator[tuple[str, Trajectory | str]]:
    """The conversations of a JSON list, each with its place in it as id; a text says why one is unreadable.

    Raises InputError when the file is no JSON list.
    """
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from None
    if not isinstance(records, list):
        raise InputError(f"{path}: it must be a JSON list of conversations")
    form = get("pythonic")
    for number, record in enumerate(records):
        try:
            read = from_sharegpt(named_by_responses(record) if mend else record, str(number), form)
        except ToolError as error:
            yield str(number), str(error)
        else:
            yield str(number), mended(read) if mend else read


def named_by_responses(record: Any) -> Any:
    """The record with cut names of calls as the responses after them have them."""
    turns = record.get("conversations") if isinstance(record, dict) else None
    if not isinstance(turns, list):
        return record
    named = [
        {**turn, "value": _named(turn["value"], after["value"])}
        if _is(turn, "function_call") and _is(after, "observation")
        else turn
        for turn, after in zip(turns, [*turns[1:], None], strict=True)
    ]
    return {**record, "conversations": named}


def _is(turn: Any, who: str) -> bool:
    return isinstance(turn, dict) and turn.get("from") == who and isinstance(turn.get("value"), str)


def _named(calls: str, responses: str) -> str:
    try:
        made, given = json.loads(calls), json.loads(responses)
    except ValueError:
        return calls
    made = made if isinstance(made, list) else [made]
    if not isinstance(given, list) or len(made) != len(given) or not made:
        return calls
    if not all(isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in (*made, *given)):
        return calls
    whole = [
        {**call, "name": response["name"]} if _is_cut(call["name"], response["name"]) else call
        for call, response in zip(made, given, strict=True)
    ]
    return json.dumps(whole, ensure_ascii=False)


def _is_cut(name: str, whole: str) -> bool:
    return re.search(rf"\W{re.escape(name)}\W*$", whole) is not None


def mended(trajectory: Trajectory) -> Trajectory:
    """The trajectory with whole names in its calls, and arguments in the types that their tools ask for where
    nothing is lost by that."""
    named = restore_names(trajectory)
    tools = {spec.name: spec for spec in named.tools}

    def typed(call: ToolCall) -> ToolCall:
        if call.name not in tools:
            return call
        try:
            read = reader(call.name, tools[call.name].parameters).read(call.arguments)
        except ToolError:
            return call
        return call.model_copy(update={"arguments": read})

    messages = tuple(
        message.model_copy(update={"calls": tuple(map(typed, message.calls))}) for message in named.messages
    )
    return named.model_copy(update={"messages": messages})
