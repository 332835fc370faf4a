"""The run: asked in BFCL's way, read, judged, kept, gone on with."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.benchmarks.bfcl import BfclConfig, figures, play, rows_of, run_all, wilson
from tastemaker.benchmarks.bfcl_data import CATEGORIES, Row, load
from tastemaker.benchmarks.bfcl_gold import CONTRADICTORY, gold_calls
from tastemaker.benchmarks.journal import Journal
from tastemaker.errors import InputError, ModelError
from tastemaker.records import Trajectory, read_jsonl


def config(**settings: Any) -> BfclConfig:
    return BfclConfig.model_validate({"model": "test", **settings})


def says(*parts: Any) -> FunctionModel:
    """A model that always gives these parts."""
    return FunctionModel(lambda messages, info: ModelResponse(list(parts)))


def played(row: Row, model: FunctionModel) -> Trajectory:
    return asyncio.run(play(row, config(), model))


def test_gold_is_right_on_the_whole_path() -> None:
    gold = config(model="gold", limit=25)
    found = asyncio.run(run_all(gold, None, Journal(None)))
    rows = figures(gold, found)
    assert [row["category"] for row in rows] == list(CATEGORIES)
    assert {t.task.id for t in found if not t.outcome.scores["right"]} <= CONTRADICTORY
    assert sum(row["n"] for row in rows) == 11 * 25 + 16 + 24 + 16 - 25
    assert {row["malformed"] for row in rows} == {0.0}


def test_a_model_is_asked_natively_and_judged_by_the_functions_own_names() -> None:
    row = next(row for row in load("parallel_multiple") if "." in row.functions[0]["name"])
    asked: list[tuple[list[ModelMessage], AgentInfo]] = []

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        asked.append((messages, info))
        names = {own: spec.name for own, spec in row.offered.items()}
        return ModelResponse([ToolCallPart(names[c.name], c.arguments) for c in gold_calls(row)])

    trajectory = played(row, FunctionModel(answer))
    ((messages, info),) = asked
    assert [part.content for m in messages for part in m.parts if isinstance(part, UserPromptPart)] == [
        row.messages[0].text
    ]
    assert [tool.name for tool in info.function_tools] == [spec.name for spec in row.tools]
    assert info.allow_text_output
    assert trajectory.outcome.scores == {"right": 1.0, "malformed": 0.0}
    assert [made["name"] for made in trajectory.outcome.answer] == [c.name for c in gold_calls(row)]
    assert trajectory.usage.requests == 1


def test_a_conversation_is_told_in_its_roles() -> None:
    row = next(
        r
        for r in load("live_irrelevance")
        if [m.role for m in r.messages][:3] == ["system", "user", "assistant"]
    )
    told: list[tuple[str, str]] = []

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        for part in (part for message in messages for part in message.parts):
            assert isinstance(part, SystemPromptPart | UserPromptPart | TextPart)
            role = {SystemPromptPart: "system", UserPromptPart: "user", TextPart: "assistant"}[type(part)]
            told.append((role, str(part.content)))
        return ModelResponse([TextPart("I cannot.")])

    assert played(row, FunctionModel(answer)).outcome.scores["right"] == 1.0
    assert told == [(message.role, message.text) for message in row.messages]


@pytest.mark.parametrize(
    "part",
    [
        ToolCallPart("f", '{"a": 1'),
        ToolCallPart("f", "[1]"),
        ToolCallPart("f", '{"a": NaN}'),
        TextPart('{"name": "f", "arguments": {"a": 1'),
        TextPart("<tool_call>f</tool_call>"),
    ],
)
def test_malformed_output_is_wrong_even_where_no_call_is_due(part: Any) -> None:
    trajectory = played(load("irrelevance")[0], says(part))
    assert trajectory.outcome.kind == "invalid"
    assert trajectory.outcome.scores == {"right": 0.0, "malformed": 1.0}
    assert (trajectory.error or "").startswith("malformed: ")


def test_words_are_no_call() -> None:
    words = says(TextPart("None of the functions can do that."))
    assert played(load("irrelevance")[0], words).outcome.scores == {"right": 1.0, "malformed": 0.0}
    wrong = played(load("simple_python")[0], words)
    assert wrong.outcome.scores == {"right": 0.0, "malformed": 0.0}
    assert "wrong_count" in (wrong.error or "")


def test_what_the_model_cannot_take_is_wrong_not_down() -> None:
    def refuse(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        raise InputError("the prompt has 9000 tokens")

    trajectory = played(load("irrelevance")[0], FunctionModel(refuse))
    assert trajectory.outcome.scores == {"right": 0.0, "malformed": 1.0}
    assert "9000 tokens" in (trajectory.error or "")


def test_a_run_goes_on_and_asks_failed_rows_again(tmp_path: Path) -> None:
    some = config(limit=4, categories=("irrelevance", "simple_python"))
    ids = [row.id for row in rows_of(some)]
    path = tmp_path / "trajectories.jsonl"
    asked: list[str] = []

    def answer(down_at: int | None) -> FunctionModel:
        def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            asked.append(info.function_tools[0].name)
            if len(asked) == down_at:
                raise ModelError("the server is down")
            return ModelResponse([TextPart("No.")])

        return FunctionModel(respond)

    first = asyncio.run(run_all(some, answer(3), Journal(path), concurrency=1))
    assert [t.outcome.kind for t in first] == ["answered"] * 2 + ["failed"] + ["answered"] * 5
    (row, _) = figures(some, first)
    assert (row["n"], row["failed"], row["accuracy"]["mean"]) == (3, 1, 1.0)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:50])  # killed while it wrote its last row
    asked.clear()
    again = asyncio.run(run_all(some, answer(None), Journal(path), concurrency=2))
    assert len(asked) == 2
    assert [t.task.id for t in again] == ids
    assert {t.outcome.kind for t in again} == {"answered"}
    assert again[0] == first[0]
    assert len(list(read_jsonl(path))) == 7 + 2
    asyncio.run(run_all(some, answer(None), Journal(path)))
    assert len(asked) == 2


def test_figures_are_shares_and_means() -> None:
    some = config(limit=4, categories=("irrelevance",))
    words, junk = says(TextPart("No.")), says(TextPart("{"))
    rows = rows_of(some)
    found = [played(row, model) for row, model in zip(rows, [words, words, junk, words], strict=True)]
    (figure,) = figures(some, found)
    assert (figure["n"], figure["of"], figure["malformed"]) == (4, 240, 0.25)
    assert figure["accuracy"]["mean"] == 0.75


def test_wilson_interval() -> None:
    """By hand: 5 of 10, z = 1.96: centre 0.5, half-width 0.2634."""
    assert wilson(5, 10) == pytest.approx({"mean": 0.5, "low": 0.2366, "high": 0.7634}, abs=1e-4)
    assert wilson(0, 10) == pytest.approx({"mean": 0.0, "low": 0.0, "high": 0.2775}, abs=1e-4)
    assert wilson(0, 0) is None


def test_only_a_local_model_can_be_constrained() -> None:
    with pytest.raises(InputError, match="only a local model's output can be constrained"):
        asyncio.run(run_all(config(decoding="constrained"), says(), Journal(None)))


def test_unknown_categories_are_refused() -> None:
    with pytest.raises(InputError, match="no BFCL category 'rest'"):
        rows_of(config(categories=("rest",)))
