"""What a run may use, and the account of what a whole team has used of it.

Knows nothing of models or tools: the loop asks `Budget` before every request.
"""

from __future__ import annotations

import time

from pydantic import BaseModel, ConfigDict, Field

from tastemaker.errors import LimitReached
from tastemaker.records import Usage


class Limits(BaseModel):
    """What one agent (`steps`, `answer_tries`, `calls`, `result_chars`) and all agents that share a `Budget`
    (the rest) may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=4, ge=0)
    """Rounds of tool calls before only the answer is offered."""
    answer_tries: int = Field(default=3, ge=1)
    """Outputs that could not be used (wrong answers, junk, unknown tools) before the run ends as invalid."""
    calls: int | None = Field(default=None, ge=0)
    """Calls in all, those that could not be run included; one more ends the run."""
    result_chars: int | None = Field(default=None, ge=1)
    """Characters of what a call returns that the model sees; the end of a longer text is left out."""
    requests: int | None = Field(default=None, ge=1)
    """Model calls, those asked again included."""
    tokens: int | None = Field(default=None, ge=1)
    """Input and output tokens."""
    seconds: float | None = Field(default=None, gt=0)
    """Wall-clock seconds."""
    cost: float | None = Field(default=None, gt=0)
    """US dollars, by the list price of the model; a model of unknown price counts as free."""
    request_seconds: float = Field(default=120.0, gt=0)
    """Seconds that one request may take."""
    backoff: float = Field(default=0.5, ge=0)
    """Seconds before a request is sent again after a fault; twice as long the second time."""


class Budget:
    """What all agents that share it may still use of the requests, tokens, seconds and dollars of
    `limits`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._end = None if limits.seconds is None else time.monotonic() + limits.seconds
        self.requests = 0
        self.tokens = 0
        self.cost = 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time limit; None when there is none."""
        return None if self._end is None else self._end - time.monotonic()

    def check(self) -> None:
        """Raise LimitReached when nothing more may be used."""
        limits, left = self._limits, self.seconds_left
        if limits.requests is not None and self.requests >= limits.requests:
            raise LimitReached(f"the limit of {limits.requests} model calls is reached")
        if limits.tokens is not None and self.tokens >= limits.tokens:
            raise LimitReached(f"the limit of {limits.tokens} tokens is reached: {self.tokens} used")
        if limits.cost is not None and self.cost >= limits.cost:
            raise LimitReached(f"the limit of ${limits.cost:g} is reached: ${self.cost:.4g} used")
        if left is not None and left <= 0:
            raise LimitReached(f"the limit of {limits.seconds:g} seconds is reached")

    def take_request(self) -> None:
        """Count one model call. Raises LimitReached when there is none left."""
        self.check()
        self.requests += 1

    def count(self, used: Usage) -> None:
        """Add what a response used."""
        self.tokens += used.input_tokens + used.output_tokens
        self.cost += used.cost
