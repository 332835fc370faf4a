"""Draws tasks: program, tools, world, values, gold by execution, and then words for them.

A task is a function of the config's seed and split and of its number alone. A draw is thrown away where it
could be solved in another way than by its program: where a value asked for, or met on the way, stands in the
question, and where one asked for is also met on the way, or is what the distractors give.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import product
from random import Random
from typing import Any, Final

from pydantic import Field, field_validator

from tastemaker.config import Config
from tastemaker.errors import ToolError
from tastemaker.learning.tasks.function import Function, Split
from tastemaker.learning.tasks.language import DECLINES, Words
from tastemaker.learning.tasks.program import Call, Program, draw_program, offerable
from tastemaker.learning.tasks.scoring import same, stands_in
from tastemaker.learning.tasks.sorts import SORTS, accepts
from tastemaker.learning.tasks.task import Expected, Failure, Kind, OfferedTool, ToolTask
from tastemaker.learning.tasks.world import World, copied, draw_world
from tastemaker.records import ToolCall

_TRIES: Final = 400
_WORLDS: Final = 4
"""Worlds drawn for one program before another is drawn."""
_LONGEST: Final = 60
"""Words of a question."""
_LARGEST: Final = 1e7
_SMALLEST: Final = 0.05
_REACHED: Final = 60
"""Values followed through the distractors at most."""

_BUSY: Final = (
    "the service is busy; make the same call again",
    "the request timed out; try again",
    "temporarily unavailable; please repeat the call",
    "connection lost; call again",
)
_BASES: Final[dict[Kind, tuple[Kind, ...]]] = {
    "retry": ("single", "chain", "chain", "parallel", "mixed"),
    "correct": ("single", "chain", "chain", "parallel", "mixed"),
    "no tool": ("single", "single", "chain", "parallel"),
}
"""The kinds of programs that other kinds are made of."""


class TaskConfig(Config):
    """Which tasks are drawn."""

    seed: int = 0
    """Tasks of other seeds are other tasks; which tools a split has does not depend on it."""
    split: Split = "train"
    """No split has a tool, or a program, of another."""
    first: int = Field(default=0, ge=0)
    """Number of the first task that `make_tasks` gives."""
    count: int = Field(default=1000, ge=0)
    """How many it gives."""
    kinds: dict[Kind, float] = {
        "single": 0.15,
        "chain": 0.25,
        "parallel": 0.15,
        "mixed": 0.15,
        "retry": 0.1,
        "correct": 0.1,
        "no tool": 0.1,
    }
    """Shares of the kinds; those not named are not drawn."""
    max_calls: int = Field(default=5, ge=3, le=5)
    """Calls of a program, at most: how difficult a task may be."""
    distractors: int = Field(default=5, ge=1, le=5)
    """Tools offered beside those needed, at most."""
    offered: int = Field(default=5, ge=2)
    """Tools offered, as a rule: one task in ten may have more."""

    @field_validator("kinds")
    @classmethod
    def _some(cls, value: dict[Kind, float]) -> dict[Kind, float]:
        if not value or min(value.values()) < 0 or sum(value.values()) <= 0:
            raise ValueError("at least one share must be above 0, and none below")
        return value


def make_tasks(config: TaskConfig) -> Iterator[ToolTask]:
    """The config's tasks, in the order of their numbers."""
    return (make_task(config, number) for number in range(config.first, config.first + config.count))


def make_task(config: TaskConfig, number: int) -> ToolTask:
    """One task, by its number."""
    rng = Random(f"{config.seed}/{config.split}/{number}")
    kind = rng.choices(list(config.kinds), list(config.kinds.values()))[0]
    name = f"{config.split}-{config.seed}-{number:06d}"
    for _ in range(_TRIES):
        program = draw_program(rng, config.split, rng.choice(_BASES.get(kind, (kind,))), config.max_calls)
        needed = list(dict.fromkeys(call.function for call in program.calls()))
        beside = _distractors(rng, config, needed, at_least=kind == "no tool")
        for _ in range(_WORLDS):
            task = _task(rng, name, kind, config.split, program, needed, beside)
            if task is not None:
                return task
    raise AssertionError(f"no task {name} of kind {kind} could be drawn")


def _distractors(
    rng: Random, config: TaskConfig, needed: list[Function], *, at_least: bool
) -> list[Function]:
    """Tools that cannot do the work of the needed ones; half of them from the same services if there are."""
    kin = {function.kin for function in needed}
    services = {function.service for function in needed}
    others = [function for function in offerable(config.split) if function.kin not in kin]
    near = [function for function in others if function.service in services]
    taken = 0 if at_least else len(needed)
    room = (
        config.distractors if rng.random() < 0.1 else min(config.distractors, max(0, config.offered - taken))
    )
    count = rng.randint(1 if at_least else 0, max(1, room)) if room else 0
    close = rng.sample(near, min(len(near), rng.randint(0, count)))
    return close + rng.sample([f for f in others if f not in close], count - len(close))


def _task(
    rng: Random,
    name: str,
    kind: Kind,
    split: Split,
    program: Program,
    needed: list[Function],
    beside: list[Function],
) -> ToolTask | None:
    """The task of a program, with a world and values drawn; None where they do not suit."""
    world = draw_world(rng, [need for function in (*needed, *beside) for need in function.needs])
    program.fill(rng, world)
    try:
        program.execute(copied(world))
    except ToolError:
        return None
    answer = [
        Expected(sort=call.function.sort, value=value)
        for call in program.asks
        for value in (call.value if call.function.many else [call.value])
    ]
    if not _suits(program, answer) or _reached(world, program, beside, answer):
        return None
    shown: dict[tuple[Call, str], Any] = {}
    mistake = None
    if kind == "correct":
        mistake = _mistake(rng, world, program)
        if mistake is None:
            return None
        call, parameter, wrong, _ = mistake
        shown[call, parameter] = wrong
    words = Words(rng, program, shown)
    question = words.question()
    found = [*answer, *(Expected(sort=sort, value=value) for sort, value in _met(program))]
    if len(question.split()) > _LONGEST or any(stands_in(value, question) for value in found):
        return None
    offered = [rng.choice(f.wordings) for f in (beside if kind == "no tool" else (*needed, *beside))]
    if len({tool.spec.name for tool in offered}) < len(offered):
        return None
    wording = {tool.function: tool for tool in offered}
    gold: list[list[Call]] = [] if kind == "no tool" else program.steps()
    fails: tuple[Failure, ...] = ()
    if mistake is not None:
        place = next((s, c) for s, step in enumerate(gold) for c, one in enumerate(step) if one is call)
        fails = (
            _failure(
                place, "argument", mistake[3], wording[call.function.key], call.values | {parameter: wrong}
            ),
        )
    elif kind == "retry":
        fails = (_busy(rng, gold, wording),)
    rng.shuffle(offered)
    return ToolTask(
        id=name,
        kind=kind,
        split=split,
        program=program.shape(),
        question=question,
        tools=tuple(offered),
        world=world,
        gold=_gold(gold, wording),
        answer=() if kind == "no tool" else tuple(answer),
        reply=rng.choice(DECLINES) if kind == "no tool" else words.reply(),
        fails=fails,
    )


def _gold(steps: list[list[Call]], wording: dict[str, OfferedTool]) -> tuple[tuple[ToolCall, ...], ...]:
    first = 1
    gold = []
    for step in steps:
        gold.append(
            tuple(
                ToolCall(
                    id=f"call{first + place}",
                    name=wording[call.function.key].spec.name,
                    arguments=_shown(wording[call.function.key], call.values),
                )
                for place, call in enumerate(step)
            )
        )
        first += len(step)
    return tuple(gold)


def _shown(tool: OfferedTool, values: dict[str, Any]) -> dict[str, Any]:
    return {word: values[own] for word, own in tool.arguments.items()}


def _failure(
    place: tuple[int, int], kind: Any, text: str, tool: OfferedTool, values: dict[str, Any]
) -> Failure:
    return Failure(step=place[0], call=place[1], kind=kind, text=text, arguments=_shown(tool, values))


def _busy(rng: Random, gold: list[list[Call]], wording: dict[str, OfferedTool]) -> Failure:
    """The first call of one of the functions fails."""
    first: dict[str, tuple[int, int]] = {}
    for number, step in enumerate(gold):
        for place, call in enumerate(step):
            first.setdefault(call.function.key, (number, place))
    key, place_of = rng.choice(list(first.items()))
    values = gold[place_of[0]][place_of[1]].values
    return _failure(place_of, "transient", rng.choice(_BUSY), wording[key], values)


def _suits(program: Program, answer: list[Expected]) -> bool:
    """Whether the values are such that only the whole program gives them."""
    calls = program.calls()
    if not answer or any(call.value == [] for call in calls):
        return False
    made = [(call.function.key, sorted(map(str, call.values.items()))) for call in calls]
    if any(one in made[:number] for number, one in enumerate(made)):
        return False
    for call in calls:
        for value in call.value if isinstance(call.value, list) else [call.value]:
            if isinstance(value, int | float) and not _SMALLEST <= abs(value) <= _LARGEST:
                return False
    met = _met(program)
    for number, one in enumerate(answer):
        others = [*met, *((other.sort, other.value) for other in answer[:number])]
        if any(_alike(one, sort, value) for sort, value in others):
            return False
    return True


def _met(program: Program) -> list[tuple[str, Any]]:
    """Sorts and values of the results that are not asked for."""
    return [
        (call.function.sort, call.value)
        for call in program.calls()
        if call not in program.asks and not call.function.acts
    ]


def _alike(one: Expected, sort: str, value: Any) -> bool:
    kinds = (SORTS[one.sort].numeric, SORTS[sort].numeric)
    return kinds[0] == kinds[1] and same(one.sort, one.value, value)


def _reached(world: World, program: Program, beside: list[Function], answer: list[Expected]) -> bool:
    """Whether the distractors, given what the question says, or what they gave for it, give a value asked
    for.
    """
    known: list[tuple[str, Any]] = [
        (call.sort_of(name), call.values[name]) for call in program.calls() for name in call.literals()
    ]
    for _ in range(2):
        new: list[tuple[str, Any]] = []
        for function in beside:
            if function.acts:
                continue
            choices = [[v for sort, v in known if accepts(p.sort, sort)] for p in function.parameters]
            for values in product(*choices):
                try:
                    own = {p.name: value for p, value in zip(function.parameters, values, strict=True)}
                    value = function.result(function.run(world, **own))[function.gives]
                except ToolError:
                    continue
                new += [(function.sort, v) for v in (value if isinstance(value, list) else [value])]
        if any(_alike(one, sort, value) for one in answer for sort, value in new):
            return True
        known = [*known, *(one for one in new if one not in known)][:_REACHED]
    return False


def _mistake(rng: Random, world: World, program: Program) -> tuple[Call, str, Any, str] | None:
    """A literal that the question may have wrong: the call, the parameter, the wrong value, and the error
    that says what is right.
    """
    shared = {theirs for call in program.calls() for theirs in call.shared.values()}
    places = [
        (call, name)
        for call in program.calls()
        for name in call.literals()
        if name not in call.shared
        and (call, name) not in shared
        and (SORTS[call.sort_of(name)].table or call.sort_of(name) == "date")
    ]
    for call, name in rng.sample(places, len(places)):
        right = call.values[name]
        for _ in range(4):
            wrong = _long_date(rng, right) if call.sort_of(name) == "date" else _misspelt(rng, right)
            try:
                call.function.run(copied(world), **(call.values | {name: wrong}))
            except ToolError as error:
                if call.sort_of(name) == "date" or repr(right) in str(error):
                    return call, name, wrong, str(error)
            # a name that is still understood, or that is nearer to another, is no mistake to learn from
    return None


def _long_date(rng: Random, day: str) -> str:
    read = date.fromisoformat(day)
    form = rng.choice(("%d %B %Y", "%B %d, %Y"))
    return read.strftime(form).replace(" 0", " ").removeprefix("0")


def _misspelt(rng: Random, name: str) -> str:
    """The first word alone; or two small letters exchanged, one left out, or one written twice."""
    first, _, rest = name.partition(" ")
    if rest and rng.random() < 0.4:
        return first
    places = [
        at
        for at in range(1, len(name))
        if name[at - 1 : at + 1].islower() and name[at - 1 : at + 1].isalpha()
    ]
    if not places:
        return name[:-1]
    at = rng.choice(places)
    way = rng.randrange(3)
    if way == 0:
        return name[:at] + name[at + 1 :]
    if way == 1:
        return name[:at] + name[at] + name[at:]
    return name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :]
