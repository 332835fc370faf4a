"""What each step of a play earned, by rule: whether its calls succeeded, and whether they served the answer.

The three rewards of StepTool (arXiv:2410.07745, section 3.2) without a judge. SuccCalling is read off the
environment's record of the calls. Contribution goes by values in place of StepTool's characters in common: a
call contributes where a later call or the answer takes up a value that it was the first to tell
(`_by_use`), or where it is one of the task's gold calls (`GoldPath`). IsSolved is the environment's score.
Rewards stand on the steps by name; what each weighs is decided where credit is given (`credit.CreditConfig`).

What would be cheap to earn earns nothing: a call that only repeats one, a value that the question or an
argument held already, results that nobody takes up, and an answer that tells more results than were asked
for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal

from pydantic import Field

from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.learning.tasks import scoring
from tastemaker.learning.tasks.environment import Called
from tastemaker.learning.tasks.function import FUNCTIONS
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.records import Step, Trajectory, canonical

NAMES: Final = ("success", "contribution", "outcome")
"""The rewards, as they are named on steps; the first two are of steps, the last is of a whole play."""

_COMMON: Final = 10
"""Whole numbers up to this one, whatever their sign, are met everywhere."""
_DATE: Final = 3
"""Words of a day, at most."""
_QUOTED: Final = re.compile(r"'([^']+)'|\"([^\"]+)\"")

Value = float | date | str


class RewardConfig(Config):
    """How steps are judged."""

    contribution: Literal["use", "gold"] = "use"
    """use: by what later calls and the answer take up. gold: by being one of the task's gold calls."""
    common: float = Field(default=0.25, ge=0, le=1)
    """What taking up a small whole number counts for, unless it is one of the values asked for."""


def rewarded(
    trajectory: Trajectory, task: ToolTask, called: Sequence[Called], config: RewardConfig
) -> Trajectory:
    """The play with its rewards: `success` and `contribution`, each from 0 to 1, on each step that calls or
    fails to, and `outcome` on the last.

    `called` is the environment's record of the play. Calls of one step count by their mean, one that was
    never made and an output that could not be used count 0. Where steps have sampled tokens, only those
    have rewards. Raises InputError where the outcome has no score `solved`.
    """
    if "solved" not in trajectory.outcome.scores:
        raise InputError(f"{trajectory.id}: the outcome has no score 'solved' to be rewarded by")
    steps = trajectory.steps
    made = _made(steps, called)
    contribution = (
        _by_gold(made, task)
        if config.contribution == "gold"
        else _by_use(made, task, _answer(trajectory), config)
    )
    success = _successes(made)
    sampled = [n for n, step in enumerate(steps) if step.token_ids] or list(range(len(steps)))
    answer = len(steps) - 1 if trajectory.outcome.kind == "answered" else None
    rewards: list[dict[str, float]] = [
        {name: reward for name, reward in step.rewards.items() if name not in NAMES} for step in steps
    ]
    for n in sampled:
        judged = [
            place for place, call in enumerate(steps[n].calls) if n != answer or call.name in task.names
        ]
        if judged or n != answer:
            rewards[n]["success"] = _mean([success[n][place] for place in judged])
            rewards[n]["contribution"] = _mean([contribution[n][place] for place in judged])
    if sampled:
        rewards[sampled[-1]]["outcome"] = trajectory.outcome.scores["solved"]
    return trajectory.model_copy(
        update={
            "steps": tuple(
                step.model_copy(update={"rewards": given}) for step, given in zip(steps, rewards, strict=True)
            )
        }
    )


class GoldPath:
    """The calls of a task's gold solution that are still to be made: each counts once.

    A first try whose argument the task has wrong is part of it: what the refusal says is needed.
    """

    def __init__(self, task: ToolTask) -> None:
        self._left = [(call.name, call.arguments, True) for step in task.gold for call in step]
        self._left += [
            (task.gold[failure.step][failure.call].name, failure.arguments, False)
            for failure in task.fails
            if failure.kind == "argument"
        ]

    def __len__(self) -> int:
        return len(self._left)

    def take(self, made: Called) -> bool:
        """Whether a call is one of them, up to the order of arguments and the types of numbers."""
        for place, (name, arguments, success) in enumerate(self._left):
            if made.name == name and made.success == success and same(made.arguments, arguments):
                del self._left[place]
                return True
        return False


def is_repeat(made: Called, earlier: Sequence[Called]) -> bool:
    """Whether a call was made before with the same result."""
    return any(
        one.name == made.name and one.text == made.text and same(one.arguments, made.arguments)
        for one in earlier
    )


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are one up to the order of keys, arguments that are null, case, and the types
    of numbers.

    >>> same({"town": "Oslo", "km": 5}, {"km": "5.0", "town": "oslo", "by": None})
    True
    """
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        keys = {key for one in (a, b) for key, value in one.items() if value is not None}
        return all(same(a.get(key), b.get(key)) for key in keys)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, bool) or isinstance(b, bool):
        return str(a).casefold() == str(b).casefold()
    x, y = _number(a), _number(b)
    if x is not None and y is not None:
        return scoring.same_number(x, y) and scoring.same_number(y, x)
    if isinstance(a, str) and isinstance(b, str):
        return a.strip().casefold() == b.strip().casefold()
    return a is None and b is None


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _mean(parts: Sequence[float]) -> float:
    return sum(parts) / len(parts) if parts else 0.0


def _answer(trajectory: Trajectory) -> str:
    answer = trajectory.outcome.answer
    return answer if isinstance(answer, str) else "" if answer is None else canonical(answer)


Made = list[list[Called | None]]
"""For each call of each step its record, None where it was never made."""


def _made(steps: Sequence[Step], called: Sequence[Called]) -> Made:
    """Records of calls that belong to no step, as of branches that were given up, are passed over."""
    following, found = 0, []
    for step in steps:
        row: list[Called | None] = []
        for call in step.calls:
            places = (
                place
                for place in range(following, len(called))
                if called[place].name == call.name and same(called[place].arguments, call.arguments)
            )
            place = next(places, None)
            following = following if place is None else place + 1
            row.append(None if place is None else called[place])
        found.append(row)
    return found


def _successes(made: Made) -> list[list[float]]:
    earlier: list[Called] = []
    found: list[list[float]] = []
    for row in made:
        found.append([])
        for one in row:
            found[-1].append(float(one is not None and one.success and not is_repeat(one, earlier)))
            earlier += [] if one is None else [one]
    return found


def _by_gold(made: Made, task: ToolTask) -> list[list[float]]:
    path = GoldPath(task)
    return [[float(one is not None and path.take(one)) for one in row] for row in made]


def _by_use(made: Made, task: ToolTask, answer: str, config: RewardConfig) -> list[list[float]]:
    """A call counts for the value it told that was taken up best: whole where a later call that succeeds has
    it as an argument, in part where an answer tells it among more results than were asked for. One that
    acts and tells nothing counts where it is a gold call.
    """
    new = _news(made, task)
    later = [_Said([one.arguments for one in row if one is not None and one.success]) for row in made]
    told = _Said(answer)
    asked = _Said([expected.value for expected in task.answer])
    results = [
        value
        for row, news in zip(made, new, strict=True)
        for one, values in zip(row, news, strict=True)
        for value in values
        if one is not None and one.success and told.has(value)
    ]
    share = min(1.0, len(task.answer) / len(results)) if results else 0.0
    share *= len(answer.split()) <= scoring.LONGEST
    acts = {tool.spec.name for tool in task.tools if _acts(tool.function)}
    path = GoldPath(task)

    def worth(step: int, value: Value) -> float:
        in_call = any(said.has(value) for said in later[step + 1 :])
        use = 1.0 if in_call else share * told.has(value)
        return use * (config.common if _is_common(value) and not asked.has(value) else 1.0)

    def contribution(step: int, one: Called | None, values: list[Value]) -> float:
        if one is None:
            return 0.0
        if one.name in acts and one.success:
            return float(path.take(one))
        return max((worth(step, value) for value in values), default=0.0)

    return [
        [contribution(step, one, values) for one, values in zip(row, new[step], strict=True)]
        for step, row in enumerate(made)
    ]


def _news(made: Made, task: ToolTask) -> list[list[list[Value]]]:
    """For each call the values that it told first: those that no question, argument or result had before."""
    known = _Said(task.question)
    found: list[list[list[Value]]] = []
    for row in made:
        found.append([])
        for one in row:
            values: list[Value] = []
            if one is not None:
                known.add(one.arguments)
                values = [value for value in dict.fromkeys(_values(one.text)) if not known.has(value)]
                known.add(values)
            found[-1].append(values)
    return found


def _acts(function: str) -> bool:
    return function in FUNCTIONS and FUNCTIONS[function].acts


def _is_common(value: Value) -> bool:
    return isinstance(value, float) and value == int(value) and abs(value) <= _COMMON


class _Said:
    """Values that were said, in whatever form: numbers, days and texts."""

    def __init__(self, value: Any) -> None:
        self._numbers: list[float] = []
        self._days: set[date] = set()
        self._texts: list[str] = []
        self.add(value)

    def add(self, value: Any) -> None:
        """Add all of a JSON value, or of a text."""
        for leaf in _leaves(value):
            if isinstance(leaf, str):
                self._numbers += scoring.numbers(leaf)
                self._days.update(map(date.fromisoformat, scoring.dates(leaf)))
                self._texts.append(leaf)
            elif isinstance(leaf, date):
                self._days.add(leaf)
            else:
                self._numbers.append(leaf)

    def has(self, value: Value) -> bool:
        """Whether a value is among what was said, rounding and the writing of dates and names aside."""
        if isinstance(value, date):
            return value in self._days
        if isinstance(value, str):
            return any(scoring.holds(text, value) for text in self._texts)
        return any(scoring.same_number(number, value) for number in self._numbers)


def _leaves(value: Any) -> Iterator[Value]:
    """The numbers, days and texts of a JSON value; yes, no and nothing are no values to be taken up."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, str | date):
        if value != "":
            yield value
    elif not isinstance(value, bool) and (number := _number(value)) is not None:
        yield number


def _values(text: str) -> Iterator[Value]:
    """The values that a call's text tells: all of JSON; of prose its numbers and days, and what stands in
    quotes.
    """
    try:
        parts = list(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        yield from scoring.numbers(text, words=False)
        yield from map(date.fromisoformat, scoring.dates(text))
        yield from (match[1] or match[2] for match in _QUOTED.finditer(text))
    else:
        for part in parts:
            yield _as_value(part) if isinstance(part, str) else part


def _as_value(text: str) -> Value:
    """A text that is a number or a day as such."""
    number, days = _number(text), scoring.dates(text)
    if number is not None:
        return number
    return date.fromisoformat(days[0]) if days and len(text.split()) <= _DATE else text
