"""Run folders: configs round-trip, killed runs are gone on with, finished ones and other configs are not
touched.
"""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from tastemaker.errors import InputError
from tastemaker.runs import Run, config_text, load_config, toml, write_results, write_whole


class Optimizer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["adam", "sgd"] = "adam"
    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)


class Training(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Path("ml-100k")
    epochs: int = 10
    patience: int | None = None
    limit: int | None = 5
    optimizer: Optimizer = Optimizer()
    names: dict[str, float] = {}
    stages: tuple[Optimizer, ...] = ()


keys = st.text(max_size=6)
scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=10)
tables = st.recursive(
    st.dictionaries(
        keys, scalars | st.lists(scalars | st.dictionaries(keys, scalars, max_size=2), max_size=3)
    ),
    lambda inner: st.dictionaries(keys, inner | scalars, max_size=3),
    max_leaves=6,
)


@given(tables)
def test_toml_is_read_back_by_another_reader(table: dict[str, Any]) -> None:
    back = tomllib.loads(toml(table))
    assert back == table
    assert {k: repr(v) for k, v in back.items() if not isinstance(v, dict)} == {
        k: repr(v) for k, v in table.items() if not isinstance(v, dict)
    }


def test_toml_of_the_rest() -> None:
    assert math.isnan(tomllib.loads(toml({"x": math.nan}))["x"])
    assert tomllib.loads(toml({"x": [math.inf, -math.inf]})) == {"x": [math.inf, -math.inf]}
    with pytest.raises(TypeError, match="NoneType"):
        toml({"x": [None]})


CONFIG = Training(
    epochs=3, names={"a.b": 1.5, 'q"': -0.0}, stages=(Optimizer(rate=1e-9), Optimizer(name="sgd"))
)


def test_config_file_is_complete_and_reloads(tmp_path: Path) -> None:
    Run.open(tmp_path / "run", CONFIG)
    path = tmp_path / "run/config.toml"
    assert load_config(path, Training) == CONFIG
    raw = tomllib.loads(path.read_text())
    assert raw["limit"] == 5  # a default is written out, too
    assert raw["optimizer"]["betas"] == [0.9, 0.999]


def test_a_config_that_toml_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written as TOML"):
        config_text(Training(limit=None))  # None where the default is not None
    with pytest.raises(InputError):
        Run.open(tmp_path / "run", Training(limit=None))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("epochs = ", "no readable config"),
        ("epochs = 'x'", "epochs"),
        ("epoch = 3", "epoch"),
        (None, "no readable"),
    ],
)
def test_bad_config_files(tmp_path: Path, text: str | None, complaint: str) -> None:
    if text is not None:
        (tmp_path / "config.toml").write_text(text)
    with pytest.raises(InputError, match=complaint):
        load_config(tmp_path / "config.toml", Training)


def test_a_killed_run_is_gone_on_with(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "run", CONFIG)
    run.log({"epoch": 1, "loss": 0.5})
    run.log({"epoch": 2, "loss": math.nan, "deep": {"x": [math.inf]}})
    with run.metrics_file.open("a") as file:
        file.write('{"epoch": 3, "lo')  # killed while it wrote
    again = Run.open(tmp_path / "run", CONFIG)
    again.log({"epoch": 3})
    assert again.metrics() == [
        {"epoch": 1, "loss": 0.5},
        {"epoch": 2, "loss": None, "deep": {"x": [None]}},
        {"epoch": 3},
    ]
    assert not again.finished


def test_a_finished_run_takes_no_more(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "run", CONFIG)
    run.log({"epoch": 1})
    run.finish({"best": 0.25})
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    again = Run.open(tmp_path / "run", CONFIG)
    assert again.finished
    with pytest.raises(InputError, match="finished run"):
        again.log({"epoch": 2})
    with pytest.raises(InputError, match="finished run"):
        again.finish()
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert json.loads((tmp_path / "run/done.json").read_text())["summary"] == {"best": 0.25}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"epochs": 4}, "epochs is 3 there and 4 here"),
        ({"optimizer": Optimizer(rate=0.1)}, r"optimizer\.rate is 0\.001 there and 0\.1 here"),
        ({"names": {}}, r"names\.a\.b is 1\.5 there and None here"),
        ({"patience": 2}, "patience is None there and 2 here"),
    ],
)
def test_another_config_is_refused(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    Run.open(tmp_path / "run", CONFIG)
    with pytest.raises(InputError, match=complaint):
        Run.open(tmp_path / "run", CONFIG.model_copy(update=change))


def test_folders_that_are_no_place_for_a_run(tmp_path: Path) -> None:
    Run.open(tmp_path / "run", CONFIG)
    with pytest.raises(InputError, match="holds a run already"):
        Run.open(tmp_path / "run", CONFIG, resume=False)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("keep")
    for other in (tmp_path / "notes", tmp_path / "notes/mine.txt"):
        with pytest.raises(InputError, match="is no run folder"):
            Run.open(other, CONFIG)
    assert (tmp_path / "notes/mine.txt").read_text() == "keep"
    (tmp_path / "empty").mkdir()
    assert Run.open(tmp_path / "empty", CONFIG).checkpoints.is_dir()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a.json", "new \ud800")
    assert (tmp_path / "a.json").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_results_file_has_what_a_figure_depends_on(tmp_path: Path) -> None:
    rows = [{"model": "ease", "ndcg@10": {"mean": 0.3, "low": 0.29, "high": math.nan}}]
    path = tmp_path / "results/retrieval-toy.json"
    write_results(path, command="tastemaker x", seeds=[0, 1], seconds=1.234567, protocol="ratio", rows=rows)
    result = json.loads(path.read_text())
    assert list(result) == ["command", "seeds", "versions", "machine", "seconds", "protocol", "rows"]
    assert result["seeds"] == [0, 1]
    assert result["rows"][0]["ndcg@10"] == {"mean": 0.3, "low": 0.29, "high": None}
    assert {"python", "tastemaker", "numpy"} <= result["versions"].keys()
    assert result["machine"]["cores"] >= 1


def test_what_a_run_came_to_is_read_back(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "run", Training())
    with pytest.raises(InputError, match="no readable end of a run"):
        run.summary()
    run.finish({"best": 0.25, "names": ["a"]})
    assert Run.open(tmp_path / "run", Training()).summary() == {"best": 0.25, "names": ["a"]}
    (done,) = (path for path in (tmp_path / "run").glob("*.json") if "summary" in path.read_text())
    done.write_text("{")
    with pytest.raises(InputError, match="no readable end of a run"):
        run.summary()
