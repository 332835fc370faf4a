"""How good a user model is: its error, its order and its doubts, on ratings that it has not seen.

Knows nothing of training; any matrix of predictions and variances can be judged.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import by_ratio
from tastemaker.errors import InputError
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.user_model import UserModel

LIKED = 4.0
"""A rating from which an item counts as liked on a scale that reaches it; on others, from the middle."""
BINS = 10
"""Bins of equal size for the expected calibration error."""
CUTOFFS = (5, 10)
HELD_OUT = 0.1
"""Share of a log that user models are judged by where there is nothing better."""


def judged(scenario: Scenario) -> Scenario:
    """A scenario whose user models can be judged: itself where it has unbiased ratings, else one whose log
    lacks a tenth, drawn evenly within each user, which stands in their place.
    """
    if scenario.unbiased is not None:
        return scenario
    split = by_ratio(scenario.log, (1 - HELD_OUT, 0, HELD_OUT))
    return replace(scenario, log=split.train, unbiased=split.test)


def quality(scenario: Scenario, model: UserModel) -> dict[str, float]:
    """`measure` on the scenario's unbiased ratings. Raises InputError when it has none."""
    if scenario.unbiased is None:
        raise InputError(f"{scenario.name} has no ratings beside its log; use those of judged(scenario)")
    return measure(scenario.unbiased, *model.predict())


def measure(
    ratings: Dataset, mean: NDArray[np.floating], variance: NDArray[np.floating] | None = None
) -> dict[str, float]:
    """Of predictions [n_users, n_items] on ratings:

    rmse; auc: how often a liked rating is predicted above one that is not, all users together; ndcg@k: per
    user over their rated items, with gain rating - lowest rating, the mean over users with any gain;
    calibration: expected difference of mean prediction and mean rating in ten bins by prediction; within_1
    and within_2, where a variance is given: share of ratings no further off than so many standard
    deviations, .683 and .954 for a normal distribution. AUC is NaN where all are liked or none. Raises
    InputError without ratings.
    """
    if ratings.rating is None or ratings.rating_range is None:
        raise InputError(f"{ratings.name} has no ratings to judge a user model by")
    low, high = ratings.rating_range
    given = ratings.rating.astype(np.float64)
    predicted = mean[ratings.user, ratings.item].astype(np.float64)
    error = np.abs(given - predicted)
    liked = given >= (LIKED if high >= LIKED else (low + high) / 2)
    found = {"rmse": float(np.sqrt(np.mean(error**2))), "auc": auc(predicted, liked)}
    for k in CUTOFFS:
        found[f"ndcg@{k}"] = ndcg(ratings.user_ptr, predicted, given - low, k)
    found["calibration"] = calibration(predicted, given)
    if variance is not None:
        sigma = np.sqrt(variance[ratings.user, ratings.item].astype(np.float64))
        found["within_1"] = float(np.mean(error <= sigma))
        found["within_2"] = float(np.mean(error <= 2 * sigma))
    return found


def auc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Probability that a positive scores above a negative, ties counting half (Mann & Whitney 1947)."""
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((rankdata(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))


def ndcg(ptr: NDArray[np.int64], scores: NDArray[np.float64], gains: NDArray[np.float64], k: int) -> float:
    """Mean over users of Σ gain / log2(place + 1) over their k best-scored rows, over the best possible sum.
    Rows of user u are `ptr[u]:ptr[u + 1]`; users without gain do not count.
    """
    users = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    place = np.arange(len(users)) - ptr[users]
    discount: NDArray[np.float64] = np.where(place < k, 1 / np.log2(place + 2.0), 0.0)

    def total(by: NDArray[np.float64]) -> NDArray[np.float64]:
        order = np.lexsort((-by, users))
        summed = np.bincount(users, gains[order] * discount, len(ptr) - 1)
        return summed.astype(np.float64)

    reached, best = total(scores), total(gains)
    return float(np.mean(reached[best > 0] / best[best > 0])) if (best > 0).any() else float("nan")


def calibration(predicted: NDArray[np.float64], given: NDArray[np.float64]) -> float:
    """Σ over bins of its share of ratings times |mean prediction − mean rating| (Guo et al. 2017)."""
    bins = np.array_split(np.argsort(predicted, kind="stable"), BINS)
    return float(
        sum(len(rows) * abs(predicted[rows].mean() - given[rows].mean()) for rows in bins if len(rows))
        / len(given)
    )
