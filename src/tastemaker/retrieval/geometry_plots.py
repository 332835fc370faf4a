"""Pictures of the geometry of embeddings, as files: how alignment and uniformity went while training, and
where users and items lie on the sphere. Knows nothing of run folders or models.

Both follow figures of Wang & Isola (ICML 2020; arXiv 2005.10242) and Wang et al. (KDD 2022; arXiv
2206.12811).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import ive

from tastemaker import pictures
from tastemaker.errors import InputError
from tastemaker.retrieval.geometry import unit_rows

WIDTH = 0.1
"""Of the kernels of a density on the circle, in radians: Gaussians of this standard deviation in the plane,
von Mises kernels of κ = 1 / WIDTH² over angles.
"""
_BINS = 720
_REACH, _PIXELS = 1.3, 160
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito's, which colour-blind readers can tell apart."""
_STROKES = ("-", "--", ":")
_FIRST: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 8, "markerfacecolor": "white"}
_LAST: dict[str, Any] = {"linestyle": "", "marker": "s", "markersize": 12, "markerfacecolor": "none"}
_BEST: dict[str, Any] = {"linestyle": "", "marker": "*", "markersize": 12, "markeredgecolor": "black"}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """Alignment and uniformity of one training, epoch by epoch."""

    label: str
    epochs: Sequence[int]
    """Ascending, at least one."""
    alignment: Sequence[float]
    uniformity: Sequence[float]
    best: int | None = None
    """The epoch with the best ranking on the valid part, marked where it is one of `epochs`."""


@dataclass(frozen=True)
class Circle:
    """Users or items in the plane of two directions, scaled to the unit circle."""

    share: float
    """Share of the squared length of the unit rows that lies in the plane, in [0, 1], weighted by
    interactions: 2/d where they are evenly spread, 1 where the plane loses nothing."""
    mass: Floats
    """[720] share of the interactions in each angle's bin; bin b begins at angle 2π b / 720 − π."""

    @property
    def angles(self) -> Floats:
        """[720] middles of the bins, in radians, from −π to π."""
        edges = np.linspace(-np.pi, np.pi, _BINS + 1)
        return (edges[1:] + edges[:-1]) / 2

    def over_angles(self) -> Floats:
        """[720] density per radian at `angles`: von Mises kernels; 1/2π all round where evenly spread."""
        kappa = WIDTH**-2
        apart = self.angles[:, None] - self.angles
        kernel = np.exp(kappa * (np.cos(apart) - 1)) / (2 * np.pi * ive(0, kappa))
        density: Floats = kernel @ self.mass
        return density

    def over_plane(self) -> Floats:
        """[160, 160] density per unit of area on [−1.3, 1.3]², rows from below: Gaussian kernels."""
        axis = np.linspace(-_REACH, _REACH, _PIXELS)
        across = np.exp(-((axis[:, None] - np.cos(self.angles)) ** 2) / (2 * WIDTH**2))
        up = np.exp(-((axis[:, None] - np.sin(self.angles)) ** 2) / (2 * WIDTH**2))
        density: Floats = (up * self.mass) @ across.T / (2 * np.pi * WIDTH**2)
        return density


def circles(
    users: NDArray[np.floating], items: NDArray[np.floating], matrix: csr_matrix
) -> tuple[Circle, Circle]:
    """Users [n_users, d] and items [n_items, d] on one circle, each row as often as it has interactions.

    The plane is spanned by the two leading eigenvectors of the second moment (about the origin, so that a
    common direction shows) of the unit rows of users and items together, both sides weighing the same. Raises
    InputError as `measure` does, and when d < 2.
    """
    if users.shape[1] < 2:
        raise InputError("geometry: a circle needs embeddings of at least 2 dimensions, and these have 1")
    counts = np.diff(matrix.indptr), np.bincount(matrix.indices, minlength=len(items))
    rows = unit_rows("user", users, counts[0]), unit_rows("item", items, counts[1])
    weights = [count / matrix.nnz for count in counts]
    moment = sum((z.T * weight) @ z for z, weight in zip(rows, weights, strict=True))
    plane = np.linalg.eigh(moment)[1][:, :-3:-1]
    plane = plane * np.where(plane.sum(axis=0) < 0, -1, 1)
    user, item = (_on_circle(z @ plane, weight) for z, weight in zip(rows, weights, strict=True))
    return user, item


def _on_circle(points: Floats, weight: Floats) -> Circle:
    angle = np.arctan2(points[:, 1], points[:, 0])
    mass, _ = np.histogram(angle, bins=_BINS, range=(-np.pi, np.pi), weights=weight)
    return Circle(share=float(weight @ (points**2).sum(axis=1)), mass=mass)


def plot_courses(courses: Sequence[Course], path: Path) -> None:
    """Draw trainings in the plane of alignment (across) and uniformity (up): one line each, a dot an epoch;
    start, end and best epoch are marked. The suffix decides the format.
    """
    from matplotlib.lines import Line2D

    figure = pictures.figure((8.6, 5.4))
    panel = figure.subplots()
    for number, course in enumerate(courses):
        colour, stroke = _COLOURS[number % len(_COLOURS)], _STROKES[number // len(_COLOURS) % len(_STROKES)]
        across, up = np.asarray(course.alignment), np.asarray(course.uniformity)
        panel.plot(
            across, up, stroke, color=colour, linewidth=1.4, marker=".", markersize=3.5, label=course.label
        )
        best = [place for place, epoch in enumerate(course.epochs) if epoch == course.best]
        for places, sign in ((slice(0, 1), _FIRST), (slice(-1, None), _LAST), (best, _BEST)):
            panel.plot(across[places], up[places], color=colour, zorder=3, **sign)
    panel.set(xlabel="alignment of users and items", ylabel="uniformity, mean of users and items")
    panel.set_title("Alignment and uniformity while training (less of either is better)", fontsize=11)
    panel.grid(color="0.9")
    panel.margins(0.06)
    signs = [
        Line2D([], [], color="0.3", label=says, **sign)
        for says, sign in (("first epoch", _FIRST), ("last epoch", _LAST), ("best on valid", _BEST))
    ]
    lines = panel.get_legend_handles_labels()[0]
    figure.legend(handles=[*lines, *signs], loc="outside right upper", frameon=False)
    pictures.save(figure, path)


def plot_sphere(user: Circle, item: Circle, title: str, path: Path) -> None:
    """Draw users and items side by side: their density on the circle in the plane, and over angles below it.

    Both sides share their scales. The suffix decides the format.
    """
    figure = pictures.figure((8.6, 6.4))
    panels = figure.subplots(2, 2, height_ratios=(2.3, 1), sharey="row")
    sides = [("users", user, _COLOURS[0]), ("items", item, _COLOURS[1])]
    planes = [circle.over_plane() for _, circle, _ in sides]
    highest = max(float(plane.max()) for plane in planes)
    for column, (name, circle, colour) in enumerate(sides):
        top, below = panels[:, column]
        image = top.imshow(
            planes[column],
            origin="lower",
            extent=(-_REACH, _REACH, -_REACH, _REACH),
            cmap="cividis",
            vmin=0,
            vmax=highest,
        )
        top.set_title(f"{name}: the plane holds {circle.share:.1%} of squared length", fontsize=10)
        top.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1), xlabel="first direction")
        density = circle.over_angles()
        below.plot(circle.angles, density, color=colour)
        below.fill_between(circle.angles, density, color=colour, alpha=0.25, linewidth=0)
        below.axhline(1 / (2 * np.pi), color="0.4", linestyle=":", linewidth=1)
        below.set(xlim=(-np.pi, np.pi), ylim=(0, None), xlabel="angle (dotted: evenly spread)")
        below.set_xticks(np.pi * np.arange(-1, 1.1, 0.5), ["−π", "−π/2", "0", "π/2", "π"])
    panels[0, 0].set(ylabel="second direction")
    panels[1, 0].set(ylabel="density per radian")
    figure.colorbar(image, ax=panels[0].tolist(), label="density in the plane", shrink=0.85)
    figure.suptitle(
        f"{title}: unit embeddings, weighted by interactions,\nprojected on their two principal directions "
        "and scaled to the circle",
        fontsize=11,
    )
    pictures.save(figure, path)
