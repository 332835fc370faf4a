"""One made dialogue that is given a model's words, message by message, and the checks that they must pass.

The made messages are the blueprint. A model's words stand in their place only where every value of a later
call is as well grounded as it was, and the assistant decides as the gold does at least half of the times that
it is asked. Otherwise what was made stays, and a note says why.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import Field
from pydantic_ai.settings import ModelSettings

from tastemaker.config import Config
from tastemaker.errors import LimitReached
from tastemaker.records import Message, Step, ToolSpec, Trajectory, canonical
from tastemaker.synthesis.dialogues.voice import Decision, UnusableError, Voice, agrees, plain
from tastemaker.synthesis.verification.definition import definition
from tastemaker.synthesis.verification.grounding import Known, doubt, normalised
from tastemaker.synthesis.verification.rules import verify
from tastemaker.synthesis.verification.text import invalid_character, unfinished
from tastemaker.tools.request import clean, one_line


class RolesConfig(Config):
    """What a model is asked for, and how."""

    how: Literal["rewrite", "play"] = "rewrite"
    """rewrite: the user's messages in other words; play: those, in the light of the dialogue so far, results
    of the tools, and the assistant's words."""
    votes: int = Field(default=3, ge=1)
    """Times that the assistant's decision is sampled."""
    tries: int = Field(default=2, ge=1)
    """Times that a message of the user is sampled before the made one stays."""
    temperature: float = Field(default=0.7, ge=0)
    """Of all requests."""
    concurrency: int = Field(default=8, ge=1)
    """Dialogues under way at once; each asks for its votes at once."""
    requests: int | None = Field(default=None, ge=1)
    """Requests in all; when they are used up, what was made stays."""
    tokens: int | None = Field(default=None, ge=1)
    """Input and output tokens in all."""
    cost: float | None = Field(default=None, gt=0)
    """US dollars in all."""
    request_seconds: float = Field(default=120.0, gt=0)
    """Seconds that one request may take."""
    seed: int = Field(default=0, ge=0)
    """From which each request has a seed of its own."""


_USER = (
    "You write what a user says to an assistant. Say what the goal says in other words, as this user would: "
    "keep every name, number, date and choice, add nothing, leave nothing out, and answer nothing."
)
_TOOL = (
    "You are an API. Make up what it returns for this call: realistic, in keeping with the arguments, and of "
    "the schema that is asked for."
)
_SAID: Final[dict[str, Any]] = {"type": "string", "description": "what the user says"}
_LONGEST_FACTOR = 3
_ALLOWANCE = 100
"""A message in other words has at most so many characters more than that many times the made one."""


@dataclass
class Staging:
    """One dialogue under way: the made messages, and those that stand now."""

    voice: Voice
    config: RolesConfig
    made: Trajectory
    messages: list[Message] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    thoughts: dict[int, str] = field(default_factory=dict)
    """Thinking of agreeing decisions, by the number of the message with the calls."""
    votes: dict[int, list[Decision]] = field(default_factory=dict)
    """Agreeing decisions that were sampled for the messages as they stand."""

    def __post_init__(self) -> None:
        self.messages = list(self.made.messages)

    async def user(self, number: int) -> None:
        """Sample the user's message until one passes."""
        why = ""
        for attempt in range(self.config.tries):
            try:
                text = await self._written(number, attempt)
                self._check_user(number, text)
                standing = self.messages[number]
                self.messages[number] = standing.model_copy(update={"text": text})
                if number + 1 < len(self.messages) and self.messages[number + 1].role == "assistant":
                    try:
                        await self._vote(number + 1)
                    except UnusableError:
                        self.messages[number] = standing
                        raise
                self._note(number, "model")
                return
            except LimitReached as error:
                why = str(error)
                break
            except UnusableError as error:
                why = str(error)
        self._note(number, "made", why)

    async def assistant(self, number: int) -> None:
        """Vote on the gold decision; of words, take the first that pass. Made words that lean on what no
        longer stands bring all made results and answers before them back.
        """
        gold = self.made.messages[number]
        try:
            agreeing = self.votes.get(number) or await self._vote(number)
            if not gold.calls:
                self.messages[number] = gold.model_copy(update={"text": self._spoken(number, agreeing)})
            self._note(number, "model")
        except (UnusableError, LimitReached) as error:
            self._note(number, "made", str(error))
            if not gold.calls and self._lost(number):
                for place in range(number):
                    if self.messages[place].role != "user":
                        self.messages[place] = self.made.messages[place]
                self.thoughts.clear()
                self._note(number, "made", "what tools and assistant said before it is as it was made")

    async def tool(self, number: int) -> None:
        """Have the model make up a result; it stands if it fits the schema, the call and the later calls."""
        message = self.made.messages[number]
        made = (c for m in self.made.messages[:number] for c in m.calls if c.id == message.call_id)
        call = next(made, None)
        spec = next((spec for spec in self.made.tools if call and spec.name == call.name), None)
        try:
            if call is None or spec is None or spec.result is None:
                raise UnusableError("the tool does not say what it returns")
            if definition(spec).result_misfits(known := _read(message.text)) or _is_error(known):
                raise UnusableError("it is an error on purpose")
            told = f"{spec.name}: {spec.description}\nArguments: {canonical(call.arguments)}"
            value = await self.voice.fill(_TOOL, told, spec.result, self._settings(number, "tool", 0))
            if misfits := definition(spec).result_misfits(value):
                raise UnusableError(one_line(f"{misfits[0].where or 'the result'}: {misfits[0].why}"))
            if isinstance(value, dict):
                for name in value.keys() & call.arguments.keys():
                    if canonical(plain(value[name])) != canonical(plain(call.arguments[name])):
                        raise UnusableError(f"{name} is not that of the call")
            text = clean(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
            self._check_grounded(number, text)
        except (UnusableError, LimitReached) as error:
            self._note(number, "made", str(error))
            return
        self.messages[number] = message.model_copy(update={"text": text})
        self._note(number, "model")

    def finished(self) -> Trajectory:
        """The dialogue as it stands; as it was made where the rules reject that."""
        messages = tuple(self.messages)
        if messages != self.made.messages:
            verdict = verify(self.made.model_copy(update={"messages": messages}))
            if not verdict.accepted:
                fault = verdict.faults[0]
                self.notes.append({"by": "made", "why": f"{fault.rule}: {fault.where}: {fault.why}"})
                messages = self.made.messages
                self.thoughts.clear()
        told = {"how": self.config.how, "model": self.voice.model.model_name, "messages": self.notes}
        results = {m.call_id: m.text for m in messages if m.role == "tool"}
        steps = [
            Step(
                text=thought,
                calls=messages[number].calls,
                observations=tuple(results.get(call.id, "") for call in messages[number].calls),
            )
            for number, thought in sorted(self.thoughts.items())
        ]
        task = self.made.task
        changed = {
            "messages": messages,
            "task": task.model_copy(update={"inputs": {**task.inputs, "roles": told}}),
            "steps": (*self.made.steps, *steps),
            "usage": self.made.usage + self.voice.usage,
            "provenance": self.made.provenance.model_copy(update={"model": self.voice.model.model_name}),
        }
        return self.made.model_copy(update=changed)

    async def _written(self, number: int, attempt: int) -> str:
        """What the model has the user say. Raises UnusableError and LimitReached."""
        prompt = f"Goal: {self.made.messages[number].text}"
        if self.config.how == "play":
            said = [f"{m.role}: {m.text}" for m in self.messages[:number] if m.role != "system" and m.text]
            prompt = "\n".join([*said, prompt])
        text = await self.voice.fill(_USER, prompt, _SAID, self._settings(number, "user", attempt))
        if not isinstance(text, str) or not text.strip():
            raise UnusableError("the output is no text")
        return " ".join(clean(text).split())

    async def _vote(self, number: int) -> list[Decision]:
        """Decisions at a message that agree with the gold, at least half of those sampled, which are
        remembered with their thinking. Raises UnusableError where fewer agree.
        """
        wrong: list[str] = []

        async def sampled(vote: int) -> Decision | None:
            settings = self._settings(number, "assistant", vote)
            try:
                return await self.voice.decide(
                    self.messages[:number], self.made.tools, settings, thinking=True
                )
            except (UnusableError, LimitReached) as error:
                wrong.append(str(error))
                return None

        decisions = await asyncio.gather(*(sampled(vote) for vote in range(self.config.votes)))
        gold = self.made.messages[number]
        agreeing = [one for one in decisions if one is not None and agrees(one, gold, self.made.tools)]
        if 2 * len(agreeing) < len(decisions):
            last = f"; {wrong[0]}" if wrong else ""
            raise UnusableError(f"{len(agreeing)} of {len(decisions)} decisions are the gold one{last}")
        self.votes[number] = agreeing
        thought = next((one.thinking for one in agreeing if one.thinking), "")
        if thought and not invalid_character(thought):
            self.thoughts[number] = thought
        return agreeing

    def _check_user(self, number: int, text: str) -> None:
        made = self.made.messages[number].text
        if normalised(text) == normalised(made):
            raise UnusableError("the words are the same")
        if len(text) > _LONGEST_FACTOR * len(made) + _ALLOWANCE:
            raise UnusableError(f"{len(text)} characters for {len(made)}")
        if bad := invalid_character(text):
            raise UnusableError(f"it holds {bad}")
        _check_numbers(text, [m.text for m in [*self.messages[:number], self.made.messages[number]]])
        self._check_grounded(number, text)

    def _check_grounded(self, number: int, text: str) -> None:
        """Raises UnusableError where a value of a call is in doubt that was not when it was made."""
        changed = list(self.messages)
        changed[number] = changed[number].model_copy(update={"text": text})
        before, after = _doubts(self.made.messages, self.made.tools), _doubts(changed, self.made.tools)
        for place, share in after.items():
            if share > before[place]:
                raise UnusableError(f"{place} no longer follows from what was said")

    def _spoken(self, number: int, decisions: Iterable[Decision]) -> str:
        """The first words that pass. Raises UnusableError with what is wrong with the last."""
        made, why = self.made.messages[number].text, ""
        told = [m.text for m in self.messages[:number]]
        told += [canonical(call.arguments) for m in self.messages[:number] for call in m.calls]
        for decision in decisions:
            text = " ".join(decision.text.split())
            try:
                if bad := invalid_character(text):
                    raise UnusableError(f"it holds {bad}")
                if bad := unfinished(text):
                    raise UnusableError(bad)
                if len(text) > _LONGEST_FACTOR * len(made) + _ALLOWANCE:
                    raise UnusableError(f"{len(text)} characters for {len(made)}")
                if ("?" in text) != ("?" in made):
                    raise UnusableError("one of the two asks and the other does not")
                if _results(self.made.messages[:number]) & _telling(made) and not (
                    _results(self.messages[:number]) & _telling(text)
                ):
                    raise UnusableError("it tells nothing of what the tools returned")
                _check_numbers(text, told)
                return text
            except UnusableError as error:
                why = str(error)
        raise UnusableError(why)

    def _lost(self, number: int) -> frozenset[str]:
        """Words of a made message that were in results which no longer say them."""
        now = frozenset(word for m in self.messages[:number] for word in _telling(m.text))
        return (_results(self.made.messages[:number]) & _telling(self.made.messages[number].text)) - now

    def _settings(self, number: int, role: str, attempt: int) -> ModelSettings:
        key = canonical([self.config.seed, self.made.id, number, role, attempt]).encode()
        seed = int.from_bytes(hashlib.blake2b(key, digest_size=4).digest(), "big") >> 1
        return ModelSettings(temperature=self.config.temperature, seed=seed)

    def _note(self, number: int, by: Literal["model", "made"], why: str = "") -> None:
        """Record whose words stand at a message; of an assistant's calls, whether the model agrees."""
        note = {"message": number, "role": self.made.messages[number].role, "by": by}
        self.notes.append({**note, "why": why} if why else note)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_error(result: Any) -> bool:
    return isinstance(result, dict) and any("error" in key.lower() for key in result)


def _doubts(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, float]:
    """How little of each argument of each call is found in what was said before it, by its place."""
    specs = {spec.name: spec.parameters.get("properties", {}) for spec in tools}
    found = {}
    for number, message in enumerate(messages):
        if not message.calls:
            continue
        known = Known(before.text for before in messages[:number])
        for call in message.calls:
            for name, value in call.arguments.items():
                part = specs.get(call.name, {}).get(name)
                about = str(part.get("description", "")) if isinstance(part, dict) else ""
                found[f"messages[{number}].{call.id}.{name}"] = doubt(value, known, f"{name} {about}")
    return found


_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])", re.ASCII)


def _check_numbers(text: str, told: Iterable[str]) -> None:
    """Raises UnusableError where a text has a number in digits that was not told."""
    known = Known(told)
    for number in _NUMBER.findall(text):
        if doubt(number, known):
            raise UnusableError(f"the number {number} comes from nowhere")


def _results(messages: Iterable[Message]) -> frozenset[str]:
    return frozenset(
        word for message in messages if message.role == "tool" for word in _telling(message.text)
    )


def _telling(text: str) -> frozenset[str]:
    """The numbers and the longer words of a text."""
    return frozenset(word for word in normalised(text).split() if len(word) > 3 or word.isdigit())
