"""Answers without a language model to the requests that teams get: what agents have to be compared with.

Each baseline gives an answer of the same form as a team's, and `scoring` measures them alike. Knows nothing
of labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tastemaker.agents.dialogue_baselines import rankers
from tastemaker.agents.explaining import Checker
from tastemaker.agents.explanation_scoring import random_history, template
from tastemaker.agents.prepare import Ground, Tell, scorer
from tastemaker.agents.roles import TaskKind
from tastemaker.agents.tasks import Request
from tastemaker.data.dataset import Dataset
from tastemaker.records import Json
from tastemaker.retrieval.base import RatingModel, Scorer
from tastemaker.retrieval.bias import BiasModel
from tastemaker.retrieval.ranking import largest
from tastemaker.retrieval.residual_knn import ResidualKNN

Answers = list[Json]
"""One a request, in their order; None where there is none."""

RANKERS = ("popularity", "itemknn", "ease", "bpr", "directau")
"""Baselines of ranking, fitted on the train part."""

RATERS = ("bias", "residual-knn")
"""Baselines of rating, fitted on the train part."""

RATING_TOOL = "its tool predict_rating"
"""What the team's own tool says, which knows the user's ratings up to the moment."""


def baseline_answers(
    ground: Ground, requests: Sequence[Request], tell: Tell = lambda what: None, seed: int = 0
) -> Mapping[str, Answers]:
    """The answers of all baselines of the requests' kind, by name."""
    kinds: dict[TaskKind, Callable[[], dict[str, Answers]]] = {
        "ranking": lambda: {
            name: ranked(scorer(name, ground.split, tell), ground.dataset, requests) for name in RANKERS
        },
        "rating": lambda: _ratings(ground, requests, tell),
        "explanation": lambda: _explanations(ground, requests, seed),
        "conversation": lambda: _conversations(ground, requests),
    }
    return kinds[requests[0].kind]()


def ranked(model: Scorer, dataset: Dataset, requests: Sequence[Request]) -> Answers:
    """A retrieval model's rankings of what could be recommended in each request."""
    ids = dataset.items["id"].to_list()
    answers: Answers = []
    for request in requests:
        user = dataset.user_index(request.user)
        allowed = np.ones(dataset.n_items, bool)
        if request.candidates is not None:
            allowed[:] = False
            allowed[[dataset.item_index(id) for id in request.candidates]] = True
        allowed[dataset.item[dataset.history(user, request.moment)]] = False
        scores = np.where(allowed, model.score(np.array([user])), -np.inf)
        answers.append({"ids": [ids[item] for item in largest(scores, request.n)[0][0] if item >= 0]})
    return answers


def rated(model: RatingModel, dataset: Dataset, requests: Sequence[Request]) -> Answers:
    """A rating model's predictions from the train part."""
    users = np.array([dataset.user_index(request.user) for request in requests])
    items = np.array([dataset.item_index(str(request.item)) for request in requests])
    return [{"rating": float(rating)} for rating in model.predict(users, items)]


def _ratings(ground: Ground, requests: Sequence[Request], tell: Tell) -> dict[str, Answers]:
    found: dict[str, Answers] = {}
    for name in RATERS:
        model = scorer(name, ground.split, tell)
        assert isinstance(model, BiasModel | ResidualKNN)
        found[name] = rated(model, ground.dataset, requests)
    found[RATING_TOOL] = []
    for request in requests:
        box = ground.bench.at(request.moment, request.user)
        box.predict_rating(request.user, str(request.item))
        found[RATING_TOOL].append({"rating": box.predicted[str(request.item)]})
    return found


def _explanations(ground: Ground, requests: Sequence[Request], seed: int) -> dict[str, Answers]:
    checker = Checker(ground.bench)
    subjects = [checker.subject(request) for request in requests]
    generators = [np.random.default_rng([seed, subject.user, subject.item]) for subject in subjects]
    return {
        "random history title": [
            {"text": random_history(checker, subject, generator)}
            for subject, generator in zip(subjects, generators, strict=True)
        ],
        "template": [{"text": template(checker, subject)} for subject in subjects],
    }


def _conversations(ground: Ground, requests: Sequence[Request]) -> dict[str, Answers]:
    ids = ground.dataset.items["id"].to_list()
    return {
        name: [
            {"ids": [ids[item] for item in ranker.rank(request.turns, request.n) if item >= 0]}
            for request in requests
        ]
        for name, ranker in rankers(ground.bench).items()
    }
