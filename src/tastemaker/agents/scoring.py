"""What answers were worth: teams and baselines measured on the same requests by the same functions.

Here, and only here, answers meet labels. `hit@n` and `ndcg@n` are those of `retrieval.metrics` with one
relevant item; a run without a valid answer is a miss. In RMSE and MAE such a run counts with the worst
error that the scale allows for its label. Beside these "true" figures stand the "valid" ones, over valid
answers alone (MACRec's terms).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.agents.prepare import Ground, Tell, scorer
from tastemaker.agents.tasks import Request, TaskSet
from tastemaker.agents.team import TeamRun
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.base import Scorer
from tastemaker.retrieval.bias import BiasModel
from tastemaker.retrieval.metrics import intervals, ranking_metrics
from tastemaker.retrieval.ranking import NOTHING, largest
from tastemaker.tools.toolbox import RatingModel

Row = dict[str, Any]
"""One line of the table: `model`, metrics as `{"mean", "low", "high"}` or None, `n`, and what it cost."""


RANKERS = ("popularity", "itemknn", "ease", "bpr", "directau")
"""Baselines of ranking."""

KS = (1, 3, 5)
"""Cut-offs of rankings among sampled candidates, as MACRec's; a ranking of the catalogue is judged at its
length.
"""

RATERS = ("bias",)
"""Baselines of rating."""


def team_row(name: str, dataset: Dataset, tasks: TaskSet, runs: Mapping[str, TeamRun], seed: int = 0) -> Row:
    """The figures of a team: metrics over all requests and over valid answers, and the mean cost of a
    request.

    `runs` holds each request of `tasks` by id. Raises InputError when one is missing.
    """
    requests = tasks.requests
    if missing := [request.id for request in requests if request.id not in runs]:
        raise InputError(f"{len(missing)} requests have no run yet, such as {missing[0]}")
    done = [runs[request.id] for request in requests]
    valid = np.array([run.answer is not None for run in done])
    if requests[0].kind == "ranking":
        ranked = _ranked(dataset, requests, [None if r.answer is None else r.answer["ids"] for r in done])
        metrics = _ranking_figures(dataset, tasks, ranked, valid, seed)
    else:
        given = np.array([np.nan if run.answer is None else run.answer["rating"] for run in done])
        metrics = _rating_figures(dataset, tasks, given, valid, seed)
    outcomes = [run.outcome.kind for run in done]
    usage = [run.usage for run in done]
    return {
        "model": name,
        **metrics,
        "n": len(done),
        "valid": float(valid.mean()),
        "failed": outcomes.count("failed"),
        "calls": float(np.mean([u.requests for u in usage])),
        "tokens": float(np.mean([u.input_tokens + u.output_tokens for u in usage])),
        "seconds": float(np.mean([u.seconds for u in usage])),
    }


def baseline_rows(ground: Ground, tasks: TaskSet, tell: Tell = lambda what: None, seed: int = 0) -> list[Row]:
    """The figures of all baselines of the kind of task, fitted on the train part."""
    if tasks.requests[0].kind == "ranking":
        models = {name: scorer(name, ground.split, tell) for name in RANKERS}
        return [ranker_row(name, model, ground.dataset, tasks, seed) for name, model in models.items()]
    rows = []
    for name in RATERS:
        model = scorer(name, ground.split, tell)
        assert isinstance(model, BiasModel)
        rows.append(rater_row(name, model, ground.dataset, tasks, seed))
    return rows


def ranker_row(name: str, scorer: Scorer, dataset: Dataset, tasks: TaskSet, seed: int = 0) -> Row:
    """The figures of a retrieval model that ranks what the agents could recommend in each request."""
    requests = tasks.requests
    users = np.array([dataset.user_index(request.user) for request in requests])
    ranked = np.full((len(requests), max(request.n for request in requests)), NOTHING, np.int32)
    for row, (request, user) in enumerate(zip(requests, users.tolist(), strict=True)):
        scores = scorer.score(np.array([user]))
        allowed = np.ones(dataset.n_items, bool)
        if request.candidates is not None:
            allowed[:] = False
            allowed[[dataset.item_index(id) for id in request.candidates]] = True
        allowed[dataset.item[dataset.history(user, request.moment)]] = False
        ranked[row, : request.n] = largest(np.where(allowed, scores, -np.inf), request.n)[0][0]
    valid = np.ones(len(requests), bool)
    return {"model": name, **_ranking_figures(dataset, tasks, ranked, valid, seed), "n": len(requests)}


def rater_row(name: str, model: RatingModel, dataset: Dataset, tasks: TaskSet, seed: int = 0) -> Row:
    """The figures of a model that predicts ratings."""
    requests = tasks.requests
    users = np.array([dataset.user_index(request.user) for request in requests])
    items = np.array([dataset.item_index(str(request.item)) for request in requests])
    given = model.predict(users, items).astype(np.float64)
    valid = np.ones(len(requests), bool)
    return {"model": name, **_rating_figures(dataset, tasks, given, valid, seed), "n": len(requests)}


def _ranked(
    dataset: Dataset, requests: Sequence[Request], answers: Sequence[list[str] | None]
) -> NDArray[np.int32]:
    """[m, n] items of each answer, −1 for what is missing."""
    ranked = np.full((len(requests), max(request.n for request in requests)), NOTHING, np.int32)
    for row, ids in enumerate(answers):
        for place, id in enumerate(ids or ()):
            ranked[row, place] = dataset.item_index(id)
    return ranked


def _ranking_figures(
    dataset: Dataset, tasks: TaskSet, ranked: NDArray[np.int32], valid: NDArray[np.bool_], seed: int
) -> Row:
    m, n = ranked.shape
    targets = [dataset.item_index(str(task.label)) for task in tasks.tasks]
    relevant = csr_matrix((np.ones(m), (np.arange(m), targets)), shape=(m, dataset.n_items))
    sampled = any(request.candidates is not None for request in tasks.requests)
    ks = [k for k in KS if k <= n] if sampled else [n]
    values = ranking_metrics(ranked, relevant, ks)
    return _figures(
        {f"{name}@{k}": values[f"{name}@{k}"] for name in ("hit", "ndcg") for k in ks}, tasks, valid, seed
    )


def _rating_figures(
    dataset: Dataset, tasks: TaskSet, given: NDArray[np.float64], valid: NDArray[np.bool_], seed: int
) -> Row:
    low, high = dataset.rating_range or (0.0, 0.0)
    label = np.array([float(task.label) for task in tasks.tasks])
    worst = np.maximum(label - low, high - label)
    error = np.where(valid, np.abs(given - label), worst)
    row = _figures({"rmse": error**2, "mae": error}, tasks, valid, seed)
    return {name: _root(value) if name.endswith("rmse") else value for name, value in row.items()}


def _figures(
    values: Mapping[str, NDArray[np.float64]], tasks: TaskSet, valid: NDArray[np.bool_], seed: int
) -> Row:
    """Each metric with its interval over users: over all requests, and where some are not valid also over
    those that are."""
    users = np.unique([request.user for request in tasks.requests], return_inverse=True)[1]
    row: Row = dict(intervals(values, seed, groups=users))
    if not valid.all():
        left = {name: value[valid] for name, value in values.items()}
        found = intervals(left, seed, groups=users[valid]) if valid.any() else dict.fromkeys(values)
        row |= {f"valid {name}": value for name, value in found.items()}
    return row


def _root(squared: Mapping[str, float] | None) -> dict[str, float] | None:
    """RMSE of an interval of MSE: the root is monotone, so the root of the ends are the ends."""
    return None if squared is None else {key: value**0.5 for key, value in squared.items()}
