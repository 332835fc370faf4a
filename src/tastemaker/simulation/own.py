"""One's own log as a world: what people would give is completed from the log, and they quit over items that
are too much like the last few.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tastemaker.data import registry
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.simulation.completion import complete_cached
from tastemaker.simulation.quit_rules import CategoryQuit, DistanceQuit, NeverQuits, QuitRule
from tastemaker.simulation.scenario import Scenario

Quit = Literal["distance", "category", "never"]

TOO_NEAR = 0.1
"""Without a threshold, the probability that two items drawn at random are too near each other. After five
of them another one is refused with a probability of at most half.
"""
_SAMPLE = 1000
"""Items between which distances are measured to find that threshold."""


def own_scenario(
    name: str,
    *,
    quit: Quit = "distance",
    threshold: float | None = None,
    n_recent: int = 5,
    max_turns: int = 30,
) -> Scenario:
    """The prepared data set `name` as a world; a known one is prepared first.

    The truth is `completion.complete` of the log: predicted ratings, or, for a log without ratings, 0 to 1
    how much a pair looks like one with an interaction. `quit` is "distance" (between the truth's columns;
    `threshold` None makes `TOO_NEAR` of all pairs of items too near), "category" (`threshold` None is 1: a
    category may be seen once in the last `n_recent`) or "never" (takes no threshold).

    Raises InputError for another `quit`, a log too large to complete, and a rule that does not fit the log.
    """
    log = registry.load(name)
    truth = complete_cached(log)
    rule = _rule(log, truth, quit, threshold, n_recent)
    what = "within 0 to 1, of seen against not seen" if log.rating is None else "of the ratings"
    protocol = f"truth: our own completion {what}; {rule.describe()}; at most {max_turns} turns"
    return Scenario(name, log, truth, rule, max_turns, protocol)


def joined(first: Dataset, second: Dataset) -> Dataset:
    """The interactions of two parts of one data set together; of a repeated pair both are kept."""
    if first.rating is None or second.rating is None:
        raise InputError(f"{first.name}: its parts have no ratings to join")
    return Dataset.build(
        first.name,
        first.users,
        first.items,
        np.concatenate((first.user, second.user)),
        np.concatenate((first.item, second.item)),
        rating=np.concatenate((first.rating, second.rating)),
        time=np.concatenate((first.time, second.time)),
        clock=first.clock,
        source=first.source,
        rating_range=first.rating_range,
    )


def near_threshold(positions: NDArray[np.floating], share: float = TOO_NEAR) -> float:
    """The distance under which `share` of the pairs of different items lie; of at most 1,000 items, drawn
    from seed 0. `positions` [n_items, d].
    """
    n = len(positions)
    if n < 2:
        raise InputError("a threshold between items needs 2 items or more")
    chosen = np.sort(np.random.default_rng(0).permutation(n)[:_SAMPLE])
    some = np.asarray(positions[chosen], np.float64)
    squares = np.einsum("ij,ij->i", some, some)
    apart = squares[:, None] + squares - 2 * (some @ some.T)
    pairs = apart[np.triu_indices(len(some), 1)]
    return float(np.sqrt(max(np.quantile(pairs, share), 0.0)))


def _rule(
    log: Dataset, truth: NDArray[np.float32], quit: Quit, threshold: float | None, n_recent: int
) -> QuitRule:
    if quit == "distance":
        limit = near_threshold(truth.T) if threshold is None else threshold
        return DistanceQuit(truth.T, limit, n_recent)
    if quit == "category":
        if threshold is not None and threshold != int(threshold):
            raise InputError(f"the count over which a user quits is a whole number, not {threshold:g}")
        return CategoryQuit(
            log.items["categories"].to_list(), 1 if threshold is None else int(threshold), n_recent
        )
    if quit == "never":
        if threshold is not None:
            raise InputError("nobody quits, so there is no threshold; choose quit='distance' or 'category'")
        return NeverQuits()
    raise InputError(f"nobody quits by {quit!r}; there are distance, category and never")
