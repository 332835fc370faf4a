"""OpenAI's fine-tuning form: a line `{"messages": […], "tools": […]}` for each conversation.

The provider allows letters, digits, `_` and `-` in a tool's name: other names are written as safe ones
(`formats.names`) and come back as those. All else comes back as it was.
"""

from __future__ import annotations

from typing import Any

from tastemaker.llm.exports.dialogue import as_trajectory
from tastemaker.llm.formats.base import FormatError, checked
from tastemaker.llm.formats.names import renamed_calls, renamed_tools, safe_names
from tastemaker.llm.formats.openai import call_documents, read_call, tool_documents
from tastemaker.llm.formats.tool_lists import read_tools
from tastemaker.records import Message, ToolSpec, Trajectory


def to_openai(trajectory: Trajectory) -> dict[str, Any]:
    """The messages and tools of a trajectory. Raises FormatError for a result that answers no call."""
    called = [ToolSpec(name=c.name) for message in trajectory.messages for c in message.calls]
    names = safe_names([*trajectory.tools, *called])
    record: dict[str, Any] = {"messages": [_message(message, names) for message in trajectory.messages]}
    if trajectory.tools:
        record["tools"] = tool_documents(renamed_tools(trajectory.tools, names))
    return record


def from_openai(record: Any, id: str) -> Trajectory:
    """The trajectory of such a record. Raises FormatError with the message's place."""
    if not isinstance(record, dict) or not isinstance(record.get("messages"), list):
        raise FormatError("a record must be an object with a list of messages")
    messages = []
    for number, entry in enumerate(record["messages"], 1):
        try:
            messages.append(_read(checked(entry)))
        except FormatError as error:
            raise FormatError(f"message {number}: {error}") from None
    return as_trajectory(id, messages, read_tools(record.get("tools") or []))


def _message(message: Message, names: dict[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls:
        result["tool_calls"] = call_documents(renamed_calls(message.calls, names))
    if message.role == "tool":
        if message.call_id is None:
            raise FormatError("a tool's message names no call, and OpenAI's form asks for one")
        result["tool_call_id"] = message.call_id
    return result


def _read(entry: Any) -> Message:
    if not isinstance(entry, dict):
        raise FormatError("it is no object")
    role = entry.get("role")
    if role not in ("system", "developer", "user", "assistant", "tool"):
        raise FormatError(f"unknown role {str(role)[:40]!r}")
    calls = entry.get("tool_calls") or []
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise FormatError("tool_calls is no list of calls")
    answered = entry.get("tool_call_id")
    return Message(
        role="system" if role == "developer" else role,
        text=_text(entry.get("content")),
        calls=tuple(read_call(call, place) for place, call in enumerate(calls, 1)),
        call_id=answered if isinstance(answered, str) else None,
    )


def _text(content: Any) -> str:
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        content = "".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    if content is not None and not isinstance(content, str):
        raise FormatError("its content is no text")
    return content or ""
