"""What a data set looks like, as figures and as a plot: counts, ratings, activity, popularity, time."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError

_QUANTILES = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}


def describe(dataset: Dataset) -> dict[str, Any]:
    """Figures of a data set as JSON values. Repeated interactions count each time."""
    per_user, per_item = np.diff(dataset.user_ptr), np.diff(dataset.item_ptr)
    return {
        "name": dataset.name,
        "users": dataset.n_users,
        "items": dataset.n_items,
        "interactions": len(dataset),
        "density": len(dataset) / (dataset.n_users * dataset.n_items),
        "rating_range": list(dataset.rating_range)
        if dataset.rating is not None and dataset.rating_range
        else None,
        "rating_mean": None if dataset.rating is None else float(dataset.rating.mean(dtype=np.float64)),
        "ratings": ratings(dataset),
        "interactions_per_user": _quantiles(per_user),
        "interactions_per_item": _quantiles(per_item),
        "items_without_interactions": int((per_item == 0).sum()),
        "popularity_gini": gini(per_item),
        "clock": dataset.clock,
        "time": _range_of_time(dataset),
        "fingerprint": dataset.fingerprint,
        "origin": dataset.source.origin,
        "licence": dataset.source.licence,
        "citation": dataset.source.citation,
    }


def ratings(dataset: Dataset) -> dict[str, int] | None:
    """How often each rating was given, ascending; None for implicit feedback."""
    if dataset.rating is None:
        return None
    values, counts = np.unique(dataset.rating, return_counts=True)
    return {f"{value:g}": int(count) for value, count in zip(values, counts, strict=True)}


def gini(counts: NDArray[np.integer]) -> float:
    """Gini coefficient of non-negative counts: 0 when all are equal, towards 1 when one has all.

    G = sum_i (2 i - n - 1) x_i / (n sum_i x_i) over the counts x in ascending order, i from 1.
    """
    ordered = np.sort(counts).astype(np.float64)
    n, total = len(ordered), ordered.sum()
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * total)) if total else 0.0


def plot(dataset: Dataset, path: Path) -> None:
    """Draw ratings (or, without them, activity by user), activity and popularity into a picture file.

    The suffix decides the format (.png, .svg, .pdf). Raises InputError for another one.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    if path.suffix[1:].lower() not in canvas.get_supported_filetypes():
        raise InputError(f"{path}: no picture format has this suffix; use .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: there is no such folder")
    panels = figure.subplots(1, 2 if dataset.rating is None else 3)
    given = ratings(dataset)
    if given is not None:
        panels[0].bar(list(given), list(given.values()), color="tab:blue")
        panels[0].set(title="Ratings", xlabel="rating", ylabel="interactions")
    per_user, per_item = np.diff(dataset.user_ptr), np.sort(np.diff(dataset.item_ptr))[::-1]
    edges = np.unique(np.geomspace(max(int(per_user.min()), 1), int(per_user.max()) + 1, 30).round())
    panels[-2].hist(per_user[per_user > 0], bins=edges, color="tab:orange")
    panels[-2].set(title="Activity", xlabel="interactions per user", ylabel="users", xscale="log")
    panels[-1].plot(np.arange(1, len(per_item) + 1), per_item, color="tab:green")
    panels[-1].set(
        title=f"Popularity (Gini {gini(per_item):.3f})", xlabel="rank of item", ylabel="interactions"
    )
    panels[-1].set(xscale="log", yscale="symlog", ylim=(0, None))
    figure.suptitle(
        f"{dataset.name}: {dataset.n_users:,} users, {dataset.n_items:,} items, {len(dataset):,} interactions"
    )
    fresh = path.with_name(f".{path.name}.part")
    try:
        figure.savefig(fresh, format=path.suffix[1:].lower(), dpi=120)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _quantiles(counts: NDArray[np.integer]) -> dict[str, float]:
    found = {name: float(np.quantile(counts, share)) for name, share in _QUANTILES.items()}
    return {"mean": float(counts.mean()), **found}


def _range_of_time(dataset: Dataset) -> dict[str, Any] | None:
    if dataset.clock == "none":
        return None
    first, last = int(dataset.time.min()), int(dataset.time.max())
    if dataset.clock == "order":
        return {"first": first, "last": last}
    days = (datetime.fromtimestamp(moment, UTC).date().isoformat() for moment in (first, last))
    return {"first": first, "last": last, "days": list(days)}
