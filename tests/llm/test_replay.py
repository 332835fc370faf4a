"""Recording: a request is paid for once, and only the same request is answered from the file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic_ai.direct import model_request
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.settings import ModelSettings

from tastemaker.errors import InputError
from tastemaker.llm.replay import RecordedModel


class Counting:
    """A model that answers with how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.asked += 1
        return ModelResponse([TextPart(f"answer {self.asked}")], provider_details={"token_ids": [self.asked]})


def ask(
    model: RecordedModel, messages: list[ModelMessage], settings: ModelSettings | None = None
) -> ModelResponse:
    return asyncio.run(model_request(model, messages, model_settings=settings))


def hello(text: str = "Hello") -> list[ModelMessage]:
    return [ModelRequest.user_text_prompt(text)]


def test_the_second_time_the_model_is_not_asked(tmp_path: Path) -> None:
    file, counting = tmp_path / "deep" / "answers.jsonl", Counting()
    first = ask(RecordedModel(FunctionModel(counting, model_name="m"), file), hello())
    again = ask(RecordedModel(FunctionModel(counting, model_name="m"), file), hello())
    assert counting.asked == 1
    assert again.parts == first.parts
    assert again.usage == first.usage
    assert again.provider_details == {"token_ids": [1], "replayed": True}
    assert "replayed" not in (first.provider_details or {})


def test_what_shapes_the_answer_is_in_the_key(tmp_path: Path) -> None:
    counting = Counting()
    model = RecordedModel(FunctionModel(counting, model_name="m"), tmp_path / "answers.jsonl")
    ask(model, hello())
    ask(model, hello("Goodbye"))
    ask(model, hello(), ModelSettings(temperature=1.0))
    ask(RecordedModel(FunctionModel(counting, model_name="other"), tmp_path / "answers.jsonl"), hello())
    assert counting.asked == 4
    ask(model, hello(), ModelSettings(timeout=3.0))
    assert counting.asked == 4


def test_call_ids_are_not_in_the_key(tmp_path: Path) -> None:
    counting = Counting()
    model = RecordedModel(FunctionModel(counting, model_name="m"), tmp_path / "answers.jsonl")

    def after_a_call(id: str, result: str) -> list[ModelMessage]:
        call = ToolCallPart("history", {"user": "7"}, id)
        return [*hello(), ModelResponse([call]), ModelRequest([ToolReturnPart("history", result, id)])]

    ask(model, after_a_call("a", "nothing"))
    ask(model, after_a_call("b", "nothing"))
    assert counting.asked == 1
    ask(model, after_a_call("a", "something"))
    assert counting.asked == 2


def test_a_line_cut_off_by_a_killed_process_is_asked_again(tmp_path: Path) -> None:
    file, counting = tmp_path / "answers.jsonl", Counting()
    model = RecordedModel(FunctionModel(counting, model_name="m"), file)
    ask(model, hello())
    ask(model, hello("Goodbye"))
    file.write_bytes(file.read_bytes()[:-20])
    model = RecordedModel(FunctionModel(counting, model_name="m"), file)
    ask(model, hello())
    assert counting.asked == 2
    ask(model, hello("Goodbye"))
    assert counting.asked == 3
    assert len(file.read_bytes().splitlines()) == 2


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text("user,item\n1,2\n")
    with pytest.raises(InputError, match=r"answers\.jsonl:1"):
        RecordedModel(FunctionModel(Counting(), model_name="m"), file)
