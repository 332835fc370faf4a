"""Scenarios by name: the five of EasyRL4Rec (arXiv 2402.15164, section 3.1) with its quit rules, and any
prepared data set (`own`).

Where the publication's completed matrix is not to be had, the truth is our own completion; the protocol
says so.
"""

from __future__ import annotations

from collections.abc import Callable

from tastemaker.assets import CATALOGUE, locate
from tastemaker.data import registry
from tastemaker.data.dataset import Dataset
from tastemaker.data.readers import coat, files, kuairand, kuairec, yahoo
from tastemaker.errors import InputError
from tastemaker.simulation.completion import RatingsConfig, complete_cached
from tastemaker.simulation.own import joined, own_scenario
from tastemaker.simulation.quit_rules import CategoryQuit, DistanceQuit, QuitRule
from tastemaker.simulation.scenario import Scenario

TURNS = 30
"""Turns of a published session."""

ML_1M_COMPLETION = RatingsConfig(factors=6, biases=False, reg=0.0001, iterations=20)
"""As the publication completes MovieLens-1M: p·q of length 6, next to no penalty. Its quit distance of 75
is one between the columns of such a matrix.
"""

YAHOO_USERS = 5400
"""The first of the 15,400 people: those who also rated random songs."""


NAMES = {
    "coat": "290 people and 300 coats, rated 1 to 5",
    "ml-1m": "6,040 people and 3,883 films, rated 1 to 5",
    "yahoo-r3": "5,400 people and 1,000 songs, rated 1 to 5; to be got by hand",
    "kuairec": "1,411 people and 3,327 videos, share of each that was watched; to be got by hand",
    "kuairand": "27,285 people and 7,583 videos, clicked or not; to be got by hand",
}
"""The published scenarios, and what each is of."""


def names() -> list[str]:
    """The published scenarios."""
    return list(NAMES)


def scenario(name: str) -> Scenario:
    """A published scenario, or a prepared data set as a world by `own_scenario` with its defaults.

    Raises InputError for a name that is neither, and where a data set has to be got by hand and is not there.
    """
    if name in _PUBLISHED:
        return _PUBLISHED[name]()
    if name not in registry.names():
        raise InputError(
            f"no world is named {name!r}; there are {', '.join(names())}, and every prepared data set: "
            f"{', '.join(own for own in registry.names() if own not in _PUBLISHED)}"
        )
    return own_scenario(name)


def _coat() -> Scenario:
    found = locate(CATALOGUE["coat"])
    split = coat.read_split(found.folder)
    if found.form.name == "completed":
        truth, origin = coat.read_completed(found.folder), "ratings completed by Huang et al. 2020"
    else:
        truth = complete_cached(joined(split.train, split.test))
        origin = "our own completion of all ratings, as the published completed matrix is not there"
    rule = DistanceQuit(truth.T, 6, 7)
    return Scenario("coat", split.train, truth, rule, TURNS, _protocol(origin, rule), split.test)


def _ml_1m() -> Scenario:
    log = registry.load("ml-1m")
    truth = complete_cached(log, ML_1M_COMPLETION)
    rule = DistanceQuit(truth.T, 75, 7)
    origin = "our own completion in the published form (6 factors, no biases), clipped to 1 to 5"
    return Scenario("ml-1m", log, truth, rule, TURNS, _protocol(origin, rule))


def _yahoo_r3() -> Scenario:
    split = yahoo.read_split(files.in_data_folder("yahoo-r3", yahoo.FILES, yahoo.PAGE))
    completed = complete_cached(joined(split.train, split.test))
    rule = DistanceQuit(completed.T, 120, 3)  # between columns of all people, as published
    log, unbiased = (_first_users(part, YAHOO_USERS) for part in (split.train, split.test))
    origin = f"our own completion of all ratings, of which the first {log.n_users} people are simulated"
    truth = completed[: log.n_users]
    return Scenario("yahoo-r3", log, truth, rule, TURNS, _protocol(origin, rule), unbiased)


def _kuairec() -> Scenario:
    split = kuairec.read_split(files.in_data_folder("kuairec", kuairec.FILES, kuairec.PAGE))
    truth = kuairec.matrix(split.test)
    rule = CategoryQuit(split.test.items["categories"].to_list(), 1, 9)
    origin = f"watch ratios, clipped at {kuairec.HIGHEST:g}, 0 where not watched; log: {split.protocol}"
    return Scenario("kuairec", split.train, truth, rule, TURNS, _protocol(origin, rule), split.test)


def _kuairand() -> Scenario:
    split = kuairand.read_split(files.in_data_folder("kuairand", kuairand.FILES, kuairand.PAGE))
    truth = complete_cached(joined(split.train, split.test))
    rule = CategoryQuit(split.train.items["categories"].to_list(), 0, 10)
    origin = "our own completion of is_click from standard and random logs"
    return Scenario("kuairand", split.train, truth, rule, TURNS, _protocol(origin, rule), split.test)


_PUBLISHED: dict[str, Callable[[], Scenario]] = {
    "coat": _coat,
    "ml-1m": _ml_1m,
    "yahoo-r3": _yahoo_r3,
    "kuairec": _kuairec,
    "kuairand": _kuairand,
}


def _protocol(origin: str, rule: QuitRule) -> str:
    return f"truth: {origin}; {rule.describe()}; at most {TURNS} turns"


def _first_users(dataset: Dataset, n: int) -> Dataset:
    """The data set with its first `n` users alone."""
    keep = dataset.user < n
    return Dataset.build(
        dataset.name,
        dataset.users.head(n),
        dataset.items,
        dataset.user[keep],
        dataset.item[keep],
        rating=None if dataset.rating is None else dataset.rating[keep],
        time=dataset.time[keep],
        clock=dataset.clock,
        source=dataset.source,
        rating_range=dataset.rating_range,
    )
