"""Who tries tasks for a model that learns: an engine in this process that takes over the model's weights.

On torch they are copied in memory, adapters merged, and what the engine says of log-probabilities is what
training computes. On OpenVINO they are written as a GGUF file, rounded to 8 bits, and loaded anew: that takes
longer, and is won back by faster decoding where a round has many tries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from tastemaker.learning.lora import merged_weights
from tastemaker.learning.rollouts import Meter, RolloutConfig, roll_out
from tastemaker.learning.sampled import forced
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.constraints import Constraints
from tastemaker.llm.engine import Backend, Engine
from tastemaker.llm.local import LocalEngine, LocalModel
from tastemaker.llm.openvino_backend import OpenVINOBackend
from tastemaker.llm.torch_backend import TorchBackend
from tastemaker.llm.weights import Weights
from tastemaker.records import Trajectory


class Acting:
    """Tries tasks on an engine; whoever inherits gives it a back end."""

    def __init__(self, start: Weights, name: str) -> None:
        self.meter = Meter()
        self._context = start.context
        self._template = ChatTemplate(start.tokenizer)
        self._described = start.described
        self._tokens = start.tokenizer, start.eos_id
        self._model = LocalModel(f"learning/{name}", lambda: self._local)
        self._local: LocalEngine

    @cached_property
    def _constraints(self) -> Constraints:
        return Constraints(*self._tokens)

    def _serve(self, backend: Backend) -> None:
        """Decode on this back end from now on."""
        if hasattr(self, "_local"):
            self._local.engine.backend = backend
        else:
            self._local = LocalEngine(Engine(backend, self._context), self._template, self._described)

    def roll_out(
        self,
        tasks: Sequence[ToolTask],
        config: RolloutConfig,
        journal: Path | None = None,
        on_done: Callable[[Trajectory], None] | None = None,
    ) -> list[Trajectory]:
        """The tries at tasks, as `rollouts.roll_out` gives them."""
        return roll_out(tasks, self._model, config, on_done, journal=journal, meter=self.meter)

    def forced(self, trajectory: Trajectory) -> list[tuple[bool, ...]]:
        """For each step, which of its tokens were the only ones that constrained decoding allowed."""
        return forced(trajectory, self._constraints)


class TorchActor(Acting):
    """Acts on torch by these weights, up to `max_batch` tries at once."""

    def __init__(self, start: Weights, *, threads: int, max_batch: int) -> None:
        super().__init__(start, "torch")
        self._backend = TorchBackend(
            start.to_transformers(), start.tokenizer, start.eos_id, threads=threads, max_batch=max_batch
        )
        self._serve(self._backend)

    def take_over(self, model: Any) -> None:
        """Act by the weights that a model has now, adapters merged."""
        weights = merged_weights(model)
        with torch.no_grad():
            for name, parameter in self._backend.model.named_parameters():
                parameter.copy_(weights[name])


class OpenVINOActor(Acting):
    """Acts on OpenVINO, up to `max_batch` tries at once, by weights that it takes over by way of a folder, or
    by those that it began with if it `serve`s them.
    """

    def __init__(self, start: Weights, folder: Path, base: str, *, threads: int, max_batch: int) -> None:
        super().__init__(start, "openvino")
        self._start, self._folder, self._base = start, folder, base
        self._threads, self._max_batch = threads, max_batch

    def take_over(self, model: Any) -> None:
        """Act by the weights that a model has now, adapters merged."""
        self._start.keep_trained(self._folder, self._base, merged_weights(model))
        self.serve(Weights(self._start.path, self._start.folder.parent, self._folder))

    def serve(self, weights: Weights) -> None:
        """Act by these weights."""
        file = weights.to_serving()
        self._serve(OpenVINOBackend(file, weights.eos_id, threads=self._threads, max_batch=self._max_batch))
