"""What agents are asked, made from a split of real data, with the labels kept apart.

A `Request` is all that a team gets. Its label stands beside it in a `Labelled` and goes to the scoring
alone. Each request is set at the moment of the held-out interaction it asks for, and everything is drawn
under a seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tastemaker.agents.roles import TaskKind
from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split, make_split
from tastemaker.errors import InputError

MIN_HISTORY = 5
"""Training interactions that a user must have to be asked about."""


class Request(BaseModel):
    """One thing to do for one user, with all that the agents may know of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: TaskKind
    user: str
    """Id of the user."""
    moment: int | None = None
    """Nothing at or after it may be seen, on the data set's clock; None is now."""
    n: int = Field(default=10, ge=1)
    """Length of the ranking."""
    candidates: tuple[str, ...] | None = None
    """Ids to rank among; None is the whole catalogue."""
    item: str | None = None
    """Id of the item to rate."""


@dataclass(frozen=True)
class Labelled:
    """A request and what really happened; the latter never reaches an agent."""

    request: Request
    label: str | float
    """Ranking: id of the item that the user took. Rating: the rating that the user gave."""


@dataclass(frozen=True)
class TaskSet:
    """Requests of one kind, and on what terms they were drawn."""

    tasks: tuple[Labelled, ...]
    protocol: str
    """One line that stands beside every figure."""

    @property
    def requests(self) -> list[Request]:
        """The requests without their labels."""
        return [task.request for task in self.tasks]

    @property
    def labels(self) -> dict[str, str | float]:
        """The labels by request id."""
        return {task.request.id: task.label for task in self.tasks}

    def first(self, n: int) -> TaskSet:
        """The same set with its first `n` tasks only."""
        return replace(self, tasks=self.tasks[:n])


def split_for_agents(dataset: Dataset, seed: int = 0) -> Split:
    """Global time where moments compare across users, else leave-last-out. Raises InputError without any
    order."""
    if dataset.clock == "none":
        raise InputError(f"{dataset.name} has no times, so nothing can be asked of agents at a moment")
    return make_split(dataset, "time" if dataset.clock == "timestamp" else "last", seed)


def ranking_tasks(
    dataset: Dataset,
    split: Split,
    *,
    users: int,
    n: int = 10,
    candidates: int | None = None,
    seed: int = 0,
) -> TaskSet:
    """Next-item rankings: which item does the user take first in the test part that is new to them?

    Asks about `users` users at most, drawn from those with `MIN_HISTORY` training interactions. With
    `candidates` = c, each ranks the target among c − 1 items that the user never took, drawn without
    replacement with probability proportional to their training interactions, in random order. Raises
    InputError when nobody can be asked or too few items are left to draw.
    """
    held_out = {
        u: first for u in _eligible(split) if (first := _first_new(dataset, split.test, u)) is not None
    }
    popularity = np.bincount(split.train.item, minlength=dataset.n_items).astype(np.float64)
    tasks = []
    for user in _sample(np.array(list(held_out)), users, seed, dataset):
        at = held_out[user]
        target = int(split.test.item[at])
        name = str(dataset.users["id"][user])
        drawn = None
        if candidates is not None:
            drawn = _candidates(
                dataset, user, target, candidates, popularity, np.random.default_rng([seed, user])
            )
        request = Request(
            id=f"{dataset.name}/ranking/{name}@{split.test.time[at]}",
            kind="ranking",
            user=name,
            moment=int(split.test.time[at]),
            n=n if candidates is None else min(n, candidates),
            candidates=drawn,
        )
        tasks.append(Labelled(request, str(dataset.items["id"][target])))
    ranked = f"full catalogue of {dataset.n_items:,} items without the user's own"
    if candidates is not None:
        ranked = (
            f"SAMPLED: {candidates} candidates, the target and {candidates - 1} popularity-matched items "
            "that the user never took"
        )
    return TaskSet(
        tuple(tasks),
        f"{dataset.name}: {split.protocol}; next item, the first in test that is new to the user, seen from "
        f"just before it; {_drawn(len(tasks), len(held_out), seed)}; {ranked}",
    )


def rating_tasks(dataset: Dataset, split: Split, *, users: int, seed: int = 0) -> TaskSet:
    """Ratings to predict: one of each user's test ratings, drawn under the seed, set just before it was
    given.

    Asks about `users` users at most, drawn from those with `MIN_HISTORY` training interactions. Raises
    InputError for data without ratings, or when nobody can be asked.
    """
    ratings = split.test.rating
    if ratings is None:
        raise InputError(f"{dataset.name} has no ratings to predict; ask for rankings")
    eligible = _eligible(split)
    tasks = []
    for user in _sample(eligible, users, seed, dataset):
        rows = split.test.history(user)
        at = int(np.random.default_rng([seed, user]).integers(rows.start, rows.stop))
        name, item = str(dataset.users["id"][user]), str(dataset.items["id"][int(split.test.item[at])])
        request = Request(
            id=f"{dataset.name}/rating/{name}@{split.test.time[at]}/{item}",
            kind="rating",
            user=name,
            moment=int(split.test.time[at]),
            item=item,
        )
        tasks.append(Labelled(request, float(ratings[at])))
    return TaskSet(
        tuple(tasks),
        f"{dataset.name}: {split.protocol}; one test rating a user, seen from just before it; "
        f"{_drawn(len(tasks), len(eligible), seed)}",
    )


def _drawn(users: int, eligible: int, seed: int) -> str:
    return f"{users} of {eligible} users with at least {MIN_HISTORY} training interactions, seed {seed}"


def _eligible(split: Split) -> NDArray[np.int64]:
    """Users with enough training interactions and something in test, ascending."""
    known = np.diff(split.train.user_ptr) >= MIN_HISTORY
    return np.flatnonzero(known & (np.diff(split.test.user_ptr) > 0))


def _first_new(dataset: Dataset, test: Dataset, user: int) -> int | None:
    """Position in `test` of the user's first interaction with an item not taken before that moment."""
    rows = test.history(user)
    for at in range(rows.start, rows.stop):
        if test.item[at] not in dataset.item[dataset.history(user, int(test.time[at]))]:
            return at
    return None


def _sample(eligible: NDArray[np.integer], users: int, seed: int, dataset: Dataset) -> list[int]:
    """The first `users` of a seeded shuffle: a larger sample holds the smaller one."""
    if len(eligible) == 0:
        raise InputError(
            f"{dataset.name}: no user has {MIN_HISTORY} training interactions and something in test"
        )
    shuffled: list[int] = np.random.default_rng(seed).permutation(eligible).tolist()
    return shuffled[:users]


def _candidates(
    dataset: Dataset,
    user: int,
    target: int,
    count: int,
    popularity: NDArray[np.float64],
    generator: np.random.Generator,
) -> tuple[str, ...]:
    weights = popularity.copy()
    weights[dataset.item[dataset.history(user)]] = 0.0
    weights[target] = 0.0
    if np.count_nonzero(weights) < count - 1:
        raise InputError(
            f"{dataset.name}: {count} candidates cannot be drawn for user {dataset.users['id'][user]}: only "
            f"{np.count_nonzero(weights)} other items were taken in training by others; ask for fewer"
        )
    others = generator.choice(len(weights), count - 1, replace=False, p=weights / weights.sum())
    drawn = generator.permutation(np.append(others, target))
    return tuple(dataset.items["id"][drawn.tolist()].to_list())
