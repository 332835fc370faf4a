"""What a judge model gives explanations, the team's and the baselines' alike.

A judge is a model like any other, so its figure stands beside those checked against the data
(`explanation_scoring`), not in their place. It is shown what the tools know of the item and of the user's
history. Knows nothing of who wrote a text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic_ai.models import Model

from tastemaker.agents.briefing import line
from tastemaker.agents.explanation_answers import judge
from tastemaker.agents.tasks import Request
from tastemaker.records import Json
from tastemaker.retrieval.metrics import interval
from tastemaker.tools.workbench import Workbench

HISTORY = 20
"""So many of the user's last interactions are shown to the judge."""


async def judged(
    model: Model,
    bench: Workbench,
    requests: Sequence[Request],
    answers: Mapping[str, Sequence[Json]],
    *,
    concurrency: int,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """For each name in `answers`, whose explanations are in the order of `requests`: `judge`, the mean score
    from 1 to 5 of those that the judge scored (None where it scored none), and `judged`, how many these are.

    No answer is not judged; a judge that gives no right score, or is down, leaves the text without one.
    """
    known = [facts(bench, request) for request in requests]
    free = asyncio.Semaphore(concurrency)

    async def score(answer: Json, told: Sequence[str]) -> int | None:
        if answer is None:
            return None
        async with free:
            return await judge(model, answer["text"], told)

    async def scores(given: Sequence[Json]) -> list[int | None]:
        return await asyncio.gather(*map(score, given, known))

    found = await asyncio.gather(*map(scores, answers.values()))
    return {name: _figures(given, seed) for name, given in zip(answers, found, strict=True)}


def facts(bench: Workbench, request: Request) -> list[str]:
    """What a judge may hold a text against: the item, the user's last interactions before the moment, and
    those that are liked and similar to the item."""
    box, item = bench.at(request.moment, request.user), str(request.item)
    near = box.because(item)
    return [
        f"The item: {line(bench, item)}",
        "What the user took last, newest first:",
        box.history(request.user, HISTORY),
        f"Of what the user liked, most like the item: {'; '.join(near) or 'nothing'}",
    ]


def _figures(scores: Sequence[int | None], seed: int) -> dict[str, Any]:
    given = np.array([score for score in scores if score is not None], np.float64)
    return {"judge": interval(given, seed) if len(given) else None, "judged": len(given)}
