"""A training that begins with the tables of another one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from tastemaker import checkpoint
from tastemaker.app.cli import app
from tastemaker.data.splits import Split
from tastemaker.errors import InputError
from tastemaker.retrieval.registry import create

Rows = list[Mapping[str, Any]]


def fit(split: Split, model: str, folder: Path, **settings: Any) -> Rows:
    """Epochs of a training of small tables."""
    rows: Rows = []
    settings = {"embedding_size": 8, "learning_rate": 0.02, "batch_size": 64, "epochs": 5} | settings
    create(model, **settings).fit(split.train, split.valid, folder=folder, on_epoch=rows.append)
    return rows


@pytest.fixture
def other(small: Split, tmp_path: Path) -> tuple[Path, Rows]:
    """The checkpoint of a training whose last epoch is not its best, and its epochs."""
    folder = tmp_path / "other"
    rows = fit(small, "directau", folder, epochs=12, learning_rate=0.1)
    assert rows[-1]["best"] < rows[-1]["epoch"]
    return folder, rows


@pytest.mark.parametrize("model", ["bpr", "mawu"])
def test_begins_with_the_best_tables(
    small: Split, other: tuple[Path, Rows], tmp_path: Path, model: str
) -> None:
    folder, rows = other
    settings = {"learning_rate": 1e-12, "weight_decay": 0.0, "epochs": 1}
    (first,) = fit(small, model, tmp_path / "warm", start_from=str(folder), **settings)
    assert first["ndcg@20"] == max(row["ndcg@20"] for row in rows)
    (cold,) = fit(small, model, tmp_path / "cold", **settings)
    assert cold["ndcg@20"] != first["ndcg@20"]


def test_the_targets_of_an_objective_begin_there_too(
    small: Split, other: tuple[Path, Rows], tmp_path: Path
) -> None:
    fit(small, "buir", tmp_path / "warm", start_from=str(other[0]), momentum=1, epochs=1)
    begun, start = checkpoint.read(tmp_path / "warm"), checkpoint.read(other[0])
    assert begun is not None
    assert start is not None
    assert torch.equal(begun[0]["objective.users"], start[0]["best.users"])


def test_goes_on_without_the_other_folder(small: Split, other: tuple[Path, Rows], tmp_path: Path) -> None:
    folder = tmp_path / "warm"
    straight = fit(small, "bpr", tmp_path / "straight", start_from=str(other[0]))
    fit(small, "bpr", folder, start_from=str(other[0]), epochs=2)
    shutil.rmtree(other[0])
    rest = fit(small, "bpr", folder, start_from=str(other[0]))
    assert [row["loss"] for row in rest] == [row["loss"] for row in straight[2:]]


def test_tables_of_another_shape_are_refused(small: Split, other: tuple[Path, Rows]) -> None:
    with pytest.raises(InputError, match=r"its users are \[60, 8\], here they are \[60, 16\]"):
        create("bpr", start_from=str(other[0]), embedding_size=16).fit(small.train)


def test_a_folder_without_such_a_checkpoint_is_refused(small: Split, tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "of another kind", {"best.decoder": torch.ones(3)}, {})
    for name in ("of another kind", "nowhere"):
        with pytest.raises(InputError, match=f"start_from=.*{name}: no checkpoint of users' and items'"):
            create("bpr", start_from=str(tmp_path / name)).fit(small.train)


def test_needs_a_run_folder(tmp_path: Path) -> None:
    words = ["retrieval", "train", "bpr", "--data", "toy", "--set", f"start_from={tmp_path}"]
    ran = CliRunner().invoke(app, words)
    assert isinstance(ran.exception, InputError)
    assert "add --run FOLDER" in str(ran.exception)
