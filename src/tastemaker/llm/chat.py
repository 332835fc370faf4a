"""From a conversation and the offered tools to the token ids of a ChatML prompt, and from raw output back to
calls.

ChatML has neither tools nor tool messages, so the system message lists the offered calls as one-line
signatures and results come back as user messages. Text from outside is encoded with the control tokens
switched off: no title, review or tool result can end a message or open another role. What the model itself
wrote goes back as the very token ids it sampled.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    RetryPromptPart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from tastemaker.errors import InputError
from tastemaker.llm.signature import signature
from tastemaker.records import ToolSpec

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LONG_ENUM = 6
"""Longer enumerations are left out of the signature: the grammar enforces them, and the ids stand in the
conversation."""


_DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""What SmolLM2's own template says where the conversation has no system message."""


@dataclass(frozen=True)
class Turn:
    """One message of the prompt. `token_ids` are given where the model itself wrote it."""

    role: str
    text: str
    token_ids: tuple[int, ...] = ()


def turns(
    messages: Sequence[ModelMessage], parameters: ModelRequestParameters, *, described: bool = False
) -> list[Turn]:
    """The conversation as turns, the first one being the system message with the offered calls; `described`:
    with what their parameters' descriptions add.

    Raises InputError for what a text model cannot take (images, audio, files).
    """
    system: list[str] = []
    result: list[Turn] = []
    for message in messages:
        if isinstance(message, ModelRequest):
            for part in message.parts:
                if isinstance(part, SystemPromptPart):
                    system.append(part.content)
                else:
                    result.append(Turn("user", _request_text(part)))
            if message.instructions:
                system.append(message.instructions)
        else:
            written = (message.provider_details or {}).get("token_ids", ())
            result.append(Turn("assistant", _response_text(message.parts), tuple(written)))
    system = list(dict.fromkeys(system)) or [_DEFAULT_SYSTEM]
    return [Turn("system", "\n\n".join([*system, *_offer(parameters, described)])), *result]


def _request_text(part: Any) -> str:
    if isinstance(part, UserPromptPart):
        if isinstance(part.content, str):
            return part.content
        if all(isinstance(piece, str) for piece in part.content):
            return "\n".join(str(piece) for piece in part.content)
        raise InputError("the local model reads text only")
    if isinstance(part, ToolReturnPart):
        return f"{part.tool_name} returned:\n{part.model_response_str()}"
    if isinstance(part, RetryPromptPart):
        return part.model_response()
    raise InputError(f"the local model cannot read a message part of kind {type(part).__name__}")


def _response_text(parts: Sequence[Any]) -> str:
    texts = [
        call_text(p.tool_name, p.args_as_dict()) if isinstance(p, ToolCallPart) else p.content
        for p in parts
        if isinstance(p, ToolCallPart | TextPart)
    ]
    return "\n".join(texts)


def _offer(parameters: ModelRequestParameters, described: bool) -> list[str]:
    tools = [*parameters.function_tools, *parameters.output_tools]
    if not tools:
        return []
    lines = [
        signature(
            ToolSpec(
                name=t.name,
                description=t.description or "",
                parameters=_short_enums(t.parameters_json_schema),
            ),
            described,
        )
        for t in tools
    ]
    how = "Write calls as JSON, one a line, or, where none fits, answer in words"
    how = how if parameters.allow_text_output else "Write one call as JSON"
    return [f'{how}: {{"name": ..., "arguments": {{...}}}}. Calls:\n' + "\n".join(lines)]


def _short_enums(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_short_enums(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if len(schema.get("enum", ())) > _LONG_ENUM:
        kinds = {type(value) for value in schema["enum"]}
        about = {key: schema[key] for key in ("description",) if key in schema}
        return {"type": "string", **about} if kinds == {str} else about
    return {key: _short_enums(value) for key, value in schema.items()}


def call_text(name: str, arguments: dict[str, Any]) -> str:
    """A call as the model writes it: compact JSON."""
    return json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False, separators=(",", ":"))


def parse_call(text: str) -> tuple[str, dict[str, Any]] | None:
    """The call that a text is, or None when it is anything else (also a call that was cut off)."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    match value:
        case {"name": str(name), "arguments": dict(arguments), **rest} if not rest:
            return name, arguments
    return None


def parse_calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The calls that a text is, one a line; none when any line is anything else."""
    calls = [parse_call(line) for line in text.splitlines() if line.strip()]
    whole = [call for call in calls if call is not None]
    return whole if len(whole) == len(calls) else []


class ChatTemplate:
    """Writes ChatML as token ids."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._start, self._end = (_control(tokenizer, name) for name in ("<|im_start|>", "<|im_end|>"))
        self._plain = type(tokenizer).from_str(tokenizer.to_str())
        self._plain.encode_special_tokens = True

    def encode(self, text: str) -> list[int]:
        """Token ids of a text in which no control token is recognised."""
        return list(self._plain.encode(text, add_special_tokens=False).ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of sampled tokens, control tokens left out."""
        return self._plain.decode(list(token_ids), skip_special_tokens=True)

    def prompt(self, conversation: Sequence[Turn]) -> tuple[int, ...]:
        """Token ids of the conversation, open for the assistant's next message."""
        ids: list[int] = []
        newline = self.encode("\n")
        for turn in conversation:
            written = [token for token in turn.token_ids if token != self._end] or None
            if written:
                ids += [self._start, *self.encode(f"{turn.role}\n"), *written, self._end, *newline]
            else:
                ids += [self._start, *self.encode(f"{turn.role}\n{turn.text}"), self._end, *newline]
        return (*ids, self._start, *self.encode("assistant\n"))


def _control(tokenizer: Tokenizer, name: str) -> int:
    token = tokenizer.token_to_id(name)
    if token is None:
        raise InputError(f"the model's vocabulary has no {name}: only ChatML models run in this process")
    return int(token)
