"""The Berkeley Function Calling Leaderboard, v4, single-turn: any model, one request a row, judged by BFCL's
own checker.

The functions are offered as tools (native function calling), with no instructions of ours. The model may
answer in words or with calls. Decoding is free, or, for local models, constrained to words or calls that fit
the functions' schemas. An output that is no readable call but was meant as one (broken JSON, arguments that
are no object, cut off) is *malformed*: it is wrong in every category, also where no call is due. The model
`gold` answers rightly without any model, as a check of the whole path.

Every row leaves a `Trajectory`: `outcome.scores` has `right` and `malformed`, `error` says why it is wrong.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from pydantic import Field
from pydantic_ai import exceptions as faults
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_core import from_json, to_json

import tastemaker
from tastemaker.benchmarks.bfcl_checker import Verdict, check
from tastemaker.benchmarks.bfcl_data import CATEGORIES, COUNTS, PACKAGE, Row, sample
from tastemaker.benchmarks.bfcl_gold import gold_calls
from tastemaker.benchmarks.journal import Journal
from tastemaker.config import Config
from tastemaker.errors import InputError, ModelError
from tastemaker.llm.local import LocalSettings
from tastemaker.records import Message, Outcome, Provenance, Step, Task, ToolCall, Trajectory, Usage
from tastemaker.tools.concurrent import for_each
from tastemaker.tools.limits import Budget, Limits
from tastemaker.tools.request import ask, clean, offer, one_line

GOLD = "gold"
"""The name of no model: every row is answered rightly."""

CONCURRENCY = 16
"""Rows under way at once; the local model answers as many in one batch."""

LOCAL_TOKENS = 512
"""Longest output of a local model; hosted ones end by themselves."""

_Z = 1.959964
"""Standard normal quantile of a 95% interval."""

_MEANT_AS_CALL = re.compile(r'^\s*[\[{]|"arguments"\s*:|</?(tool_call|function)', re.IGNORECASE)


class BfclConfig(Config):
    """What a benchmark's figures depend on; a run folder is gone on with under the same config only."""

    model: str
    """The language model, such as local:smollm2, or `gold`."""
    categories: tuple[str, ...] = CATEGORIES
    """What is asked."""
    limit: int | None = Field(default=None, ge=1)
    """Rows of each category, drawn at random; None takes all."""
    seed: int = Field(default=0, ge=0)
    """Of that draw."""
    decoding: Literal["free", "constrained"] = "free"
    """Whether a local model's output is held to words, or calls that fit the schemas."""
    package: str = PACKAGE
    """Where the rows and the checker are from."""

    @property
    def protocol(self) -> str:
        """The figures' conditions in one line."""
        rows = "all rows" if self.limit is None else f"at most {self.limit} rows a category, seed {self.seed}"
        return f"BFCL v4 single-turn ({self.package}), native calls, {self.decoding} decoding, greedy, {rows}"


def rows_of(config: BfclConfig) -> list[Row]:
    """The rows that are asked. Raises InputError when BFCL is not installed, or has no such category."""
    return [
        row
        for category in dict.fromkeys(config.categories)
        for row in sample(category, config.limit, config.seed)
    ]


async def run_all(
    config: BfclConfig,
    model: Model | None,
    journal: Journal,
    *,
    concurrency: int = CONCURRENCY,
    on_done: Callable[[Trajectory], None] = lambda trajectory: None,
) -> list[Trajectory]:
    """Ask the rows that the journal does not hold; returns the trajectories of all, in the rows' order.

    `model` is None for `gold`. Each finished row is in the journal before `on_done` hears of it. A model
    that is down gives outcome `failed`, and the row is asked again with the next run. Raises InputError when
    a model that is not local is to be constrained.
    """
    if config.decoding == "constrained" and config.model != GOLD and not config.model.startswith("local:"):
        raise InputError(f"only a local model's output can be constrained, not {config.model}'s: decode free")
    rows = rows_of(config)
    down: dict[str, Trajectory] = {}

    async def work(row: Row) -> None:
        trajectory = await play(row, config, model)
        journal.add(trajectory)
        if trajectory.outcome.kind == "failed":
            down[row.id] = trajectory
        on_done(trajectory)

    await for_each([row for row in rows if row.id not in journal.done], work, concurrency)
    return [journal.done.get(row.id) or down[row.id] for row in rows]


async def play(row: Row, config: BfclConfig, model: Model | None) -> Trajectory:
    """One row: asked, read and judged."""
    start = time.monotonic()
    answer = _Answer()
    usage = Usage()
    down: str | None = None
    try:
        if model is None:
            answer = _Answer(calls=_as_offered(row, gold_calls(row)))
        else:
            response, usage = await _ask(row, config, model)
            answer = _read(response)
    except faults.UnexpectedModelBehavior as error:
        answer = _Answer(unreadable=f"the output could not be read: {one_line(str(error))}")
    except ModelError as error:
        if isinstance(error.__cause__, InputError):  # too long a prompt, a schema that cannot be decoded to
            answer = _Answer(unreadable=f"the model cannot take the request: {error}")
        else:
            down = str(error)
    own = [call.model_copy(update={"name": row.own_name(call.name)}) for call in answer.calls]
    verdict = Verdict(False, "malformed", answer.unreadable) if answer.unreadable else check(row, own)
    scores = {"right": float(verdict.right), "malformed": float(bool(answer.unreadable))}
    made = [{"name": call.name, "arguments": call.arguments} for call in own]
    kind: Literal["answered", "invalid"] = "invalid" if answer.unreadable else "answered"
    outcome = Outcome(kind="failed") if down else Outcome(kind=kind, answer=made, scores=scores)
    seconds = time.monotonic() - start
    why = None if verdict.right else one_line(f"{verdict.kind}: {verdict.reason}", 1000)
    return Trajectory(
        id=f"bfcl/{row.id}",
        agent="bfcl",
        task=Task(kind="bfcl", id=row.id, inputs={"category": row.category}),
        tools=row.tools,
        messages=(*row.messages, Message(role="assistant", text=answer.text, calls=tuple(answer.calls))),
        steps=() if down else (answer.step(seconds),),
        outcome=outcome,
        usage=usage + Usage(seconds=seconds),
        error=down or why,
        provenance=Provenance(
            dataset=config.package,
            protocol=config.protocol,
            seed=config.seed,
            model=config.model,
            code_version=tastemaker.__version__,
        ),
    )


def figures(config: BfclConfig, trajectories: Iterable[Trajectory]) -> list[dict[str, Any]]:
    """A table's rows, one a category: accuracy (with Wilson's 95% interval) over the n rows that were
    answered, the share of malformed outputs, mean tokens, and mean seconds from request to answer, those of
    other rows in the same batch included.
    """
    by_category: dict[str, list[Trajectory]] = {name: [] for name in config.categories}
    for trajectory in trajectories:
        by_category[trajectory.task.inputs["category"]].append(trajectory)
    rows = []
    for category, all_of_it in by_category.items():
        answered = [t for t in all_of_it if t.outcome.kind != "failed"]
        n = len(answered)
        rows.append(
            {
                "model": config.model,
                "decoding": config.decoding,
                "category": category,
                "accuracy": wilson(sum(int(t.outcome.scores["right"]) for t in answered), n),
                "n": n,
                "of": COUNTS[category],
                "malformed": _mean([t.outcome.scores["malformed"] for t in answered]),
                "input_tokens": _mean([t.usage.input_tokens for t in answered]),
                "output_tokens": _mean([t.usage.output_tokens for t in answered]),
                "seconds": _mean([t.usage.seconds for t in answered]),
                "failed": len(all_of_it) - n,
            }
        )
    return rows


def wilson(right: int, n: int) -> dict[str, float] | None:
    """A share with Wilson's score interval (JASA 22, 1927), 95%; None of nothing."""
    if not n:
        return None
    share, z2 = right / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return {"mean": share, "low": max(0.0, middle - half), "high": min(1.0, middle + half)}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


class _Answer:
    """What a response came to; `unreadable` says why it is malformed, if it is."""

    def __init__(
        self,
        text: str = "",
        calls: Sequence[ToolCall] = (),
        unreadable: str = "",
        details: dict[str, Any] | None = None,
    ) -> None:
        self.text, self.calls, self.unreadable = text, tuple(calls), unreadable
        self.details = details or {}

    def step(self, seconds: float) -> Step:
        return Step(
            text=clean(self.details.get("text") or self.text),
            calls=self.calls,
            error=self.unreadable or None,
            prompt_ids=tuple(self.details.get("prompt_ids", ())),
            token_ids=tuple(self.details.get("token_ids", ())),
            log_probs=tuple(self.details.get("log_probs", ())),
            seconds=seconds,
        )


async def _ask(row: Row, config: BfclConfig, model: Model) -> tuple[ModelResponse, Usage]:
    local = config.model.startswith("local:")
    settings: ModelSettings = ModelSettings(temperature=0.0, max_retries=0)
    if local:
        constrained = config.decoding == "constrained"
        settings = LocalSettings(max_tokens=LOCAL_TOKENS, local_constrained=constrained, **settings)
    limits = Limits(request_seconds=600.0)
    requests = 0

    def sent() -> None:
        nonlocal requests
        requests += 1

    parameters = ModelRequestParameters(
        function_tools=offer(row.tools, None).function_tools, allow_text_output=True
    )
    response, used = await ask(model, _history(row), parameters, settings, limits, Budget(limits), sent)
    return response, used + Usage(requests=requests)


def _history(row: Row) -> list[ModelMessage]:
    history: list[ModelMessage] = []
    parts: list[ModelRequestPart] = []
    for message in row.messages:
        if message.role == "assistant":
            history += [ModelRequest(parts), ModelResponse([TextPart(message.text)])]
            parts = []
        else:
            kind = SystemPromptPart if message.role == "system" else UserPromptPart
            parts.append(kind(message.text))
    return [*history, ModelRequest(parts)]


def _read(response: ModelResponse) -> _Answer:
    """The calls of a response, or its words."""
    text = clean("".join(part.content for part in response.parts if isinstance(part, TextPart)))
    calls: list[ToolCall] = []
    unreadable = ""
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            try:
                arguments = _arguments(part)
            except ValueError as error:
                unreadable = (
                    f"the arguments of {clean(part.tool_name)} are no JSON object: {one_line(str(error))}"
                )
                arguments = {}
            calls.append(
                ToolCall(id=f"call{len(calls) + 1}", name=clean(part.tool_name), arguments=arguments)
            )
    if not calls and _MEANT_AS_CALL.search(text):
        cut = ", and was cut off" if response.finish_reason == "length" else ""
        unreadable = f"meant as a call, it is none{cut}: {one_line(text)}"
    return _Answer(text, calls, unreadable, response.provider_details)


def _arguments(part: ToolCallPart) -> dict[str, Any]:
    """The arguments as exact JSON values. Raises ValueError when they are no JSON object."""
    given = part.args or {}
    raw = given.encode() if isinstance(given, str) else to_json(given, inf_nan_mode="constants")
    arguments = from_json(raw, allow_inf_nan=False)
    if not isinstance(arguments, dict):
        raise ValueError("an object is needed")
    return arguments


def _as_offered(row: Row, calls: Sequence[ToolCall]) -> list[ToolCall]:
    return [call.model_copy(update={"name": row.offered[call.name].name}) for call in calls]
