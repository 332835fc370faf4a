"""What every model must do, whatever it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix, vstack

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.splits import Split
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval import saved
from tastemaker.retrieval.base import HistoryScorer, ItemScorer, Scorer
from tastemaker.retrieval.evaluator import evaluate
from tastemaker.retrieval.ranking import top_n
from tastemaker.retrieval.registry import create, model_type, names

EPOCHS = tuple(name for name in names() if "epochs" in model_type(name).config_type.model_fields)
FAST: dict[str, dict[str, Any]] = {name: {"epochs": 3} for name in EPOCHS}
FROM_HISTORY = ("popularity", "itemknn", "ease", "gfcf", "multvae")
"""Models that know a user by the history alone."""
FOLD_IN = tuple(name for name in names() if name not in ("bias", "residual-knn"))
ALIKE = tuple(name for name in FOLD_IN if name not in ("popularity", "multvae", "blend"))


@pytest.fixture(params=names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def _extra_of(request: pytest.FixtureRequest) -> None:
    if "name" in request.fixturenames and request.getfixturevalue("name") == "als":
        pytest.importorskip("implicit", reason="the extra als is not installed")


def fitted(name: str, split: Split) -> Any:
    return create(name, **FAST.get(name, {})).fit(split.train, split.valid)


def test_scores_every_item_for_the_users_asked(name: str, small: Split) -> None:
    model = fitted(name, small)
    assert isinstance(model, Scorer)
    assert model.name == name
    users = np.array([5, 0, 5, 59])
    scores = model.score(users)
    assert scores.shape == (4, small.train.n_items)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores, model.score(np.arange(60))[users], rtol=1e-5, atol=1e-6)
    assert model.score(users[:0]).shape == (0, small.train.n_items)


def test_the_same_data_gives_the_same_model(name: str, small: Split) -> None:
    users = np.arange(60)
    assert np.array_equal(fitted(name, small).score(users), fitted(name, small).score(users))


def test_fitted_until_is_the_last_moment_that_it_learned_from(name: str, small: Split) -> None:
    last = max(small.train.time.tolist())
    later = replace(small.valid, time=small.valid.time + 1000)
    model = create(name, **FAST.get(name, {}))
    assert model.fit(small.train).fitted_until == last
    assert model.fit(small.train, later).fitted_until == (
        later.time.max() if model_type(name).stops_early else last
    )


def test_saved_and_loaded_it_is_the_same(name: str, small: Split, tmp_path: Path) -> None:
    model = fitted(name, small)
    model.save(tmp_path / "fit")
    again: Any = model_type(name).load(tmp_path / "fit", small.train)
    users = np.arange(60)
    assert np.array_equal(model.score(users), again.score(users))
    assert again.config == model.config
    assert again.fitted_until == model.fitted_until
    if name in ALIKE:
        for one, other in zip(model.similar(users[:40], 5), again.similar(users[:40], 5), strict=True):
            assert np.array_equal(one, other)
    with pytest.raises(InputError, match="saved with data"):
        model_type(name).load(tmp_path / "fit", small.valid)


def test_what_was_saved_must_fit(name: str, small: Split, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no saved model here"):
        model_type(name).load(tmp_path, small.train)
    fitted(name, small).save(tmp_path)
    meta = json.loads((tmp_path / saved.META).read_text())
    (tmp_path / saved.META).write_text(json.dumps(meta | {"version": 0}))
    with pytest.raises(InputError, match="saved with version 0"):
        model_type(name).load(tmp_path, small.train)
    (tmp_path / saved.META).write_text(json.dumps({**meta, "config": {"x": 1}}))
    with pytest.raises(InputError, match="damaged"):
        model_type(name).load(tmp_path, small.train)
    (tmp_path / saved.META).write_text(json.dumps(meta))
    np.savez(tmp_path / saved.ARRAYS, something=np.zeros(3))
    with pytest.raises(InputError, match="damaged"):
        model_type(name).load(tmp_path, small.train)
    (tmp_path / saved.META).write_text("{")
    with pytest.raises(InputError, match="damaged"):
        model_type(name).load(tmp_path, small.train)


@pytest.mark.parametrize("wrong", [-1, 60])
def test_unknown_user(name: str, small: Split, wrong: int) -> None:
    model = fitted(name, small)
    with pytest.raises(InputError, match=f"{name}: no user with index {wrong}; indices run from 0 to 59"):
        model.score(np.array([0, wrong]))


def test_not_fitted_yet(name: str, tmp_path: Path) -> None:
    model = create(name)
    with pytest.raises(TastemakerError, match="not fitted"):
        model.score(np.array([0]))
    with pytest.raises(TastemakerError, match="not fitted"):
        model.save(tmp_path)


def test_nothing_to_learn_from(name: str, small: Split) -> None:
    with pytest.raises(InputError, match="has no interactions"):
        create(name).fit(small.train.take(np.zeros(len(small.train), bool)))


def test_nothing_seen_is_ever_recommended(name: str, small: Split) -> None:
    model = fitted(name, small)
    seen = small.train.matrix()
    items, scores = top_n(model, np.arange(60), 40, seen)
    for user in range(60):
        kept = items[user][items[user] >= 0]
        assert len(kept) == len(set(kept)) == 40 - seen[user].nnz
        assert not set(kept) & set(seen[user].indices)
    assert np.isneginf(scores[items == -1]).all()


def test_evaluates(name: str, small: Split) -> None:
    got = evaluate(fitted(name, small), small)
    assert all(0 <= mean <= 1 for mean in got.means.values())


@pytest.mark.parametrize("name", FOLD_IN)
def test_scores_histories_of_users_who_were_not_in_training(name: str, small: Split) -> None:
    model = fitted(name, small)
    assert isinstance(model, HistoryScorer)
    held_out = small.test.matrix()
    rows = vstack([small.train.matrix()[:3], held_out[:2], csr_matrix((1, 40), dtype=np.float32)]).tocsr()
    scores = model.score_histories(rows)
    assert scores.shape == (6, 40)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(model.score_histories(rows[[4, 0]]), scores[[4, 0]], rtol=1e-4, atol=1e-5)
    if name in FROM_HISTORY:
        np.testing.assert_allclose(scores[:3], model.score(np.arange(3)), rtol=1e-4, atol=1e-5)
    for width in (39, 41):
        with pytest.raises(InputError, match=f"histories have {width} items, the model 40"):
            model.score_histories(csr_matrix((2, width), dtype=np.float32))


@pytest.mark.parametrize("name", ALIKE)
def test_similar_items(name: str, small: Split) -> None:
    model = fitted(name, small)
    assert isinstance(model, ItemScorer)
    items, value = model.similar(np.array([3, 0]), 50)
    assert items.shape == value.shape == (2, 50)
    assert items.dtype == np.int32
    assert value.dtype == np.float32
    for item, row, near in zip((3, 0), items, value, strict=True):
        known = row >= 0
        assert 0 < known.sum() <= 39
        assert item not in row
        assert len(set(row[known])) == known.sum()
        assert (near[~known] == 0).all()
        assert (np.diff(near[known]) <= 0).all()
    with pytest.raises(InputError, match="no item with index 40"):
        model.similar(np.array([40]), 3)


def test_one_user_one_item_two_interactions(name: str) -> None:
    tiny = Dataset.build(
        "tiny",
        pl.DataFrame({"id": ["u", "v"]}),
        pl.DataFrame({"id": ["a", "b", "c"], "title": ["A", "B", "C"]}),
        np.array([0, 0]),
        np.array([0, 0]),
        rating=np.array([3.0, 4.0]),
        source=Source("by hand", "Apache-2.0"),
    )
    if name in ("directau", "mawu", "graphau"):
        with pytest.raises(InputError, match="at least two pairs"):
            create(name, epochs=1).fit(tiny)
        return
    model = create(name, **FAST.get(name, {})).fit(tiny)
    assert np.isfinite(model.score(np.array([0, 1]))).all()
