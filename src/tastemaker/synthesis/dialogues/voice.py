"""One request to a model that plays a role: what the assistant does next, or a value of a schema.

The assistant's tools are offered as they would be in use, under names that providers allow, each with one
more argument: the thinking that comes before a call, which is taken out again. Knows nothing of dialogues
that are to be made.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic_ai.exceptions import UnexpectedModelBehavior
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
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_core import from_json, to_json

from tastemaker.errors import ModelError
from tastemaker.llm.formats.names import originals, renamed_tools, safe_names
from tastemaker.records import Message, ToolCall, ToolSpec, Usage, canonical
from tastemaker.tools.limits import Budget, Limits
from tastemaker.tools.request import ask, clean, offer, one_line

THINKING: Final = "thinking"
"""The argument in which the assistant says why it makes a call; it is taken out of the call."""


@dataclass(frozen=True)
class Decision:
    """What the assistant did when asked once."""

    calls: tuple[ToolCall, ...]
    text: str
    thinking: str = ""


class UnusableError(Exception):
    """An output of a model cannot be used; the text says why."""


@dataclass
class Voice:
    """A model that is asked within a budget, and what that used."""

    model: Model
    limits: Limits
    budget: Budget
    usage: Usage = field(default_factory=Usage)

    def anew(self) -> Voice:
        """The same with an account of its own."""
        return Voice(self.model, self.limits, self.budget)

    async def decide(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        settings: ModelSettings,
        *,
        thinking: bool = False,
    ) -> Decision:
        """What the assistant does next. Raises UnusableError and LimitReached."""
        names = safe_names(tools)
        offered = renamed_tools(tools, names)
        if thinking:
            offered = [_with_thinking(spec) for spec in offered]
        own = {spec.name for spec in tools if THINKING in spec.parameters.get("properties", {})}
        definitions = offer(offered, None).function_tools
        parameters = ModelRequestParameters(function_tools=definitions, allow_text_output=True)
        response = await self._ask(_history(messages, names), parameters, settings)
        back = originals(names)
        calls: list[ToolCall] = []
        thoughts: dict[str, None] = {}
        for part in response.parts:
            if not isinstance(part, ToolCallPart):
                continue
            name = back.get(part.tool_name, clean(part.tool_name))
            arguments = _arguments(part)
            if thinking and name not in own:
                thoughts[one_line(str(arguments.pop(THINKING, "")))] = None
            calls.append(ToolCall(id=f"call{len(calls) + 1}", name=name, arguments=arguments))
        text = clean("".join(part.content for part in response.parts if isinstance(part, TextPart))).strip()
        if not calls and not text:
            raise UnusableError("the assistant neither called a tool nor said anything")
        return Decision(tuple(calls), text, " ".join(thoughts).strip())

    async def fill(
        self, instructions: str, prompt: str, schema: dict[str, Any], settings: ModelSettings
    ) -> Any:
        """A value of the schema, by which decoding is held where it can be; it is not checked here. Raises
        UnusableError and LimitReached.
        """
        inner = {key: part for key, part in schema.items() if key != "$defs"}
        parameters = {"type": "object", "properties": {"value": inner}, "required": ["value"]}
        if "$defs" in schema:
            parameters["$defs"] = schema["$defs"]
        spec = ToolSpec(name="write", description="What you were asked for.", parameters=parameters)
        history = [ModelRequest([SystemPromptPart(instructions), UserPromptPart(clean(prompt))])]
        response = await self._ask(history, offer([], spec), settings)
        for part in response.parts:
            if isinstance(part, ToolCallPart) and "value" in (arguments := _arguments(part)):
                return arguments["value"]
        raise UnusableError("the output is not a call with a value")

    async def _ask(
        self, history: Sequence[ModelMessage], parameters: ModelRequestParameters, settings: ModelSettings
    ) -> ModelResponse:
        def sent() -> None:
            self.usage += Usage(requests=1)

        once = ModelSettings(max_retries=0) | settings
        try:
            response, used = await ask(self.model, history, parameters, once, self.limits, self.budget, sent)
        except (UnexpectedModelBehavior, ModelError) as error:
            raise UnusableError(one_line(str(error))) from None
        self.usage += used
        return response


def agrees(decision: Decision, gold: Message, tools: Sequence[ToolSpec]) -> bool:
    """Whether a decision is that of a gold message: the same calls in any order, or words and no call. An
    argument that is its default may be left out, and 2.0 is 2.
    """
    if not gold.calls:
        return not decision.calls and bool(decision.text)
    known = {spec.name: spec.parameters.get("properties", {}) for spec in tools}

    def counted(calls: Iterable[ToolCall]) -> Counter[tuple[str, str]]:
        return Counter(
            (call.name, canonical(_given(call.arguments, known.get(call.name, {})))) for call in calls
        )

    return counted(decision.calls) == counted(gold.calls)


def _history(messages: Iterable[Message], names: dict[str, str]) -> list[ModelMessage]:
    """The messages as a model is sent them, tools under their safe names."""
    history: list[ModelMessage] = []
    called: dict[str | None, str] = {}
    for message in messages:
        if message.role == "assistant":
            said = [TextPart(message.text)] if message.text else []
            calls = [ToolCallPart(names.get(c.name, c.name), c.arguments, c.id) for c in message.calls]
            called.update((call.tool_call_id, call.tool_name) for call in calls)
            history.append(ModelResponse([*said, *calls]))
            continue
        part: SystemPromptPart | UserPromptPart | ToolReturnPart = UserPromptPart(message.text)
        if message.role == "system":
            part = SystemPromptPart(message.text)
        elif message.role == "tool":
            part = ToolReturnPart(called.get(message.call_id, ""), message.text, message.call_id or "")
        if history and isinstance(history[-1], ModelRequest):
            history[-1] = ModelRequest([*history[-1].parts, part])
        else:
            history.append(ModelRequest([part]))
    return history


def _with_thinking(spec: ToolSpec) -> ToolSpec:
    """The tool with the argument in which the assistant thinks first, unless it has one of that name."""
    properties = spec.parameters.get("properties", {})
    if THINKING in properties:
        return spec
    about = {"type": "string", "description": "first: why this call, and where its values come from"}
    parameters = {
        **spec.parameters,
        "properties": {THINKING: about, **properties},
        "required": [THINKING, *spec.parameters.get("required", ())],
    }
    return spec.model_copy(update={"parameters": parameters})


def _arguments(part: ToolCallPart) -> dict[str, Any]:
    try:
        given = part.args or {}
        raw = given.encode() if isinstance(given, str) else to_json(given, inf_nan_mode="constants")
        arguments = from_json(raw, allow_inf_nan=False)
        json.dumps(arguments, allow_nan=False)  # raises for 1e999 and for integers of thousands of digits
    except ValueError as error:
        raise UnusableError(one_line(f"the arguments are no JSON: {error}")) from None
    if not isinstance(arguments, dict):
        raise UnusableError("the arguments are no JSON object")
    return arguments


def _given(arguments: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """Arguments without those that are their defaults."""
    whole = {name: plain(value) for name, value in arguments.items()}
    return {
        name: value
        for name, value in whole.items()
        if not (
            isinstance(part := properties.get(name), dict)
            and "default" in part
            and canonical(plain(part["default"])) == canonical(value)
        )
    }


def plain(value: Any) -> Any:
    """The value with whole numbers as integers."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
