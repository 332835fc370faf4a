"""Rankings of items for a dialogue without a language model: what agents have to beat, and have as a tool.

All that a ranker is given is what was said. Each signal of `tools.suggestion` alone is a ranker, and `blend`
is their weighted sum, as the tool `suggest` gives it. Items that were mentioned, by whomever, count as liked
and are never recommended; they are found by title. Weights are chosen on a third of the dialogues after
fitting to the others. Knows nothing of labels but in that choice; `dialogue_scoring` measures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.data.dialogues import DialogueTurn
from tastemaker.errors import InputError
from tastemaker.retrieval.base import ItemScorer
from tastemaker.retrieval.ranking import NOTHING
from tastemaker.retrieval.registry import create
from tastemaker.tools.suggestion import SIGNALS, Weights, standard
from tastemaker.tools.workbench import Workbench

BLEND = "blend"

_SETTINGS = {"ease": {"reg": 100.0}, "itemknn": {"shrink": 30.0}}
"""For dialogues, which take five items each: the best on the held-out third of ReDial's valid dialogues among
reg 1, 3, 10, 30, 100, 300 and shrink 0, 1, 3, 10, 30. EASE retrieves, item-kNN knows what is similar."""
_HELD_OUT = 1 / 3
"""Share of the dialogues whose turns weights are chosen by."""
_DEPTH = 50
"""Weights are chosen by ndcg at this depth, with each target on its own."""
_START = 0.5
_TIE = 1e-5
_STEPS = (0.0, 0.25, 0.5, 0.7, 1.4, 2.0, 4.0)
"""What a weight is multiplied by in search of a better one."""


def dialogue_bench(train: Dataset, weights: Weights | None = None) -> Workbench:
    """A workbench for visitors, fitted on dialogues that take items (one user a dialogue)."""
    retrieval, similarity = (create(name, **settings).fit(train) for name, settings in _SETTINGS.items())
    assert isinstance(similarity, ItemScorer)
    return Workbench(train, train=train, retrieval=retrieval, similarity=similarity, weights=weights)


def mentioned(bench: Workbench, turns: Sequence[str]) -> NDArray[np.int32]:
    """The items whose titles stand in what was said, ascending, each once."""
    linker = bench.catalogue.linker
    return np.array(sorted({mention.item for text in turns for mention in linker.find(text)}), np.int32)


def signal(bench: Workbench, name: str, turns: Sequence[str]) -> NDArray[np.float32]:
    """[n_items] what a signal gives each item for what was said; nothing is masked."""
    named, popularity = mentioned(bench, turns), bench.past(None).popularity.counts
    return bench.suggester.signal(name, named, named, " ".join(turns[::-1][::2]), popularity)


class DialogueRanker:
    """A weighted sum of signals as a ranking of the catalogue."""

    def __init__(self, name: str, bench: Workbench, weights: Weights) -> None:
        self.name = name
        self.bench = bench
        self.weights = weights

    def rank(self, turns: tuple[str, ...], n: int) -> NDArray[np.int32]:
        """[n] the best items for what was said (oldest first, the seeker last), best first, none that was
        mentioned; −1 where there is none left."""
        named, popularity = mentioned(self.bench, turns), self.bench.past(None).popularity.counts
        words = " ".join(turns[::-1][::2])
        scores = self.bench.suggester.scores(self.weights, named, named, words, popularity)
        allowed = np.ones(len(scores), bool)
        allowed[named] = False
        candidates = np.flatnonzero(allowed)
        best = candidates[np.argsort(-scores[candidates], kind="stable")[:n]]
        ranked = np.full(n, NOTHING, np.int32)
        ranked[: len(best)] = best
        return ranked


def rankers(bench: Workbench) -> dict[str, DialogueRanker]:
    """Every signal alone, and their blend by the workbench's weights."""
    none = dict.fromkeys(SIGNALS, 0.0)
    alone = {name: DialogueRanker(name, bench, Weights(**none | {name: 1.0})) for name in SIGNALS}
    return alone | {BLEND: DialogueRanker(BLEND, bench, bench.weights)}


def blend_weights(train: Dataset, turns: Sequence[DialogueTurn], seed: int = 0) -> Weights:
    """Weights by ndcg@50 on the turns of a drawn third of the dialogues, fitted to the others: from equal
    ones, one at a time, until no step helps. The largest is 1.

    `turns` are of the same dialogues, whose ids are `train`'s users; others raise an InputError.
    """
    users = np.array([train.user_index(turn.dialogue) for turn in turns])
    order = np.random.default_rng(seed).permutation(train.n_users)
    held = order[: round(train.n_users * _HELD_OUT)]
    asked = [turn for turn, out in zip(turns, np.isin(users, held), strict=True) if out]
    if not asked:
        raise InputError("no turn of the dialogues is there to choose the weights of a blend by")
    bench = dialogue_bench(train.take(~np.isin(train.user, held)))
    scores = [np.stack([standard(signal(bench, name, turn.turns)) for turn in asked]) for name in SIGNALS]
    total = np.add.reduce(scores) + np.float32(_TIE) * np.log1p(bench.past(None).popularity.counts)
    for row, turn in enumerate(asked):
        total[row, mentioned(bench, turn.turns)] = -np.inf
    owner = np.repeat(np.arange(len(asked)), [len(turn.targets) for turn in asked])
    target = np.array([item for turn in asked for item in turn.targets])

    def value(total: NDArray[np.float32]) -> float:
        own = total[owner, target]
        places = np.array([np.count_nonzero(total[r] >= s) for r, s in zip(owner, own, strict=True)])
        return float(np.mean(np.where((places <= _DEPTH) & np.isfinite(own), 1 / np.log2(places + 1), 0)))

    weights = np.ones(len(SIGNALS), np.float32)
    best, improved = value(total), True
    while improved:
        improved = False
        for number, own in enumerate(scores):
            rest = total - weights[number] * own
            for step in _STEPS:
                weight = np.float32((weights[number] or _START) * step)
                tried = rest + weight * own
                if (found := value(tried)) > best + 1e-5:
                    weights[number], total, best, improved = weight, tried, found, True
    best_is_one = (weights / max(weights.max(), 1e-12)).tolist()
    return Weights(**dict(zip(SIGNALS, best_is_one, strict=True)))
