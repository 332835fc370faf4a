"""Many requests through one team at once, each finished one kept, so that a killed run goes on where it was.

Knows nothing of labels or metrics (`scoring`): it gets requests and gives runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tastemaker.agents.dialogue_baselines import dialogue_bench
from tastemaker.agents.journal import Journal
from tastemaker.agents.prepare import Ground, Search, Tell, ground
from tastemaker.agents.roles import TaskKind
from tastemaker.agents.tasks import (
    Negatives,
    Request,
    TaskSet,
    dialogue_tasks,
    explanation_tasks,
    ranking_tasks,
    rating_tasks,
)
from tastemaker.agents.team import Team, TeamConfig, TeamRun
from tastemaker.data.dataset import Dataset
from tastemaker.data.dialogues import dialogues
from tastemaker.data.splits import Split
from tastemaker.errors import InputError
from tastemaker.tools.concurrent import for_each

DIALOGUES = "redial"
"""The data set with test dialogues."""

CONCURRENCY = 16
"""Requests under way at once; the local model answers as many in one batch."""


class EvaluationConfig(BaseModel):
    """What an evaluation's figures depend on; a run folder is gone on with under the same config only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    """Name of the data set."""
    fingerprint: str
    """Of its interactions."""
    task: TaskKind = "ranking"
    """What is asked."""
    requests: int = Field(default=50, ge=1)
    """How many, at most."""
    each: int = Field(default=1, ge=1)
    """Requests about one user, at most."""
    last: bool = False
    """Whether each user's last interactions are left out where a split by time is possible."""
    candidates: int | None = Field(default=None, ge=2)
    """Sampled candidates to rank among; None is the whole catalogue."""
    negatives: Negatives = "popularity"
    """How candidates are sampled."""
    seed: int = Field(default=0, ge=0)
    """Of the sample of users, ratings and candidates."""
    retriever: str | None = None
    """The retrieval model behind the tools; None chooses by the size of the catalogue."""
    search: Search = "words"
    """What the tool `search` goes by."""
    model: str
    """The language model."""
    team: TeamConfig = TeamConfig()
    """How the team works."""


def prepared(
    config: EvaluationConfig, dataset: Dataset, tell: Tell = lambda what: None
) -> tuple[Ground, TaskSet]:
    """What the evaluation is on, and its requests.

    Conversations are those of the data set's test dialogues, with what was fitted on its training dialogues.
    Raises InputError where the data set does not allow the task.
    """
    if config.task == "conversation":
        if dataset.name != DIALOGUES:
            raise InputError(f"{dataset.name} has no dialogues; conversations are evaluated on {DIALOGUES}")
        if config.search == "meaning":
            raise InputError(f"{dataset.name} holds titles alone, with no meaning to search by; give words")
        tell("model ease, itemknn")
        nothing = dataset.take(np.zeros(len(dataset), bool))
        split = Split(dataset, nothing, nothing, "training dialogues")
        turns = dialogues("test")
        tasks = dialogue_tasks(dataset, turns, requests=config.requests, seed=config.seed)
        return Ground(dataset, split, dialogue_bench(dataset)), tasks
    chosen: dict[str, Any] = {"retriever": config.retriever, "search": config.search, "seed": config.seed}
    found = ground(dataset, last=config.last, tell=tell, **chosen)
    sample: dict[str, Any] = {"requests": config.requests, "each": config.each, "seed": config.seed}
    if config.task == "ranking":
        drawn: dict[str, Any] = {"candidates": config.candidates, "negatives": config.negatives}
        return found, ranking_tasks(found.dataset, found.split, **sample, **drawn)
    make = rating_tasks if config.task == "rating" else explanation_tasks
    return found, make(found.dataset, found.split, **sample)


async def run_all(
    team: Team,
    requests: Sequence[Request],
    journal: Journal,
    *,
    concurrency: int = CONCURRENCY,
    on_done: Callable[[TeamRun], None] | None = None,
) -> dict[str, TeamRun]:
    """Run the requests that the journal does not hold; returns the runs of all of them by request id.

    Requests start in their order, `concurrency` at a time. Each finished run is in the journal before
    `on_done` hears of it. A model that is down gives runs with outcome `failed`. Cancellation and faults
    of ours stop everything; the journal keeps what was finished.
    """

    async def work(request: Request) -> None:
        run = await team.run(request)
        journal.add(run)
        if on_done is not None:
            on_done(run)

    await for_each([request for request in requests if request.id not in journal.runs], work, concurrency)
    return {request.id: journal.runs[request.id] for request in requests}
