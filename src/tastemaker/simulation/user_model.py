"""A user model: what each user would give for each item, and how sure that is, learnt from a log.

An ensemble of DeepFM networks (EasyRL4Rec, arXiv 2402.15164, section 3.2). Each member leaves out a tenth of
the log of its own; training ends when the error on what members did not see grows. Training rewards are made
of it elsewhere (`training_rewards`); knows nothing of worlds and of the truth.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from tastemaker import assets
from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError, TastemakerError
from tastemaker.simulation import user_model_losses as losses
from tastemaker.simulation.deepfm import DeepFM, Half
from tastemaker.simulation.features import Features
from tastemaker.simulation.scenario import Scenario

VERSION = 1
"""Of the training; kept fits of another version are not used."""
_PAIRS = 1 << 17
"""Pairs that are predicted at a time."""

Matrix = NDArray[np.float32]
OnEpoch = Callable[[int, float], None]
"""Gets the number of epochs done and the held-out RMSE."""


class UserModelConfig(Config):
    """What a user model has to set."""

    loss: losses.Loss = "point"
    """point: ratings; point-negative: also items that were not rated, as if with the scale's lowest rating;
    pair: rated items above items that were not; both: point and pair."""
    inverse_propensity: bool = False
    """Whether interactions with rarely seen items weigh more."""
    members: int = Field(default=5, ge=2, le=10)
    """Networks in the ensemble."""
    embedding_size: int = Field(default=16, ge=1)
    """Length of the embedding of a user, an item or a feature."""
    hidden_size: int = Field(default=32, ge=1)
    """Width of the two layers of the deep part."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the deep part's inputs and units that a training step leaves out."""
    embedding_decay: float = Field(default=2.0, ge=0)
    """AdamW's decay of embeddings."""
    layer_decay: float = Field(default=0.1, ge=0)
    """AdamW's decay of layers."""
    learning_rate: float = Field(default=3e-3, gt=0)
    """AdamW's step size."""
    batch_size: int = Field(default=256, ge=1)
    """Interactions in a step, at least; a large log has batches of 1 / 256 of it."""
    epochs: int = Field(default=60, ge=1)
    """The most passes over the log."""
    patience: int = Field(default=3, ge=1)
    """Passes without a better held-out error after which training ends; the best pass counts."""
    seed: int = Field(default=0, ge=0)
    """Of the initial parameters, what is held out, batches, negatives and dropout."""


@dataclass(frozen=True, eq=False)
class UserModel:
    """A fitted user model."""

    mean: Matrix
    """[n_users, n_items] expected ratings: the mean over members."""
    variance: Matrix
    """[n_users, n_items] variance of a rating by the law of total variance: that of the members' means plus
    the mean of their predicted ones (Lakshminarayanan et al. 2017)."""
    largest_variance: Matrix
    """[n_users, n_items] the largest predicted variance of a member, by which MOPO is cautious."""
    held_out_rmse: float
    """Root of the mean squared error of single members on the ratings that they did not see."""
    epochs: int
    """Passes over the log until the best."""

    def predict(self) -> tuple[Matrix, Matrix]:
        """`mean` and `variance`."""
        return self.mean, self.variance


def fit(log: Dataset, config: UserModelConfig, on_epoch: OnEpoch | None = None) -> UserModel:
    """Train on a log; one without ratings counts as ratings of 1 among negatives of 0.

    The same log and config give the same model. Raises InputError for `point` or `both`
    without ratings, TastemakerError when training diverges.
    """
    training = _Training(log, config)
    best, rmse, kept, best_epoch = float("inf"), float("nan"), training.parameters(), 0
    for epoch in range(1, config.epochs + 1):
        training.epoch()
        with torch.no_grad():
            error, its_rmse = training.held_out()
        if on_epoch is not None:
            on_epoch(epoch, its_rmse)
        if error < best:
            best, rmse, kept, best_epoch = error, its_rmse, training.parameters(), epoch
        elif epoch - best_epoch >= config.patience:
            break
    training.net.load_state_dict(kept)
    with torch.no_grad():
        mean, variance, largest = _predict(training.net, log.n_users, log.n_items)
    return UserModel(mean, variance, largest, rmse, best_epoch)


def fit_cached(
    scenario: Scenario, config: UserModelConfig | None = None, on_epoch: OnEpoch | None = None
) -> UserModel:
    """As `fit_log_cached` on the scenario's log."""
    return fit_log_cached(scenario.log, config, on_epoch)


def fit_log_cached(
    log: Dataset, config: UserModelConfig | None = None, on_epoch: OnEpoch | None = None
) -> UserModel:
    """As `fit`; kept in the folder `user-models` of Tastemaker's cache for the next time. A damaged file is
    made anew.
    """
    config = config or UserModelConfig()
    key = f"{VERSION} {log.fingerprint} {_table_digest(log)} {config.model_dump_json()}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    path = assets.cache_folder() / "user-models" / f"{log.name}-{digest}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, variance, largest = (file[name] for name in ("mean", "variance", "largest_variance"))
            figures = file["figures"]
        if all(array.shape == (log.n_users, log.n_items) for array in (mean, variance, largest)):
            return UserModel(mean, variance, largest, float(figures[0]), int(figures[1]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    model = fit(log, config, on_epoch)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as opened:
        np.savez(
            opened,
            allow_pickle=False,
            mean=model.mean,
            variance=model.variance,
            largest_variance=model.largest_variance,
            figures=np.array([model.held_out_rmse, model.epochs]),
        )
    temporary.replace(path)
    return model


class _Terms(NamedTuple):
    """Of each interaction [n] and member: the network on it and on a sampled negative."""

    score: Tensor
    log_variance: Tensor
    negative: Tensor
    negative_log_variance: Tensor
    rating: Tensor
    """[n, 1]."""


class _Training:
    """A training that is under way."""

    def __init__(self, log: Dataset, config: UserModelConfig) -> None:
        if log.rating is None and config.loss in ("point", "both"):
            raise InputError(
                f"{log.name} has no ratings for the loss {config.loss}; take point-negative or pair"
            )
        self.config = config
        self.users = torch.from_numpy(log.user.astype(np.int64))
        self.items = torch.from_numpy(log.item.astype(np.int64))
        ratings = np.ones(len(log), np.float32) if log.rating is None else log.rating
        self.ratings = torch.from_numpy(ratings)
        self.lowest = log.rating_range[0] if log.rating is not None and log.rating_range else 0.0
        self.batch_size = max(config.batch_size, len(log) // 256)
        self.generator = torch.Generator().manual_seed(config.seed)
        torch.manual_seed(config.seed)
        weights = losses.inverse_propensities(log) if config.inverse_propensity else np.ones_like(ratings)
        self.held = torch.randint(10, (len(log), 1), generator=self.generator) == torch.arange(config.members)
        if not self.held.any():
            raise InputError(
                f"{log.name}: {len(log)} interactions are too few to learn from and hold some out"
            )
        self.weights = torch.from_numpy(weights)[:, None] * ~self.held
        self.negatives = losses.Negatives(log)
        self.net = DeepFM(
            Features.of(log),
            members=config.members,
            embedding_size=config.embedding_size,
            hidden_size=config.hidden_size,
            dropout=config.dropout,
            seed=config.seed,
        )
        with torch.no_grad():
            self.net.offset.fill_(float(self.ratings.mean()))
            self.net.log_variance.fill_(float(self.ratings.var().clamp_min(0.01).log()))
        self.optimizer = torch.optim.AdamW(_groups(self.net, config), lr=config.learning_rate, foreach=True)

    def epoch(self) -> None:
        """One pass over the log."""
        self.net.train()
        for batch in torch.randperm(len(self.users), generator=self.generator).split(self.batch_size):
            loss = self._loss(batch)
            if not torch.isfinite(loss):
                raise TastemakerError(
                    f"the user model diverged; lower its learning rate ({self.config.learning_rate:g})"
                )
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def _loss(self, batch: Tensor) -> Tensor:
        found, weight = self._terms(batch, self.generator), self.weights[batch]
        score = (
            found.score.detach() if self.config.loss == "pair" else found.score
        )  # ratings only set its scale
        log_variance, rating, evenly = found.log_variance, found.rating, (weight > 0).to(weight)
        if self.config.loss == "point-negative":
            score = torch.cat((score, found.negative))
            log_variance = torch.cat((log_variance, found.negative_log_variance))
            rating = torch.cat((rating, torch.full_like(rating, self.lowest)))
            weight = torch.cat((weight, evenly))
        loss = losses.gaussian(self.net.calibrated(score), log_variance, rating, weight)
        if self.config.loss in ("pair", "both"):
            loss = loss + losses.pairwise(found.score, found.negative, weight)
        return loss

    def _terms(self, batch: Tensor, generator: torch.Generator) -> _Terms:
        user = self.net.side("user", self.users[batch])
        score, log_variance = self.net.score(user, self.net.side("item", self.items[batch]))
        negative, its_log_variance = score, log_variance
        if self.config.loss != "point":
            drawn = self.negatives.draw(self.users[batch], generator)
            negative, its_log_variance = self.net.score(user, self.net.side("item", drawn))
        return _Terms(score, log_variance, negative, its_log_variance, self.ratings[batch, None])

    def held_out(self) -> tuple[float, float]:
        """What should fall, on what members do not see (squared errors in units of the ratings' variance,
        pairwise losses, or their sum, as the loss has them), and the RMSE of their ratings.
        """
        self.net.eval()
        generator = torch.Generator().manual_seed(self.config.seed)  # the same negatives after every epoch
        kind, one = self.config.loss, float(self.ratings.var().clamp_min(0.01))
        total = squares = 0.0
        for batch in torch.arange(len(self.users)).split(_PAIRS):
            found, held = self._terms(batch, generator), self.held[batch]
            squared = (found.rating - self.net.calibrated(found.score)).square()
            error = torch.zeros_like(squared) if kind == "pair" else squared / one
            if kind in ("pair", "both"):
                error = error - F.logsigmoid(found.score - found.negative)
            elif kind == "point-negative":
                error = error + (self.lowest - self.net.calibrated(found.negative)).square() / one
            total += float(error[held].double().sum())
            squares += float(squared[held].double().sum())
        count = int(self.held.sum())
        return total / count, float((squares / count) ** 0.5)

    def parameters(self) -> dict[str, Tensor]:
        """A copy of all parameters."""
        return {name: value.clone() for name, value in self.net.state_dict().items()}


def _groups(net: DeepFM, config: UserModelConfig) -> list[dict[str, object]]:
    decay = {"table": config.embedding_decay, "layer": config.layer_decay, "": 0.0}
    kinds: dict[str, list[Tensor]] = {kind: [] for kind in decay}
    for name, parameter in net.named_parameters():
        kind = name.rpartition("_")[2]
        kinds[kind if kind in decay else ""].append(parameter)
    return [{"params": params, "weight_decay": decay[kind]} for kind, params in kinds.items()]


def _predict(net: DeepFM, n_users: int, n_items: int) -> tuple[Matrix, Matrix, Matrix]:
    """The three matrices of a `UserModel`, a few users at a time."""
    net.eval()
    mean, variance, largest = (np.empty((n_users, n_items), np.float32) for _ in range(3))
    items = Half(*(part[None] for part in net.side("item", torch.arange(n_items))))
    for rows in _blocks(n_users, max(1, _PAIRS // n_items)):
        users = Half(*(part[:, None] for part in net.side("user", torch.arange(rows.start, rows.stop))))
        score, log_variance = net.score(users, items)
        means, variances = net.calibrated(score), log_variance.exp()
        mean[rows] = means.mean(-1).numpy()
        variance[rows] = (means.var(-1, correction=0) + variances.mean(-1)).numpy()
        largest[rows] = variances.amax(-1).numpy()
    return mean, variance, largest


def _blocks(n: int, size: int) -> Iterator[slice]:
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _table_digest(log: Dataset) -> str:
    features = Features.of(log)
    digest = hashlib.sha256()
    for array in (features.user_codes, features.item_codes, features.categories):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
