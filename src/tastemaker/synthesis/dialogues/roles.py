"""Made dialogues in a model's words: the user's messages rewritten, or all three roles played by a model.

A made dialogue is the blueprint: its calls are the gold, and stay. Each action of the assistant is sampled
several times and kept on agreement, calls after a thinking step (ToolACE, arXiv 2409.00920). What the model's
words must pass stands in `staging`; where they do not, what was made stays. `task.inputs["roles"]` tells of
each message whose words it has, and why; the thinking is in `steps`.

Any pydantic-ai model will do. What it does wrong is recorded; nothing but cancellation and a local model's
missing weights (AssetError) is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from tastemaker.errors import LimitReached
from tastemaker.records import Trajectory
from tastemaker.synthesis.dialogues.staging import RolesConfig, Staging
from tastemaker.synthesis.dialogues.voice import UnusableError, Voice, agrees
from tastemaker.tools.concurrent import for_each
from tastemaker.tools.limits import Budget, Limits


class Roles:
    """A model in the roles of user, assistant and tools. All dialogues share one budget."""

    def __init__(self, model: Model, config: RolesConfig | None = None) -> None:
        self.config = config or RolesConfig()
        self.name = model.model_name
        shared = ("requests", "tokens", "cost", "request_seconds")
        limits = Limits(**{name: getattr(self.config, name) for name in shared})
        self._voice = Voice(model, limits, Budget(limits))
        self._gate: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    async def rewrite(self, sample: Trajectory) -> Trajectory:
        """The dialogue in the model's words, as far as they pass the checks. As many as are asked for at once
        wait until one of `concurrency` places is free. As long as the budget lasts, the result depends on
        the model, the sample and the settings alone.
        """
        async with self._place():
            staging = Staging(self._voice.anew(), self.config, sample)
            for number, message in enumerate(sample.messages):
                if message.role == "user":
                    await staging.user(number)
                elif self.config.how == "play" and message.role == "tool":
                    await staging.tool(number)
                elif self.config.how == "play" and message.role == "assistant":
                    await staging.assistant(number)
            return staging.finished()

    async def answers_right(self, samples: Sequence[Trajectory]) -> list[bool]:
        """Whether the model's own greedy decision, for each sample's first action of the assistant, is the
        gold one: flags for `complexity.guidance.estimate_band`. An output that cannot be used is not right.
        """
        right = [False] * len(samples)

        async def work(number: int) -> None:
            sample = samples[number]
            place = next((n for n, m in enumerate(sample.messages) if m.role == "assistant"), None)
            if place is None:
                return
            before = sample.messages[:place]
            try:
                made = await self._voice.decide(before, sample.tools, ModelSettings(temperature=0.0, seed=0))
            except (UnusableError, LimitReached):
                return
            right[number] = agrees(made, sample.messages[place], sample.tools)

        await for_each(range(len(samples)), work, self.config.concurrency)
        return right

    def _place(self) -> asyncio.Semaphore:
        """The places of the event loop that runs."""
        loop = asyncio.get_running_loop()
        if self._gate is None or self._gate[0] is not loop:
            self._gate = loop, asyncio.Semaphore(self.config.concurrency)
        return self._gate[1]
