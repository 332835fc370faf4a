"""What answers were worth: teams and baselines measured on the same requests by the same functions.

Here, and only here, answers meet labels. `hit@n` and `ndcg@n` are those of `retrieval.metrics` with one
relevant item; a run without a valid answer is a miss. In RMSE and MAE such a run counts with the worst
error that the scale allows for its label. Beside these "true" figures stand the "valid" ones, over valid
answers alone (MACRec's terms). Explanations are checked by `explanation_scoring`; conversations are measured
by the recall of the items that a human recommender named, one instance an item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.agents.baselines import baseline_answers
from tastemaker.agents.explaining import Checker
from tastemaker.agents.explanation_scoring import explanation_figures
from tastemaker.agents.prepare import Ground, Tell
from tastemaker.agents.tasks import TaskSet
from tastemaker.agents.team import TeamRun
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.records import Json
from tastemaker.retrieval.metrics import intervals, ranking_metrics
from tastemaker.retrieval.ranking import NOTHING

Row = dict[str, Any]
"""One line of the table: `model`, metrics as `{"mean", "low", "high"}` or None, `n`, and what it cost."""

KS = (1, 3, 5)
"""Cut-offs of rankings among sampled candidates, as MACRec's; a ranking of the catalogue is judged at its
length.
"""

DEPTHS = (1, 10, 50)
"""Cut-offs of recommendations in conversations, as UniCRS's and iEvaLM's."""


def team_row(name: str, ground: Ground, tasks: TaskSet, runs: Mapping[str, TeamRun], seed: int = 0) -> Row:
    """The figures of a team: metrics over all requests and over valid answers, and the mean cost of a
    request.

    `runs` holds each request of `tasks` by id. Raises InputError when one is missing.
    """
    requests = tasks.requests
    if missing := [request.id for request in requests if request.id not in runs]:
        raise InputError(f"{len(missing)} requests have no run yet, such as {missing[0]}")
    done = [runs[request.id] for request in requests]
    row = answers_row(name, ground, tasks, [run.answer for run in done], seed)
    return row | {
        "valid": float(np.mean([run.answer is not None for run in done])),
        "failed": [run.outcome.kind for run in done].count("failed"),
        **mean_cost(done),
    }


def mean_cost(runs: Sequence[TeamRun]) -> Row:
    """What a run took on average: model calls, tokens, seconds, and US dollars where it cost any."""
    usage = [run.usage for run in runs]
    row: Row = {
        "calls": float(np.mean([u.requests for u in usage])),
        "tokens": float(np.mean([u.input_tokens + u.output_tokens for u in usage])),
        "seconds": float(np.mean([u.seconds for u in usage])),
    }
    dollars = float(np.mean([u.cost for u in usage]))
    return row | ({"cost": dollars} if dollars else {})


def baseline_rows(ground: Ground, tasks: TaskSet, tell: Tell = lambda what: None, seed: int = 0) -> list[Row]:
    """The figures of all baselines of the kind of task."""
    found = baseline_answers(ground, tasks.requests, tell, seed)
    return [answers_row(name, ground, tasks, answers, seed) for name, answers in found.items()]


def answers_row(name: str, ground: Ground, tasks: TaskSet, answers: Sequence[Json], seed: int = 0) -> Row:
    """The figures of answers to the requests, in their order; None is no valid answer."""
    kind = tasks.requests[0].kind
    if kind == "explanation":
        checker = Checker(ground.bench)
        subjects = [checker.subject(request) for request in tasks.requests]
        texts = [None if answer is None else answer["text"] for answer in answers]
        return {"model": name, **explanation_figures(checker, texts, subjects, seed)}
    figures = {"ranking": _rankings, "conversation": _conversations, "rating": _ratings}[kind]
    return {"model": name, **figures(ground.dataset, tasks, answers, seed), "n": len(answers)}


def _rankings(dataset: Dataset, tasks: TaskSet, answers: Sequence[Json], seed: int) -> Row:
    ranked = _ranked(dataset, max(request.n for request in tasks.requests), answers)
    m, n = ranked.shape
    targets = [dataset.item_index(str(task.label)) for task in tasks.tasks]
    relevant = csr_matrix((np.ones(m), (np.arange(m), targets)), shape=(m, dataset.n_items))
    sampled = any(request.candidates is not None for request in tasks.requests)
    ks = [k for k in KS if k <= n] if sampled else [n]
    values = ranking_metrics(ranked, relevant, ks)
    users = np.unique([request.user for request in tasks.requests], return_inverse=True)[1]
    wanted = {f"{name}@{k}": values[f"{name}@{k}"] for name in ("hit", "ndcg") for k in ks}
    return _figures(wanted, users, _valid(answers), seed)


def _conversations(dataset: Dataset, tasks: TaskSet, answers: Sequence[Json], seed: int) -> Row:
    """`recall@k` as in UniCRS (Wang et al., KDD 2022) and iEvaLM (Wang et al., EMNLP 2023): each item that
    was named next is an instance, and a hit where it is among the first k."""
    n = max(request.n for request in tasks.requests)
    targets = [[dataset.item_index(id) for id in task.label] for task in tasks.tasks]  # type: ignore[union-attr]
    row = np.repeat(np.arange(len(targets)), [len(of) for of in targets])
    right = _ranked(dataset, n, answers)[row] == np.concatenate(targets)[:, None]
    values = {f"recall@{k}": right[:, :k].any(axis=1).astype(np.float64) for k in DEPTHS if k <= n}
    dialogues = [request.id.rsplit("/", 1)[0] for request in tasks.requests]
    groups = np.unique(dialogues, return_inverse=True)[1]
    return {**_figures(values, groups[row], _valid(answers)[row], seed), "targets": len(row)}


def _ratings(dataset: Dataset, tasks: TaskSet, answers: Sequence[Json], seed: int) -> Row:
    low, high = dataset.rating_range or (0.0, 0.0)
    label = np.array([float(task.label) for task in tasks.tasks])  # type: ignore[arg-type]
    given = np.array([np.nan if answer is None else answer["rating"] for answer in answers])
    valid = _valid(answers)
    error = np.where(valid, np.abs(given - label), np.maximum(label - low, high - label))
    users = np.unique([request.user for request in tasks.requests], return_inverse=True)[1]
    row = _figures({"rmse": error**2, "mae": error}, users, valid, seed)
    return {name: _root(value) if name.endswith("rmse") else value for name, value in row.items()}


def _ranked(dataset: Dataset, n: int, answers: Sequence[Json]) -> NDArray[np.int32]:
    """[m, n] items of each answer, −1 for what is missing."""
    ranked = np.full((len(answers), n), NOTHING, np.int32)
    for row, answer in enumerate(answers):
        for place, id in enumerate(answer["ids"] if answer is not None else ()):
            ranked[row, place] = dataset.item_index(id)
    return ranked


def _valid(answers: Sequence[Json]) -> NDArray[np.bool_]:
    return np.array([answer is not None for answer in answers])


def _figures(
    values: Mapping[str, NDArray[np.float64]],
    groups: NDArray[np.integer],
    valid: NDArray[np.bool_],
    seed: int,
) -> Row:
    """Each metric with its interval over groups: over all rows, and where some are not valid also over those
    that are."""
    row: Row = dict(intervals(values, seed, groups=groups))
    if not valid.all():
        left = {name: value[valid] for name, value in values.items()}
        found = intervals(left, seed, groups=groups[valid]) if valid.any() else dict.fromkeys(values)
        row |= {f"valid {name}": value for name, value in found.items()}
    return row


def _root(squared: Mapping[str, float] | None) -> dict[str, float] | None:
    """RMSE of an interval of MSE: the root is monotone, so the root of the ends are the ends."""
    return None if squared is None else {key: value**0.5 for key, value in squared.items()}
