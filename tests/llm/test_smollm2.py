"""The real SmolLM2-135M: the conversion, the two back ends against each other, and the pydantic-ai model."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic_ai import Agent
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from tastemaker.errors import AssetError
from tastemaker.llm.engine import GenerationRequest
from tastemaker.llm.local import LocalEngine
from tastemaker.llm.models import resolve, start_engine
from tastemaker.llm.weights import Weights

pytestmark = pytest.mark.model

QUESTIONS = ["What is the capital of France?", "Name three films by Stanley Kubrick.", "Why is the sky blue?"]


def parameters(*names: str) -> ModelRequestParameters:
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools = [
        ToolDefinition(name=name, description=f"The {name} of a city.", parameters_json_schema=city)
        for name in names
    ]
    return ModelRequestParameters(function_tools=tools, allow_text_output=False)


def test_the_vocabulary_splits_text_as_openvinos_own_reading_of_the_file(smollm2: Weights) -> None:
    from openvino_genai import Tokenizer

    theirs = Tokenizer(str(smollm2.path))
    for text in ("Hello world 1234 foo's", "  a\n\nb", "Über 1995 — «é» 日本", '12a3\t{"name":"x"}'):
        expected = [int(token) for token in theirs.encode(text, add_special_tokens=False).input_ids.data[0]]
        assert smollm2.tokenizer.encode(text).ids == expected


def test_torch_and_openvino_give_the_same_log_probabilities(openvino: LocalEngine) -> None:
    """OpenVINO reads the GGUF by itself: an independent check of the conversion to safetensors."""
    import torch
    from transformers import AutoModelForCausalLM

    from tastemaker.llm.models import weights

    model = AutoModelForCausalLM.from_pretrained(weights("smollm2").to_transformers(), dtype=torch.float32)
    differences = []
    for question in QUESTIONS:
        prompt = tuple(openvino.template.encode(question))
        completion = openvino.engine.submit(GenerationRequest(prompt, max_tokens=24)).result(120)
        with torch.no_grad():
            scores = model(torch.tensor([prompt + completion.token_ids])).logits[0].log_softmax(-1)
        for place, (token, theirs) in enumerate(zip(completion.token_ids, completion.log_probs, strict=True)):
            differences.append(abs(float(scores[len(prompt) - 1 + place, token]) - theirs))
    assert sum(differences) / len(differences) < 0.1


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_it_knows_the_capital_of_france(backend: str, smollm2: Weights) -> None:
    model = resolve(f"local:smollm2/{backend}")
    agent = Agent(model)
    result = agent.run_sync(QUESTIONS[0])
    assert "Paris" in result.output
    assert result.usage.output_tokens > 3


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_a_required_call_is_one_of_those_offered(backend: str, smollm2: Weights) -> None:
    model = resolve(f"local:smollm2/{backend}")
    hot = ModelSettings(temperature=1.5, seed=3, max_tokens=60)

    async def sample() -> list[ModelResponse]:
        asks = [
            model_request(
                model,
                [ModelRequest([UserPromptPart(f"What is the weather in {city}?")])],
                model_settings=hot,
                model_request_parameters=parameters("weather", "population"),
            )
            for city in ("Paris", "Oslo", "Rome")
        ]
        return await asyncio.gather(*asks)

    for response in asyncio.run(sample()):
        [part] = response.parts
        if isinstance(part, TextPart):
            assert response.finish_reason == "length"
            continue
        assert isinstance(part, ToolCallPart)
        assert part.tool_name in ("weather", "population")
        assert list(part.args_as_dict()) == ["city"]
        details = response.provider_details or {}
        assert len(details["token_ids"]) == len(details["log_probs"]) == response.usage.output_tokens
        assert len(details["prompt_ids"]) == response.usage.input_tokens


def test_output_is_forced_to_a_schema(openvino: LocalEngine) -> None:
    schema = {
        "type": "object",
        "properties": {
            "genre": {"enum": ["drama", "comedy"]},
            "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        },
        "required": ["genre", "stars"],
    }
    wanted = ModelRequestParameters(
        output_mode="native", output_object=OutputObjectDefinition(json_schema=schema), allow_text_output=True
    )
    model = resolve("local:smollm2")
    response = asyncio.run(
        model_request(model, [ModelRequest.user_text_prompt("Rate Heat.")], model_request_parameters=wanted)
    )
    [part] = response.parts
    assert isinstance(part, TextPart)
    value = json.loads(part.content)
    assert value["genre"] in ("drama", "comedy")
    assert value["stars"] in range(1, 6)


def test_streams_end_in_the_same_response(openvino: LocalEngine) -> None:
    model = resolve("local:smollm2")
    brief = ModelSettings(max_tokens=30)

    async def both(*offer: str) -> tuple[ModelResponse, ModelResponse, int]:
        question = [ModelRequest.user_text_prompt(QUESTIONS[0])]
        given = parameters(*offer) if offer else ModelRequestParameters()
        whole = await model_request(model, question, model_settings=brief, model_request_parameters=given)
        events = 0
        async with model_request_stream(
            model, question, model_settings=brief, model_request_parameters=given
        ) as stream:
            async for _ in stream:
                events += 1
            return whole, stream.get(), events

    whole, streamed, events = asyncio.run(both())
    assert [part.content for part in streamed.parts if isinstance(part, TextPart)] == [
        part.content for part in whole.parts if isinstance(part, TextPart)
    ]
    assert events > 5
    whole, streamed, _ = asyncio.run(both("weather"))
    [ours], [theirs] = streamed.parts, whole.parts
    assert isinstance(ours, ToolCallPart)
    assert isinstance(theirs, ToolCallPart)
    assert (ours.tool_name, ours.args) == (theirs.tool_name, theirs.args)
    assert streamed.usage == whole.usage


def test_an_engine_is_started_once(openvino: LocalEngine) -> None:
    assert start_engine("smollm2", "openvino") is openvino
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(start_engine, "smollm2", "openvino", 2) for _ in range(4)]
        first, *others = [future.result() for future in asked]
    assert all(other is first for other in others)


def test_a_file_that_is_no_gguf_is_named(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"not a model")
    with pytest.raises(AssetError, match=r"model\.gguf: not a readable GGUF"):
        Weights(file, tmp_path).config  # noqa: B018
