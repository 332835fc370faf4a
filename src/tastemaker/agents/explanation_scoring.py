"""What explanations are worth, as figures; and two explainers without a model to stand beside those with one.

Every explanation is scored by the same `Checker`, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tastemaker.agents.explaining import Checker, Subject
from tastemaker.errors import InputError
from tastemaker.retrieval.metrics import interval


def explanation_figures(
    checker: Checker, texts: Sequence[str | None], subjects: Sequence[Subject], seed: int = 0
) -> dict[str, Any]:
    """How true explanations are: a row of figures as `{"mean", "low", "high"}`, and `n`.

    `facts`: mean number of facts. `true`: share of true ones among all facts, None where there are none; its
    interval is that of the ratio of the two means, linearised (delta method). `grounded`: share of
    explanations with a fact and none that is false. `reason`: share that name a reason. A text of None (no
    valid answer) states nothing. Raises InputError when there is nothing to score.
    """
    if not texts or len(texts) != len(subjects):
        raise InputError(f"{len(texts)} explanations of {len(subjects)} subjects cannot be scored")
    pairs = [(text or "", subject) for text, subject in zip(texts, subjects, strict=True)]
    found = [checker.check(text, subject) for text, subject in pairs]
    facts = np.array([len(one) for one in found], np.float64)
    true = np.array([sum(fact.true for fact in one) for one in found], np.float64)
    named = np.array([checker.reasons(text, subject) for text, subject in pairs], np.float64)
    share = None
    if facts.sum():
        ratio = true.sum() / facts.sum()
        around = interval(ratio + (true - ratio * facts) / facts.mean(), seed)
        share = {name: min(max(value, 0.0), 1.0) for name, value in around.items()}
    return {
        "facts": interval(facts, seed),
        "true": share,
        "grounded": interval(((facts > 0) & (true == facts)).astype(np.float64), seed),
        "reason": interval(named, seed),
        "n": len(texts),
    }


def template(checker: Checker, subject: Subject) -> str:
    """An explanation put together from the data: the liked items most similar to the item and the categories
    that all of them share with it; without such items, the item's own categories."""
    catalogue = checker.bench.catalogue
    near, own = checker.neighbours(subject), catalogue.categories[subject.item]
    if not near:
        return f"It is listed under {_listed(own)}." if own else ""
    shared = [name for name in own if all(name in catalogue.categories[item] for item in near)]
    verb = "shares" if len(near) == 1 else "share"
    rest = f", which {verb} {_listed(shared)} with it" if shared else ""
    return f"Because you liked {_listed([_title(checker, item) for item in near])}{rest}."


def random_history(checker: Checker, subject: Subject, generator: np.random.Generator) -> str:
    """An explanation by any title of the user's history: what a score must be able to tell from a reason."""
    items = checker.history(subject).items
    return f"Because you liked {_title(checker, int(generator.choice(items)))}." if len(items) else ""


def _title(checker: Checker, item: int) -> str:
    catalogue = checker.bench.catalogue
    return catalogue.titles[item] or catalogue.ids[item]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
