"""A judge over many explanations: what it is shown, and what becomes of its scores."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.agents.judging import facts, judged
from tastemaker.agents.prepare import Ground
from tastemaker.agents.tasks import explanation_tasks


def test_scores_are_averaged_over_the_texts_that_got_one(ground: Ground) -> None:
    """Of a team's six answers one is missing and one is not scored; a baseline's get no score at all."""
    requests = explanation_tasks(ground.dataset, ground.split, requests=6).requests
    under_way = most = 0

    async def grade(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        nonlocal under_way, most
        under_way, most = under_way + 1, max(most, under_way + 1)
        await asyncio.sleep(0.002)
        under_way -= 1
        text = str(messages).rsplit("as a JSON string:", 1)[1]
        score = next((number for number in range(1, 6) if f"text {number}" in text), None)
        if score is None:
            return ModelResponse(parts=[TextPart("Well…")])
        return ModelResponse(parts=[ToolCallPart("grade", {"score": score, "reason": "So."})])

    answers: dict[str, list[Any]] = {
        "team": [None, *({"text": f"text {number}"} for number in (1, 2, 4, 5)), {"text": "else"}],
        "baseline": [{"text": "nothing"}] * 6,
    }
    found = asyncio.run(judged(FunctionModel(grade), ground.bench, requests, answers, concurrency=2))
    assert found["team"]["judge"]["mean"] == pytest.approx(3.0)
    assert 1 <= found["team"]["judge"]["low"] < 3 < found["team"]["judge"]["high"] <= 5
    assert found["team"]["judged"] == 4
    assert found["baseline"] == {"judge": None, "judged": 0}
    assert most == 2


def test_the_judge_is_shown_the_item_and_nothing_after_the_moment(ground: Ground) -> None:
    (request,) = explanation_tasks(ground.dataset, ground.split, requests=1).requests
    text = "\n".join(facts(ground.bench, request))
    data = ground.dataset
    title = data.items["title"][data.item_index(str(request.item))]
    assert text.startswith(f"The item: {request.item} | {title}")
    user = data.user_index(request.user)
    later = set(data.item[data.history(user, None)]) - set(data.item[data.history(user, request.moment)])
    later -= {data.item_index(str(request.item))}
    assert not [item for item in later if f"{data.items['title'][int(item)]} |" in text]
