"""Figures of the toy data set worked by hand, the Gini coefficient against its definition, and the plot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.data.dataset import Dataset
from tastemaker.data.describe import describe, gini, plot
from tastemaker.errors import InputError


def test_figures_by_hand(toy: Dataset) -> None:
    figures = describe(toy)
    assert (figures["users"], figures["items"], figures["interactions"]) == (6, 8, 22)
    assert figures["density"] == pytest.approx(22 / 48)
    assert figures["ratings"] == {"1": 2, "2": 3, "3": 3, "4": 8, "5": 6}
    assert figures["rating_mean"] == pytest.approx((2 + 6 + 9 + 32 + 30) / 22)
    per_user = figures["interactions_per_user"]
    assert (per_user["min"], per_user["median"], per_user["max"]) == (1, 4, 6)
    assert figures["items_without_interactions"] == 1
    assert figures["time"] == {"first": 100, "last": 1000, "days": ["1970-01-01", "1970-01-01"]}


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30))
def test_gini_is_half_the_relative_mean_difference(counts: list[int]) -> None:
    values = np.array(counts, float)
    differences = np.abs(values[:, None] - values[None, :]).mean()
    expected = differences / (2 * values.mean()) if values.any() else 0.0
    assert gini(np.array(counts)) == pytest.approx(expected, abs=1e-12)


def test_plot_writes_a_picture(toy: Dataset, tmp_path: Path) -> None:
    plot(toy, tmp_path / "toy.png")
    assert (tmp_path / "toy.png").read_bytes().startswith(b"\x89PNG")
    plot(toy, tmp_path / "toy.svg")
    assert (tmp_path / "toy.svg").read_bytes().startswith(b"<?xml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy.png", "toy.svg"]


def test_plot_refuses_other_suffixes_and_folders(toy: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"use \.png, \.svg or \.pdf"):
        plot(toy, tmp_path / "toy.txt")
    with pytest.raises(InputError, match="no such folder"):
        plot(toy, tmp_path / "nowhere" / "toy.png")
    assert not list(tmp_path.iterdir())
