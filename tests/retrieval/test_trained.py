"""Run folders of trainings, from fitting in one to having the model back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tastemaker.data import registry as datasets
from tastemaker.data import store
from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import make_split
from tastemaker.errors import InputError
from tastemaker.retrieval import registry, trained


@pytest.fixture
def data(toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The toy data, in a cache of its own."""
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    store.save(toy, datasets.home("toy"))
    return toy


@pytest.mark.parametrize("name", [name for name in registry.names() if name != "als"])
def test_every_model_comes_back_from_its_run_folder(data: Dataset, tmp_path: Path, name: str) -> None:
    fields = registry.model_type(name).config_type.model_fields
    model = registry.create(name, **({"epochs": 2} if "epochs" in fields else {}))
    split = make_split(data, "last", 4)
    run = trained.TrainingRun.of(model, split, "last", 4)
    for _ in range(2):
        again = trained.fit(model, tmp_path / "run", split, run, lambda row: None)
        back, train = trained.load(tmp_path / "run")
        assert trained.TrainingRun.read(tmp_path / "run") == run
        assert train.fingerprint == split.train.fingerprint
        assert type(back) is type(model)
        assert back.config == model.config
        for one in (again, back):
            np.testing.assert_allclose(one.score(np.arange(6)), model.score(np.arange(6)), rtol=1e-6)


def test_a_config_of_something_else_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('model = "ease"\n')
    with pytest.raises(InputError, match="not a TrainingRun: data: Field required"):
        trained.load(tmp_path)
    with pytest.raises(InputError, match="no readable config"):
        trained.load(tmp_path / "nowhere")
