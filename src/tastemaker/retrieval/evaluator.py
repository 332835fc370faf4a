"""The one evaluation that every ranking model goes through: full ranking of the catalogue, what was seen
masked.

Anything with `score(users)` can be measured. Rankings of sampled candidates, which flatter every model and
may even change their order (Krichene & Rendle, KDD 2020), must be asked for and are named as such in the
protocol.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split
from tastemaker.errors import InputError
from tastemaker.retrieval.base import Indices, Scorer
from tastemaker.retrieval.metrics import coverage, intervals, ranking_metrics
from tastemaker.retrieval.ranking import NOTHING, largest, top_n

Part = Literal["valid", "test"]

_CANDIDATE_BATCH = 256
"""Users scored at once when candidates are ranked."""


@dataclass(frozen=True)
class Questions:
    """Whom to recommend to, what must not be recommended, and what would have been right."""

    users: NDArray[np.int32]
    """[m] users with at least one relevant item, ascending unless they were named."""
    left_out: int
    """Users asked for who have no relevant item."""
    exclude: csr_matrix
    """[n_users, n_items]: what each user has already."""
    relevant: csr_matrix
    """[m, n_items]: what each of `users` took in the held-out part and did not have before."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one model scored for each user, and on what terms."""

    model: str
    data: str
    protocol: str
    """How the data was split and what was ranked: it stands beside every figure."""
    users: NDArray[np.int32]
    """[m] the users measured."""
    left_out: int
    """Users without any relevant item, who are not measured."""
    values: dict[str, NDArray[np.float64]]
    """[m] values by metric: `recall@10`, `ndcg@10`, …"""
    coverage: dict[str, float]
    """`coverage@10`, …: share of the catalogue that is recommended to anyone."""
    seconds: float
    """Wall-clock time of scoring, ranking and measuring."""

    @property
    def n(self) -> int:
        """Number of users measured."""
        return len(self.users)

    @property
    def means(self) -> dict[str, float]:
        """Mean over users of each metric."""
        return {name: float(values.mean()) for name, values in self.values.items()}

    def intervals(self, seed: int = 0, confidence: float = 0.95) -> dict[str, dict[str, float]]:
        """Mean and bootstrap interval over users of each metric."""
        return intervals(self.values, seed, confidence)


def questions(
    seen: Dataset, held_out: Dataset, also_seen: Dataset | None = None, users: Indices | None = None
) -> Questions:
    """Ask for `held_out`, knowing `seen`: all users, or those named, as far as they have a relevant item.

    An item that the user has already is masked and so is not relevant either. Raises InputError when nobody
    is left.
    """
    exclude = seen.matrix()
    if also_seen is not None:
        exclude = exclude + also_seen.matrix()
    wanted = held_out.matrix()
    wanted = wanted - wanted.multiply(exclude > 0)
    wanted.eliminate_zeros()
    asked = np.arange(seen.n_users) if users is None else np.asarray(users)
    if asked.size and (asked.min() < 0 or asked.max() >= seen.n_users):
        raise InputError(f"{seen.name}: users run from 0 to {seen.n_users - 1}")
    kept = asked[np.diff(wanted.indptr)[asked] > 0].astype(np.int32)
    if len(kept) == 0:
        raise InputError(
            f"{seen.name}: none of the {len(asked)} users has a held-out item that is new to them"
        )
    return Questions(kept, len(asked) - len(kept), exclude.tocsr(), wanted.tocsr()[kept])


def warm_users(split: Split) -> NDArray[np.int32]:
    """Users with at least one training interaction: a model without fold-in knows nothing of the others."""
    return np.flatnonzero(np.diff(split.train.user_ptr)).astype(np.int32)


def evaluate(
    scorer: Scorer,
    split: Split,
    part: Part = "test",
    ks: Sequence[int] = (10, 20),
    users: Indices | None = None,
    candidates: NDArray[np.integer] | None = None,
) -> Evaluation:
    """Measure a fitted model on the held-out part, each user against the whole catalogue.

    Training items are masked, and at `part="test"` those of valid too. With `candidates` [len(users), c] (−1
    = nothing) only those are ranked for the users named, and only relevant items among them count; the
    protocol says so.
    """
    held_out = split.test if part == "test" else split.valid
    also_seen = split.valid if part == "test" else None
    asked = questions(split.train, held_out, also_seen, users)
    deepest = max(ks, default=0)
    started = time.perf_counter()
    if candidates is None:
        masked = "train and valid" if part == "test" else "train"
        what = f"full ranking of {split.train.n_items:,} items, {masked} masked"
        ranked, _ = top_n(scorer, asked.users, deepest, asked.exclude)
    else:
        asked, rows = _among(asked, users, candidates)
        what = f"SAMPLED ranking of {rows.shape[1]} candidates a user"
        ranked = _rank_candidates(scorer, asked.users, rows, deepest)
    values = ranking_metrics(ranked, asked.relevant, ks)
    return Evaluation(
        model=scorer.name,
        data=split.train.name,
        protocol=f"{split.protocol}; {part} part; {what}",
        users=asked.users,
        left_out=asked.left_out,
        values=values,
        coverage={f"coverage@{k}": coverage(ranked, split.train.n_items, k) for k in ks},
        seconds=time.perf_counter() - started,
    )


def _among(
    asked: Questions, users: Indices | None, candidates: NDArray[np.integer]
) -> tuple[Questions, NDArray[np.int32]]:
    """The questions that candidates can answer: relevant items among them only, and users who have one."""
    if users is None or candidates.ndim != 2 or len(candidates) != len(users):
        raise InputError("candidates need the users that they belong to: one row of candidates a user")
    n_items = asked.relevant.shape[1]
    if candidates.size and (candidates.min() < NOTHING or candidates.max() >= n_items):
        raise InputError(f"candidates must be items 0 to {n_items - 1}, or {NOTHING} for none")
    rows = np.sort(candidates, axis=1).astype(np.int32)[np.isin(users, asked.users)]
    known = rows != NOTHING
    where = (np.nonzero(known)[0], rows[known])
    relevant = asked.relevant.multiply(
        csr_matrix((np.ones(len(where[0])), where), shape=asked.relevant.shape) > 0
    ).tocsr()
    kept = np.flatnonzero(np.diff(relevant.indptr))
    if len(kept) == 0:
        raise InputError("no candidate is relevant to its user, so there is nothing to measure")
    left_out = asked.left_out + len(asked.users) - len(kept)
    return Questions(asked.users[kept], left_out, asked.exclude, relevant[kept]), rows[kept]


def _rank_candidates(
    scorer: Scorer, users: Indices, candidates: NDArray[np.int32], n: int
) -> NDArray[np.int32]:
    """The `n` best of each row of ascending candidates, −1 where there are no more."""
    ranked = np.full((len(users), n), NOTHING, np.int32)
    for start in range(0, len(users), _CANDIDATE_BATCH):
        batch = slice(start, start + _CANDIDATE_BATCH)
        rows = candidates[batch]
        scores = np.take_along_axis(scorer.score(users[batch]), np.maximum(rows, 0), axis=1)
        place, _ = largest(np.where(rows == NOTHING, -np.inf, scores), n)
        ranked[batch] = np.where(
            place == NOTHING, NOTHING, np.take_along_axis(rows, np.maximum(place, 0), axis=1)
        )
    return ranked
