"""What a Manager gets to work on a request: its toolbox, what is filled into its tools, its prompt, and the
form of its answer; and answers as text. One place knows how tasks differ.

Knows nothing of models, of who else is in the team, and of labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tastemaker.agents.answers import (
    PLACED,
    ChangeAnswer,
    Manner,
    RankingAnswer,
    RatingAnswer,
    ScoringAnswer,
    pool,
)
from tastemaker.agents.explanation_answers import ExplanationAnswer, PickedExplanation
from tastemaker.agents.roles import TASKS, Role
from tastemaker.agents.tasks import Request
from tastemaker.errors import InputError
from tastemaker.records import Outcome, Task
from tastemaker.tools.loop import Answer
from tastemaker.tools.talk import VISITOR
from tastemaker.tools.toolbox import LONGEST, Toolbox
from tastemaker.tools.workbench import Workbench

SHOWN = LONGEST
"""Items that a tool shows at most."""
SAID = 600
"""Characters of a conversation that are shown; of a longer one the end."""


@dataclass
class Briefing:
    """One trial at one request."""

    bench: Workbench
    request: Request
    edits: bool
    """Whether the answer edits what tools gave."""
    wants: str = ""
    """What a conversation comes to, as the Task Interpreter said it; empty where nobody did."""
    toolbox: Toolbox = field(init=False)
    n: int = field(init=False)
    """Length of the ranking that is the model's own."""

    def __post_init__(self) -> None:
        self.toolbox = toolbox(self.bench, self.request)
        self.n = min(self._left(), PLACED if self._talks else SHOWN) if self._ranks else self.request.n

    @property
    def fixed(self) -> dict[str, Any]:
        """Arguments of tools that the request settles."""
        request = self.request
        fixed: dict[str, Any] = {"user": request.user, "n": min(pool(self.n), SHOWN)}
        if request.item is not None:
            fixed["item"] = request.item
        if self._talks:
            fixed["wants"] = " ".join((*request.turns[-1::-2], self.wants))
        return fixed

    def answer(self, manner: Manner) -> Answer:
        """What the Manager answers with. Raises InputError where this data does not allow it."""
        data, box = self.bench.dataset, self.toolbox
        if self._ranks:
            form = ScoringAnswer if self.edits else RankingAnswer
            source = "suggest" if self._talks else "retrieve"
            return form(box.offered, self.n, manner, source, lambda: box.ranked, self.request.n)
        if self.request.kind == "explanation":
            if not self.edits:
                return ExplanationAnswer(manner)
            item = str(self.request.item)
            return PickedExplanation(
                box.because(item), self.bench.catalogue.categories[data.item_index(item)], manner
            )
        scale = data.rating_range
        if scale is None or "predict_rating" not in box.names:
            raise InputError(f"{data.name} has no ratings, so none can be predicted; ask for rankings")
        return ChangeAnswer(scale, box.predicted, manner) if self.edits else RatingAnswer(scale, manner)

    def prompt(self, role: Role) -> str:
        """What the Manager is asked."""
        request, user = self.request, self.request.user
        lines = []
        if role.shown_history:
            taken = self.toolbox.history(user, role.shown_history)
            lines += [f"User {user} took last, newest first:", taken]
        if request.kind == "rating":
            low, high = self.bench.dataset.rating_range or (0.0, 0.0)
            lines.append(f"Predict how user {user} rates this item, from {low:g} to {high:g}:")
            lines.append(line(self.bench, str(request.item)))
        elif request.kind == "explanation":
            lines += [
                f"Explain to user {user} why this item suits them:",
                line(self.bench, str(request.item)),
            ]
        elif self._talks:
            lines += [self.said(), f"Recommend {self.n} items that fit."]
        elif request.candidates is None:
            lines.append(f"Recommend {self.n} items to user {user}.")
        else:
            lines.append(f"Recommend {self.n} of these items to user {user}:")
            lines += [line(self.bench, item) for item in request.candidates]
        return "\n".join(lines)

    def said(self) -> str:
        """The conversation as text: what it comes to where that was said, else its end."""
        notes = (
            [f"Known of the user: {'; '.join(self.request.talk.notes)}"] if self.request.talk.notes else []
        )
        if self.wants:
            return "\n".join([*notes, self.wants])
        turns = [
            f"{who}: {text}"
            for who, text in zip(speakers(self.request.turns), self.request.turns, strict=True)
        ]
        text = "\n".join(turns)
        return "\n".join([*notes, text if len(text) <= SAID else "…" + text[1 - SAID :]])

    def task(self) -> Task:
        """The task as it is recorded."""
        inputs = self.request.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        return Task(kind=self.request.kind, id=self.request.id, inputs={"kind": self.request.kind, **inputs})

    @property
    def _ranks(self) -> bool:
        return TASKS[self.request.kind] == "ranking"

    @property
    def _talks(self) -> bool:
        return self.request.kind == "conversation"

    def _left(self) -> int:
        """The ranking's length: no longer than what there is to recommend."""
        data, request = self.bench.dataset, self.request
        if request.candidates is not None:
            there = len(self.toolbox.offered)
        else:
            taken = {*request.talk.likes, *request.talk.dislikes, *request.talk.shown}
            gone = {data.item_index(id) for id in taken}
            if request.user != VISITOR:
                rows = data.history(data.user_index(request.user), request.moment)
                gone |= set(data.item[rows].tolist())
            there = data.n_items - len(gone)
        if there == 0:
            raise InputError(f"{data.name}: nothing is left to recommend to user {request.user}")
        return min(request.n, there)


def toolbox(bench: Workbench, request: Request) -> Toolbox:
    """The tools of a request, with its candidates on offer where it has any."""
    talk = request.talk if request.kind == "conversation" else None
    box = bench.at(request.moment, request.user, talk)
    if request.candidates is not None:
        box.restrict_to(request.candidates)
        box.offer(request.candidates)
    return box


def told(bench: Workbench, outcome: Outcome) -> str:
    """An answer as text."""
    given = outcome.answer if outcome.kind == "answered" else None
    if given is None:
        return "none"
    if "text" in given:
        return str(given["text"])
    lines = [line(bench, id) for id in given["ids"]] if "ids" in given else [f"{given['rating']:g}"]
    return "\n".join([*lines, given["reason"]])


def line(bench: Workbench, item: str) -> str:
    """One line on an item, by its id."""
    return bench.catalogue.line(bench.dataset.item_index(item))


def speakers(turns: tuple[str, ...]) -> list[str]:
    """Who said each turn: they alternate, and the user spoke last."""
    return ["You" if (len(turns) - place) % 2 == 0 else "User" for place in range(len(turns))]
