"""Rewards to train policies on, made of a user model's predictions r̂: as they are, cautious where the
model is unsure, curious where the log is varied, bored by what was shown before, or those of users who are
drawn from what the model holds possible.

Sources: MOPO (Yu et al. 2020, arXiv 2005.13239), DORL (Gao et al. 2023, arXiv 2307.04571), CIRS (Gao et al.
2022, arXiv 2204.01266), and intrinsic rewards as in EasyRL4Rec (arXiv 2402.15164). All work on whole batches.
Policies are judged by the truth, never by these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tastemaker.config import Config, validated
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.simulation.rewards import MatrixReward, Reward
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.user_model import UserModel

_Adjust = Callable[[NDArray[np.integer], NDArray[np.integer], NDArray[np.int32]], NDArray[np.float32]]


class BaseConfig(Config):
    """base has nothing to set."""


class MopoConfig(Config):
    """Settings of mopo."""

    penalty: float = Field(default=0.1, ge=0)
    """λ: what a unit of the largest predicted variance costs."""


class DorlConfig(Config):
    """Settings of dorl."""

    penalty: float = Field(default=0.1, ge=0)
    """λ of the variance, as in mopo."""
    bonus: float = Field(default=1.0, ge=0)
    """λ of the entropy, whose range is 0 to 1."""
    longest: int = Field(default=2, ge=1, le=5)
    """Sets of the latest 1 to this many items are looked up."""


class CirsConfig(Config):
    """Settings of cirs. With both sensitivities at 1, all users and items tire alike."""

    tau: float = Field(default=1.0, gt=0)
    """How slowly an exposure is forgotten, in turns times distance."""
    n_recent: int = Field(default=10, ge=1)
    """Earlier items that count."""
    user_sensitivity: float | tuple[float, ...] = 1.0
    """α: one for all users, or one each."""
    item_sensitivity: float | tuple[float, ...] = 1.0
    """β: one for all items, or one each."""


class IntrinsicConfig(Config):
    """Settings of intrinsic."""

    diversity: float = Field(default=0.1, ge=0)
    """λ of the mean distance to the latest items."""
    novelty: float = Field(default=0.1, ge=0)
    """λ of the item's rarity in the log."""
    n_recent: int = Field(default=3, ge=1)
    """Latest items that count."""


class DrawnConfig(Config):
    """Settings of drawn."""

    spread: float = Field(default=0.7, ge=0)
    """How far drawn users differ from r̂, in predicted standard deviations. These hold the noise of ratings
    besides what users differ by, so 1 is too much.
    """


class DrawnReward(MatrixReward):
    """Users who are drawn anew, from a normal distribution for each user and item, whenever a world is reset;
    the same until then.
    """

    def __init__(
        self,
        mean: NDArray[np.float32],
        deviation: NDArray[np.float32],
        scale: tuple[float, float],
    ) -> None:
        """`mean` and `deviation` [n_users, n_items]; what is drawn is held to the `scale`."""
        super().__init__(mean)
        self._mean, self._deviation, self._scale = mean, deviation, scale

    def begin(self, rng: np.random.Generator) -> None:
        noise = rng.standard_normal(self._mean.shape, np.float32)
        noise *= self._deviation
        noise += self._mean
        self.matrix = np.clip(noise, *self._scale, out=noise)


class AdjustedReward:
    """Predictions, changed by what was shown before."""

    def __init__(self, matrix: NDArray[np.float32], n_recent: int, adjust: _Adjust, divides: bool) -> None:
        """`adjust` gives what is added to the predictions `matrix`, or what they are divided by."""
        self._base = MatrixReward(matrix)
        self.n_users, self.n_items = matrix.shape
        self.n_recent = n_recent
        self._adjust = adjust
        self._divides = divides

    def begin(self, rng: np.random.Generator) -> None:
        """Nothing is drawn."""

    def __call__(
        self, users: NDArray[np.integer], items: NDArray[np.integer], window: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        base = self._base(users, items, window)
        change = self._adjust(users, items, window)
        found: NDArray[np.float32] = base / change if self._divides else base + change
        return found


def base(scenario: Scenario, model: UserModel, config: BaseConfig) -> Reward:
    """r̂ − min r̂."""
    return MatrixReward(_above_zero(model.mean))


def mopo(scenario: Scenario, model: UserModel, config: MopoConfig) -> Reward:
    """r̂ − λ max_m σ²_m, shifted to a minimum of 0."""
    return MatrixReward(_cautious(model, config.penalty))


def dorl(scenario: Scenario, model: UserModel, config: DorlConfig) -> Reward:
    """That of mopo + λ times the mean over k = 1 … `longest` of H(next item | set of the k latest items,
    this one among them), measured in the log and over the log of the number of items.
    """
    entropies = [SetEntropy(scenario.log, size) for size in range(1, config.longest + 1)]

    def bonus(
        users: NDArray[np.integer], items: NDArray[np.integer], window: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        latest = np.concatenate((window, np.asarray(items)[:, None]), axis=1)
        total = np.zeros(len(latest), np.float32)
        for entropy in entropies:
            total += entropy(latest[:, latest.shape[1] - entropy.size :])
        return total * np.float32(config.bonus / len(entropies))

    return AdjustedReward(_cautious(model, config.penalty), config.longest - 1, bonus, divides=False)


def cirs(scenario: Scenario, model: UserModel, config: CirsConfig) -> Reward:
    """(r̂ − min r̂) / (1 + α_u β_i Σ_l exp(−(t − t_l) d(i, i_l) / τ)) over the session's
    earlier items i_l.
    """
    alpha = _each(config.user_sensitivity, scenario.log.n_users, "user_sensitivity")
    beta = _each(config.item_sensitivity, scenario.log.n_items, "item_sensitivity")
    apart = distances(model.mean)
    ago = np.arange(config.n_recent, 0, -1, dtype=np.float32)

    def exposure(
        users: NDArray[np.integer], items: NDArray[np.integer], window: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        felt = np.exp(-ago * apart[np.asarray(items)[:, None], window] / np.float32(config.tau))
        total = np.where(window >= 0, felt, 0).sum(1)
        divisor: NDArray[np.float32] = (1 + alpha[users] * beta[items] * total).astype(np.float32)
        return divisor

    return AdjustedReward(_above_zero(model.mean), config.n_recent, exposure, divides=True)


def intrinsic(scenario: Scenario, model: UserModel, config: IntrinsicConfig) -> Reward:
    """r̂ − min r̂ + λ_d mean d(i, the latest items) + λ_n · −log((users who have i + 1) / (users + 1));
    a session without items has no distance.
    """
    apart = distances(model.mean)
    log = scenario.log
    pairs = np.unique(log.user.astype(np.int64) * log.n_items + log.item)
    owners = np.bincount(pairs % log.n_items, minlength=log.n_items)
    rarity = (-config.novelty * np.log((owners + 1) / (log.n_users + 1))).astype(np.float32)

    def bonus(
        users: NDArray[np.integer], items: NDArray[np.integer], window: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        taken = window >= 0
        total = np.where(taken, apart[np.asarray(items)[:, None], window], 0).sum(1)
        near = config.diversity * total / np.maximum(taken.sum(1), 1)
        added: NDArray[np.float32] = (rarity[items] + near).astype(np.float32)
        return added

    return AdjustedReward(_above_zero(model.mean), config.n_recent, bonus, divides=False)


def drawn(scenario: Scenario, model: UserModel, config: DrawnConfig) -> Reward:
    """What users give who are drawn around r̂, on the log's own scale.

    A policy that sees rewards can then learn to go by a session's own feedback, as one that trains on r̂
    itself cannot: there a reward tells nothing that the user does not (posterior sampling for policies that
    adapt: Ghavamzadeh et al. 2015, arXiv 1609.04436, section 4).
    """
    scale = scenario.log.rating_range or (0.0, 1.0)
    return DrawnReward(model.mean, np.float32(config.spread) * np.sqrt(model.variance), scale)


class SetEntropy:
    """How varied the log goes on after a set of latest items: the entropy of the next item, as a share of
    the highest possible, 0 for a set that the log does not hold. Without times the
    order of the log's rows counts.
    """

    def __init__(self, log: Dataset, size: int) -> None:
        """`size` is the number of latest items. Raises InputError when their sets cannot be numbered."""
        if log.n_items**size >= 2**62:
            raise InputError(f"sets of {size} of {log.n_items} items are too many to look up; take fewer")
        self.size = size
        self._n_items = log.n_items
        ends = np.arange(size - 1, len(log) - 1)
        ends = ends[log.user[ends - size + 1] == log.user[ends + 1]]
        sets = np.stack([log.item[ends - back] for back in range(size)], axis=1)
        keys, place = np.unique(self._key(sets), return_inverse=True)
        nexts, counts = np.unique(place * log.n_items + log.item[ends + 1], return_counts=True)
        of_set = nexts // log.n_items
        share = counts / np.bincount(of_set, counts, len(keys))[of_set]
        self._keys = np.append(keys, np.iinfo(np.int64).max)
        entropy = np.bincount(of_set, -share * np.log(share), len(keys)) / np.log(max(log.n_items, 2))
        self._entropy = np.append(entropy, 0).astype(np.float32)

    def __call__(self, latest: NDArray[np.integer]) -> NDArray[np.float32]:
        """[n] of sets [n, size]; 0 where a place is -1."""
        keys = self._key(latest)
        places = np.searchsorted(self._keys, keys)
        known = (self._keys[places] == keys) & (latest >= 0).all(1)
        found: NDArray[np.float32] = np.where(known, self._entropy[places], np.float32(0))
        return found

    def _key(self, sets: NDArray[np.integer]) -> NDArray[np.int64]:
        """One number for each set, whatever its order."""
        powers = self._n_items ** np.arange(self.size, dtype=np.int64)
        found: NDArray[np.int64] = np.sort(np.maximum(sets, 0), axis=1).astype(np.int64) @ powers
        return found


def distances(mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n_items, n_items] Euclidean distances of items' columns of predictions, over the mean distance of two
    items. Takes n_items² * 4 bytes.
    """
    columns = mean - mean.mean(1, keepdims=True)  # keeps distances, spares digits
    squares = np.einsum("ui,ui->i", columns, columns)
    apart = squares[:, None] + squares - 2 * (columns.T @ columns)
    apart = np.sqrt(np.maximum(apart, 0))
    np.fill_diagonal(apart, 0)
    n = len(apart)
    middle = float(apart.sum(dtype=np.float64)) / max(n * (n - 1), 1)
    scaled: NDArray[np.float32] = (apart / max(middle, 1e-12)).astype(np.float32)
    return scaled


_Make = Callable[[Scenario, UserModel, Any], Reward]
_KINDS: dict[str, tuple[type[Config], _Make]] = {
    "base": (BaseConfig, base),
    "mopo": (MopoConfig, mopo),
    "dorl": (DorlConfig, dorl),
    "cirs": (CirsConfig, cirs),
    "intrinsic": (IntrinsicConfig, intrinsic),
    "drawn": (DrawnConfig, drawn),
}


def names() -> list[str]:
    """Names of all training rewards."""
    return list(_KINDS)


def training_reward(name: str, scenario: Scenario, model: UserModel, **settings: Any) -> Reward:
    """The reward of that name with some settings changed. Raises InputError for a name or setting that there
    is not.
    """
    chosen = config(name, settings)
    return _KINDS[name][1](scenario, model, chosen)


def config(name: str, settings: Mapping[str, Any]) -> Config:
    """The settings of the reward of that name. Raises InputError for a name or setting that there is not, and
    for a value that does not fit.
    """
    if name not in _KINDS:
        raise InputError(f"no training reward is named {name!r}; there are {', '.join(_KINDS)}")
    return validated(_KINDS[name][0], settings, f"the training reward {name}")


def _above_zero(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted: NDArray[np.float32] = matrix - matrix.min()
    return shifted


def _cautious(model: UserModel, penalty: float) -> NDArray[np.float32]:
    return _above_zero(model.mean - np.float32(penalty) * model.largest_variance)


def _each(values: float | tuple[float, ...], n: int, name: str) -> NDArray[np.float32]:
    """[n] one value for all, or n values."""
    given = np.asarray(values, np.float32)
    if given.ndim and len(given) != n:
        raise InputError(f"cirs: {name} is one number or {n}, not {len(given)}")
    return np.broadcast_to(given, (n,))
