"""Pictures of a comparison, as files: what policies earn while they are trained, and what they earn against
how much of the catalogue they show. Knows nothing of run folders: it draws rows as `compare` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tastemaker import pictures
from tastemaker.errors import InputError

Rows = Sequence[Mapping[str, Any]]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito's, which colour-blind readers can tell apart."""
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LEVELS = {"oracle": "-", "best-cycle": "--", "popularity-avoid": ":"}
"""Baselines that are drawn beside the curves."""


def plot_curves(rows: Rows, path: Path) -> None:
    """Draw the true reward in FreeB over the epochs: a panel a kind of policy, a line a policy with its
    interval over seeds; grey across, some baselines. The suffix decides the format.

    Raises InputError when no row has a curve.
    """
    drawn = [row for row in rows if row.get("curve")]
    kinds = list(dict.fromkeys(row["kind"] for row in drawn))
    if not drawn:
        raise InputError("none of these policies has a learning curve")
    figure = pictures.figure((4.6 * len(kinds), 4.8))
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for panel, kind in zip(panels, kinds, strict=True):
        for number, row in enumerate(row for row in drawn if row["kind"] == kind):
            colour = _COLOURS[number % len(_COLOURS)]
            epochs, mean, low, high = (
                [point[key] for point in row["curve"]] for key in ("epoch", "mean", "low", "high")
            )
            stroke = "-" if number < len(_COLOURS) else "--"
            panel.plot(epochs, mean, stroke, color=colour, linewidth=1.4, label=row["policy"])
            panel.fill_between(epochs, low, high, color=colour, alpha=0.12, linewidth=0)
        for row in rows:
            if row["mode"] == "FreeB" and row["policy"] in _LEVELS:
                level, stroke = row["reward"]["mean"], _LEVELS[row["policy"]]
                panel.axhline(level, color="0.4", linewidth=1, linestyle=stroke, label=row["policy"])
        panel.set_title(kind, fontsize=11)
        panel.set(xlabel="epoch")
        panel.grid(color="0.9")
        panel.legend(fontsize=8, frameon=False)
    panels[0].set(ylabel="true reward of a session, FreeB")
    panels[0].set_ylim(0, 1.05 * max(row["reward"]["high"] for row in rows if row["mode"] == "FreeB"))
    figure.suptitle(f"{drawn[0]['data']}: while training", fontsize=11)
    pictures.save(figure, path, make_folder=True)


def plot_coverage(rows: Rows, path: Path, mode: str = "FreeB") -> None:
    """Draw the reward of a session (up) against the share of items that are shown (across), one mark a policy
    with its intervals; baselines are black. The suffix decides the format.
    """
    drawn = [row for row in rows if row["mode"] == mode]
    kinds = list(dict.fromkeys(row["kind"] for row in drawn))
    figure = pictures.figure((8.6, 6.4))
    panel = figure.subplots()
    for number, kind in enumerate(kinds):
        own = [row for row in drawn if row["kind"] == kind]
        colour = "black" if kind == "baseline" else _COLOURS[number % (len(_COLOURS) - 1)]
        sides = {
            side: [
                [row[key]["mean"] - row[key]["low"] for row in own],
                [row[key]["high"] - row[key]["mean"] for row in own],
            ]
            for side, key in (("xerr", "coverage"), ("yerr", "reward"))
        }
        across, up = ([row[key]["mean"] for row in own] for key in ("coverage", "reward"))
        panel.errorbar(
            across,
            up,
            **sides,
            color=colour,
            fmt=_MARKS[number % len(_MARKS)],
            markersize=5,
            elinewidth=0.7,
            label=kind,
        )
        for row, x, y in zip(own, across, up, strict=True):
            panel.annotate(
                row["policy"], (x, y), xytext=(5, 3), textcoords="offset points", fontsize=8, color=colour
            )
    panel.set(
        xlabel="coverage: share of the items that were shown", ylabel=f"true reward of a session, {mode}"
    )
    panel.set_title(f"{drawn[0]['data']}: reward and coverage", fontsize=11)
    panel.set_xlim(-0.03, 1.12)
    panel.set_ylim(bottom=0)
    panel.grid(color="0.9")
    panel.legend(frameon=False)
    pictures.save(figure, path, make_folder=True)
