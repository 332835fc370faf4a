"""Experts' questions put to scripted models."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.synthesis.verification.experts import EXPERTS
from tastemaker.synthesis.verification.specimens import specimens
from tastemaker.synthesis.verification.votes import Opinion, ask

SAMPLE = next(specimens(1, seed=1))


def asked(answers: list[dict[str, Any] | None], votes: int = 3) -> tuple[Opinion, list[str]]:
    """The opinion of a model that gives these arguments in turn (None: it writes a text), and its prompts."""
    script: Iterator[dict[str, Any] | None] = cycle(answers)
    prompts: list[str] = []

    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        prompts.append(str(messages[0].parts))
        given = next(script)
        if given is None:
            return ModelResponse([TextPart("I think so.")])
        return ModelResponse([ToolCallPart("judge", given)])

    return asyncio.run(ask(FunctionModel(respond), EXPERTS[0], SAMPLE, votes=votes)), prompts


def test_the_majority_counts() -> None:
    yes, no = {"reason": "Bodø is made up", "answer": "yes"}, {"reason": "all fine", "answer": "no"}
    opinion, prompts = asked([yes, no, yes])
    assert opinion == Opinion(True, 2, 1, 0, ("Bodø is made up",) * 2)
    assert all(SAMPLE.tools[0].name in prompt for prompt in prompts)
    assert asked([yes, no], votes=2)[0].faulty is None


def test_what_is_malformed_abstains() -> None:
    no = {"reason": "all fine", "answer": "no"}
    opinion, prompts = asked([None, {"answer": "maybe"}, no])
    assert (opinion.faulty, opinion.no, opinion.abstained) == (False, 1, 2)
    assert len(prompts) == 3
    assert asked([{"reason": " ", "answer": "yes"}])[0] == Opinion(None, 0, 0, 3, ())
