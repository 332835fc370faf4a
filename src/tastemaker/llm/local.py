"""The in-process engine as a pydantic-ai `Model`: `local:smollm2`.

Concurrent requests share one batch. When calls or a schema are required, decoding is constrained to them, so
a small model cannot name a tool that it was not offered. The response carries what training needs in
`provider_details`: `prompt_ids`, `token_ids`, `log_probs` and the raw `text`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    ModelResponseStreamEvent,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from tastemaker.llm.chat import ChatTemplate, call_text, parse_calls, turns
from tastemaker.llm.engine import Completion, Engine, GenerationRequest
from tastemaker.llm.grammar import call_schema
from tastemaker.llm.typed import with_floats


class LocalSettings(ModelSettings, total=False):
    """Settings of local models beside those that all models have."""

    local_constrained: bool
    """Where text is allowed beside calls: whether the output is held to text, or one or more calls that fit
    the tools' schemas. Where text is not allowed it always is held to one call."""


MAX_TOKENS = 384
"""Longest output unless the settings say otherwise."""


@dataclass(frozen=True)
class LocalEngine:
    """A running engine and how text becomes its tokens."""

    engine: Engine
    template: ChatTemplate
    described: bool = False
    """Whether the model is shown what the descriptions of tools' parameters add."""


class LocalModel(Model):
    """A model in this process. The engine is started by the first request that needs it."""

    def __init__(self, name: str, start: Callable[[], LocalEngine]) -> None:
        super().__init__(profile=ModelProfile(supports_json_schema_output=True))
        self._name = name
        self._start = start

    @property
    def model_name(self) -> str:
        return self._name

    @property
    def system(self) -> str:
        return "local"

    @property
    def provider(self) -> None:
        return None

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        model_settings, parameters = self.prepare_request(model_settings, model_request_parameters)
        local = await asyncio.to_thread(self._start)
        request = _generation(local, messages, model_settings or {}, parameters)
        completion = await asyncio.wrap_future(local.engine.submit(request))
        text = local.template.decode(completion.token_ids)
        return ModelResponse(
            parts=_parts(text, parameters),
            usage=_usage(request, completion),
            model_name=self._name,
            timestamp=datetime.now(UTC),
            provider_name="local",
            provider_details=_details(request, completion, text),
            finish_reason="stop" if completion.finish == "stop" else "length",
        )

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[StreamedResponse]:
        model_settings, parameters = self.prepare_request(model_settings, model_request_parameters)
        local = await asyncio.to_thread(self._start)
        request = _generation(local, messages, model_settings or {}, parameters)
        loop = asyncio.get_running_loop()
        tokens: asyncio.Queue[tuple[int, ...] | None] = asyncio.Queue()

        def arrived(new: tuple[int, ...]) -> None:
            loop.call_soon_threadsafe(tokens.put_nowait, new)

        future = local.engine.submit(request, arrived)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(tokens.put_nowait, None))
        try:
            yield _LocalStream(parameters, self._name, local, request, tokens, asyncio.wrap_future(future))
        finally:
            future.cancel()


@dataclass
class _LocalStream(StreamedResponse):
    """Text arrives as it is decoded; a required call arrives whole, when it is complete."""

    _model_name: str
    _local: LocalEngine
    _request: GenerationRequest
    _tokens: asyncio.Queue[tuple[int, ...] | None]
    _done: asyncio.Future[Completion]
    _timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        ids: list[int] = []
        shown = ""
        stream_text = self.model_request_parameters.allow_text_output
        while (new := await self._tokens.get()) is not None:
            ids += new
            text = self._local.template.decode(ids)
            if stream_text and not text.startswith("{") and not text.endswith("\ufffd"):
                for event in self._parts_manager.handle_text_delta(
                    vendor_part_id="text", content=text[len(shown) :]
                ):
                    yield event
                shown = text
        completion = await self._done
        self._usage = _usage(self._request, completion)
        text = self._local.template.decode(completion.token_ids)
        self.provider_details = _details(self._request, completion, text)
        self.finish_reason = "stop" if completion.finish == "stop" else "length"
        for number, part in enumerate(_parts(text, self.model_request_parameters)):
            if isinstance(part, ToolCallPart):
                yield self._parts_manager.handle_part(vendor_part_id=f"call{number}", part=part)
                shown = text
        if text != shown:
            for event in self._parts_manager.handle_text_delta(
                vendor_part_id="text", content=text[len(shown) :]
            ):
                yield event

    async def close_stream(self) -> None:
        self._done.cancel()

    @property
    def model_name(self) -> str:
        return self._model_name

    @property
    def provider_name(self) -> str:
        return "local"

    @property
    def provider_url(self) -> None:
        return None

    @property
    def timestamp(self) -> datetime:
        return self._timestamp


def _generation(
    local: LocalEngine,
    messages: list[ModelMessage],
    settings: ModelSettings,
    parameters: ModelRequestParameters,
) -> GenerationRequest:
    schema, or_text = _required(settings, parameters)
    return GenerationRequest(
        prompt_ids=local.template.prompt(turns(messages, parameters, described=local.described)),
        max_tokens=settings.get("max_tokens") or MAX_TOKENS,
        temperature=settings.get("temperature") or 0.0,
        seed=settings.get("seed") or 0,
        schema=schema,
        or_text=or_text,
    )


def _required(
    settings: ModelSettings, parameters: ModelRequestParameters
) -> tuple[dict[str, Any] | None, bool]:
    """The schema that the output must satisfy, if any, and whether text may stand in its place."""
    if parameters.output_object is not None and parameters.output_mode == "native":
        return parameters.output_object.json_schema, False
    tools = [*parameters.function_tools, *parameters.output_tools]
    text = parameters.allow_text_output
    if tools and (not text or settings.get("local_constrained")):
        return call_schema([(tool.name, tool.parameters_json_schema) for tool in tools]), text
    return None, False


def _parts(text: str, parameters: ModelRequestParameters) -> list[ModelResponsePart]:
    """Calls where the text is calls and tools were offered, each once, with arguments as their tool types
    them; the text itself otherwise (also a call that was cut off).
    """
    schemas = {
        tool.name: tool.parameters_json_schema
        for tool in (*parameters.function_tools, *parameters.output_tools)
    }
    calls = parse_calls(text) if schemas else []
    once = {
        call_text(name, arguments): ToolCallPart(name, with_floats(arguments, schemas.get(name)))
        for name, arguments in calls
    }
    return list(once.values()) or [TextPart(text)]


def _usage(request: GenerationRequest, completion: Completion) -> RequestUsage:
    return RequestUsage(
        input_tokens=len(request.prompt_ids),
        cache_read_tokens=completion.cached,
        output_tokens=len(completion.token_ids),
    )


def _details(request: GenerationRequest, completion: Completion, text: str) -> dict[str, Any]:
    return {
        "prompt_ids": list(request.prompt_ids),
        "token_ids": list(completion.token_ids),
        "log_probs": list(completion.log_probs),
        "text": text,
    }
