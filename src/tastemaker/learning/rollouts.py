"""Plays tool tasks with a model, by the agents' own loop, as trajectories that a trainer can learn from.

A play goes from the question over calls, any number in one turn, to an answer in words. The tools offered
stay the same throughout and what the model wrote goes back as the ids it sampled, so every prompt begins with
the prompt before and what was sampled: what tools return stands in prompts only, and is never learnt. Long
results are cut before they are read. What a model does wrong is recorded and worth 0.

Log-probabilities on the steps are those of the model alone, at temperature 1. Under `constrained` it draws
from what the schemas allow, renormalised: where there was no choice (`sampled.forced`) the true probability
was 1, and such tokens are best left out of a policy's gradient; elsewhere ∇log π(token | allowed) lacks the
term −∇log π(allowed), which vanishes as the model learns the form. Free decoding has no such gap.

Each output has a seed of its own, from (seed, task, sample, turn, attempt), whatever else is under way. On
torch that fixes the draw; the batch changes its probabilities by float32 rounding alone, which seldom, but
sometimes, tips a draw. OpenVINO takes the same seeds and promises nothing for other batches.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

import tastemaker
from tastemaker.config import Config
from tastemaker.errors import AssetError, InputError, ModelError, ToolError
from tastemaker.learning.search import Dive, Watch, depth_first
from tastemaker.learning.tasks.environment import Called, Environment
from tastemaker.learning.tasks.gold import INSTRUCTIONS
from tastemaker.learning.tasks.scoring import declines
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.lines import cut_half_line
from tastemaker.llm.local import LocalSettings
from tastemaker.records import (
    Provenance,
    Task,
    ToolCall,
    Trajectory,
    Usage,
    canonical,
    read_jsonl,
    write_jsonl,
)
from tastemaker.tools.arguments import reader
from tastemaker.tools.concurrent import for_each
from tastemaker.tools.limits import Limits
from tastemaker.tools.loop import NOT_RUN, REPEATED, InWords, act

_SECONDS: Final = 1800.0
"""That a request may take, waiting for others of the batch included."""
_MEANT_AS_CALL: Final = re.compile(r'^\s*[\[{]|"arguments"\s*:')


class RolloutConfig(Config):
    """How tasks are played."""

    samples: int = Field(default=8, ge=1)
    """Plays of each task."""
    temperature: float = Field(default=1.0, ge=0)
    """Of sampling; 0 takes the most probable token."""
    max_calls: int = Field(default=12, ge=0)
    """Calls in a play; one more ends it without an answer."""
    tries: int = Field(default=2, ge=1)
    """Outputs that cannot be used, after which a play ends without an answer."""
    turn_tokens: int = Field(default=256, ge=1)
    """Tokens of one output; one that is cut off cannot be used."""
    result_chars: int = Field(default=600, ge=1)
    """Characters of what a call returns that enter the prompt."""
    constrained: bool = True
    """Whether a local model's outputs are held to words, or calls that fit the tools' schemas."""
    decoding: Literal["chain", "dfs"] = "chain"
    """chain: one play from beginning to end. dfs: a depth-first search that goes back where a play gets
    nowhere (`search`)."""
    nodes: int = Field(default=24, ge=1)
    """Outputs that one search may draw."""
    width: int = Field(default=2, ge=1)
    """Outputs that one search may draw in one place."""
    concurrency: int = Field(default=16, ge=1)
    """Plays under way at once."""
    seed: int = Field(default=0, ge=0)
    """Of all draws."""

    @property
    def protocol(self) -> str:
        """What plays depend on, in one line."""
        return canonical(self.model_dump(exclude={"samples", "concurrency"}))


@dataclass
class Meter:
    """Counts what a model was asked, plays taken up from a journal left out."""

    rollouts: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompts', those that were not computed again; OpenVINO does not tell."""
    sampled_tokens: int = 0
    seconds: float = 0.0

    def count(self, response: ModelResponse) -> None:
        self.prompt_tokens += response.usage.input_tokens
        self.cached_tokens += response.usage.cache_read_tokens
        self.sampled_tokens += response.usage.output_tokens

    def figures(self) -> dict[str, float]:
        """Rollouts and sampled tokens a second, and the share of prompt tokens that were cached."""
        seconds = max(self.seconds, 1e-9)
        return {
            "rollouts_per_second": self.rollouts / seconds,
            "sampled_per_second": self.sampled_tokens / seconds,
            "cached": self.cached_tokens / max(self.prompt_tokens, 1),
        }


def roll_out(
    tasks: Sequence[ToolTask],
    model: Model,
    config: RolloutConfig,
    on_done: Callable[[Trajectory], None] | None = None,
    *,
    journal: Path | None = None,
    meter: Meter | None = None,
) -> list[Trajectory]:
    """Play each task `config.samples` times; the plays of a task stand together, in the tasks' order.

    A play's task has the kind `tool-task`, the id `TASK#SAMPLE` and the inputs `task` and `kind`; its score
    `solved` is 0, 0.5 or 1. Finished plays stand in `journal` at once, and those that it holds already are
    taken from it; one whose model was down has the outcome `failed`, is not written, and is played again the
    next time. A journal knows a model by its name: other weights need another journal. Not for use where an
    event loop runs. Raises InputError for a journal of another config or model, and AssetError where a local
    model's weights are not to be had.
    """
    meter = meter or Meter()
    done = {} if journal is None else _taken_up(journal, _provenance(model, config))

    async def work(place: tuple[ToolTask, int]) -> None:
        play = await roll(*place, model, config, meter)
        if journal is not None and play.outcome.kind != "failed":
            write_jsonl(journal, [play])
        done[play.task.id] = play
        if on_done is not None:
            on_done(play)

    places = {play_id(task, sample): (task, sample) for task in tasks for sample in range(config.samples)}
    start = time.monotonic()
    try:
        left = [place for id, place in places.items() if id not in done]
        asyncio.run(for_each(left, work, config.concurrency))
    finally:
        meter.seconds += time.monotonic() - start
    return [done[id] for id in places]


async def roll(
    task: ToolTask, sample: int, model: Model, config: RolloutConfig, meter: Meter | None = None
) -> Trajectory:
    """One play, or one search, of a task. Only AssetError and cancellation are raised."""
    meter = meter or Meter()
    dive = partial(_dive, task, sample, model, config, meter)
    if config.decoding == "dfs":
        play = await depth_first(
            dive, width=config.width, nodes=config.nodes, gives_up=partial(_gives_up, task)
        )
    else:
        play = (await dive((), 0, None)).trajectory
    meter.rollouts += 1
    return play


def called(play: Trajectory, task: ToolTask) -> list[Called]:
    """The environment's record of a play, made again from its steps."""
    environment = Environment(task)
    for step in play.steps:
        for call, told in zip(step.calls, step.observations, strict=True):
            rejected = call.name not in task.names or told in (step.error, play.error)
            if not rejected and told not in (REPEATED, NOT_RUN):
                environment.call(call.name, call.arguments)
    return environment.called


def figures(plays: Iterable[Trajectory]) -> dict[str, float]:
    """Means over plays: the score, steps, calls, sampled tokens; and the shares of calls that name no tool or
    do not fit it (`invalid_calls`), of outputs that could not be used, and of plays without an answer.
    """
    plays = list(plays)
    steps = [step for play in plays for step in play.steps]
    fits = [_fits(play, call) for play in plays for step in play.steps for call in step.calls]
    each, outputs = max(len(plays), 1), max(len(steps), 1)
    return {
        "solved": sum(play.outcome.scores["solved"] for play in plays) / each,
        "steps": len(steps) / each,
        "calls": len(fits) / each,
        "tokens": sum(len(step.token_ids) for step in steps) / each,
        "invalid_calls": fits.count(False) / max(len(fits), 1),
        "unusable": sum(step.error is not None for step in steps) / outputs,
        "unanswered": sum(play.outcome.kind != "answered" for play in plays) / each,
    }


async def _dive(
    task: ToolTask,
    sample: int,
    model: Model,
    config: RolloutConfig,
    meter: Meter,
    path: Sequence[ModelResponse],
    attempt: int,
    watch: Watch | None,
) -> Dive:
    """One run over a fresh world that goes through `path` and then on with the model."""
    # a search that draws the most probable token would draw the same again
    temperature = (config.temperature or 1.0) if attempt else config.temperature
    settings = LocalSettings(
        temperature=temperature, max_tokens=config.turn_tokens, local_constrained=config.constrained
    )
    sampler = _Sampler(
        model, f"{config.seed}/{task.id}/{sample}/{attempt}", meter, tuple(path), watch or Watch()
    )
    environment = Environment(task)
    play = await act(
        sampler,
        id=play_id(task, sample),
        agent="rollout",
        instructions=INSTRUCTIONS,
        prompt=task.question,
        task=Task(kind="tool-task", id=play_id(task, sample), inputs={"task": task.id, "kind": task.kind}),
        tools=environment.tools(),
        answer=InWords(_in_words),
        limits=Limits(
            calls=config.max_calls,
            answer_tries=config.tries,
            result_chars=config.result_chars,
            request_seconds=_SECONDS,
        ),
        observe=watch,
        provenance=_provenance(model, config),
        settings=settings,
        repeat_failed=True,
    )
    outcome = play.outcome
    if sampler.ended is not None:
        outcome = outcome.model_copy(update={"kind": sampler.ended})
    solved = environment.solved(str(outcome.answer)) if outcome.kind == "answered" else 0.0
    usage = Usage(
        requests=play.usage.requests - len(path) - (sampler.ended == "invalid"),  # that one was not sent
        input_tokens=play.usage.input_tokens - sum(one.usage.input_tokens for one in path),
        output_tokens=play.usage.output_tokens - sum(one.usage.output_tokens for one in path),
        seconds=play.usage.seconds,
        cost=play.usage.cost,
    )
    scored = outcome.model_copy(update={"scores": {"solved": solved}})
    return Dive(play.model_copy(update={"outcome": scored, "usage": usage}), tuple(sampler.outputs))


class _Sampler(WrapperModel):
    """Gives the outputs of `path` again, and then the model's, each under a seed of its own."""

    def __init__(
        self, wrapped: Model, seed: str, meter: Meter, path: tuple[ModelResponse, ...], watch: Watch
    ) -> None:
        super().__init__(wrapped)
        self._seed, self._meter, self._path, self._watch = seed, meter, path, watch
        self.outputs: list[ModelResponse] = []
        self.ended: Literal["invalid", "limit"] | None = None
        """How a run ended that was not let go on."""

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        objection = self._watch.objection(self.outputs)
        if len(self.outputs) < len(self._path):
            response = self._path[len(self.outputs)]
        elif objection is not None:
            self.ended = "invalid"
            raise ModelError(f"given up: {objection}")
        else:
            seed = _seed(f"{self._seed}/{len(self.outputs)}")
            settings = (model_settings or ModelSettings()) | ModelSettings(seed=seed)
            response = await self._ask(messages, settings, model_request_parameters)
        self.outputs.append(response)
        return response

    async def _ask(self, messages: Any, settings: Any, parameters: Any) -> ModelResponse:
        try:
            response = await self.wrapped.request(messages, settings, parameters)
        except AssetError:
            raise
        except InputError:  # the prompt has become longer than the model's context
            self.ended = "limit"
            raise
        self._meter.count(response)
        return response


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) >> 1


def play_id(task: ToolTask, sample: int) -> str:
    """What a play's task is called."""
    return f"{task.id}#{sample}"


def _provenance(model: Model, config: RolloutConfig) -> Provenance:
    return Provenance(
        protocol=config.protocol,
        seed=config.seed,
        model=model.model_name,
        code_version=tastemaker.__version__,
    )


def _in_words(text: str) -> str:
    if not text.strip():
        raise ToolError("You said nothing. Make calls, or answer in words.")
    if _MEANT_AS_CALL.search(text):
        raise ToolError("This can be read neither as calls, one a line, nor as an answer in words.")
    return text


def _gives_up(task: ToolTask, play: Trajectory) -> bool:
    return declines(str(play.outcome.answer), task.question)


def _fits(play: Trajectory, call: ToolCall) -> bool:
    spec = next((tool for tool in play.tools if tool.name == call.name), None)
    if spec is None:
        return False
    try:
        reader(call.name, spec.parameters).read(call.arguments)
    except ToolError:
        return False
    return True


def _taken_up(journal: Path, provenance: Provenance) -> dict[str, Trajectory]:
    """The plays of a journal by their task's id; what a killed process left of a line is cut off."""
    cut_half_line(journal)
    found = {}
    for play in read_jsonl(journal) if journal.exists() else ():
        if (play.provenance.protocol, play.provenance.model) != (provenance.protocol, provenance.model):
            raise InputError(f"{journal} holds rollouts of another config or model; choose another file")
        found[play.task.id] = play
    return found
