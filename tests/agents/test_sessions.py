"""Sessions with users who have tastes: figures against hand-made ones, seeds, and going on after a kill."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import BaseModel
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.agents.journal import Journal
from tastemaker.agents.prepare import Ground
from tastemaker.agents.sessions import Reply, Scene, Session, Turn, run_sessions, session_rows
from tastemaker.agents.team import Team, TeamConfig
from tastemaker.runs import Run
from tastemaker.tools.mentions import TitleLinker

WITHOUT_MODEL = ["suggest", "retrieve", "popularity", "random"]


class Nothing(BaseModel):
    """No config."""


@pytest.fixture
def values(ground: Ground) -> NDArray[np.float32]:
    """Values under which each user likes their own tenth of the catalogue."""
    shape = (ground.dataset.n_users, ground.dataset.n_items)
    return np.random.default_rng(3).uniform(1, 5, shape).astype(np.float32)


def held(
    ground: Ground, values: NDArray[np.float32], team: Team | None = None, **more: Any
) -> dict[str, Any]:
    return asyncio.run(run_sessions(ground, team, values, sessions=4, **more))


def test_recommenders_show_new_items_each_turn_that_were_not_taken(
    ground: Ground, values: NDArray[np.float32]
) -> None:
    found = held(ground, values, turns=3)
    assert list(found) == WITHOUT_MODEL
    scenes = [[session.scene for session in sessions] for sessions in found.values()]
    assert all(same == scenes[0] for same in scenes)
    for session in (session for sessions in found.values() for session in sessions):
        shown = [id for turn in session.turns for id in turn.reply.ids]
        user = ground.dataset.user_index(session.scene.user)
        taken = ground.dataset.item[ground.dataset.history(user, session.scene.moment)]
        assert len(shown) == len(set(shown)) == 9
        assert not {ground.dataset.item_index(id) for id in shown} & set(taken.tolist())
        for turn in session.turns:
            assert turn.values == tuple(values[user, ground.dataset.item_index(id)] for id in turn.reply.ids)
            best = np.quantile(values[user], 0.95)
            assert turn.accepted == tuple(
                id for id, value in zip(turn.reply.ids, turn.values, strict=True) if value >= best
            )


def test_a_session_can_be_had_again_and_the_seed_matters(ground: Ground, values: NDArray[np.float32]) -> None:
    assert held(ground, values, seed=1) == held(ground, values, seed=1)
    assert held(ground, values, seed=1) != held(ground, values, seed=2)


def test_no_word_of_a_session_names_what_the_user_takes_later(
    ground: Ground, values: NDArray[np.float32]
) -> None:
    """Unless it was shown before: items are spoken of only when they are known or shown."""
    linker: TitleLinker = ground.bench.catalogue.linker
    for session in (session for sessions in held(ground, values).values() for session in sessions):
        user = ground.dataset.user_index(session.scene.user)
        known = set(ground.dataset.item[ground.dataset.history(user, session.scene.moment)].tolist())
        for turn in session.turns:
            assert {mention.item for mention in linker.find(turn.said)} <= known
            known |= {ground.dataset.item_index(id) for id in turn.reply.ids}


def test_figures_by_hand(ground: Ground) -> None:
    """Two users: one accepts at turn 2 of 3, one never."""
    test = ground.split.test
    first, other = (int(test.user[at]) for at in (0, len(test) - 1))
    scenes = [
        Scene("s", str(ground.dataset.users["id"][user]), int(test.time[test.history(user)][0]))
        for user in (first, other)
    ]
    rows = test.history(first)
    assert test.rating is not None
    liked = test.item[rows][np.argmax(test.rating[rows])]
    theirs = str(ground.dataset.items["id"][int(liked)])
    refused = [f"i{i}" for i in range(50) if i not in test.item[test.history(other)]]
    sessions = [
        Session(
            scenes[0],
            (
                Turn("", Reply(("i1", "i2")), (), (2.0, 3.0)),
                Turn("", Reply((theirs, "i4")), (theirs,), (5.0, 2.0)),
                Turn("", Reply(("i5", "i6")), (), (3.0, 3.0)),
            ),
        ),
        Session(scenes[1], tuple(Turn("", Reply((id,)), (), (1.0,)) for id in refused[:3])),
    ]
    (row,) = session_rows(ground, {"mine": sessions})
    means = {
        name: row[name]["mean"] for name in ("accepted@1", "accepted@3", "first", "share", "hit", "value")
    }
    assert means == {
        "accepted@1": 0.0,
        "accepted@3": 0.5,
        "first": (2 + 4) / 2,
        "share": (1 / 6 + 0) / 2,
        "hit": 0.5,
        "value": (3.0 + 1.0) / 2,
    }
    assert (row["model"], row["n"], "calls" in row, "accepted@5" in row) == ("mine", 2, False, False)


def test_a_team_s_sessions_go_on_where_a_killed_run_was(
    ground: Ground, values: NDArray[np.float32], obedient: type[Any], tmp_path: Path
) -> None:
    def journal() -> Journal:
        return Journal(Run.open(tmp_path, Nothing()))

    def had(model: Any) -> dict[str, list[Session]]:
        team = Team(ground.bench, FunctionModel(model), TeamConfig(workflow="single", backoff=0.0))
        return held(ground, values, team, turns=3, journal=journal())

    whole = had(obedient())
    path = journal().path
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4 * 3
    path.write_bytes(b"".join(lines[:7]) + lines[7][:40])
    again = obedient()
    resumed = had(again)
    assert len(again.seen) == 2 * (4 * 3 - 7)
    assert [told(s) for s in resumed["team"]] == [told(s) for s in whole["team"]]
    assert len({run.root.task.id for run in journal().runs.values()}) == 12
    row = session_rows(ground, resumed)[0]
    assert (row["model"], row["turns"], row["valid"], row["calls"]) == ("team", 12, 1.0, 2.0)


def told(session: Session) -> list[tuple[Any, ...]]:
    return [(turn.said, turn.reply.ids, turn.accepted) for turn in session.turns]


def test_a_model_that_is_down_ends_the_session_and_is_asked_again(
    ground: Ground, values: NDArray[np.float32], obedient: type[Any], tmp_path: Path
) -> None:
    async def down(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        raise ModelHTTPError(500, "down")

    config = TeamConfig(workflow="single", backoff=0.0)
    run = Run.open(tmp_path, Nothing())
    failed = held(ground, values, Team(ground.bench, FunctionModel(down), config), journal=Journal(run))
    assert [len(session.turns) for session in failed["team"]] == [1] * 4
    row = session_rows(ground, failed)[0]
    assert (row["failed"], row["value"], row["accepted@5"]["mean"]) == (4, None, 0.0)
    team = Team(ground.bench, FunctionModel(obedient()), config)
    assert [len(s.turns) for s in held(ground, values, team, journal=Journal(run))["team"]] == [5] * 4
