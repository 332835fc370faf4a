"""What a response costs: list prices for names that are known, nothing for others, and never an exception."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import RequestUsage

from tastemaker.errors import LimitReached
from tastemaker.tools.limits import Budget, Limits
from tastemaker.tools.request import ask, offer, price


def response(model: str | None, **more: Any) -> ModelResponse:
    usage = RequestUsage(input_tokens=1_000_000, output_tokens=100_000)
    return ModelResponse(parts=[TextPart("Hi")], model_name=model, **{"usage": usage} | more)


def test_a_known_model_has_its_list_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """gpt-4o-mini: $0.15 for a million tokens in, $0.60 for a million out; without the network."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError("prices are to come from the package")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for more in ({}, {"provider_name": "openai"}, {"provider_url": "http://127.0.0.1:1/v1"}):
        assert price(response("gpt-4o-mini", **more)) == pytest.approx(0.21)


@pytest.mark.parametrize(
    "unknown",
    [
        response("smollm2/openvino", provider_name="local"),
        response("gpt-4o-mini", provider_name="elsewhere"),
        response(None),
        response(""),
        response("gpt-4o-mini", usage=RequestUsage(input_tokens=-5)),
        response("gpt-4o-mini", usage=RequestUsage(unmeasured_requests=1)),
        response("gpt-4o-mini", provider_details={"service_tier": [1]}, usage=RequestUsage()),
    ],
)
def test_what_has_no_price_is_free(unknown: ModelResponse) -> None:
    assert price(unknown) == 0.0


@pytest.mark.parametrize(("details", "cost"), [(None, 0.21), ({"replayed": True}, 0.0)])
def test_what_a_recording_answers_is_not_paid_for_again(details: dict[str, Any] | None, cost: float) -> None:
    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return response("gpt-4o-mini", provider_details=details)

    limits = Limits(cost=0.2)
    budget = Budget(limits)

    async def once() -> float:
        model = FunctionModel(answer, model_name="gpt-4o-mini")
        _, used = await ask(model, [ModelRequest([])], offer([], None), {}, limits, budget, lambda: None)
        assert used.input_tokens == 1_000_000
        return used.cost

    assert asyncio.run(once()) == pytest.approx(cost) == budget.cost
    if cost:
        with pytest.raises(LimitReached, match=r"\$0\.2 is reached"):
            asyncio.run(once())
    else:
        assert asyncio.run(once()) == 0.0
