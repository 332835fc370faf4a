"""What agents are asked, made from a split of real data, with the labels kept apart.

A `Request` is all that a team gets. Its label stands beside it in a `Labelled` and goes to the scoring
alone. Each request is set at the moment of the held-out interaction it asks for, and everything is drawn
under a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tastemaker.agents.roles import TaskKind
from tastemaker.data.dataset import Dataset
from tastemaker.data.dialogues import DialogueTurn
from tastemaker.data.splits import Split, make_split
from tastemaker.errors import InputError
from tastemaker.tools.catalogue import Catalogue
from tastemaker.tools.talk import VISITOR, Talk

Negatives = Literal["popularity", "uniform"]

MIN_HISTORY = 5
"""Training interactions that a user must have to be asked about."""


class Request(BaseModel):
    """One thing to do for one user, with all that the agents may know of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: TaskKind
    user: str
    """Id of the user; in a conversation also `VISITOR`, who is not in the data."""
    moment: int | None = None
    """Nothing at or after it may be seen, on the data set's clock; None is now."""
    n: int = Field(default=10, ge=1)
    """Length of the ranking."""
    candidates: tuple[str, ...] | None = None
    """Ids to rank among; None is the whole catalogue."""
    item: str | None = None
    """Id of the item to rate, or to explain."""
    turns: tuple[str, ...] = ()
    """What was said in a conversation, oldest first; user and team take turns, and the user spoke last."""
    talk: Talk = Talk()
    """What the conversation has come to."""


@dataclass(frozen=True)
class Labelled:
    """A request and what really happened; the latter never reaches an agent."""

    request: Request
    label: str | float | tuple[str, ...]
    """Ranking: id of the item that the user took. Rating and explanation: the rating that the user gave.
    Conversation: ids of the items that the human recommender named next."""


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
    def labels(self) -> dict[str, str | float | tuple[str, ...]]:
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
    requests: int,
    each: int = 1,
    n: int = 10,
    candidates: int | None = None,
    negatives: Negatives = "popularity",
    seed: int = 0,
) -> TaskSet:
    """Next-item rankings: which item does the user take in the test part that is new to them?

    At most `requests` of them, about users drawn from those with `MIN_HISTORY` training interactions; `each`
    about one user at most, at the moments of their first new items in the test part. All are asked about once
    before anyone is asked about twice. With `candidates` = c, each ranks the target among c − 1 items that
    the user never took, drawn without replacement, uniformly or with probability proportional to their
    training interactions, in random order. Raises InputError when nobody can be asked or too few items are
    left to draw.
    """
    held_out = {u: new for u in _eligible(split) if (new := _new(dataset, split.test, u, each))}
    popularity = np.bincount(split.train.item, minlength=dataset.n_items).astype(np.float64)
    weights = popularity if negatives == "popularity" else np.ones(dataset.n_items)
    asked = _sample(np.array(list(held_out)), requests, seed, dataset)
    tasks = []
    for turn in range(each):
        for user in (user for user in asked if len(held_out[user]) > turn):
            at = held_out[user][turn]
            target = int(split.test.item[at])
            name = str(dataset.users["id"][user])
            drawn = None
            if candidates is not None:
                generator = np.random.default_rng([seed, user, turn] if turn else [seed, user])
                drawn = _candidates(dataset, user, target, candidates, weights, generator)
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
        kind = "popularity-matched" if negatives == "popularity" else "uniformly drawn"
        ranked = (
            f"SAMPLED: {candidates} candidates, the target and {candidates - 1} {kind} items that the user "
            "never took"
        )
    which = "the first in test that is new to the user" if each == 1 else f"the first {each} new ones in test"
    return TaskSet(
        tuple(tasks[:requests]),
        f"{dataset.name}: {split.protocol}; next item, {which}, seen from just before it; "
        f"{_drawn(len(tasks[:requests]), len(asked), len(held_out), seed)}; {ranked}",
    )


def rating_tasks(dataset: Dataset, split: Split, *, requests: int, each: int = 1, seed: int = 0) -> TaskSet:
    """Ratings to predict: some of each user's test ratings, drawn under the seed, each set just before it was
    given.

    At most `requests` of them, about users drawn from those with `MIN_HISTORY` training interactions; `each`
    about one user at most, and all are asked about once before anyone is asked about twice. Raises
    InputError for data without ratings, or when nobody can be asked.
    """
    if split.test.rating is None:
        raise InputError(f"{dataset.name} has no ratings to predict; ask for rankings")
    every = np.ones(len(split.test), bool)
    return _about_items(dataset, split, "rating", "test rating", every, requests, each, seed)


def explanation_tasks(
    dataset: Dataset, split: Split, *, requests: int, each: int = 1, seed: int = 0
) -> TaskSet:
    """Recommendations to explain: some of each user's test items that they turned out to like, that is to
    rate no lower than their mean in test; drawn and limited as by `rating_tasks`. The label, the rating, is
    not used.
    """
    test = split.test
    liked = np.ones(len(test), bool)
    if test.rating is not None:
        counts = np.maximum(np.bincount(test.user, minlength=test.n_users), 1)
        means = np.bincount(test.user, test.rating, test.n_users) / counts
        liked = test.rating >= means[test.user] - 1e-6
    return _about_items(dataset, split, "explanation", "liked test item", liked, requests, each, seed)


def dialogue_tasks(
    dataset: Dataset, turns: Sequence[DialogueTurn], *, requests: int, n: int = 50, seed: int = 0
) -> TaskSet:
    """Turns of test dialogues to answer: which items does the human recommender name next?

    Every item whose title stands in what was said, by whomever, counts as liked. At most `requests` turns,
    drawn under the seed.
    """
    linker = Catalogue(dataset).linker
    order = np.random.default_rng(seed).permutation(len(turns))[:requests].tolist()
    ids = dataset.items["id"].to_list()
    tasks = []
    for turn in (turns[place] for place in order):
        named = sorted({mention.item for text in turn.turns for mention in linker.find(text)})
        request = Request(
            id=f"{dataset.name}/conversation/{turn.id}",
            kind="conversation",
            user=VISITOR,
            n=n,
            turns=turn.turns,
            talk=Talk(likes=tuple(ids[item] for item in named)),
        )
        tasks.append(Labelled(request, tuple(ids[item] for item in turn.targets)))
    return TaskSet(
        tuple(tasks),
        f"{dataset.name}: {len(tasks)} of {len(turns)} turns of test dialogues, seed {seed}; the items that "
        f"the human recommender names next, each one instance, none named before; full catalogue of "
        f"{dataset.n_items:,} items without those named; intervals over dialogues",
    )


def _about_items(
    dataset: Dataset,
    split: Split,
    kind: TaskKind,
    what: str,
    usable: NDArray[np.bool_],
    requests: int,
    each: int,
    seed: int,
) -> TaskSet:
    """Requests about usable test interactions; the labels are their ratings."""
    test = split.test
    there = np.bincount(test.user[usable], minlength=test.n_users) > 0
    eligible = np.array([user for user in _eligible(split) if there[user]])
    drawn: dict[int, list[int]] = {}
    for user in _sample(eligible, requests, seed, dataset):
        rows = test.history(user)
        places = rows.start + np.flatnonzero(usable[rows])
        drawn[user] = np.random.default_rng([seed, user]).permutation(places)[:each].tolist()
    tasks = []
    for turn in range(each):
        for user, places in ((user, places) for user, places in drawn.items() if turn < len(places)):
            at = places[turn]
            name, item = str(dataset.users["id"][user]), str(dataset.items["id"][int(test.item[at])])
            request = Request(
                id=f"{dataset.name}/{kind}/{name}@{test.time[at]}/{item}",
                kind=kind,
                user=name,
                moment=int(test.time[at]),
                item=item,
            )
            tasks.append(Labelled(request, 0.0 if test.rating is None else float(test.rating[at])))
    many = f"one {what} a user" if each == 1 else f"up to {each} {what}s a user"
    return TaskSet(
        tuple(tasks[:requests]),
        f"{dataset.name}: {split.protocol}; {many}, seen from just before it; "
        f"{_drawn(len(tasks[:requests]), len(drawn), len(eligible), seed)}",
    )


def _drawn(requests: int, users: int, eligible: int, seed: int) -> str:
    of = f"{users} of {eligible} users with at least {MIN_HISTORY} training interactions, seed {seed}"
    return of if requests == users else f"{requests} requests about {of}"


def _eligible(split: Split) -> NDArray[np.int64]:
    """Users with enough training interactions and something in test, ascending."""
    known = np.diff(split.train.user_ptr) >= MIN_HISTORY
    return np.flatnonzero(known & (np.diff(split.test.user_ptr) > 0))


def _new(dataset: Dataset, test: Dataset, user: int, most: int) -> list[int]:
    """Positions in `test` of the user's first interactions, at different moments, with items not taken
    before their moment."""
    rows = test.history(user)
    found: list[int] = []
    for at in range(rows.start, rows.stop):
        moment = int(test.time[at])
        if found and moment == test.time[found[-1]]:
            continue
        if test.item[at] not in dataset.item[dataset.history(user, moment)]:
            found.append(at)
            if len(found) == most:
                break
    return found


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
    drawn_by: NDArray[np.float64],
    generator: np.random.Generator,
) -> tuple[str, ...]:
    weights = drawn_by.copy()
    weights[dataset.item[dataset.history(user)]] = 0.0
    weights[target] = 0.0
    if np.count_nonzero(weights) < count - 1:
        raise InputError(
            f"{dataset.name}: {count} candidates cannot be drawn for user {dataset.users['id'][user]}: only "
            f"{np.count_nonzero(weights)} other items can be; ask for fewer"
        )
    others = generator.choice(len(weights), count - 1, replace=False, p=weights / weights.sum())
    drawn = generator.permutation(np.append(others, target))
    return tuple(dataset.items["id"][drawn.tolist()].to_list())
