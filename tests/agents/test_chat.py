"""Conversations over several turns, with a model that follows its instructions, and what is kept of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.models.function import FunctionModel

from tastemaker.agents.chat import TURNS, Chat
from tastemaker.agents.memory import Memory
from tastemaker.agents.prepare import Ground
from tastemaker.agents.team import Team, TeamConfig
from tastemaker.errors import InputError


@pytest.fixture
def team(ground: Ground, obedient_model: FunctionModel) -> Team:
    return Team(ground.bench, obedient_model, TeamConfig(workflow="chat", backoff=0.0))


def said(chat: Chat, *texts: str) -> list[list[str]]:
    """The ids that were recommended after each text."""
    return [list(asyncio.run(chat.say(text)).answer["ids"]) for text in texts]


def test_a_conversation_learns_and_does_not_repeat_itself(team: Team) -> None:
    chat = Chat(team, "c1", n=4)
    first, second = said(chat, "I liked Title 4 and Title 7", "More, but no comedies, and not Title 7")
    assert not {"i4", "i7"} & {*first, *second}
    assert not set(first) & set(second)
    assert all(int(id[1:]) % 3 != 1 for id in second)  # every third item is a comedy
    assert (chat.talk.likes, chat.talk.dislikes, chat.talk.avoids) == (("i4",), ("i7",), ("Comedy",))
    assert chat.talk.shown == (*first, *second)
    assert len(chat.turns) == 4
    titles = [f"Title {id[1:]}" for id in first[:3]]
    assert chat.turns[1].endswith(", ".join(titles))


def test_only_the_last_turns_are_told(ground: Ground, obedient: Callable[[], Any]) -> None:
    model = obedient()
    chat = Chat(Team(ground.bench, FunctionModel(model), TeamConfig(workflow="single")), "c", n=2)
    said(chat, *(f"turn number {n}" for n in range(7)))
    assert "turn number 2" in model.seen[-1]
    assert "turn number 1" not in model.seen[-1]
    assert TURNS % 2 == 1


def test_what_was_said_is_kept_for_the_next_conversation(team: Team, tmp_path: Path) -> None:
    with Memory(tmp_path / "m.sqlite3") as memory:
        memory.note("lea", "town", "note", "prefers old films", "c0")
        chat = Chat(team, "c1", memory=memory, person="lea")
        said(chat, "I liked Title 4, no comedies", "Dramas, and I hated Title 5")
        later = Chat(team, "c2", memory=memory, person="lea")
        assert (later.talk.likes, later.talk.dislikes) == (("i4",), ("i5",))
        assert (later.talk.seeks, later.talk.avoids) == ((), ("Comedy",))
        assert later.talk.notes == ("prefers old films", "avoids Comedy", "seeks Drama")
        (ids,) = said(later, "comedies again")
        assert all(int(id[1:]) % 3 == 1 for id in ids)
        assert (later.talk.seeks, later.talk.avoids) == (("Comedy",), ())
        assert later.forget("i4")
        assert later.forget("seeks Comedy")
        assert not later.forget("i4")
        last = Chat(team, "c3", memory=memory, person="lea").talk
        assert (last.likes, last.notes) == ((), ("prefers old films", "seeks Drama"))
        assert Chat(team, "c3", memory=memory, person="max").talk.notes == ()


def test_a_user_of_the_data_is_not_shown_their_own(team: Team, ground: Ground) -> None:
    data = ground.dataset
    own = {str(data.items["id"][int(i)]) for i in data.item[data.history(3)]}
    (ids,) = said(Chat(team, "c", user="u3", n=20), "surprise me")
    assert not own & set(ids)


def test_what_cannot_be_said(team: Team) -> None:
    with pytest.raises(InputError, match="u99"):
        Chat(team, "c", user="u99")
    chat = Chat(team, "c")
    with pytest.raises(InputError, match="say something"):
        said(chat, "  \n ")
    assert chat.turns == []


def test_a_model_that_is_down_leaves_the_conversation_going(ground: Ground) -> None:
    async def down(messages: Any, info: Any) -> Any:
        raise ConnectionError("no route")

    chat = Chat(Team(ground.bench, FunctionModel(down), TeamConfig(workflow="single", backoff=0.0)), "c")
    run = asyncio.run(chat.say("I liked Title 4"))
    assert run.outcome.kind == "failed"
    assert chat.turns[1] == "I have nothing to recommend."
    assert chat.talk.likes == ("i4",)
