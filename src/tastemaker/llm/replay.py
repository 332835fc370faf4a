"""Record and replay: any model's answers in one JSON Lines file, keyed by the request.

A request that was answered before is answered from the file, without the model (which is then not even
loaded): tests and paid runs repeat for free, and a run that was cut off goes on where it stood. The key
covers everything that shapes an answer: model, settings, offered calls and conversation; not time stamps or
call ids. A last line without a line break (a killed process) is left out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from tastemaker.errors import InputError
from tastemaker.lines import cut_half_line
from tastemaker.records import canonical


class _Entry(BaseModel):
    key: str
    response: ModelResponse


_ENTRY = TypeAdapter(_Entry)
_TIMING = {"timeout", "max_retries", "request_timeout"}
"""Settings that do not shape the answer."""


class RecordedModel(WrapperModel):
    """Answers from the file where it can; asks the wrapped model and writes the answer down where it
    cannot."""

    def __init__(self, wrapped: Model, path: Path) -> None:
        super().__init__(wrapped)
        self._path = path
        self._lock = threading.Lock()
        self._known = _read(path)

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        key = request_key(self.wrapped, messages, model_settings, model_request_parameters)
        if key in self._known:
            known = self._known[key]
            return dataclasses.replace(
                known, provider_details={**(known.provider_details or {}), "replayed": True}
            )
        response = await self.wrapped.request(messages, model_settings, model_request_parameters)
        self._write(key, response)
        return response

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Streams are recorded when they are complete, and not replayed: they exist to be watched."""
        async with self.wrapped.request_stream(
            messages, model_settings, model_request_parameters, run_context
        ) as stream:
            yield stream
        self._write(
            request_key(self.wrapped, messages, model_settings, model_request_parameters), stream.get()
        )

    def _write(self, key: str, response: ModelResponse) -> None:
        line = _ENTRY.dump_json(_Entry(key=key, response=response))
        with self._lock:
            self._known[key] = response
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(line + b"\n")


def _read(path: Path) -> dict[str, ModelResponse]:
    if not path.exists():
        return {}
    known = {}
    cut_half_line(path)
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            entry = _ENTRY.validate_json(line)
        except ValidationError:
            raise InputError(
                f"{path}:{number}: not a recorded answer; delete the file to record anew"
            ) from None
        known[entry.key] = entry.response
    return known


def request_key(
    model: Model,
    messages: list[ModelMessage],
    settings: ModelSettings | None,
    parameters: ModelRequestParameters,
) -> str:
    """sha256 of what shapes the answer."""
    tools = [*parameters.function_tools, *parameters.output_tools]
    request = {
        "model": f"{model.system}:{model.model_name}",
        "settings": {k: v for k, v in (settings or {}).items() if k not in _TIMING},
        "tools": [[tool.name, tool.description, tool.parameters_json_schema] for tool in tools],
        "text": parameters.allow_text_output,
        "schema": None if parameters.output_object is None else parameters.output_object.json_schema,
        "messages": [_content(message) for message in messages],
    }
    return hashlib.sha256(canonical(request).encode("utf-8", "surrogatepass")).hexdigest()


def _content(message: ModelMessage) -> list[Any]:
    parts: list[Any] = [message.instructions] if isinstance(message, ModelRequest) else ["assistant"]
    for part in message.parts:
        if isinstance(part, ToolCallPart):
            parts.append(["call", part.tool_name, part.args])
        elif isinstance(part, ToolReturnPart):
            parts.append(["result", part.tool_name, part.model_response_str()])
        elif isinstance(part, TextPart):
            parts.append(["text", part.content])
        else:
            parts.append([part.part_kind, str(getattr(part, "content", ""))])
    return parts
