"""The plain loop: a model acts with tools until it answers, within limits, and leaves a `Trajectory`.

Agents, dialogue synthesis, roll-outs and benchmarks all run this loop and add to it from outside. It talks to
a pydantic-ai `Model` one request at a time (`request`) and knows nothing of recommenders, roles or labels.

What a model does wrong is data. Junk, an unknown tool, unreadable arguments and a wrong answer become
rejected steps whose reason goes back to the model; a model that is down is asked again at most twice and then
recorded as `failed`. Only cancellation (`asyncio.CancelledError`, `KeyboardInterrupt`) leaves `act`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from pydantic_ai import exceptions as faults
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings
from pydantic_core import from_json, to_json

from tastemaker.errors import LimitReached, ModelError, ToolError
from tastemaker.records import (
    Json,
    Message,
    Outcome,
    Provenance,
    Step,
    Task,
    ToolCall,
    ToolSpec,
    Trajectory,
    Usage,
    canonical,
)
from tastemaker.tools.limits import Budget, Limits
from tastemaker.tools.request import ask, clean, offer, one_line
from tastemaker.tools.tool import Tool

_log = logging.getLogger(__name__)


class Answer(Protocol):
    """The final call: what it looks like now, and what makes it right."""

    @property
    def needs(self) -> Collection[str]:
        """Tools that still have to be called before an answer can be given; empty when one can. When only as
        many rounds are left as tools are needed, only these are offered."""

    @property
    def question(self) -> str:
        """What the model is asked when the answer is first offered, after all it was told; may be empty."""

    def spec(self) -> ToolSpec:
        """The call's specification, asked before every request that offers it: it may narrow to what was
        offered so far."""

    def parse(self, arguments: Mapping[str, Any]) -> Json:
        """The answer in its own form, not None. Raises ToolError with why it is wrong, for the model."""


@dataclass(frozen=True)
class InWords:
    """The final answer is what the model says where it makes no call.

    All tools are offered in every request, so that each prompt begins with the one before and what the model
    wrote, and `Limits.steps` does not count; `Limits.calls` bounds a run.
    """

    parse: Callable[[str], Json]
    """The answer in its own form, not None. Raises ToolError with why it is none, for the model."""


@dataclass(frozen=True)
class Event:
    """What an observer is told as it happens."""

    agent: str
    kind: Literal["start", "call", "observation", "rejected", "answer", "end"]
    text: str


Observe = Callable[[Event], None]

REPEATED = "You have made this call before; its result stands above. Make another call or answer."
"""What a call that was made before returns."""

NOT_RUN = "not run"
"""What a call returns that stands behind the answer, or behind the one that broke a limit."""


async def act(
    model: Model,
    *,
    id: str,
    agent: str,
    instructions: str,
    prompt: str,
    task: Task,
    tools: Sequence[Tool] | Callable[[], Sequence[Tool]],
    answer: Answer | InWords,
    limits: Limits | None = None,
    budget: Budget | None = None,
    observe: Observe | None = None,
    parent: str | None = None,
    provenance: Provenance | None = None,
    settings: ModelSettings | None = None,
    repeat_failed: bool = False,
) -> Trajectory:
    """Let `model` act with `tools` until it gives a right answer or a limit is reached.

    Calls of one response run in their order. A call made before is not run again, but for one that failed
    where `repeat_failed` says so: a service may be back. After `limits.steps`
    rounds with tool calls only the answer is offered, and a tool without arguments once only; a round in
    which no call fits its tool's schema is not counted, the first `limits.answer_tries` - 1 times. After
    `limits.answer_tries` unusable outputs the outcome is `invalid` and keeps the last answer. `usage` is
    this agent's own; its seconds are wall-clock and include what its tools took. `tools` may be a
    function that is asked before every request, so that a specification can narrow to what was offered
    so far. `id` becomes the trajectory's. Nothing but cancellation is raised.
    """
    limits = limits or Limits()
    run = _Run(
        model,
        agent,
        tools if callable(tools) else lambda: tools,
        answer,
        limits,
        budget or Budget(limits),
        observe or (lambda event: None),
        ModelSettings(max_retries=0) | (settings or {}),
        repeat_failed,
    )
    start = time.monotonic()
    outcome, error = await run.play(clean(instructions), clean(prompt))
    return Trajectory(
        id=id,
        parent=parent,
        agent=agent,
        task=task,
        tools=tuple(run.offered.values()),
        messages=tuple(run.messages),
        steps=tuple(run.steps),
        outcome=outcome,
        usage=run.usage + Usage(seconds=time.monotonic() - start),
        error=error,
        provenance=provenance or Provenance(),
    )


class _Rejected(Exception):
    """An output that cannot be used; the text is for the model."""


@dataclass
class _Run:
    """One run's state: the history as the model sees it, and the record of it."""

    model: Model
    agent: str
    tools_now: Callable[[], Sequence[Tool]]
    answer: Answer | InWords
    limits: Limits
    budget: Budget
    observe: Observe
    settings: ModelSettings
    repeat_failed: bool
    history: list[ModelMessage] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    offered: dict[str, ToolSpec] = field(default_factory=dict)
    """All calls that were offered, as they were last."""
    tools: dict[str, Tool] = field(default_factory=dict)
    answer_spec: ToolSpec | None = None
    _made: set[str] = field(default_factory=set)
    _call_ids: set[str] = field(default_factory=set)
    _accepted: Json = None
    _stopped: LimitReached | None = None
    _last_answer: Json = None
    _calls: int = 0
    _rounds: int = 0
    _misfits: int = 0
    """Rounds in which no call fitted its tool's schema."""
    _fitted: bool = False
    """Whether a call of this round did."""
    _asked: bool = False
    _unusable: int = 0

    async def play(self, instructions: str, prompt: str) -> tuple[Outcome, str | None]:
        """The whole conversation. Returns how it ended and, unless answered, why."""
        self._tell("start", prompt)
        self.history.append(ModelRequest([SystemPromptPart(instructions), UserPromptPart(prompt)]))
        self.messages += [Message(role="system", text=instructions), Message(role="user", text=prompt)]
        outcome, error = await self._until_answered()
        self._tell("end", outcome.kind if error is None else f"{outcome.kind}: {error}")
        return outcome, error

    async def _until_answered(self) -> tuple[Outcome, str | None]:
        reason: str | None = None
        while self._unusable < self.limits.answer_tries:
            offered = self._offer()
            if not offered and not isinstance(self.answer, InWords):
                reason = reason or "no answer was possible: no tool gave anything to answer with"
                break
            self._ask_question(offered)
            try:
                reason = await self._step(offered) or reason
            except LimitReached as error:
                return Outcome(kind="limit", answer=self._last_answer), str(error)
            except ModelError as error:
                return Outcome(kind="failed", answer=self._last_answer), str(error)
            if self._accepted is not None:
                return Outcome(kind="answered", answer=self._accepted), None
        return Outcome(kind="invalid", answer=self._last_answer), reason

    def _offer(self) -> dict[str, ToolSpec]:
        """The calls that the next request offers, by name; the answer last."""
        self.tools = {tool.spec.name: tool for tool in self.tools_now()}
        if isinstance(self.answer, InWords):
            return {name: tool.spec for name, tool in self.tools.items()}
        needs = self.answer.needs
        left = self.limits.steps - self._rounds
        offered = {name: tool.spec for name, tool in self.tools.items() if left > 0 and self._may_call(tool)}
        if needs and left <= len(needs):
            return {name: spec for name, spec in offered.items() if name in needs}
        if not needs:
            spec = self.answer_spec = self.answer.spec()
            offered[spec.name] = spec
        return offered

    def _may_call(self, tool: Tool) -> bool:
        """Whether calling the tool can give something new: one without arguments only gives it once."""
        return bool(tool.spec.parameters.get("properties")) or _key(tool.spec.name, {}) not in self._made

    def _ask_question(self, offered: dict[str, ToolSpec]) -> None:
        """Put the answer's question last, once, when the answer is first offered."""
        if self._asked or isinstance(self.answer, InWords):
            return
        if self.answer_spec is None or self.answer_spec.name not in offered:
            return
        self._asked = True
        if question := clean(self.answer.question):
            last = self.history[-1]
            assert isinstance(last, ModelRequest)
            self.history[-1] = replace(last, parts=[*last.parts, UserPromptPart(question)])
            self.messages.append(Message(role="user", text=question))

    async def _step(self, offered: dict[str, ToolSpec]) -> str | None:
        """One request and what its calls met. Returns why the output was unusable, if it was."""
        start = time.monotonic()
        self.offered |= offered
        try:
            response = await self._request(offered)
        except faults.UnexpectedModelBehavior as error:
            unread = f"Your output could not be read: {one_line(str(error))}"
            self._reject(unread, Step(error=unread, seconds=time.monotonic() - start))
            return unread
        details = response.provider_details or {}
        text = clean("".join(part.content for part in response.parts if isinstance(part, TextPart)))
        calls, parts = self._read_calls(response)
        self.history.append(replace(response, parts=parts))
        self.messages.append(Message(role="assistant", text=text, calls=tuple(call for call, _ in calls)))
        self._fitted = False
        reason, results = await self._run_calls(calls, offered)
        step = Step(
            text=clean(details.get("text") or text),
            calls=tuple(call for call, _ in calls),
            observations=tuple(results),
            error=reason,
            prompt_ids=tuple(details.get("prompt_ids", ())),
            token_ids=tuple(details.get("token_ids", ())),
            log_probs=tuple(details.get("log_probs", ())),
            seconds=time.monotonic() - start,
        )
        if not calls:
            return self._no_calls(text, response.finish_reason == "length", offered, step)
        self.steps.append(step)
        self._unusable += reason is not None
        if any(call.name in self.tools for call, _ in calls):
            self._misfits += not self._fitted
            self._rounds += self._fitted or self._misfits >= self.limits.answer_tries
        returned: list[ModelRequestPart] = []
        for (call, _), result in zip(calls, results, strict=True):
            returned.append(ToolReturnPart(call.name, result, call.id))
            self.messages.append(Message(role="tool", text=result, call_id=call.id))
        self.history.append(ModelRequest(returned))
        if self._stopped is not None:
            raise self._stopped
        return reason

    def _no_calls(self, text: str, cut_off: bool, offered: dict[str, ToolSpec], step: Step) -> str | None:
        """What an output without calls is: the answer, where that is given in words, else unusable. Returns
        why it was unusable, if it was."""
        reminder = f"Answer with a call of one of: {', '.join(offered)}."
        if isinstance(self.answer, InWords):
            reminder = "Make calls, or answer in words."
            self._last_answer = text
        if cut_off:
            reminder = f"Your output was too long and was cut off; write less. {reminder}"
        elif isinstance(self.answer, InWords):
            try:
                self._accepted = self.answer.parse(text)
            except ToolError as error:
                reminder = str(error)
            else:
                self.steps.append(step)
                self._tell("answer", canonical(self._accepted))
                return None
        self._reject(reminder, step.model_copy(update={"error": reminder}))
        return reminder

    def _reject(self, reason: str, step: Step) -> None:
        """Record an output without calls and say what to do instead."""
        self._unusable += 1
        self.steps.append(step)
        self.history.append(ModelRequest([UserPromptPart(reason)]))
        self.messages.append(Message(role="user", text=reason))
        self._tell("rejected", reason)

    async def _run_calls(
        self, calls: list[tuple[ToolCall, str | None]], offered: dict[str, ToolSpec]
    ) -> tuple[str | None, list[str]]:
        """Run the calls in order. Returns why the last unusable one was so, and what each returned."""
        unusable: str | None = None
        results = []
        for call, unreadable in calls:
            if self._accepted is not None or self._stopped is not None:
                results.append(NOT_RUN)
                continue
            try:
                if self._calls == self.limits.calls:
                    raise LimitReached(f"the limit of {self._calls} calls is reached")
                self._calls += 1
                if unreadable is not None:
                    raise _Rejected(unreadable)
                results.append(await self._call(call, offered))
            except _Rejected as error:
                unusable = self._cut(str(error))
                results.append(unusable)
                self._tell("rejected", unusable)
            except LimitReached as error:
                self._stopped = error
                results.append(str(error))
        return unusable, results

    async def _call(self, call: ToolCall, offered: dict[str, ToolSpec]) -> str:
        """Run one call: the answer, or a tool. Raises _Rejected for what does not count as acting."""
        answer = None if isinstance(self.answer, InWords) else self.answer
        if answer and self.answer_spec and call.name == self.answer_spec.name and call.name in offered:
            self._last_answer = call.arguments
            try:
                self._accepted = answer.parse(call.arguments)
            except ToolError as error:
                raise _Rejected(str(error)) from None
            self._tell("answer", canonical(self._accepted))
            return "accepted"
        if call.name not in offered:
            raise _Rejected(f"there is no call {call.name!r} now; call one of: {', '.join(offered)}")
        arguments = ", ".join(f"{name}={canonical(value)}" for name, value in call.arguments.items())
        self._tell("call", f"{call.name}({arguments})")
        result = self._cut(clean(await self._run_tool(self.tools[call.name], call.arguments)))
        self._tell("observation", result)
        return result

    def _cut(self, result: str) -> str:
        most = self.limits.result_chars
        return result if most is None or len(result) <= most else f"{result[:most]} … (the rest is left out)"

    async def _run_tool(self, tool: Tool, arguments: dict[str, Any]) -> str:
        try:
            tool.check(arguments)
            self._fitted = True
            key = _key(tool.spec.name, arguments)
            if key in self._made:
                return REPEATED
            self._made.add(key)
            return await tool.call(arguments)
        except ToolError as error:
            if self.repeat_failed:
                self._made.discard(_key(tool.spec.name, arguments))
            if error.__cause__ is not None:
                _log.warning("%s: a tool's fault went to the model as text", self.agent, exc_info=error)
            return f"error: {error}"

    def _read_calls(
        self, response: ModelResponse
    ) -> tuple[list[tuple[ToolCall, str | None]], list[ModelResponsePart]]:
        """The calls of a response, each with why it is unreadable if it is, and the parts to send back.

        Arguments that cannot be recorded exactly go back as `{"INVALID_JSON": …}`, and ids that the server
        left out or gave twice are replaced, so that a run's record depends on nothing but its inputs.
        """
        calls: list[tuple[ToolCall, str | None]] = []
        parts: list[ModelResponsePart] = []
        for part in response.parts:
            if not isinstance(part, ToolCallPart):
                parts.append(
                    replace(part, content=clean(part.content)) if isinstance(part, TextPart) else part
                )
                continue
            arguments, unreadable = _arguments(part)
            id = clean(part.tool_call_id)
            if not id or id.startswith("pyd_ai_") or id in self._call_ids:
                id = f"call{len(self._call_ids) + 1:05d}"
            self._call_ids.add(id)
            call = ToolCall(id=id, name=clean(part.tool_name), arguments=arguments)
            calls.append((call, unreadable))
            parts.append(
                ToolCallPart(
                    call.name,
                    arguments,
                    id,
                    id=part.id,
                    provider_name=part.provider_name,
                    provider_details=part.provider_details,
                )
            )
        return calls, parts

    async def _request(self, offered: dict[str, ToolSpec]) -> ModelResponse:
        """One response. Raises LimitReached, ModelError and UnexpectedModelBehavior as `ask` does."""
        specs = dict(offered)
        answer = specs.pop(self.answer_spec.name, None) if self.answer_spec is not None else None
        response, used = await ask(
            self.model,
            self.history,
            offer(list(specs.values()), answer, text=isinstance(self.answer, InWords)),
            self.settings,
            self.limits,
            self.budget,
            self._count_request,
        )
        self.usage += used
        return response

    def _count_request(self) -> None:
        self.usage += Usage(requests=1)

    def _tell(self, kind: Any, text: str) -> None:
        self.observe(Event(self.agent, kind, text))


def _key(name: str, arguments: Mapping[str, Any]) -> str:
    """The same for calls that are the same."""
    return canonical([name, arguments])


def _arguments(part: ToolCallPart) -> tuple[dict[str, Any], str | None]:
    """The arguments as exact JSON values, or what they were as text and why they cannot be read."""
    try:
        given = part.args or {}
        raw = given.encode() if isinstance(given, str) else to_json(given, inf_nan_mode="constants")
        arguments = from_json(raw, allow_inf_nan=False)
        if not isinstance(arguments, dict):
            raise ValueError("an object is needed")
        json.dumps(arguments, allow_nan=False)  # raises for 1e999 and for integers of thousands of digits
        return arguments, None
    except ValueError as error:
        reason = f"the arguments of {clean(part.tool_name)} are not a JSON object: {one_line(str(error))}"
        return {"INVALID_JSON": clean(str(part.args))}, reason
