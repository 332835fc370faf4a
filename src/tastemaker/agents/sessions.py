"""Conversations of recommenders, teams and others, with users who have tastes and no item in mind.

A session is about a real user at a moment: the recommender knows their history up to it and what is said,
shows a few items a turn and hears what is accepted and refused; categories are read from the user's words. It
always goes on to its last turn, so all recommenders show as many items. Who accepts what is said by
`taste_user`; what the user truly took and liked later is looked at by `session_rows` alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tastemaker.agents.evaluate import CONCURRENCY
from tastemaker.agents.journal import Journal
from tastemaker.agents.opinions import OpinionReader
from tastemaker.agents.prepare import Ground, Tell
from tastemaker.agents.scoring import Row, mean_cost
from tastemaker.agents.tasks import Request, ranking_tasks
from tastemaker.agents.taste_user import QUANTILE, TasteUser, later, tastes
from tastemaker.agents.team import Team, TeamConfig, TeamRun
from tastemaker.data.dataset import Dataset
from tastemaker.retrieval.metrics import intervals
from tastemaker.simulation.user_model import UserModelConfig, fit_log_cached
from tastemaker.tools.talk import Talk
from tastemaker.tools.toolbox import LONGEST

SHOWN = 3
"""Items that are shown in a turn."""
WITHIN = (1, 3, 5)
"""After so many turns it is counted whether anything was accepted."""
TEAM = "team"


@dataclass(frozen=True)
class Scene:
    """What a recommender knows before anything is said."""

    id: str
    user: str
    moment: int


@dataclass(frozen=True)
class Reply:
    """What a recommender answers."""

    ids: tuple[str, ...]
    """Best first; empty where there is no valid answer."""
    reason: str = ""
    run: TeamRun | None = None
    """Of a team."""


@dataclass(frozen=True)
class Turn:
    """One turn of a session."""

    said: str
    """What the user said first."""
    reply: Reply
    accepted: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    """What the user gives for each item shown, by the user model."""


@dataclass(frozen=True)
class Session:
    """One conversation."""

    scene: Scene
    turns: tuple[Turn, ...]


Recommender = Callable[[Scene, tuple[str, ...], Talk], Awaitable[Reply]]
"""Answers what was said (oldest first, the user last), given what it has come to."""


class SessionsConfig(BaseModel):
    """What the figures depend on; a run folder is gone on with under the same config only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    """Name of the data set."""
    fingerprint: str
    """Of its interactions."""
    sessions: int
    """How many, at most."""
    each: int
    """About one user, at most."""
    turns: int
    """Of a session."""
    seed: int
    """Of the users and of what they say."""
    model: str
    """The language model."""
    team: TeamConfig
    """How the team works."""


def session_protocol(ground: Ground, sessions: int, turns: int, seed: int) -> str:
    """One line that stands beside every figure."""
    return (
        f"{ground.dataset.name}: {ground.split.protocol}; {sessions} conversations of {turns} turns with "
        f"simulated users, {SHOWN} items a turn, seed {seed}; a user accepts what lies above the {QUANTILE} "
        "quantile of their own values by a user model of the whole log; hit: something shown was in truth "
        "taken later and liked"
    )


def user_values(dataset: Dataset, tell: Tell = lambda what: None) -> NDArray[np.float32]:
    """[n_users, n_items] what users give for items, by a user model of the whole log, later part included:
    users go by it, and no recommender sees it. From the cache where it is there.
    """
    tell("user model")
    config = UserModelConfig(loss="point" if dataset.rating is not None else "point-negative")
    return fit_log_cached(dataset, config).mean


async def run_sessions(
    ground: Ground,
    team: Team | None,
    values: NDArray[np.float32],
    *,
    sessions: int,
    each: int = 1,
    turns: int = 5,
    shown: int = SHOWN,
    seed: int = 0,
    journal: Journal | None = None,
    on_done: Callable[[Session], None] = lambda session: None,
) -> dict[str, list[Session]]:
    """Sessions of every recommender with the same users, in the same order, by the recommender's name; the
    team's, where there is one, first.

    At most `sessions`, of the users and moments of `ranking_tasks`; `each` about one user at most. `values`
    are those of `user_values`. Turns that the journal holds are taken from it. Where the model is down a
    session ends, and goes on when the journal is opened again. Raises InputError when nobody can be asked.
    """
    asked = ranking_tasks(ground.dataset, ground.split, requests=sessions, each=each, seed=seed).requests
    scenes = [
        Scene(f"{ground.dataset.name}/session/{r.user}@{r.moment}", r.user, r.moment)
        for r in asked
        if r.moment is not None
    ]
    able: dict[str, Recommender] = {} if team is None else {TEAM: _team(team, shown, journal)}
    able |= _without_model(ground, shown, seed)
    gate = asyncio.Semaphore(CONCURRENCY)
    reader = OpinionReader(ground.bench.catalogue)

    async def hold(scene: Scene, recommend: Recommender) -> Session:
        async with gate:
            held = await _session(ground, reader, values, scene, recommend, turns, shown, seed)
        on_done(held)
        return held

    found = {}
    for name, recommend in able.items():
        try:
            async with asyncio.TaskGroup() as group:
                held = [group.create_task(hold(scene, recommend)) for scene in scenes]
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from None
        found[name] = [task.result() for task in held]
    return found


def session_rows(ground: Ground, found: Mapping[str, Sequence[Session]], seed: int = 0) -> list[Row]:
    """The figures of each recommender, with intervals over users.

    `accepted@t`: sessions in which something was accepted in the first t turns. `first`: the turn of the
    first acceptance, one more than there are turns where there was none. `share`: accepted of what was
    shown. `value`: what users give for what was shown, by the user model. `hit`: sessions in which something
    was shown that the user in truth took later and liked, that is rated no lower than their mean in what was
    held out. A team's calls, tokens, seconds and cost are means of a turn.
    """
    most = max(len(session.turns) for sessions in found.values() for session in sessions)
    return [_row(name, ground, sessions, most, seed) for name, sessions in found.items()]


def _row(name: str, ground: Ground, sessions: Sequence[Session], turns: int, seed: int) -> Row:
    firsts = np.array(
        [
            next((place for place, turn in enumerate(session.turns, 1) if turn.accepted), turns + 1)
            for session in sessions
        ]
    )
    shown = [[id for turn in session.turns for id in turn.reply.ids] for session in sessions]
    accepted = [sum(len(turn.accepted) for turn in session.turns) for session in sessions]
    worth = [[value for turn in session.turns for value in turn.values] for session in sessions]
    liked = [_liked_later(ground, session.scene) for session in sessions]
    figures = {f"accepted@{t}": (firsts <= t).astype(np.float64) for t in WITHIN if t <= turns}
    figures |= {
        "first": firsts.astype(np.float64),
        "share": np.array([a / max(len(ids), 1) for a, ids in zip(accepted, shown, strict=True)]),
        "hit": np.array([not liked[at].isdisjoint(ids) for at, ids in enumerate(shown)], np.float64),
    }
    users = np.unique([session.scene.user for session in sessions], return_inverse=True)[1]
    row: Row = {"model": name, **intervals(figures, seed, groups=users), "n": len(sessions)}
    any_shown = np.array([len(values) > 0 for values in worth])
    row["value"] = None
    if any_shown.any():
        means = np.array([np.mean(values) for values in worth if values])
        row |= intervals({"value": means}, seed, groups=users[any_shown])
    runs = [turn.reply.run for session in sessions for turn in session.turns if turn.reply.run is not None]
    return row | _cost(runs) if runs else row


def _cost(runs: Sequence[TeamRun]) -> Row:
    """As in `scoring.team_row`, a turn being a request."""
    return {
        "turns": len(runs),
        "valid": float(np.mean([run.answer is not None for run in runs])),
        "failed": sum(run.outcome.kind == "failed" for run in runs),
        **mean_cost(runs),
    }


def _liked_later(ground: Ground, scene: Scene) -> set[str]:
    """Ids of what the user took at the moment or later and liked."""
    test = ground.split.test
    rows = later(test, ground.dataset.user_index(scene.user), scene.moment)
    items = test.item[rows]
    if test.rating is not None:
        items = items[test.rating[rows] >= test.rating[rows].mean() - 1e-6]
    return {ground.bench.catalogue.ids[item] for item in items.tolist()}


async def _session(
    ground: Ground,
    reader: OpinionReader,
    values: NDArray[np.float32],
    scene: Scene,
    recommend: Recommender,
    turns: int,
    shown: int,
    seed: int,
) -> Session:
    catalogue, index = ground.bench.catalogue, ground.dataset.user_index(scene.user)
    past = ground.bench.past(scene.moment).of_user(index)
    rows = later(ground.split.test, index, scene.moment)
    mind = tastes(catalogue, past, ground.split.test, rows, values[index])
    person = TasteUser(mind, catalogue, [seed, index, scene.moment])
    said = [person.opening()]
    opinions = reader.read(said[0])
    likes = tuple(catalogue.ids[item] for item in opinions.likes)
    talk = Talk(likes=likes, seeks=opinions.seeks, avoids=opinions.avoids)
    held: list[Turn] = []
    while len(held) < turns:
        reply = await recommend(scene, tuple(said), talk)
        reply = replace(reply, ids=reply.ids[:shown])
        items = [ground.dataset.item_index(id) for id in reply.ids]
        reaction = person.react(items)
        accepted, refused = (
            tuple(catalogue.ids[item] for item in group) for group in (reaction.accepted, reaction.refused)
        )
        worth = tuple(float(mind.values[item]) for item in items)
        held.append(Turn(said[-1], reply, accepted, worth))
        if reply.run is not None and reply.run.outcome.kind == "failed":
            break
        titles = ", ".join(catalogue.titles[item] or catalogue.ids[item] for item in items)
        spoken = f"You might like {titles}. {reply.reason}".strip() if items else "I have nothing to suggest."
        said += [spoken, reaction.said]
        opinions = reader.read("\n".join(said[::2]))
        talk = Talk(
            likes=(*talk.likes, *accepted),
            dislikes=(*talk.dislikes, *refused),
            shown=(*talk.shown, *reply.ids),
            seeks=opinions.seeks,
            avoids=opinions.avoids,
        )
    return Session(scene, tuple(held))


def _team(team: Team, shown: int, journal: Journal | None) -> Recommender:
    async def answer(scene: Scene, turns: tuple[str, ...], talk: Talk) -> Reply:
        id = f"{scene.id}/turn{len(turns) // 2 + 1}"
        run = journal.runs.get(id) if journal is not None else None
        if run is None:
            run = await team.run(
                Request(
                    id=id,
                    kind="conversation",
                    user=scene.user,
                    moment=scene.moment,
                    n=shown,
                    turns=turns,
                    talk=talk,
                )
            )
            if journal is not None:
                journal.add(run)
        if run.answer is None:
            return Reply((), "", run)
        return Reply(tuple(run.answer["ids"]), run.answer["reason"], run)

    return answer


def _without_model(ground: Ground, shown: int, seed: int) -> dict[str, Recommender]:
    """The team's tool for conversations alone, its retriever, which hears no words, and two who know neither
    words nor user."""
    bench, data = ground.bench, ground.dataset

    def left(scene: Scene, talk: Talk) -> NDArray[np.int64]:
        """Items neither taken nor spoken of."""
        allowed = np.ones(data.n_items, bool)
        allowed[data.item[data.history(data.user_index(scene.user), scene.moment)]] = False
        allowed[[data.item_index(id) for id in (*talk.likes, *talk.dislikes, *talk.shown)]] = False
        return np.flatnonzero(allowed)

    async def suggest(scene: Scene, turns: tuple[str, ...], talk: Talk) -> Reply:
        box = bench.at(scene.moment, scene.user, talk)
        box.suggest(" ".join(turns[::-2]), shown)
        return Reply(tuple(box.ranked[:shown]))

    async def retrieve(scene: Scene, turns: tuple[str, ...], talk: Talk) -> Reply:
        box = bench.at(scene.moment, scene.user, talk)
        box.retrieve(scene.user, LONGEST)
        return Reply(tuple(box.offered)[:shown])

    async def popularity(scene: Scene, turns: tuple[str, ...], talk: Talk) -> Reply:
        items = left(scene, talk)
        best = items[np.argsort(-bench.past(scene.moment).popularity.counts[items], kind="stable")[:shown]]
        return Reply(tuple(bench.catalogue.ids[item] for item in best))

    async def random(scene: Scene, turns: tuple[str, ...], talk: Talk) -> Reply:
        generator = np.random.default_rng([seed, data.user_index(scene.user), scene.moment, len(turns)])
        drawn = generator.permutation(left(scene, talk))[:shown]
        return Reply(tuple(bench.catalogue.ids[item] for item in drawn))

    return {"suggest": suggest, "retrieve": retrieve, "popularity": popularity, "random": random}
