"""A tool task as a game of texts: what a model writes goes in, what it is to read next and a reward come out.

Engines that own sampling and training play it turn by turn. Rewards are due at once, so a step's are shares
of the task's gold path (`rewards.GoldPath`): what a later turn makes of a result is not known yet. All steps
together can earn no more than their weights, however many calls there are. Knows nothing of any engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from tastemaker.config import Config
from tastemaker.learning.credit import CreditConfig
from tastemaker.learning.rewards import GoldPath, is_repeat
from tastemaker.learning.tasks.environment import Environment
from tastemaker.learning.tasks.gold import INSTRUCTIONS
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.llm.chat import parse_calls
from tastemaker.llm.exports.chat_text import to_turns
from tastemaker.records import Message, Outcome, Task, Trajectory

ChatMessages = list[dict[str, str]]
"""Messages as engines pass them: `role` and `content`."""


class PlayConfig(Config):
    """How a task is played."""

    credit: CreditConfig = CreditConfig()
    """What rewards weigh."""
    turns: int = Field(default=8, ge=1)
    """Turns before a play ends without an answer, unless the engine says how many."""
    longest: int = Field(default=1000, ge=1)
    """Characters of a result that the model reads."""


@dataclass(frozen=True)
class Turned:
    """What a turn came to."""

    messages: ChatMessages
    """What the model reads next; nothing at the end."""
    reward: float
    """Weighted."""
    done: bool
    scores: dict[str, float]
    """The rewards by name, as they are before they are weighted: `success` and `contribution` as shares of
    the gold path, `outcome` at the end."""


class Play:
    """One play of one task."""

    def __init__(self, task: ToolTask, config: PlayConfig, turns: int | None = None) -> None:
        self._config = config
        self._left = turns or config.turns
        self._environment = Environment(task)
        self._path = GoldPath(task)
        self._planned = len(self._path)

    @property
    def calls(self) -> int:
        """Calls made so far."""
        return len(self._environment.called)

    def turn(self, text: str) -> Turned:
        """Take what the model wrote: calls as JSON, one a line, are made; anything else is the answer, unless
        it begins as a call does.
        """
        self._left -= 1
        calls = parse_calls(text)
        if not calls and not text.lstrip().startswith("{"):
            return self._turned([], {"outcome": self._environment.solved(text)}, done=True)
        scores = {"success": 0.0, "contribution": 0.0}
        said: ChatMessages = []
        for name, arguments in calls:
            self._make(name, arguments, scores, said)
        if not calls:
            said = [
                _user('error: this is no call; write {"name": ..., "arguments": {...}}, or answer in words')
            ]
        if self._left == 0:
            return self._turned([], scores | {"outcome": self._environment.solved("")}, done=True)
        return self._turned(said, scores, done=False)

    def _make(
        self, name: str, arguments: dict[str, Any], scores: dict[str, float], said: ChatMessages
    ) -> None:
        earlier = list(self._environment.called)
        made = self._environment.call(name, arguments)
        if self._planned:
            in_plan = len(earlier) < self._planned and made.success and not is_repeat(made, earlier)
            scores["success"] += in_plan / self._planned
            scores["contribution"] += self._path.take(made) / self._planned
        text = made.text
        text = text if len(text) <= self._config.longest else text[: self._config.longest] + "…"
        said.append(_user(f"{name} returned:\n{text}"))

    def _turned(self, messages: ChatMessages, scores: dict[str, float], done: bool) -> Turned:
        weights = self._config.credit.step_weights | self._config.credit.outcome_weights
        reward = sum(weights.get(name, 0.0) * score for name, score in scores.items())
        return Turned(messages, reward, done, scores)


def prompt(task: ToolTask) -> ChatMessages:
    """The messages that a play begins with, with the offered calls, as the local model is shown them."""
    asked = Trajectory(
        id=task.id,
        task=Task(kind="tool-task", id=task.id),
        tools=tuple(tool.spec for tool in task.tools),
        messages=(Message(role="system", text=INSTRUCTIONS), Message(role="user", text=task.question)),
        outcome=Outcome(kind="failed"),
    )
    return [{"role": turn.role, "content": turn.text} for turn in to_turns(asked)]


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}
