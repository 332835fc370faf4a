"""A made-up town of users and items, and a model that follows its instructions, for the tests of agents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from tastemaker.agents.prepare import Ground
from tastemaker.agents.tasks import split_for_agents
from tastemaker.data.dataset import Clock, Dataset, Source
from tastemaker.retrieval.bias import BiasModel
from tastemaker.retrieval.itemknn import ItemKNN
from tastemaker.tools.workbench import Workbench

USERS, ITEMS, EACH = 30, 50, 20


def town(clock: Clock = "timestamp", rated: bool = True) -> Dataset:
    """30 users with 20 interactions each among 50 items; moments are distinct and users take turns."""
    generator = np.random.default_rng(7)
    user = np.repeat(np.arange(USERS), EACH)
    item = np.concatenate([generator.choice(ITEMS, EACH, replace=False) for _ in range(USERS)])
    turn = np.tile(np.arange(EACH), USERS)
    genres = ["Drama", "Comedy", "Action"]
    return Dataset.build(
        "town",
        pl.DataFrame({"id": [f"u{number}" for number in range(USERS)]}),
        pl.DataFrame(
            {
                "id": [f"i{number}" for number in range(ITEMS)],
                "title": [f"Title {number}" for number in range(ITEMS)],
                "categories": [[genres[number % 3]] for number in range(ITEMS)],
            }
        ),
        user,
        item,
        rating=generator.integers(1, 6, len(user)).astype(np.float32) if rated else None,
        time=turn if clock == "order" else turn * USERS + user + 1000,
        clock=clock,
        source=Source("made up for the tests", "Apache-2.0"),
        rating_range=(1.0, 5.0) if rated else None,
    )


def ground_of(dataset: Dataset) -> Ground:
    """The data set split for agents, with item-kNN behind the tools."""
    split = split_for_agents(dataset)
    retrieval = ItemKNN().fit(split.train)
    ratings = None if dataset.rating is None else BiasModel().fit(split.train)
    return Ground(dataset, split, Workbench(dataset, train=split.train, retrieval=retrieval, ratings=ratings))


class Obedient:
    """Calls the first offered tool that it has not called, and answers when only the answer is left to call.

    `seen` holds all that it was sent, as text without moments of time.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.seen: list[str] = []

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        await asyncio.sleep(self.delay)
        parts = [part for message in messages for part in message.parts]
        shown = [
            (type(part).__name__, getattr(part, "content", None) or getattr(part, "args", ""))
            for part in parts
        ]
        offered = [*info.function_tools, *info.output_tools]
        self.seen.append(repr((shown, [(tool.name, tool.parameters_json_schema) for tool in offered])))
        made = {part.tool_name for part in parts if isinstance(part, ToolCallPart)}
        tool = next((tool for tool in offered if tool.name not in made), offered[-1])
        usage = RequestUsage(input_tokens=100, output_tokens=10)
        return ModelResponse(parts=[ToolCallPart(tool.name, self.arguments(tool))], usage=usage)

    def arguments(self, tool: ToolDefinition) -> dict[str, Any]:
        properties = tool.parameters_json_schema["properties"]
        if "scores" in properties:
            return {"scores": dict.fromkeys(properties["scores"]["required"], 3), "reason": "They fit."}
        if tool.name == "recommend":
            ids = properties["ids"]
            return {"ids": ids["items"]["enum"][: ids["minItems"]], "reason": "They fit."}
        if "change" in properties:
            return {"change": "a little higher", "reason": "Liked by most."}
        if tool.name == "rate":
            return {"rating": 4, "reason": "Liked by most."}
        if tool.name == "report":
            return {"summary": "Likes drama."}
        if tool.name == "judge":
            return {"correct": False, "reason": "The answer is too old."}
        if tool.name == "explain_choice":
            chosen = {
                name: properties[name]["enum"][0] for name in ("because", "feature") if name in properties
            }
            return {"sentence": "It suits you.", "text": "It suits you."} | chosen
        if tool.name == "plan":
            return {"tools": properties["tools"]["items"]["enum"]}
        if "item" in properties:
            return {"item": properties["item"].get("enum", ["i3"])[0]}
        return {name: "Title 3" for name in ("question", "query") if name in properties}


@pytest.fixture(scope="session")
def ground() -> Ground:
    return ground_of(town())


@pytest.fixture(scope="session")
def make_town() -> Callable[..., Dataset]:
    return town


@pytest.fixture(scope="session")
def make_ground() -> Callable[[Dataset], Ground]:
    return ground_of


@pytest.fixture
def obedient() -> type[Obedient]:
    return Obedient


@pytest.fixture
def obedient_model() -> FunctionModel:
    return FunctionModel(Obedient())


@pytest.fixture(scope="session")
def conftest_file() -> Path:
    """This file, for programs that tests run in another process."""
    return Path(__file__)
