"""A picture of a search: the value of its trials in their order, and against each setting.

Knows nothing of how the trials were drawn: `tuning` does that.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tastemaker.retrieval.search_space import Choices, Range, Value
from tastemaker.retrieval.tuning import Search, Trial, best_first

_ACROSS = 3
"""Panels side by side."""
_MISSED = {"pruned": "tab:gray", "failed": "tab:red"}
"""Colours of the trials without a value, which stand at the foot of each panel."""


def plot(search: Search, trials: Sequence[Trial], path: Path) -> None:
    """Draw the trials into a PNG file: one panel over their order, one for each searched setting.

    Points are darker the later they were drawn. The dashed line is the value of trial 0, the star the best.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    across = min(_ACROSS, 1 + len(search.space))
    down = -(-(1 + len(search.space)) // across)
    figure = Figure(figsize=(4.2 * across, 3.2 * down + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, sharey=True, squeeze=False).flat
    first = next(panels)
    best = [best_first(trials[: n + 1])[0] for n in range(len(trials)) if _any_value(trials[: n + 1])]
    first.step([len(trials) - len(best) + n for n in range(len(best))], [one.value for one in best],
               where="post", color="tab:orange", lw=1, label="best so far")  # fmt: skip
    _points(first, trials, [trial.number for trial in trials])
    first.set(xlabel="trial", ylabel=f"{search.metric} on the valid part")
    first.xaxis.get_major_locator().set_params(integer=True)
    for (key, dimension), panel in zip(search.space.items(), panels, strict=False):
        _points(panel, trials, [_place(dimension, trial.settings[key]) for trial in trials])
        panel.set_xlabel(key)
        if isinstance(dimension, Choices):
            panel.set_xticks(range(len(dimension.values)), [str(value) for value in dimension.values])
            panel.set_xlim(-0.5, len(dimension.values) - 0.5)
            continue
        panel.set_xlim(dimension.low, dimension.high)
        if dimension.log:
            panel.set_xscale("log")
            if dimension.high >= 10 * dimension.low:
                panel.xaxis.set_minor_formatter(NullFormatter())
    for panel in panels:
        panel.set_visible(False)
    figure.legend(*first.get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    figure.suptitle(f"{search.model} on {search.data}: {len(trials)} trials")
    fresh = path.with_name(f".{path.name}.part")
    try:
        figure.savefig(fresh, format="png", dpi=120)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _any_value(trials: Sequence[Trial]) -> bool:
    return any(trial.state == "done" for trial in trials)


def _place(dimension: Range | Choices, value: Value) -> float | None:
    """Where a value stands on the axis; trial 0 may lie outside the space, and then it is not drawn."""
    if not dimension.holds(value):
        return None
    return dimension.values.index(value) if isinstance(dimension, Choices) else float(value)


def _points(panel: Any, trials: Sequence[Trial], places: Sequence[float | None]) -> None:
    best = best_first(trials)[0]
    done = [(place, one) for place, one in zip(places, trials, strict=True) if one.value is not None]
    shown = [(place, one) for place, one in done if place is not None]
    panel.scatter(
        [place for place, _ in shown],
        [one.value for _, one in shown],
        c=[one.number for _, one in shown],
        cmap="viridis_r",
        vmin=0,
        vmax=len(trials),
        s=24,
        label="done",
    )
    if trials[0].value is not None:
        panel.axhline(trials[0].value, color="black", lw=0.8, ls="--", label="trial 0")
    for place, one in shown:
        if one is best:
            panel.scatter([place], [one.value], marker="*", s=160, color="tab:orange", label="best", zorder=3)
    for state, color in _MISSED.items():
        at = [
            place
            for place, one in zip(places, trials, strict=True)
            if one.state == state and place is not None
        ]
        if at:
            panel.scatter(
                at, [0.02] * len(at), marker="x", s=18, color=color,
                transform=panel.get_xaxis_transform(), label=state,
            )  # fmt: skip
