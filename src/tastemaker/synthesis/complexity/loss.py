"""A sample's complexity for a model: the mean negative log-likelihood of the assistant's tokens,

H_M(x, y) = -(1 / n_y) Σ log p(t_i | x, t_<i)    (ToolACE, arXiv 2409.00920),

in nats, with y all that the assistant says. Which model M is, and how it is run, is `Evaluate`'s business:
`learning.losses.local_losses` gives one for the models that run here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from tastemaker.errors import TastemakerError
from tastemaker.records import Trajectory

Evaluate = Callable[[Sequence[Trajectory]], Sequence[float]]
"""H_M of each sample of a batch, in their order."""

BATCH = 64
"""Samples that are evaluated at once."""


def with_losses(
    samples: Iterable[Trajectory], evaluate: Evaluate, batch: int = BATCH
) -> Iterator[tuple[Trajectory, float]]:
    """Each sample with its loss, `batch` of them evaluated at once. Raises as `checked` does."""
    waiting = iter(samples)
    while some := list(islice(waiting, batch)):
        yield from zip(some, checked(evaluate, some), strict=True)


def checked(evaluate: Evaluate, samples: Sequence[Trajectory]) -> list[float]:
    """The losses of a batch. Raises TastemakerError where one is missing or is no finite number from 0."""
    losses = [float(loss) for loss in evaluate(samples)] if samples else []
    if len(losses) != len(samples):
        raise TastemakerError(f"{len(samples)} samples were evaluated and {len(losses)} losses came back")
    for sample, loss in zip(samples, losses, strict=True):
        if not (math.isfinite(loss) and loss >= 0):
            raise TastemakerError(f"the loss of the sample {sample.id} is {loss}, which no loss can be")
    return losses
