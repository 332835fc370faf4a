"""Off-policy evaluation: what a policy would have earned, told from the log of another one.

The contextual-bandit view takes each logged turn by itself: a reward is weighted by how much more probable
the target policy makes the item that was shown than the logging policy did. With p the logging policy's
probability of the logged item, e the target policy's, w = e / p:

- IPS (Horvitz and Thompson 1952): mean of w r. Unbiased where p > 0 wherever e > 0.
- SNIPS (Swaminathan and Joachims 2015): sum of w r over sum of w. Moves with r + c, stays in r's range.
- DR (Dudík et al. 2011): mean of E_e[model] + w (r - model). Unbiased when either p or the model is right.

`per_decision` weights whole sessions turn by turn (Precup et al. 2000). Knows nothing of policies' insides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from tastemaker.errors import InputError

Method = Literal["ips", "snips", "dr"]


@dataclass(frozen=True)
class Estimate:
    """A policy's value as told from a log."""

    method: str
    value: float
    """Reward of a turn, or of a session for `per_decision`."""
    low: float
    high: float
    """Ends of the confidence interval."""
    effective_n: float
    """(sum of w)² / sum of w²: how many turns under the target policy the weighted ones are worth (Kish)."""


class Rewards(NamedTuple):
    """What a reward model tells, for DR."""

    logged: NDArray[np.float64]
    """[n] predicted rewards of the logged items."""
    expected: NDArray[np.float64]
    """[n] predicted rewards in the mean over the target policy."""


def popularity_propensities(
    items: NDArray[np.integer], n_items: int, smoothing: float = 1.0
) -> NDArray[np.float64]:
    """[n] the share of each logged item in the log, with `smoothing` added to every count: an estimate of a
    logging policy that shows items by popularity, whoever comes.
    """
    counts = np.bincount(items, minlength=n_items) + smoothing
    share: NDArray[np.float64] = (counts / counts.sum())[items]
    return share


def estimate(
    method: Method,
    reward: ArrayLike,
    logging: ArrayLike,
    target: ArrayLike,
    *,
    model: Rewards | None = None,
    clip: float | None = None,
    confidence: float = 0.95,
    interval: Literal["bootstrap", "normal"] = "bootstrap",
    seed: int = 0,
    resamples: int = 1000,
) -> Estimate:
    """The target policy's mean reward of a turn.

    `reward`, and the probabilities of the logged items under the `logging` and `target` policy, are [n].
    `clip` bounds the weights, which biases the estimate for less variance. The interval is of percentiles
    over resampled turns, or mean ± z standard errors (SNIPS: of the ratio, by the delta method).

    Raises InputError for arrays that do not fit together, values that are not finite, logging probabilities
    outside (0, 1], target ones outside [0, 1], DR without a model, and SNIPS where no logged item has a
    chance under the target policy.
    """
    r, p, e = _checked({"rewards": reward, "logging probabilities": logging, "target probabilities": target})
    _check_probabilities(p, e)
    w = e / p if clip is None else np.minimum(e / p, clip)
    if method == "dr":
        if model is None:
            raise InputError("the doubly robust estimate needs a model's rewards; give model=Rewards(…)")
        logged, expected = _checked({"logged": model.logged, "expected": model.expected}, len(r))
        top, bottom = expected + w * (r - logged), np.ones_like(w)
    elif method == "ips":
        top, bottom = w * r, np.ones_like(w)
    else:
        if not w.any():
            raise InputError(
                "the target policy would show none of the logged items, so the log tells nothing"
            )
        top, bottom = w * r, w
    value = float(top.sum() / bottom.sum())
    if interval == "normal":
        error = (top - value * bottom).std(ddof=1) / bottom.mean() / np.sqrt(len(r)) if len(r) > 1 else np.inf
        reach = float(norm.ppf(0.5 + confidence / 2) * error)
        low, high = value - reach, value + reach
    else:
        low, high = _percentiles(top, bottom, confidence, seed, resamples)
    return Estimate(method, value, low, high, effective_n(w))


def per_decision(
    reward: ArrayLike,
    logging: ArrayLike,
    target: ArrayLike,
    session: NDArray[np.integer],
    *,
    gamma: float = 1.0,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = 1000,
) -> Estimate:
    """The target policy's mean return of a session, each reward weighted by the product of the weights up to
    its turn (per-decision importance sampling, Precup et al. 2000).

    All are [n] turns; those of a `session` stand together, in order. The effective size is of sessions, by
    the weights at their ends. Raises InputError as `estimate` does, and for sessions that are interrupted.
    """
    r, p, e = _checked({"rewards": reward, "logging probabilities": logging, "target probabilities": target})
    _check_probabilities(p, e)
    if len(session) != len(r):
        raise InputError(f"{len(session)} sessions for {len(r)} turns; give each turn its session")
    starts = np.flatnonzero(np.r_[True, np.diff(session) != 0])
    if len(np.unique(session)) != len(starts):
        raise InputError("the turns of a session must stand together; sort them by session and turn")
    lengths = np.diff(np.r_[starts, len(r)])
    turn = np.arange(len(r)) - np.repeat(starts, lengths)
    table = np.ones((2, len(starts), int(lengths.max())))
    table[1] = 0
    place = np.repeat(np.arange(len(starts)), lengths), turn
    table[0][place], table[1][place] = e / p, r
    weights = table[0].cumprod(1)
    returns = (weights * table[1] * gamma ** np.arange(table.shape[2])).sum(1)
    low, high = _percentiles(returns, np.ones_like(returns), confidence, seed, resamples)
    return Estimate("per-decision ips", float(returns.mean()), low, high, effective_n(weights[:, -1]))


def effective_n(weights: NDArray[np.float64]) -> float:
    """(sum of w)² / sum of w², between 0 (all weights 0) and n (all alike)."""
    squares = float((weights**2).sum())
    return float(weights.sum() ** 2 / squares) if squares else 0.0


def _percentiles(
    top: NDArray[np.float64], bottom: NDArray[np.float64], confidence: float, seed: int, resamples: int
) -> tuple[float, float]:
    """Percentiles of sum(top) / sum(bottom) over resampled rows; one whose bottom is 0 tells nothing."""
    rng = np.random.default_rng(seed)
    values = np.full(resamples, np.nan)
    for index in range(resamples):
        rows = rng.integers(len(top), size=len(top))
        if below := bottom[rows].sum():
            values[index] = top[rows].sum() / below
    low, high = np.nanquantile(values, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def _checked(arrays: dict[str, ArrayLike], n: int | None = None) -> list[NDArray[np.float64]]:
    found = {name: np.asarray(values, np.float64) for name, values in arrays.items()}
    for name, array in found.items():
        n = len(array) if n is None and array.ndim == 1 else n
        if array.ndim != 1 or len(array) != n or n == 0:
            raise InputError(f"{name} of shape {array.shape}: give one number for each of the logged turns")
        if not np.isfinite(array).all():
            raise InputError(
                f"{name} hold values that are not finite, the first at turn {_first(~np.isfinite(array))}"
            )
    return list(found.values())


def _check_probabilities(p: NDArray[np.float64], e: NDArray[np.float64]) -> None:
    for name, values, wrong in (
        ("logging", p, (p <= 0) | (p > 1)),
        ("target", e, (e < 0) | (e > 1)),
    ):
        if wrong.any():
            at = _first(wrong)
            raise InputError(
                f"the {name} probability {values[at]:g} of turn {at} is not one of a logged item"
            )


def _first(mask: NDArray[np.bool_]) -> int:
    return int(np.argmax(mask))
