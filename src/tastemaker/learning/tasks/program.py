"""Programs: which calls a task needs and how they hang together; drawn first, before any word or value.

A program is a tree of calls for each thing asked, an argument being a literal or another call's result, or
acts of a stateful service and the question that shows what they did. Executed on a world it gives the gold
calls, level by level: calls of one level need nothing of each other. Knows nothing of language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, Final

from tastemaker.learning.tasks import services
from tastemaker.learning.tasks.function import FUNCTIONS, SCRIPTS, Function, Script, Split
from tastemaker.learning.tasks.sorts import SORTS, accepts
from tastemaker.learning.tasks.task import Kind
from tastemaker.learning.tasks.world import World

__all__ = ["Call", "Program", "draw_program", "offerable", "services"]

_TRIES: Final = 200


@dataclass(eq=False)
class Call:
    """One call of a program."""

    function: Function
    inner: dict[str, Call] = field(default_factory=dict)
    """Arguments that are results."""
    shared: dict[str, tuple[Call, str]] = field(default_factory=dict)
    """Literal arguments that repeat one of another call."""
    values: dict[str, Any] = field(default_factory=dict)
    """All arguments, once executed."""
    value: Any = None
    """The result, once executed."""
    after: int = 0
    """The level that acts before it take."""

    @property
    def level(self) -> int:
        """How many steps have to come before."""
        return max([self.after, *(1 + call.level for call in self.inner.values())])

    def literals(self) -> Iterator[str]:
        """Names of the parameters that the question gives values for."""
        return (p.name for p in self.function.parameters if p.name not in self.inner)

    def sort_of(self, parameter: str) -> str:
        return next(p.sort for p in self.function.parameters if p.name == parameter)

    def shape(self) -> str:
        """The call without its values."""
        inner = (
            self.inner[p.name].shape() if p.name in self.inner else p.sort for p in self.function.parameters
        )
        return f"{self.function.key}({', '.join(inner)})"


@dataclass(eq=False)
class Program:
    """What a task needs."""

    asks: tuple[Call, ...]
    """What is asked for, in order."""
    acts: tuple[Call, ...] = ()
    """What is to be done before, in order."""

    def calls(self) -> list[Call]:
        """All calls in an order in which they can be made."""
        found: dict[Call, None] = {}
        for call in (*self.acts, *self.asks):
            _collect(call, found)
        return list(found)

    def steps(self) -> list[list[Call]]:
        """The calls level by level."""
        calls = self.calls()
        levels = {call: call.level for call in calls}
        return [
            [call for call in calls if levels[call] == level] for level in range(max(levels.values()) + 1)
        ]

    def kind(self) -> Kind:
        sizes = [len(step) for step in self.steps()]
        if sizes == [1]:
            return "single"
        if len(sizes) == 1:
            return "parallel"
        return "chain" if max(sizes) == 1 else "mixed"

    def shape(self) -> str:
        """The program without its values."""
        asks = " & ".join(call.shape() for call in self.asks)
        return "; ".join([*(call.shape() for call in self.acts), asks])

    def fill(self, rng: Random, world: World) -> None:
        """Draw the literals."""
        for call in self.calls():
            call.values = {}
            for name in call.literals():
                if name in call.shared:
                    other, theirs = call.shared[name]
                    call.values[name] = other.values[theirs]
                else:
                    call.values[name] = _literal(rng, world, call.sort_of(name))

    def execute(self, world: World) -> None:
        """Make the calls. Changes the world where they do. Raises ToolError where one cannot be made."""
        for step in self.steps():
            for call in step:
                call.values |= {name: inner.value for name, inner in call.inner.items()}
                call.value = call.function.result(call.function.run(world, **call.values))[
                    call.function.gives
                ]


def _collect(call: Call, found: dict[Call, None]) -> None:
    for inner in call.inner.values():
        _collect(inner, found)
    found[call] = None


def _literal(rng: Random, world: World, sort: str) -> Any:
    known = SORTS[sort]
    if known.table is not None:
        return rng.choice(list(world[known.table]))
    assert known.draw is not None
    return known.draw(rng)


@cache
def offerable(split: Split) -> tuple[Function, ...]:
    """The functions of a split."""
    return tuple(function for function in FUNCTIONS.values() if function.split == split)


@cache
def _askable(split: Split) -> tuple[Function, ...]:
    """Those that can be asked for by literals alone."""
    return tuple(
        function
        for function in offerable(split)
        if not function.acts
        and function.parameters
        and all(SORTS[p.sort].draw or SORTS[p.sort].table for p in function.parameters)
    )


@cache
def _producers(split: Split, sort: str) -> tuple[Function, ...]:
    """Functions whose value a parameter of this sort takes."""
    return tuple(f for f in _askable(split) if not f.many and accepts(sort, f.sort))


@cache
def _scripts(split: Split) -> tuple[Script, ...]:
    return tuple(script for script in SCRIPTS if script.split == split)


def draw_program(rng: Random, split: Split, kind: Kind, most: int) -> Program:
    """A program of one of the four plain kinds, of at most so many calls."""
    for _ in range(_TRIES):
        program = _draw(rng, split, kind, most)
        if program is not None and program.kind() == kind and len(program.calls()) <= most:
            return program
    raise AssertionError(f"no program of kind {kind} with at most {most} calls")


def _draw(rng: Random, split: Split, kind: Kind, most: int) -> Program | None:
    if kind == "single":
        return Program((Call(rng.choice(_askable(split))),))
    if kind == "parallel":
        return _parallel(rng, split, rng.randint(2, min(4, most)))
    if kind == "chain":
        if rng.random() < 0.15:
            return _acted(rng, split, 1)
        return _asking(_chain(rng, split, rng.choice(_askable(split)), rng.choice((2, 2, 3, 3, 4, 5)[:most])))
    way = rng.random()
    if way < 0.3:
        return _acted(rng, split, rng.randint(1, most))
    if way < 0.75:
        return _asking(_tree(rng, split, most))
    chain = _chain(rng, split, rng.choice(_askable(split)), rng.randint(2, most - 1))
    if chain is None:
        return None
    left = most - len(Program((chain,)).calls())
    others = tuple(Call(rng.choice(_askable(split))) for _ in range(rng.randint(1, max(1, min(2, left)))))
    return Program(tuple(rng.sample((chain, *others), 1 + len(others))))


def _asking(call: Call | None) -> Program | None:
    return None if call is None else Program((call,))


def _parallel(rng: Random, split: Split, count: int) -> Program:
    """Several things asked: of one function, or of several."""
    if rng.random() < 0.45:
        function = rng.choice([f for f in _askable(split) if not f.many])
        return Program(tuple(Call(function) for _ in range(count)))
    return Program(tuple(Call(function) for function in rng.sample(_askable(split), count)))


def _chain(
    rng: Random, split: Split, function: Function, length: int, used: Sequence[Function] = ()
) -> Call | None:
    """A call of the function whose one argument is the result of a chain, no function twice."""
    if length == 1:
        return Call(function)
    ways = [
        (p.name, producer)
        for p in function.parameters
        for producer in _producers(split, p.sort)
        if producer is not function and producer not in used
    ]
    for name, producer in rng.sample(ways, min(4, len(ways))):
        inner = _chain(rng, split, producer, length - 1, (*used, function))
        if inner is not None:
            return Call(function, {name: inner})
    return None


def _tree(rng: Random, split: Split, most: int) -> Call | None:
    """A call with two arguments that are results."""
    ways = [f for f in _askable(split) if sum(bool(_producers(split, p.sort)) for p in f.parameters) >= 2]
    root = rng.choice(ways)
    names = rng.sample([p for p in root.parameters if _producers(split, p.sort)], 2)
    first = rng.choice(_producers(split, names[0].sort))
    same = rng.random() < 0.5 and first in _producers(split, names[1].sort)
    second = first if same else rng.choice(_producers(split, names[1].sort))
    lengths = (1, 1) if most < 4 or rng.random() < 0.6 else rng.choice(((1, 2), (2, 1), (2, 2)))
    inner = [
        _chain(rng, split, function, length, (root,))
        for function, length in zip((first, second), lengths, strict=True)
        if function is not root
    ]
    if len(inner) < 2 or inner[0] is None or inner[1] is None:
        return None
    outer = Call(root, {names[0].name: inner[0], names[1].name: inner[1]})
    ways_up = [
        f for f in _askable(split) if f is not root and any(accepts(p.sort, root.sort) for p in f.parameters)
    ]
    if sum(lengths) + 2 <= most and ways_up and rng.random() < 0.3:
        top = rng.choice(ways_up)
        return Call(top, {next(p.name for p in top.parameters if accepts(p.sort, root.sort)): outer})
    return outer


def _acted(rng: Random, split: Split, count: int) -> Program:
    """Acts of a service and the question that shows what they did; so many calls that act."""
    script = rng.choice(_scripts(split))
    low, high = script.repeats
    count = max(low, min(high, count))
    opened = Call(FUNCTIONS[script.opens]) if script.opens else None
    sort = "order" if opened else ""
    acts = [Call(FUNCTIONS[script.acts[0]]) for _ in range(count)]
    ask = Call(
        FUNCTIONS[script.asks], shared={name: (acts[0], theirs) for name, theirs in script.shared.items()}
    )
    for call in (*acts, ask):
        if opened:
            call.inner = {p.name: opened for p in call.function.parameters if p.sort == sort}
    ask.after = 2 if opened else 1
    return Program((ask,), (*((opened,) if opened else ()), *acts))
