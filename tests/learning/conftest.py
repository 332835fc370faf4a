"""A tiny random llama, a tokenizer of bytes, and dialogues written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tastemaker.learning.examples import Example, example
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.exports.chat_text import to_turns
from tastemaker.records import Message, Outcome, Task, ToolCall, ToolSpec, Trajectory

WEATHER = ToolSpec(
    name="weather",
    description="Weather of a town.",
    parameters={"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
)


@pytest.fixture(scope="session")
def template(tokenizer: Tokenizer) -> ChatTemplate:
    return ChatTemplate(tokenizer)


@pytest.fixture(scope="session")
def tiny_model(random_llama: Callable[[bool], Path]) -> Path:
    """A folder with a random llama of 30,000 parameters."""
    return random_llama(True)


@pytest.fixture(scope="session")
def dialogue() -> Callable[..., Trajectory]:
    """Makes a dialogue in which a tool is asked about a town; each text can be another."""

    def build(
        town: str = "Oslo",
        system: str = "Be brief.",
        user: str = "What is the weather in {}?",
        observation: str = '{"sky": "rain"}',
        answer: str = "It rains in {}.",
    ) -> Trajectory:
        call = ToolCall(id="c1", name="weather", arguments={"town": town})
        return Trajectory(
            id=f"weather-{town}",
            task=Task(kind="dialogue", id=f"weather-{town}"),
            tools=(WEATHER,),
            messages=(
                Message(role="system", text=system),
                Message(role="user", text=user.format(town)),
                Message(role="assistant", calls=(call,)),
                Message(role="tool", text=observation, call_id="c1"),
                Message(role="assistant", text=answer.format(town)),
                Message(role="user", text="Thanks."),
            ),
            outcome=Outcome(kind="answered"),
        )

    return build


@pytest.fixture(scope="session")
def examples(template: ChatTemplate, dialogue: Callable[..., Trajectory]) -> list[Example]:
    """Nine short examples of unequal lengths."""
    towns = ["Oslo", "Rome", "Llanfairpwll", "Paris", "Reykjavik", "Bo", "Timbuktu", "Nice", "San Marino"]
    found = [
        example(to_turns(dialogue(town).model_copy(update={"tools": ()}))[1:], template) for town in towns
    ]
    return [one for one in found if one is not None]


@pytest.fixture(scope="session")
def families(template: ChatTemplate, dialogue: Callable[..., Trajectory]) -> list[list[Example]]:
    """Groups of 3, 4, 2 and 5 dialogues: those of a group have the same system message, with a tool."""
    towns = ["Oslo", "Rome", "Bo", "Paris", "Nice"]
    systems = {"Be brief.": 3, "Be kind.": 4, "Be brief and kind.": 2, "Say what you know.": 5}
    return [
        [
            one
            for town in towns[:count]
            if (one := example(to_turns(dialogue(town, system=system))[:4], template)) is not None
        ]
        for system, count in systems.items()
    ]
