"""The engine: requests from any thread or coroutine, one worker that steps a back end over all of them at
once.

A back end keeps a running batch: requests join and leave it between steps, so concurrent agents share every
pass through the weights. The engine knows nothing of chat, tools or schemas: token ids go in, token ids and
log-probabilities come out, under a JSON Schema where one is given.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Literal, Protocol

from tastemaker.errors import InputError, ModelError


@dataclass(frozen=True)
class GenerationRequest:
    """What to continue, and how."""

    prompt_ids: tuple[int, ...]
    max_tokens: int = 256
    temperature: float = 0.0
    """0 takes the most probable token; above 0 samples from softmax(logits / temperature)."""
    seed: int = 0
    """Seeds the sampling of this request, whatever else is in the batch."""
    schema: dict[str, Any] | None = None
    """JSON Schema that the output must satisfy, written as compact JSON; None for free text."""
    or_text: bool = False
    """With a schema: the output is several values of it, one a line, or else text that begins with neither
    a bracket nor white space."""


@dataclass(frozen=True)
class Completion:
    """What came out."""

    token_ids: tuple[int, ...]
    """Exactly as sampled, the end token included when it was reached."""
    log_probs: tuple[float, ...]
    """Natural-log probability of each token under the model alone: temperature 1 and no schema. That is what
    a trainer recomputes; the schema only takes other tokens away."""
    finish: Literal["stop", "length"]
    cached: int = 0
    """Tokens of the prompt that were not computed again; 0 also where the back end does not tell."""


_LONGEST_STEP = 10.0
"""Seconds that the end of a process waits for a step."""

TokenListener = Callable[[tuple[int, ...]], None]
"""Called from the worker thread with the tokens that a step brought."""


class Backend(Protocol):
    """A model in this process that decodes a running batch."""

    name: str

    def add(self, key: int, request: GenerationRequest) -> None:
        """Take a request into the batch. Raises InputError when it cannot be served (schema, length)."""

    def step(self) -> tuple[dict[int, tuple[int, ...]], dict[int, Completion]]:
        """Advance the batch: new tokens by request, and the requests that are finished with this step."""

    def cancel(self, key: int) -> None:
        """Drop a request."""


@dataclass
class _Job:
    request: GenerationRequest
    future: Future[Completion]
    listener: TokenListener | None


@dataclass
class Engine:
    """Serves a back end to any number of callers.

    The worker thread starts with the first request and ends with the process, after the step it is in: torch
    aborts a process that ends while a thread computes.
    """

    backend: Backend
    context: int
    """Longest sequence in tokens, prompt and output together."""
    _incoming: SimpleQueue[_Job | None] = field(default_factory=SimpleQueue, repr=False)
    _worker: threading.Thread | None = field(default=None, repr=False)
    _stopping: bool = field(default=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def submit(self, request: GenerationRequest, listener: TokenListener | None = None) -> Future[Completion]:
        """Queue a request. The future raises InputError or ModelError when it fails; cancelling it drops the
        request.

        Raises InputError at once when the prompt leaves no room in the context.
        """
        if len(request.prompt_ids) + request.max_tokens > self.context:
            raise InputError(
                f"the prompt has {len(request.prompt_ids)} tokens and {request.max_tokens} may follow: "
                f"more than the model's context of {self.context}"
            )
        future: Future[Completion] = Future()
        self._incoming.put(_Job(request, future, listener))
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(target=self._serve, name="tastemaker-engine", daemon=True)
                self._worker.start()
                atexit.register(self._stop, self._worker)
        return future

    def _stop(self, worker: threading.Thread) -> None:
        self._stopping = True
        self._incoming.put(None)
        worker.join(_LONGEST_STEP)

    def _serve(self) -> None:
        running: dict[int, _Job] = {}
        number = 0
        while not self._stopping:
            number = self._admit(running, number)
            for key in [key for key, job in running.items() if job.future.cancelled()]:
                self.backend.cancel(key)
                del running[key]
            if not running:
                continue
            try:
                fresh, finished = self.backend.step()
            except (
                Exception
            ) as error:  # a fault of the back end must reach every caller, or they wait for ever
                for key, job in running.items():
                    self.backend.cancel(key)
                    _fail(job.future, ModelError(f"the {self.backend.name} back end failed: {error}"))
                running.clear()
                continue
            for key, tokens in fresh.items():
                listener = running[key].listener
                if listener is not None and tokens:
                    listener(tokens)
            for key, completion in finished.items():
                future = running.pop(key).future
                if future.set_running_or_notify_cancel():
                    future.set_result(completion)

    def _admit(self, running: dict[int, _Job], number: int) -> int:
        """Move what is queued into the batch; wait for it when there is nothing else to do."""
        while True:
            try:
                job = self._incoming.get(block=not running)
            except Empty:
                return number
            if job is None:
                return number
            try:
                self.backend.add(number, job.request)
                running[number] = job
            except Exception as error:  # this request alone cannot be served
                _fail(job.future, error)
            number += 1


def _fail(future: Future[Completion], error: Exception) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(error)
