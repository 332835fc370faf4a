from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tastemaker.errors import InputError
from tastemaker.policies.plots import plot_coverage, plot_curves


def interval(mean: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}


def row(policy: str, kind: str, curve: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"data": "toy", "mode": "FreeB", "policy": policy, "kind": kind}
    found |= {"reward": interval(9), "coverage": interval(0.4)}
    if curve:
        found["curve"] = [{"epoch": epoch, **interval(epoch)} for epoch in (1, 2)]
    return found


ROWS = [row("oracle", "baseline"), row("a2c", "on-policy", True), row("bc", "offline", True)]


@pytest.mark.parametrize("draw", [plot_curves, plot_coverage])
def test_pictures_name_what_they_show(draw: Any, tmp_path: Path) -> None:
    draw(ROWS, tmp_path / "new" / "picture.svg")
    text = (tmp_path / "new" / "picture.svg").read_text()
    assert text.startswith("<?xml")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["picture.svg"]
    for word in ("a2c", "bc", "on-policy", "offline", "toy", "oracle"):
        assert f"<!-- {word}" in text or word in text


@pytest.mark.parametrize("draw", [plot_curves, plot_coverage])
def test_the_suffix_is_a_format(draw: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no picture format"):
        draw(ROWS, tmp_path / "picture.doc")


def test_without_a_curve_nothing_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of these policies has a learning curve"):
        plot_curves(ROWS[:1], tmp_path / "picture.png")
