"""What a local model says as calls: each once, with numbers as the tool types them."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition
from tokenizers import Tokenizer

from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.engine import Completion, Engine, GenerationRequest
from tastemaker.llm.local import LocalEngine, LocalModel
from tastemaker.llm.typed import with_floats

MEAN = {
    "type": "object",
    "properties": {
        "of": {"type": "array", "items": {"type": "number"}},
        "digits": {"type": "integer"},
        "weights": {"$ref": "#/$defs/Weights"},
    },
    "$defs": {"Weights": {"type": "object", "additionalProperties": {"type": "number"}}},
}


class Says:
    """A back end that says one text."""

    name = "says"

    def __init__(self, ids: tuple[int, ...]) -> None:
        self.ids = ids
        self.asked: list[int] = []

    def add(self, key: int, request: GenerationRequest) -> None:
        self.asked.append(key)

    def step(self) -> tuple[dict[int, tuple[int, ...]], dict[int, Completion]]:
        done = {key: Completion(self.ids, (0.0,) * len(self.ids), "stop") for key in self.asked}
        self.asked = []
        return {}, done

    def cancel(self, key: int) -> None:
        pass


def said(text: str, tokenizer: Tokenizer) -> ModelResponse:
    """What the model's response is where this is its output."""
    local = LocalEngine(Engine(Says(tuple(tokenizer.encode(text).ids)), 4096), ChatTemplate(tokenizer))
    tools = [ToolDefinition(name="mean", parameters_json_schema=MEAN)]
    return asyncio.run(
        model_request(
            LocalModel("local:says", lambda: local),
            [ModelRequest([UserPromptPart("Go")])],
            model_request_parameters=ModelRequestParameters(function_tools=tools, allow_text_output=True),
        )
    )


def test_calls_are_made_once_with_floats_where_the_tool_takes_them(tokenizer: Tokenizer) -> None:
    one = '{"name":"mean","arguments":{"of":[1,2.5],"digits":2,"weights":{"a":3}}}'
    other = '{"name":"mean","arguments":{"of":[1]}}'
    response = said(f"{one}\n{other}\n{one}", tokenizer)
    calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
    assert [repr(call.args) for call in calls] == [
        "{'of': [1.0, 2.5], 'digits': 2, 'weights': {'a': 3.0}}",
        "{'of': [1.0]}",
    ]
    assert response.provider_details is not None
    assert response.provider_details["text"].count("\n") == 2  # what was sampled stays as it was
    assert said("Two.\nTwo.", tokenizer).parts == [TextPart("Two.\nTwo.")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
SCHEMAS = st.recursive(
    st.sampled_from([{}, True, {"type": "number"}, {"type": "integer"}, {"$ref": "#"}, {"$ref": "#/no"}]),
    lambda inner: st.one_of(
        inner.map(lambda one: {"items": one}),
        inner.map(lambda one: {"additionalProperties": one}),
        st.dictionaries(st.text(max_size=2), inner, max_size=2).map(lambda some: {"properties": some}),
    ),
    max_leaves=6,
)


@given(JSON, SCHEMAS)
def test_no_value_changes_but_for_its_type(value: Any, schema: Any) -> None:
    assert with_floats(value, schema) == value
