"""Where a model may answer in words or with calls: one call a line, each fit to a tool, or text."""

from __future__ import annotations

import asyncio

import pytest
from llguidance import LLMatcher, LLTokenizer
from pydantic_ai.direct import model_request
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition
from tokenizers import Tokenizer

from tastemaker.llm.chat import parse_calls
from tastemaker.llm.grammar import call_schema, to_gbnf, to_lark
from tastemaker.llm.local import LocalSettings
from tastemaker.llm.models import resolve
from tastemaker.llm.weights import Weights

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PARIS, ROME = '{"name":"weather","arguments":{"city":"Paris"}}', '{"name":"time","arguments":{"city":"Rome"}}'


def test_calls_are_read_a_line_each() -> None:
    paris, rome = ("weather", {"city": "Paris"}), ("time", {"city": "Rome"})
    assert parse_calls(PARIS) == [paris]
    assert parse_calls(f"{PARIS}\n\n{ROME}\n") == [paris, rome]
    for text in ("", "Sunny.", f"Look:\n{PARIS}", f"{PARIS}\n{ROME[:-1]}", f"[{PARIS}]"):
        assert parse_calls(text) == []


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (PARIS, True),
        (f"{PARIS}\n{ROME}\n{PARIS}", True),
        ("Sunny, {I} think.\nOr not.", True),
        ("", False),
        (" Sunny", False),
        (f"{PARIS}\nSunny.", False),
        (f"{PARIS}\n{ROME[:-1]}", False),
        (PARIS.replace("weather", "news"), False),
        (PARIS.replace(":", ": "), False),
    ],
)
def test_llguidance_takes_calls_or_text(text: str, fits: bool, tokenizer: Tokenizer) -> None:
    lark = LLMatcher.grammar_from_lark(to_lark(call_schema([("weather", CITY), ("time", CITY)])))
    matcher = LLMatcher(LLTokenizer(tokenizer.to_str(), eos_token=2), lark)
    ids = tokenizer.encode(text).ids
    assert (matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()) == fits


def test_many_parameters_that_may_be_left_out_make_a_small_grammar() -> None:
    """One rule for each place, not one for each set of parameters."""
    schema = {"type": "object", "properties": {f"p{n}": {"type": "boolean"} for n in range(40)}}
    assert len(to_gbnf(schema).splitlines()) < 120


@pytest.mark.model
@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_constrained_calls_fit_the_tools_after_examples_that_do_not(backend: str, smollm2: Weights) -> None:
    numbers = {"type": "object", "properties": {"of": {"type": "array", "items": {"type": "integer"}}}}
    tools = [
        ToolDefinition(
            name="mean",
            description="The mean of numbers.",
            parameters_json_schema={**numbers, "required": ["of"]},
        )
    ]
    history: list[ModelMessage] = [
        ModelRequest([UserPromptPart("Weather in Paris and Rome?")]),
        ModelResponse([ToolCallPart("weather", {"city": city}) for city in ("Paris", "Rome")]),
        ModelRequest([UserPromptPart("Distance from 3 to 7?")]),
        ModelResponse([ToolCallPart("distance", {"a": 3, "b": 7})]),
        ModelRequest([UserPromptPart("Mean of 12, 15 and 18?")]),
    ]
    response = asyncio.run(
        model_request(
            resolve(f"local:smollm2/{backend}"),
            history,
            model_settings=LocalSettings(max_tokens=120, local_constrained=True),
            model_request_parameters=ModelRequestParameters(function_tools=tools, allow_text_output=True),
        )
    )
    calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
    assert calls
    for call in calls:
        arguments = call.args_as_dict()
        assert call.tool_name == "mean"
        assert all(isinstance(number, int) for number in arguments.pop("of"))
        assert not arguments
