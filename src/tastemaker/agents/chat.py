"""A conversation with a team: what was said so far, what it came to, and what is kept of it for the next one.

After each of the user's turns the team answers a request of kind "conversation". What the user said of items
and categories is read by `opinions`; a `Memory` keeps it under the person's name where one is given. Knows
nothing of terminals and pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tastemaker.agents.memory import Kind, Memory, Profile
from tastemaker.agents.opinions import OpinionReader
from tastemaker.agents.tasks import Request
from tastemaker.agents.team import Team, TeamRun
from tastemaker.errors import InputError
from tastemaker.tools.loop import Observe
from tastemaker.tools.request import clean
from tastemaker.tools.talk import VISITOR, Talk

TURNS = 9
"""Turns that a team is told of; of a longer conversation the last ones."""
LONGEST = 1000
"""Characters of a turn that count."""
NAMED = 3
"""Items that the team is told to have recommended; the others count as shown, too."""

_AVOIDS, _SEEKS = "avoids ", "seeks "
"""How notes on categories begin."""


@dataclass
class Chat:
    """One conversation. `say` goes on with it."""

    team: Team
    id: str
    """Names the conversation in records and in the memory."""
    user: str = VISITOR
    """Id of a user of the data whose history counts, or a visitor."""
    n: int = 5
    """How many items are recommended at a time."""
    memory: Memory | None = None
    person: str = ""
    """Under which name the memory keeps what is said; needed with a memory."""
    turns: list[str] = field(default_factory=list)
    """What was said, the user's first."""
    talk: Talk = field(init=False)

    def __post_init__(self) -> None:
        """Raises InputError for an unknown user."""
        self._data = self.team.bench.dataset
        if self.user != VISITOR:
            self._data.user_index(self.user)
        self._reader = OpinionReader(self.team.bench.catalogue)
        known = Profile()
        if self.memory is not None:
            known = self.memory.profile(self.person, self._data.name)
        self.talk = self._remembered(known)

    async def say(self, text: str, observe: Observe | None = None) -> TeamRun:
        """The team's answer to what the user says. Where there is none, the conversation goes on all the
        same. Raises InputError for a turn without a word, and when nothing is left to recommend."""
        text = clean(" ".join(text.split()))[:LONGEST]
        if not text:
            raise InputError("say something")
        self._learn(text)
        self.turns.append(text)
        request = Request(
            id=f"{self.id}/{(len(self.turns) + 1) // 2}",
            kind="conversation",
            user=self.user,
            n=self.n,
            turns=tuple(self.turns[-TURNS:]),
            talk=self.talk,
        )
        try:
            run = await self.team.run(request, observe)
        except BaseException:
            self.turns.pop()
            raise
        self.turns.append(self._answered(run))
        return run

    def forget(self, text: str) -> bool:
        """Take back one like, dislike or note by its text or item id, here and in the memory. Returns whether
        there was one."""
        before = self.talk
        fields = ("likes", "dislikes", "notes", "seeks", "avoids")
        bare = text.removeprefix(_AVOIDS).removeprefix(_SEEKS)
        kept = {name: tuple(x for x in getattr(before, name) if x not in (text, bare)) for name in fields}
        self.talk = replace(before, **kept)
        found = self.talk != before
        if self.memory is not None:
            for form in (text, _AVOIDS + bare, _SEEKS + bare):
                found |= self.memory.forget(self.person, self._data.name, form)
        return found

    def _learn(self, text: str) -> None:
        """Take in what a text says of items and categories."""
        said = self._reader.read(text)
        ids = self._data.items["id"]
        likes, dislikes = ([ids[item] for item in items] for items in (said.likes, said.dislikes))
        old = self.talk
        self.talk = replace(
            old,
            likes=_joined(old.likes, likes, dislikes),
            dislikes=_joined(old.dislikes, dislikes, likes),
            seeks=_joined((), said.seeks or old.seeks, said.avoids),
            avoids=_joined(old.avoids, said.avoids, said.seeks),
        )
        if self.memory is None:
            return
        for form, opposite, names in ((_SEEKS, _AVOIDS, said.seeks), (_AVOIDS, _SEEKS, said.avoids)):
            for name in names:
                self.memory.forget(self.person, self._data.name, opposite + name)
                self._keep("note", form + name)
        for id in likes:
            self._keep("like", id)
        for id in dislikes:
            self._keep("dislike", id)

    def _keep(self, kind: Kind, text: str) -> None:
        assert self.memory is not None
        self.memory.note(self.person, self._data.name, kind, text, self.id)

    def _remembered(self, known: Profile) -> Talk:
        """What a profile comes to; ids that the data no longer has are left out. What was sought in earlier
        conversations is told, but not asked for again."""
        there = set(self.team.bench.catalogue.ids)
        categories = {name for names in self.team.bench.catalogue.categories for name in names}
        avoided = (note.removeprefix(_AVOIDS) for note in known.notes if note.startswith(_AVOIDS))
        return Talk(
            likes=tuple(id for id in known.likes if id in there),
            dislikes=tuple(id for id in known.dislikes if id in there),
            avoids=tuple(name for name in avoided if name in categories),
            notes=known.notes,
        )

    def _answered(self, run: TeamRun) -> str:
        """The team's turn as text; its items count as shown from here on."""
        if run.answer is None:
            return "I have nothing to recommend."
        ids = run.answer["ids"]
        self.talk = replace(self.talk, shown=_joined(self.talk.shown, ids, ()))
        titles = self.team.bench.catalogue.titles
        named = ", ".join(titles[self._data.item_index(id)] or id for id in ids[:NAMED])
        return f"{run.answer['reason']} {named}".strip()


def _joined(old: Sequence[str], new: Sequence[str], gone: Sequence[str]) -> tuple[str, ...]:
    """The old and the new, each once, without what is gone."""
    return tuple(x for x in dict.fromkeys((*old, *new)) if x not in gone)
