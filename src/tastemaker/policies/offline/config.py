"""What every policy that learns from a log has to set: how the log becomes sessions, and how it trains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tastemaker.policies.base import PolicyConfig


class OfflineConfig(PolicyConfig):
    """An epoch is `steps` batches of turns, drawn from the sessions of the log."""

    gamma: float = Field(default=0.9, ge=0, le=1)
    """Discount of a reward one turn later."""
    learning_rate: float = Field(default=3e-3, gt=0)
    """Adam's step size."""
    epochs: int = Field(default=10, ge=1)
    """Epochs of training."""
    tracker: Literal["average", "gru", "caser", "sasrec", "nextitnet"] = "average"
    """How a window is encoded."""
    buffer: Literal["sequential", "convolution", "counterfactual"] = "counterfactual"
    """How a user's log becomes sessions: cut in order, every sub-sequence, or reordered at random."""
    turns: int = Field(default=200_000, ge=1)
    """Turns that a buffer of sub-sequences or reorderings holds, about; a sequential one holds each once."""
    quits: bool = True
    """Whether the scenario's quit rule ends the sessions of the log too."""
    batch_size: int = Field(default=256, ge=1)
    """Turns of one step."""
    steps: int = Field(default=200, ge=1)
    """Steps of an epoch."""
