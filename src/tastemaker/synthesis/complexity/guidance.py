"""Samples as hard as they should be for a model: a band of its loss, and the self-guided way into it.

After ToolACE (arXiv 2409.00920): the lower bound of the band is the loss of what the model gets right
already, the upper one that of what stays hard when it is tuned, both seen in a small prior set. A sample
below the band is made again with one thing more complicated, one above it with one thing simpler. Knows
nothing of how samples are made or evaluated.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from tastemaker.errors import InputError
from tastemaker.records import Trajectory
from tastemaker.synthesis.complexity.loss import Evaluate, checked

QUANTILES: Final = (0.2, 0.9)
"""Bounds of the band as shares of the prior losses, where the prior set says no more."""

_STRIDE: Final = 0.25


@dataclass(frozen=True)
class Band:
    """The losses that are worth learning from, in nats per token, bounds included."""

    low: float
    high: float
    why: str = "given"
    """What each bound was estimated from."""

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise InputError(f"the band from {self.low:g} to {self.high:g} holds no loss")

    def off(self, loss: float) -> float:
        """How far a loss is out of the band: negative below it, 0 inside, positive above."""
        return min(0.0, loss - self.low) or max(0.0, loss - self.high)


def estimate_band(
    losses: Sequence[float],
    right: Sequence[bool] | None = None,
    tuned: Sequence[float] | None = None,
) -> Band:
    """The band of a prior set: losses before tuning, whether the model's own greedy answer was right
    (`dialogues.roles.answers_right`), and the losses after tuning.

    The lower bound is the median loss of the samples that were right. High after tuning is a loss above the
    median before it; the upper bound is the median loss that such samples had before. A bound for which
    there are no such samples, or whose median is beyond the other bound, is a quantile of the losses; `why`
    says which. Raises InputError without losses, or where the lists' lengths differ.
    """
    if not losses or any(len(part) != len(losses) for part in (right, tuned) if part is not None):
        raise InputError(
            "a prior set needs a loss of every sample, and as many flags and losses after tuning"
        )
    lowest, highest = QUANTILES
    low, low_why = _quantile(losses, lowest), f"low: the {lowest:g} quantile"
    high, high_why = _quantile(losses, highest), f"high: the {highest:g} quantile"
    known = [loss for loss, was_right in zip(losses, right or (), strict=False) if was_right]
    stuck = [loss for loss, after in zip(losses, tuned or (), strict=False) if after > median(losses)]
    if stuck and median(stuck) > low:
        high, high_why = median(stuck), f"high: the median of {len(stuck)} that stay hard when tuned"
    if known and median(known) < high:
        low, low_why = median(known), f"low: the median of {len(known)} that are right already"
    return Band(low, high, f"{low_why}; {high_why}; of {len(losses)} losses")


@dataclass(frozen=True)
class Knobs:
    """What makes a scene hard. Makers take them as wishes: a scene may not have room for all."""

    candidates: int = 2
    """Tools offered, 1 to 8."""
    used: int = 1
    """Calls made, 1 to 4."""
    distance: float = 0.25
    """How far the user's words are from the tools' descriptions, 0 to 1."""
    nested: bool = False
    """Whether arguments are lists and objects."""

    def __post_init__(self) -> None:
        if not (1 <= self.candidates <= 8 and 1 <= self.used <= 4 and 0 <= self.distance <= 1):
            raise InputError(f"these knobs are out of their ranges: {self}")

    def harder(self) -> list[Knobs]:
        """All knobs with one of them up."""
        return self._turned(1, True)

    def easier(self) -> list[Knobs]:
        """All knobs with one of them down."""
        return self._turned(-1, False)

    def _turned(self, way: int, nested: bool) -> list[Knobs]:
        turned = []
        if 1 <= self.candidates + way <= 8:
            turned.append(replace(self, candidates=self.candidates + way))
        if 1 <= self.used + way <= 4:
            turned.append(replace(self, used=self.used + way))
        distance = min(1.0, max(0.0, self.distance + way * _STRIDE))
        if distance != self.distance:
            turned.append(replace(self, distance=distance))
        if nested != self.nested:
            turned.append(replace(self, nested=nested))
        return turned


Make = Callable[[Knobs, random.Random], Trajectory]
"""Makes a scene. Equal draws with other knobs should give the same scene as far as that can be: each scene is
made anew from one seed."""


@dataclass(frozen=True)
class Guided:
    """A sample, and how it was come by."""

    sample: Trajectory
    loss: float
    knobs: Knobs
    rounds: int
    """Times that the scene was made again."""
    inside: bool
    """Whether its loss is in the band; otherwise it is the nearest that was found."""


@dataclass
class _Scene:
    """One scene on its way into the band."""

    seed: int
    choice: random.Random
    knobs: Knobs
    tried: set[Knobs]
    best: Guided | None = None


def guide(
    make: Make, evaluate: Evaluate, band: Band, starts: Sequence[Knobs], rng: random.Random, rounds: int = 3
) -> list[Guided]:
    """A sample for each start, in their order, in the band or as near to it as was found.

    All scenes of a round are evaluated as one batch. A scene out of the band is made again, at most `rounds`
    times, with one knob turned that gives knobs it did not have yet; it stays where there is none.
    """
    scenes = []
    for start in starts:
        seed = rng.getrandbits(64)
        scenes.append(_Scene(seed, random.Random(seed ^ 1), start, {start}))
    open_ = list(scenes)
    for again in range(rounds + 1):
        samples = [make(scene.knobs, random.Random(scene.seed)) for scene in open_]
        losses = checked(evaluate, samples)
        going = []
        for scene, sample, loss in zip(open_, samples, losses, strict=True):
            off = band.off(loss)
            if scene.best is None or abs(off) < abs(band.off(scene.best.loss)):
                scene.best = Guided(sample, loss, scene.knobs, again, off == 0)
            if off and _turn(scene, off):
                going.append(scene)
        open_ = going
    return [scene.best for scene in scenes if scene.best is not None]


def _turn(scene: _Scene, off: float) -> bool:
    """Turn one knob against the fault. False where every such turn was tried."""
    turns = scene.knobs.harder() if off < 0 else scene.knobs.easier()
    fresh = [knobs for knobs in turns if knobs not in scene.tried]
    if not fresh:
        return False
    scene.knobs = scene.choice.choice(fresh)
    scene.tried.add(scene.knobs)
    return True


def _quantile(values: Sequence[float], share: float) -> float:
    """Between the two values nearest to that share of the way from the lowest to the highest."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
