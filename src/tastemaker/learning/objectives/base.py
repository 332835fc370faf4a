"""What losses on tokens share: what is known of the tokens, what a loss gives back, a divergence.

Losses and figures are sums over what was given, divided by `total`: the number of tokens, turns or pairs in
the whole step. So those of a step's packs add up to the step's, however it is split. A mask says which tokens
count; a token that the grammar left no choice about, for instance, need not. Knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from tastemaker.errors import InputError


class Loss(NamedTuple):
    """What is minimised, and what is worth knowing of it."""

    loss: Tensor
    """A scalar."""
    figures: dict[str, float]
    """By name; figures of the packs of a step add up to the step's."""


@dataclass(frozen=True)
class Tokens:
    """N sampled tokens of a pack; log-probabilities are natural, at temperature 1 and without constraint."""

    log_probs: Tensor
    """[N] by the model that learns, with their gradient."""
    mask: Tensor
    """[N] bool: which of them count."""
    total: float
    """What sums are divided by: tokens that count in the whole step, or pairs of dialogues for DPO."""
    old: Tensor | None = None
    """[N] log-probabilities as they were when the tokens were sampled."""
    advantages: Tensor | None = None
    """[N]."""
    reference: Tensor | None = None
    """[N] log-probabilities by the reference."""
    dialogue: Tensor | None = None
    """[N] int64 which dialogue of the pack each belongs to; of a pair the better is 2k, the worse 2k + 1."""
    entropy: Tensor | None = None
    """[N] of the distribution that each token is drawn from, if it is to be told."""


def needed(x: Tensor | None, name: str) -> Tensor:
    """The tensor. Raises InputError when it was not given."""
    if x is None:
        raise InputError(f"this objective needs {name} of the tokens")
    return x


def k3(sampled: Tensor, other: Tensor) -> Tensor:
    """For tokens drawn from P, estimates of the divergence KL(P‖Q) that are never negative (Schulman 2020,
    "Approximating KL divergence", k3): Q/P − 1 − ln(Q/P), from log-probabilities by P and by Q.
    """
    difference = other - sampled
    return difference.exp() - 1 - difference
