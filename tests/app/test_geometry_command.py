"""`tastemaker retrieval geometry …` as it is called from a shell, on run folders of the small data set."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import by_ratio
from tastemaker.retrieval import saved
from tastemaker.retrieval.ease import EASE
from tastemaker.retrieval.geometry import measure
from tastemaker.retrieval.registry import model_type
from tastemaker.runs import toml

Call = Callable[..., tuple[int, str, str]]
ANEW = "train it anew: tastemaker retrieval train {} --data {} --geometry --run NEW_FOLDER"


@pytest.fixture
def call(tastemaker: Call) -> Call:
    return partial(tastemaker, "retrieval", "geometry")


def tables(seed: int, toy: Dataset) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        "users": generator.normal(size=(toy.n_users, 4)).astype(np.float32),
        "items": generator.normal(size=(toy.n_items, 4)).astype(np.float32),
    }


def make_run(folder: Path, toy: Dataset, seed: int = 0, model: str = "bpr") -> Path:
    """What `retrieval train --geometry --run` leaves: three epochs, the second the best."""
    folder.mkdir(parents=True)
    train = by_ratio(toy, seed=seed).train
    config = {"model": model, "data": "toy", "split": "ratio", "seed": seed, "protocol": "", "settings": {}}
    (folder / "config.toml").write_text(toml(config))
    rows = [
        {"epoch": epoch, "best": min(epoch, 2), "ndcg@20": 0.1 * (epoch % 3), "alignment": 2 - 0.3 * epoch}
        | {"uniformity": -3.0 + 0.5 * epoch, "uniformity_users": -3.0, "uniformity_items": -3.0}
        for epoch in (1, 2, 3)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    saved.write(folder / "model", tables(seed, toy), meta(model, train.fingerprint))
    return folder


def meta(model: str, data: str) -> dict[str, Any]:
    kind = model_type(model)
    fitted = {"fitted_until": 0, "fit_seconds": 0.0}
    return {"model": model, "version": kind.version, "config": {}, "data": data} | fitted


def test_rows_are_fresh_measures_of_the_saved_models(call: Call, toy: Dataset, tmp_path: Path) -> None:
    make_run(tmp_path / "one", toy, seed=0)
    make_run(tmp_path / "two", toy, seed=3, model="directau")
    code, out, err = call("one", "two", "--out", "plots/both", "--results", "found.json", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    kept = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert [row | {"course": None} for row in kept] == [row | {"course": None} for row in found["rows"]]
    assert kept[1]["course"]["epochs"] == [1, 2, 3]
    for row, seed, name, model in zip(
        found["rows"], (0, 3), ("one", "two"), ("bpr", "directau"), strict=True
    ):
        wanted = measure(**tables(seed, toy), matrix=by_ratio(toy, seed=seed).train.matrix())
        told = {"run": name, "model": model, "data": "toy", "epochs": 3, "best_epoch": 2, "ndcg@20": 0.2}
        assert row == told | wanted
    names = ["geometry.png", "sphere-one.png", "sphere-two.png"]
    assert found["files"] == [f"plots/both/{name}" for name in names]
    assert sorted(path.name for path in (tmp_path / "plots" / "both").iterdir()) == names
    for name in names:
        assert np.ptp(imread(tmp_path / "plots" / "both" / name)) > 0.5


def test_the_table_and_where_plots_go_by_default(call: Call, toy: Dataset, tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "au", toy)
    make_run(tmp_path / "old" / "au", toy)
    code, out, err = call("runs/au", "old/au", "runs/au/")
    assert (code, err) == (0, "")
    for text in ("ndcg@20", "alignment", "uniformity_users", "uniformity_items", "best_epoch", "0.2000"):
        assert text in out
    written = sorted(path.name for path in (tmp_path / "runs" / "au" / "plots").iterdir())
    assert written[0] == "geometry.png"
    assert [name.split("-")[-2:] for name in written[1:]] == [["old", "au.png"], ["runs", "au.png"]]
    assert not (tmp_path / "old" / "au" / "plots").exists()


def test_an_epoch_without_figures_is_left_out(call: Call, toy: Dataset, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", toy)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    lines[1] |= {"alignment": None}
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, out, _ = call("run", "--json")
    row = json.loads(out)["rows"][0]
    assert (code, row["epochs"], row["best_epoch"], row["ndcg@20"]) == (0, 3, 2, 0.2)


def broken(folder: Path, toy: Dataset, how: str) -> None:
    make_run(folder, toy)
    config, metrics = folder / "config.toml", folder / "metrics.jsonl"
    if how == "no config":
        config.unlink()
    elif how == "no split":
        config.write_text(config.read_text().replace('split = "ratio"\n', ""))
    elif how == "no geometry":
        metrics.write_text('{"epoch": 1, "loss": 0.5, "best": 1}\n')
    elif how == "no metrics":
        metrics.unlink()
    elif how == "half metrics":
        metrics.write_text('{"epoch": 1, "lo\n{}\n')
    elif how == "no model":
        (folder / "model" / "meta.json").unlink()
    elif how == "no tables":
        config.write_text(config.read_text().replace('"bpr"', '"ease"'))
        EASE().fit(by_ratio(toy, seed=0).train).save(folder / "model")
    elif how == "other data":
        saved.write(folder / "model", tables(0, toy), meta("bpr", "another"))


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("no config", ("no whole run folder", ANEW.format("MODEL", "DATA"))),
        ("no split", ("split: Field required", ANEW.format("MODEL", "DATA"))),
        ("no geometry", ("no alignment and uniformity", ANEW.format("bpr", "toy"))),
        ("no metrics", ("no alignment and uniformity", ANEW.format("bpr", "toy"))),
        ("half metrics", ("no whole run folder", ANEW.format("MODEL", "DATA"))),
        ("no model", ("training has not ended", "give the same train command again")),
        ("no tables", ("ease has no embeddings of users and items",)),
        ("other data", ("saved with data 'another'", "fit it again")),
    ],
)
def test_runs_that_cannot_be_shown_are_named_in_one_line(
    call: Call, toy: Dataset, tmp_path: Path, how: str, says: tuple[str, ...]
) -> None:
    make_run(tmp_path / "good", toy)
    broken(tmp_path / "bad", toy, how)
    code, out, err = call("good", "bad", "--json")
    assert (code, out) == (2, "")
    assert not (tmp_path / "good" / "plots").exists()
    assert how == "no tables" or f"error: {tmp_path / 'bad'}" in err
    for text in says:
        assert text in err
    assert len(err.strip().splitlines()) == 1


def test_a_file_is_no_place_for_plots(call: Call, toy: Dataset, tmp_path: Path) -> None:
    make_run(tmp_path / "run", toy)
    (tmp_path / "taken").write_text("mine")
    assert call("run", "--out", "taken") == (2, "", "error: --out taken: this is a file; name a folder\n")
    assert (tmp_path / "taken").read_text() == "mine"
