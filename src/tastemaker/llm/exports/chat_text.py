"""A trajectory as the local model reads and writes it: `chat.turns` gives the turns, ChatML the text.

Training takes the turns and writes them with `chat.ChatTemplate`, which keeps control tokens out of what
people and tools say; the text is for programs that take text only.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from tastemaker.llm.chat import Turn, turns
from tastemaker.llm.formats.base import FormatError
from tastemaker.records import Message, Trajectory

_CONTROL = ("<|im_start|>", "<|im_end|>")


def to_turns(trajectory: Trajectory, *, described: bool = False) -> list[Turn]:
    """The turns of the prompt that the local model would be shown, its own answers among them; `described`:
    with what the descriptions of tools' parameters add.

    Raises FormatError for a tool's message that answers no call.
    """
    definitions = [
        ToolDefinition(name=t.name, description=t.description, parameters_json_schema=t.parameters)
        for t in trajectory.tools
    ]
    names = {call.id: call.name for message in trajectory.messages for call in message.calls}
    messages = [_model_message(message, names) for message in trajectory.messages]
    return turns(messages, ModelRequestParameters(function_tools=definitions), described=described)


def chat_text(conversation: Sequence[Turn]) -> str:
    """The turns as ChatML. Raises FormatError where a turn holds a control token: as text, it would open or
    end a message."""
    for turn in conversation:
        if any(token in turn.text for token in _CONTROL):
            raise FormatError(f"a message from {turn.role} holds a control token of ChatML")
    return "".join(f"<|im_start|>{turn.role}\n{turn.text}<|im_end|>\n" for turn in conversation)


def _model_message(message: Message, names: dict[str, str]) -> ModelMessage:
    if message.role == "assistant":
        said = [TextPart(message.text)] if message.text or not message.calls else []
        return ModelResponse([*said, *(ToolCallPart(c.name, c.arguments, c.id) for c in message.calls)])
    if message.role == "tool":
        if message.call_id not in names:
            raise FormatError("a tool's message answers no call")
        return ModelRequest([ToolReturnPart(names[message.call_id], message.text, message.call_id)])
    part = SystemPromptPart(message.text) if message.role == "system" else UserPromptPart(message.text)
    return ModelRequest([part])
