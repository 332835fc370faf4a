"""Models by name, their settings, and the cache of fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split, by_ratio
from tastemaker.errors import InputError
from tastemaker.retrieval import saved
from tastemaker.retrieval.registry import create, fit_cached, names

MakeDataset = Callable[..., Dataset]


def test_settings_may_be_text() -> None:
    model = create("itemknn", neighbours="7", shrink="2.5")
    assert (model.config.neighbours, model.config.shrink) == (7, 2.5)


def test_unknown_model_lists_the_names() -> None:
    with pytest.raises(InputError) as error:
        create("eas")
    assert "did you mean ease?" in str(error.value)
    assert all(name in str(error.value) for name in names())


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("ease", {"lambda": 3}, "ease has no setting 'lambda'; its settings: reg, precision"),
        ("popularity", {"x": 3}, "popularity has no setting 'x'; its settings: none"),
        ("ease", {"reg": "many"}, "ease: reg='many': Input should be a valid number"),
        ("ease", {"reg": -1}, "ease: reg=-1: Input should be greater than 0"),
        ("bpr", {"epochs": 0}, "bpr: epochs=0"),
        ("directau", {"gamma": -0.5}, "directau: gamma=-0.5"),
        ("ease", {"reg": "nan"}, "ease: reg='nan'"),
    ],
)
def test_wrong_setting_is_one_clear_line(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        create(name, **settings)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def rows_of(name: str, split: Split, cache: Path, **settings: Any) -> tuple[Any, list[Mapping[str, Any]]]:
    rows: list[Mapping[str, Any]] = []
    return fit_cached(name, split, cache=cache, on_epoch=rows.append, **settings), rows


def test_a_fit_is_used_again_for_the_same_data_and_config_only(
    small: Split, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    users = np.arange(60)
    first, rows = rows_of("bpr", small, tmp_path, epochs=2)
    assert len(rows) == 2
    again, rows = rows_of("bpr", small, tmp_path, epochs="2")
    assert rows == []
    assert np.array_equal(first.score(users), again.score(users))
    for split, settings in (
        (small, {"epochs": 2, "seed": 1}),
        (by_ratio(make_dataset(60, 40, 0.25, seed=7), seed=8), {"epochs": 2}),
        (Split(small.train, small.test, small.valid, ""), {"epochs": 2}),
    ):
        _, rows = rows_of("bpr", split, tmp_path, **settings)
        assert len(rows) == 2
    assert len(list(tmp_path.iterdir())) == 4


def test_a_damaged_fit_is_made_again(small: Split, tmp_path: Path) -> None:
    first = fit_cached("ease", small, cache=tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / saved.ARRAYS).write_bytes((folder / saved.ARRAYS).read_bytes()[:100])
    again = fit_cached("ease", small, cache=tmp_path)
    assert np.array_equal(first.score(np.arange(60)), again.score(np.arange(60)))
    assert saved.read(folder)[1]["model"] == "ease"


def test_an_interrupted_training_goes_on(small: Split, tmp_path: Path) -> None:
    whole, _ = rows_of("directau", small, tmp_path / "whole", epochs=5)

    def interrupt(row: Mapping[str, Any]) -> None:
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_cached("directau", small, cache=tmp_path / "halved", on_epoch=interrupt, epochs=5)
    halved, rows = rows_of("directau", small, tmp_path / "halved", epochs=5)
    assert [row["epoch"] for row in rows] == [4, 5]
    assert np.array_equal(whole.score(np.arange(60)), halved.score(np.arange(60)))
    (folder,) = (tmp_path / "halved").iterdir()
    assert {file.name for file in folder.iterdir()} == {saved.ARRAYS, saved.META}
