"""Several models on the same splits, as rows of one table: what `evaluator` measures, over one or more seeds.

A seed draws the split and starts the models that have a seed. Over several seeds a user's values are averaged
first, so the interval is one over users, as with a single seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.splits import Split
from tastemaker.retrieval.evaluator import Evaluation, evaluate, warm_users
from tastemaker.retrieval.metrics import intervals
from tastemaker.retrieval.recipes import Recipe
from tastemaker.retrieval.registry import create, fit_cached, seed_of

OnModelEpoch = Callable[[str, int, Mapping[str, Any]], None]
"""Told of a model's name, the seed, and one row of its training."""


@dataclass(frozen=True)
class Comparison:
    """Rows of a table, and the terms on which they were measured."""

    protocol: str
    rows: list[dict[str, Any]]
    """One a model: data, model, n (users), each metric with its interval, coverage@k, fit_seconds,
    score_seconds, config.
    """


def compare(
    recipes: Sequence[Recipe],
    parts: Sequence[Split],
    *,
    seeds: Sequence[int] = (0,),
    ks: Sequence[int] = (10, 20),
    only_warm: bool = False,
    cache: Path | None = None,
    on_epoch: OnModelEpoch | None = None,
) -> Comparison:
    """Fit each model (or take the fit from the cache) and measure it on the test part, for each seed and its
    split.

    `only_warm` leaves out users without training interactions. Raises InputError for an unknown model or
    setting before any is fitted.
    """
    for recipe in recipes:
        create(recipe.model, **recipe.settings)
    rows: list[dict[str, Any]] = []
    protocol = ""
    for recipe in recipes:
        evaluations: list[Evaluation] = []
        fit_seconds: list[float] = []
        for seed, part in zip(seeds, parts, strict=True):

            def tell(row: Mapping[str, Any], name: str = recipe.name, seed: int = seed) -> None:
                if on_epoch:
                    on_epoch(name, seed, row)

            settings = {**recipe.settings, **seed_of(recipe.model, seed)}
            model = fit_cached(recipe.model, part, cache=cache, on_epoch=tell, **settings)
            users = warm_users(part) if only_warm else None
            evaluations.append(evaluate(model, part, "test", ks, users))
            fit_seconds.append(model.fit_seconds)
        values = over_seeds(evaluations)
        rows.append(
            {
                "data": parts[0].train.name,
                "model": recipe.name,
                "n": len(next(iter(values.values()))),
                **intervals(values),
                **{f"published {metric}": value for metric, value in recipe.published.items()},
                **{
                    key: float(np.mean([one.coverage[key] for one in evaluations]))
                    for key in evaluations[0].coverage
                },
                "fit_seconds": float(np.mean(fit_seconds)),
                "score_seconds": float(np.mean([one.seconds for one in evaluations])),
                "config": model.config.model_dump(mode="json"),
            }
        )
        protocol = evaluations[0].protocol
    if only_warm:
        protocol += "; only users with training interactions"
    if len(seeds) > 1:
        others = ", ".join(map(str, seeds[1:]))
        protocol += f"; and the same with seed {others}, each user's values averaged over the seeds"
    return Comparison(protocol, rows)


def over_seeds(evaluations: Sequence[Evaluation]) -> dict[str, NDArray[np.float64]]:
    """Each user's mean over the evaluations that measured them, by metric, users ascending."""
    users = np.concatenate([one.users for one in evaluations])
    present, place = np.unique(users, return_inverse=True)
    times = np.bincount(place)
    return {
        name: np.bincount(place, np.concatenate([one.values[name] for one in evaluations]), len(present))
        / times
        for name in evaluations[0].values
    }
