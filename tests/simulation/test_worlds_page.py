"""The Python of `docs/worlds.md` runs, from top to bottom, and its table says what the scenarios are."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tastemaker.data import registry
from tastemaker.data.readers.table import Columns
from tastemaker.simulation.scenarios import names

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "worlds.md").read_text(encoding="utf-8")


def test_the_examples_run(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (data_folder / "coat").is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder coat")
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path))
    table = Columns(user="reader", item="book", rating="stars", time="when")
    registry.prepare_table("books", ROOT / "docs" / "examples" / "log.csv", table)
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "page.py").write_text("\n".join(blocks), encoding="utf-8")
    names_here = runpy.run_path(str(tmp_path / "page.py"))
    assert names_here["rewards"].shape == (1000,)
    assert names_here["free"].all()
    assert names_here["patient"].max_turns == 12
    assert "our own completion of the ratings" in capsys.readouterr().out


def test_every_published_scenario_is_told_of() -> None:
    assert re.findall(r"^\| `([\w-]+)` \| [\d,]+ × [\d,]+ \|", PAGE, re.MULTILINE) == names()
