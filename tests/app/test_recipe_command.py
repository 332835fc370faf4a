"""`tastemaker recipe`: the whole way at a small scale, and once more with nothing left to do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tastemaker.app.cli import app
from tastemaker.app.commands.recipe import CATEGORIES, VARIANTS
from tastemaker.synthesis.dialogues.scenes import KINDS, SceneConfig

SMALL = ("--minutes", "0.05", "--apis", "200", "--dialogues", "40", "--limit", "1", "--json")


def test_variants_are_settings_of_scenes() -> None:
    for change in VARIANTS.values():
        scenes = {key: value for key, value in change.items() if key in SceneConfig.model_fields}
        assert SceneConfig.model_validate(scenes)
        assert set(change) - set(scenes) <= {"verify", "without"}
        assert set(change.get("without", ())) <= set(KINDS)


@pytest.mark.model
def test_tools_from_nothing_and_again(tmp_path: Path) -> None:
    pytest.importorskip("bfcl_eval", reason="bfcl-eval is not installed")
    folder = tmp_path / "run"
    first = CliRunner().invoke(app, ["recipe", "tools", "--run", str(folder), *SMALL])
    assert first.exit_code == 0, first.output
    rows = json.loads(first.stdout)["rows"]
    assert [row["category"] for row in rows] == list(CATEGORIES)
    assert all(row["n"] == 1 and 0 <= row["accuracy"]["mean"] <= 1 for row in rows)
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    again = CliRunner().invoke(app, ["recipe", "tools", "--run", str(folder), *SMALL])
    assert json.loads(again.stdout)["rows"] == rows
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == made
