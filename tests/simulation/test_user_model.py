"""User models on logs whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError, TastemakerError
from tastemaker.simulation.quit_rules import NeverQuits
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.user_model import UserModel, UserModelConfig, fit, fit_cached

N_USERS, N_ITEMS = 60, 40
SMALL = UserModelConfig(epochs=12, embedding_size=4, hidden_size=8, members=3, batch_size=64)


def truth() -> np.ndarray:
    """Two kinds of users like two kinds of items, and some items are better than others."""
    sign = np.where(np.arange(N_USERS) % 2, 1.0, -1.0)[:, None] * np.where(np.arange(N_ITEMS) % 2, 1.0, -1.0)
    return 3 + 0.8 * sign + np.linspace(-0.7, 0.7, N_ITEMS)


def make_log(rated: bool = True, name: str = "kinds") -> Dataset:
    rng = np.random.default_rng(5)
    user, item = np.nonzero(rng.random((N_USERS, N_ITEMS)) < (0.5 if rated else (truth() - 1) / 4))
    rating = np.clip(truth()[user, item] + rng.normal(0, 0.3, len(user)), 1, 5) if rated else None
    return Dataset.build(
        name,
        pl.DataFrame({"id": [str(u) for u in range(N_USERS)], "kind": ["ab"[u % 2] for u in range(N_USERS)]}),
        pl.DataFrame(
            {
                "id": [str(i) for i in range(N_ITEMS)],
                "categories": [[f"c{i % 2}"] for i in range(N_ITEMS)],
            }
        ),
        user,
        item,
        rating=rating,
        source=Source("here", "none"),
        rating_range=(1, 5) if rated else None,
    )


def same(a: UserModel, b: UserModel) -> bool:
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("mean", "variance", "largest_variance"))


@pytest.mark.parametrize("inverse_propensity", [False, True])
def test_ratings_and_their_noise_are_learnt(inverse_propensity: bool) -> None:
    model = fit(make_log(), SMALL.model_copy(update={"inverse_propensity": inverse_propensity, "epochs": 60}))
    mean, variance = model.predict()
    assert mean.dtype == variance.dtype == np.float32
    assert mean.shape == variance.shape == (N_USERS, N_ITEMS)
    assert np.sqrt(np.mean((mean - truth()) ** 2)) < 0.25  # of a standard deviation of 0.9
    assert np.median(variance) == pytest.approx(0.09, abs=0.07)
    assert model.held_out_rmse == pytest.approx(0.3, abs=0.12)


@pytest.mark.parametrize("loss", ["point-negative", "pair"])
def test_losses_with_negatives_learn_what_is_chosen(loss: str) -> None:
    log = make_log(rated=False)
    mean = fit(log, UserModelConfig.model_validate({**SMALL.model_dump(), "loss": loss, "epochs": 60})).mean
    unseen = np.ones((N_USERS, N_ITEMS), np.bool_)
    unseen[log.user, log.item] = False
    assert np.corrcoef(mean[unseen], truth()[unseen])[0, 1] > 0.6


def test_the_same_seed_gives_the_same_model_and_another_another() -> None:
    config = SMALL.model_copy(update={"epochs": 2, "dropout": 0.2, "loss": "both"})
    first = fit(make_log(), config)
    assert same(first, fit(make_log(), config))
    assert not same(first, fit(make_log(), config.model_copy(update={"seed": 1})))


def test_variance_is_that_of_members_and_ratings_together() -> None:
    model = fit(make_log(), SMALL.model_copy(update={"epochs": 2}))
    assert (model.variance > 0).all()
    assert (model.largest_variance > 0).all()
    # the mean of predicted variances is no higher than the largest; the rest is the members' disagreement
    disagreement = model.variance - model.largest_variance
    assert (disagreement < 0).any()


def test_a_fit_is_kept_by_log_tables_and_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path))
    log = make_log()
    scenario = Scenario("kinds", log, truth().astype(np.float32), NeverQuits(), 5, "made")
    config = SMALL.model_copy(update={"epochs": 1})
    epochs: list[int] = []
    first = fit_cached(scenario, config, lambda epoch, _: epochs.append(epoch))
    again = fit_cached(scenario, config, lambda epoch, _: epochs.append(epoch))
    assert epochs == [1]
    assert same(first, again)
    assert (again.held_out_rmse, again.epochs) == (first.held_out_rmse, 1)
    fit_cached(scenario, config.model_copy(update={"seed": 3}))
    files = sorted((tmp_path / "user-models").iterdir())
    assert len(files) == 2
    assert all(path.suffix == ".npz" for path in files)
    for path in files:
        path.write_bytes(path.read_bytes()[:1000])
    assert same(first, fit_cached(scenario, config))


def test_what_cannot_be_learnt_is_told() -> None:
    for loss in ("point", "both"):
        with pytest.raises(InputError, match=f"no ratings for the loss {loss}"):
            fit(make_log(rated=False), SMALL.model_copy(update={"loss": loss}))
    with pytest.raises(TastemakerError, match="lower its learning rate"):
        fit(make_log(), SMALL.model_copy(update={"learning_rate": 1e30}))
    with pytest.raises(ValidationError):
        UserModelConfig(members=1)
