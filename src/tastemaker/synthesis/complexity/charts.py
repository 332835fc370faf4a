"""Pictures, as files: the losses of a set of samples, what they grow with, and what a pool of APIs holds.

Draws rows and counts; how they were measured is not its business. The suffix of a file decides its format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from tastemaker import pictures
from tastemaker.errors import InputError
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.complexity.guidance import Band
from tastemaker.synthesis.complexity.proxy import Features

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito's, which colour-blind readers can tell apart."""
_BINS = 40
_STEPS = 10
"""Parts of the range of distances that have a mean of their own."""


@dataclass(frozen=True)
class Measured:
    """One sample as it is drawn."""

    kind: str
    loss: float
    features: Features


def plot_losses(samples: Sequence[Measured], path: Path, band: Band | None = None) -> None:
    """Draw how the losses of each kind are distributed: a panel a kind, above one another, with the band in
    grey. Raises InputError without samples.
    """
    kinds = sorted({one.kind for one in _checked(samples)})
    figure = pictures.figure((7.5, 1.2 + 1.1 * len(kinds)))
    panels = figure.subplots(len(kinds), 1, sharex=True, squeeze=False)[:, 0]
    highest = max(one.loss for one in samples) or 1.0
    for number, (panel, kind) in enumerate(zip(panels, kinds, strict=True)):
        own = [one.loss for one in samples if one.kind == kind]
        if band is not None:
            panel.axvspan(band.low, band.high, color="0.9", linewidth=0)
        panel.hist(own, bins=_BINS, range=(0, highest), color=_COLOURS[number % len(_COLOURS)])
        panel.axvline(mean(own), color="black", linewidth=1, linestyle="--")
        panel.set_title(f"{kind} (n = {len(own)}, mean {mean(own):.3f})", fontsize=9, loc="left")
    panels[-1].set(xlabel="loss: mean negative log-likelihood of the assistant's tokens, nats")
    pictures.save(figure, path, make_folder=True)


def plot_features(samples: Sequence[Measured], path: Path) -> None:
    """Draw the loss against each feature: every sample as a dot, and the mean of equal (or near) ones.

    Raises InputError without samples.
    """
    labels = ("tools offered", "calls made", "distance of words", "values in calls")
    figure = pictures.figure((13, 3.8))
    panels = figure.subplots(1, len(labels), sharey=True)
    losses = [one.loss for one in _checked(samples)]
    for number, (panel, label) in enumerate(zip(panels, labels, strict=True)):
        values = [one.features[number] for one in samples]
        panel.plot(values, losses, ".", color="0.75", markersize=3, rasterized=True)
        across, up = means(values, losses, continuous=Features._fields[number] == "distance")
        panel.plot(across, up, "o-", color=_COLOURS[number], markersize=4)
        panel.set(xlabel=label)
        panel.grid(color="0.92")
    panels[0].set(ylabel="loss, nats per token")
    pictures.save(figure, path, make_folder=True)


def means(
    values: Sequence[float], losses: Sequence[float], *, continuous: bool = False
) -> tuple[list[float], list[float]]:
    """The mean loss of equal values, by value; of continuous ones, from 0 to 1, that of each tenth.

    >>> means([2, 1, 2], [0.5, 0.25, 1.0])
    ([1.0, 2.0], [0.25, 0.75])
    """
    groups: dict[float, list[float]] = {}
    for value, loss in zip(values, losses, strict=True):
        place = (min(int(value * _STEPS), _STEPS - 1) + 0.5) / _STEPS if continuous else float(value)
        groups.setdefault(place, []).append(loss)
    across = sorted(groups)
    return across, [mean(groups[place]) for place in across]


def plot_pool(apis: Iterable[Api], path: Path) -> None:
    """Draw what a pool holds: parameters by JSON type, parameters per API, domains by area. One pass.

    Raises InputError for an empty pool.
    """
    types: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    domains: dict[str, set[str]] = {}
    for api in apis:
        properties = api.spec.parameters.get("properties", {})
        types.update(type_of(part) for part in properties.values())
        sizes[len(properties)] += 1
        domains.setdefault(api.area, set()).add(api.domain)
    if not sizes:
        raise InputError("the pool has no APIs to draw")
    figure = pictures.figure((14, max(4.5, 0.22 * len(domains) + 1.5)))
    left, middle, right = figure.subplots(1, 3)
    _bars(left, dict(sorted(types.items(), key=lambda pair: (pair[1], pair[0]))), _COLOURS[0])
    left.set(xlabel="parameters", title=f"{types.total():,} parameters by type")
    middle.bar(list(sizes), list(sizes.values()), color=_COLOURS[1])
    middle.set(xlabel="parameters of an API", ylabel="APIs", title=f"{sizes.total():,} APIs")
    counts = {area: len(inside) for area, inside in domains.items()}
    _bars(right, dict(sorted(counts.items(), key=lambda pair: (pair[1], pair[0]))), _COLOURS[2])
    right.set(xlabel="domains", title=f"{sum(counts.values()):,} domains by area")
    pictures.save(figure, path, make_folder=True)


def type_of(schema: Any) -> str:
    """A parameter's type in a word or two; of lists, what they are of.

    >>> type_of({"type": "array", "items": {"type": "object"}})
    'array of object'
    """
    if not isinstance(schema, dict):
        return "any"
    kind = schema.get("type", "any")
    if "enum" in schema:
        return "choice"
    if kind == "array":
        inside = schema.get("items", {})
        return f"array of {inside.get('type', 'any') if isinstance(inside, dict) else 'any'}"
    return "/".join(sorted(map(str, kind))) if isinstance(kind, list) else str(kind)


def _checked(samples: Sequence[Measured]) -> Sequence[Measured]:
    if not samples:
        raise InputError("there are no samples to draw")
    return samples


def _bars(panel: Any, counts: dict[str, int], colour: str) -> None:
    """Bars across, the longest on top, with their counts."""
    bars = panel.barh(list(counts), list(counts.values()), color=colour)
    panel.bar_label(bars, fmt="{:,.0f}", fontsize=8, padding=2)
    panel.tick_params(axis="y", labelsize=8)
    panel.margins(x=0.15)
