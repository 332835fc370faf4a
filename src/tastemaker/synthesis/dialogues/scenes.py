"""Dialogues from blueprints: gold calls and their results are drawn first, then the words around them.

| kind | what happens |
|---|---|
| single | one call |
| parallel | two to four calls of one tool at once |
| parallel-multiple | calls of two or three tools at once |
| dependent | a call with a value that another one returned |
| missing | a needed value is not given: it is asked for, then called with |
| error | a call fails: it is made again, mended, or its failure is told |
| no-tool | nothing that is offered fits, or it is small talk: words, no call |
| multi-turn | two to five of these, one after another |

Some dialogues in a row share the tools that are offered, so that a trainer can share their beginning. A
dialogue depends on the settings, the pool and its number alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final, Literal

from pydantic import Field, field_validator

from tastemaker.config import Config
from tastemaker.records import Message, Outcome, Provenance, Task, ToolCall, Trajectory
from tastemaker.synthesis.api import Api, is_nested
from tastemaker.synthesis.complexity.guidance import Knobs
from tastemaker.synthesis.dialogues import answers, results
from tastemaker.synthesis.dialogues.argument import Argument, call_arguments
from tastemaker.synthesis.dialogues.dressing import as_pooled, dressed
from tastemaker.synthesis.dialogues.requests import embellished, request, requests_joined
from tastemaker.synthesis.dialogues.several import several
from tastemaker.synthesis.dialogues.toolset import Tools
from tastemaker.synthesis.dialogues.values import Values
from tastemaker.synthesis.wording import listing, words

KINDS: Final = (
    "single",
    "parallel",
    "parallel-multiple",
    "dependent",
    "missing",
    "error",
    "no-tool",
    "multi-turn",
)
_MIX: Final = dict(zip(KINDS, (0.41, 0.2, 0.17, 0.04, 0.04, 0.03, 0.07, 0.04), strict=True))
_ALONE: Final = ("single", "parallel", "missing", "error", "no-tool")
"""Kinds that one tool is enough for."""
_IN_TURNS: Final = ("single", "single", "parallel", "parallel-multiple", "missing", "no-tool", "error")
_LEVELS: Final = {
    "low": ((1, 2), (0.0, 0.3), 0.1),
    "medium": ((2, 4), (0.2, 0.7), 0.3),
    "high": ((4, 8), (0.6, 1.0), 0.6),
    "mixed": ((1, 6), (0.0, 1.0), 0.45),
}
"""Tools offered, distance of the words from the descriptions, share of optional arguments given."""

_TRIES = 40


class SceneConfig(Config):
    """What the dialogues are like."""

    seed: int = 0
    """Of everything that is drawn."""
    mix: dict[str, float] = Field(default_factory=lambda: dict(_MIX))
    """Weight of each kind."""
    complexity: Literal["low", "medium", "high", "mixed"] = "mixed"
    """How many tools are offered, how far the words are from descriptions, how many arguments are given."""
    nested: bool = True
    """Whether tools with objects or lists of lists among their parameters occur."""
    sharing: int = Field(default=6, ge=1)
    """Dialogues in a row that are offered the same tools."""

    @field_validator("mix")
    @classmethod
    def _known_kinds(cls, mix: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(mix) - set(KINDS))
        if unknown or min(mix.values(), default=0) < 0 or not sum(mix.values()) > 0:
            raise ValueError(f"give weights of at least 0 to kinds out of {', '.join(KINDS)}")
        return mix


class Scenes:
    """Makes the dialogues of a pool."""

    def __init__(self, apis: Sequence[Api], config: SceneConfig) -> None:
        self.config = config
        self.tools = Tools(apis, nested=config.nested)

    def dialogue(self, number: int) -> Trajectory:
        """The dialogue with this number."""
        config = self.config
        group, place = divmod(number, config.sharing)
        rng = Random(f"{config.seed}/{group}")
        offered, kinds, chain = self._group(rng)
        rng = Random(f"{config.seed}/{group}/{place}")
        scene = Scene(self.tools, offered, rng, *_LEVELS[config.complexity][1:], chain=chain)
        return scene.play(kinds[place], f"dialogue-{number}", config.seed)

    def with_knobs(self, knobs: Knobs, rng: Random) -> Trajectory:
        """A dialogue with as many tools and calls, and words as far from the descriptions."""
        first = self._first(rng)
        for _ in range(_TRIES):
            if is_nested(first.spec.parameters) == knobs.nested:
                break
            first = self._first(rng)
        offered = [dressed(api, rng) for api in self.tools.several(knobs.candidates, rng, [first])]
        far = (knobs.distance, knobs.distance)
        scene = Scene(self.tools, offered, rng, far, count=knobs.used)
        kind = "single" if knobs.used == 1 else rng.choice(("parallel", "parallel-multiple"))
        return scene.play(kind, "guided", self.config.seed)

    def _group(self, rng: Random) -> tuple[list[Api], list[str], Chain | None]:
        """The tools of some dialogues, and the kind of each."""
        (low, high), *_ = _LEVELS[self.config.complexity]
        count = min(rng.randint(low, high), rng.randint(low, high))
        mix = {k: w for k, w in self.config.mix.items() if w > 0 and (count > 1 or k in _ALONE)}
        if not mix:
            count, mix = max(count, 2), {k: w for k, w in self.config.mix.items() if w > 0}
        kinds = rng.choices(list(mix), list(mix.values()), k=self.config.sharing)
        chain = self.tools.chain(rng) if "dependent" in kinds else None
        start = [chain[0], chain[2]] if chain else [self._first(rng)]
        offered = self.tools.several(count, rng, start)
        shown = {api.id: dressed(api, rng) for api in offered}
        if chain:
            chain = (shown[chain[0].id], chain[1], shown[chain[2].id], chain[3])
        return [shown[api.id] for api in offered], kinds, chain

    def _first(self, rng: Random) -> Api:
        api = self.tools.one(rng)
        while not api.types:
            api = self.tools.one(rng)
        return api


Chain = tuple[Api, str, Api, str]
"""See `Tools.chain`."""


class Scene:
    """One dialogue in the making."""

    def __init__(
        self,
        tools: Tools,
        offered: Sequence[Api],
        rng: Random,
        distance: tuple[float, float] = (0.0, 1.0),
        optional: float = 0.3,
        chain: Chain | None = None,
        count: int | None = None,
    ) -> None:
        self.tools, self.offered, self.rng, self.chain, self.count = tools, offered, rng, chain, count
        self.usable = [api for api in offered if api.types]
        self.values = Values(rng)
        self.distance, self.optional = distance, optional
        self.messages: list[Message] = []
        self.calls = 0

    def play(self, kind: str, id: str, seed: int) -> Trajectory:
        """The dialogue of this kind."""
        if kind == "multi-turn":
            for _ in range(self.rng.randint(2, 5)):
                self._turn(self.rng.choice(_IN_TURNS))
        else:
            kind = self._turn(kind)
        domains = sorted({api.domain for api in self.offered})
        return Trajectory(
            id=id,
            task=Task(kind="dialogue", id=id, inputs={"kind": kind, "domain": domains}),
            tools=tuple(api.spec for api in self.offered),
            messages=tuple(self.messages),
            outcome=Outcome(kind="answered"),
            provenance=Provenance(dataset="synthetic", protocol="blueprint", seed=seed),
        )

    def _turn(self, kind: str) -> str:
        """One task of the user. Returns its kind: a plainer one where the tools do not allow this."""
        if kind == "no-tool" or not self.usable:
            return self._no_tool()
        if kind == "dependent" and self.chain is not None:
            return self._dependent(*self.chain)
        if kind == "parallel-multiple" and len(self.usable) > 1:
            return self._parallel_multiple()
        plain = {"parallel": self._parallel, "missing": self._missing, "error": self._error}
        return plain.get(kind, self._single)()

    def _single(self) -> str:
        api, arguments = self._asked()
        self._user(request(api, arguments, self.rng, self._far()))
        self._done([(api, call_arguments(arguments))])
        return "single"

    def _parallel(self) -> str:
        api, first = self._asked()
        text, sets = several(api, first, self.values, self.rng, self._far(), self.count)
        self._user(text)
        self._done([(api, call_arguments(arguments)) for arguments in sets])
        return "parallel" if len(sets) > 1 else "single"

    def _parallel_multiple(self) -> str:
        count = self.count or self.rng.choices((2, 3), (7, 3))[0]
        apis = self.rng.sample(self.usable, min(len(self.usable), count))
        if self.rng.random() < 0.25:
            apis.insert(self.rng.randrange(len(apis) + 1), self.rng.choice(apis))
        asked: list[tuple[Api, tuple[Argument, ...]]] = []
        for api in apis:
            arguments = self._arguments(api)
            if (api, call_arguments(arguments)) not in [(a, call_arguments(b)) for a, b in asked]:
                asked.append((api, arguments))
        parts = [request(api, args, self.rng, self._far(), framed=False) for api, args in asked]
        self._user(requests_joined(parts, self.rng))
        self._done([(api, call_arguments(args)) for api, args in asked])
        return "parallel-multiple"

    def _dependent(self, first: Api, path: str, second: Api, parameter: str) -> str:
        given = self._arguments(first)
        result = results.result(*as_pooled(first, call_arguments(given)), self.rng)
        found = results.find(result, path)
        then = self._arguments(second)
        if not found:
            return self._single()
        left = [a for a in then if a.name != parameter]
        what = self.rng.choice(
            ("it", "the first one", "the one you find", "the first result", "what you found")
        )
        parts = [
            request(first, given, self.rng, self._far(), framed=False),
            f"{request(second, left, self.rng, self._far(), framed=False)} for {what}",
        ]
        self._user(requests_joined(parts, self.rng))
        self._call([(first, call_arguments(given))], [result])
        self._done([(second, {**call_arguments(then), parameter: found[0]})])
        return "dependent"

    def _missing(self) -> str:
        api, arguments = self._asked()
        required = [a for a in arguments if a.name in api.spec.parameters.get("required", ())]
        if not required:
            return self._single()
        left_out = self.rng.sample(required, self.rng.choices((1, min(2, len(required))), (4, 1))[0])
        said = [a for a in arguments if a not in left_out]
        self._user(request(api, said, self.rng, self._far()))
        self._say("assistant", answers.ask_for(api, [a.name for a in left_out], self.rng))
        self._say("user", _supplied(left_out, self.rng))
        self._done([(api, call_arguments(arguments))])
        return "missing"

    def _error(self) -> str:
        api, arguments = self._asked()
        given = call_arguments(arguments)
        self._user(request(api, arguments, self.rng, self._far()))
        failure = results.failure(api, given, self.rng)
        self._call([(api, given)], [failure.content])
        if failure.retryable or failure.repair is not None:
            self._done([(api, {**given, **(failure.repair or {})})])
        else:
            self._say("assistant", answers.confirm_failure(api, failure, self.rng))
        return "error"

    def _no_tool(self) -> str:
        draw = self.rng.random()
        api = self.tools.missing(self.offered, self.rng) if draw < 0.85 else None
        specs = [api.spec for api in self.offered]
        if api is not None:
            api = dressed(api, self.rng)
            self._user(request(api, self._arguments(api), self.rng, self._far()))
            self._say("assistant", answers.decline(self.rng, specs))
        elif draw < 0.97:
            asked, told = answers.chat(self.rng)
            self._user(asked)
            self._say("assistant", told)
        else:
            self._user(
                self.rng.choice(
                    ("Which tools do you have here?", "What are you able to do for me with these?")
                )
            )
            self._say("assistant", answers.about_tools(specs, self.rng))
        return "no-tool"

    def _asked(self) -> tuple[Api, tuple[Argument, ...]]:
        api = self.rng.choice(self.usable)
        return api, self._arguments(api)

    def _arguments(self, api: Api) -> tuple[Argument, ...]:
        arguments = self.values.arguments(api, optional=self.optional)
        return arguments or self.values.arguments(api, optional=1.0)

    def _far(self) -> float:
        return self.rng.uniform(*self.distance)

    def _user(self, text: str) -> None:
        self._say("user", embellished(text, self.rng))

    def _say(self, role: Literal["user", "assistant"], text: str) -> None:
        self.messages.append(Message(role=role, text=text))

    def _call(self, calls: Sequence[tuple[Api, dict[str, Any]]], given: Sequence[Any]) -> None:
        made = []
        for api, arguments in calls:
            self.calls += 1
            made.append(ToolCall(id=f"call{self.calls}", name=api.spec.name, arguments=arguments))
        self.messages.append(Message(role="assistant", calls=tuple(made)))
        for call, result in zip(made, given, strict=True):
            text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
            self.messages.append(Message(role="tool", text=text, call_id=call.id))

    def _done(self, calls: Sequence[tuple[Api, dict[str, Any]]]) -> None:
        """The calls, what they return, and the assistant's words about it."""
        given = [results.result(*as_pooled(api, arguments), self.rng) for api, arguments in calls]
        self._call(calls, given)
        told = [(api, arguments, result) for (api, arguments), result in zip(calls, given, strict=True)]
        self._say("assistant", answers.answers(told, self.rng))


def _supplied(arguments: Sequence[Argument], rng: Random) -> str:
    if len(arguments) == 1 and rng.random() < 0.5:
        said = arguments[0].said
        return rng.choice(("{}", "{}.", "{}, please.", "Oh, {}.", "Sorry, {}.")).format(said)
    pairs = [(" ".join(words(a.name)), a.said) for a in arguments]
    if rng.random() < 0.5:
        return f"T{listing([f'the {name} is {said}' for name, said in pairs])[1:]}."
    return ", ".join(f"{name}: {said}" for name, said in pairs)
