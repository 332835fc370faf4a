"""Figures of explanations counted by hand, and the explainers without a model."""

from __future__ import annotations

import numpy as np
import pytest

from tastemaker.agents.explaining import Checker, Subject
from tastemaker.agents.explanation_scoring import explanation_figures, random_history, template
from tastemaker.agents.prepare import Ground, ground
from tastemaker.agents.tasks import rating_tasks
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.itemknn import ItemKNN
from tastemaker.tools.workbench import Workbench


@pytest.fixture(scope="module")
def checker(toy: Dataset) -> Checker:
    return Checker(Workbench(toy, train=toy, retrieval=ItemKNN().fit(toy)))


@pytest.fixture(scope="module")
def lea(toy: Dataset) -> Subject:
    return Subject(toy.user_index("lea"), toy.item_index("g"), 1000)


def test_figures_counted_by_hand(checker: Checker, lea: Subject) -> None:
    texts = [
        "Because you liked Night Train to Oslo, a thriller.",  # 3 facts, all true, a reason
        "You liked Robots at Dawn, a comedy.",  # 1 of 3 true
        "It is good.",
        None,
    ]
    figures = explanation_figures(checker, texts, [lea] * 4)
    assert figures["n"] == 4
    means = {name: value["mean"] for name, value in figures.items() if name != "n"}
    assert means == pytest.approx({"facts": 6 / 4, "true": 4 / 6, "grounded": 1 / 4, "reason": 1 / 4})
    assert 0 <= figures["true"]["low"] < 4 / 6 < figures["true"]["high"] <= 1


def test_texts_without_facts_have_no_share_of_true_ones(checker: Checker, lea: Subject) -> None:
    figures = explanation_figures(checker, ["It is good.", None], [lea] * 2)
    assert figures["true"] is None
    assert figures["grounded"]["mean"] == 0


def test_the_interval_of_the_share_is_that_of_a_ratio(checker: Checker, lea: Subject) -> None:
    """Against a bootstrap of the ratio itself."""
    good, bad = "A thriller with action in 1997.", "A comedy."
    texts = [good, bad] * 30
    share = explanation_figures(checker, texts, [lea] * 60)["true"]
    draws = np.random.default_rng(5).integers(0, 60, (4000, 60)) % 2
    goods = (draws == 0).sum(axis=1)
    low, high = np.quantile(3 * goods / (3 * goods + (60 - goods)), [0.025, 0.975])
    assert share["mean"] == 0.75
    assert (share["low"], share["high"]) == (pytest.approx(low, abs=0.03), pytest.approx(high, abs=0.03))


def test_nothing_to_score_is_refused(checker: Checker, lea: Subject) -> None:
    for texts, subjects in (([], []), (["a"], [lea, lea])):
        with pytest.raises(InputError, match="cannot be scored"):
            explanation_figures(checker, texts, subjects)


def test_the_template_names_what_all_neighbours_share(toy: Dataset) -> None:
    """Before 600 ben liked `c` alone, which shares Sci-Fi with `e`; kai's two share nothing with `c`."""
    checker = Checker(Workbench(toy, train=toy, retrieval=ItemKNN().fit(toy)))
    ben = Subject(toy.user_index("ben"), toy.item_index("e"), 600)
    assert template(checker, ben) == "Because you liked Robots at Dawn (1996), which shares Sci-Fi with it."
    kai = Subject(toy.user_index("kai"), toy.item_index("c"), 900)
    assert template(checker, kai) == "Because you liked The Long River (1994) and The Last Astronaut (1997)."
    nobody = Subject(toy.user_index("kai"), toy.item_index("c"), 100)
    assert template(checker, nobody) == "It is listed under Sci-Fi and Action."
    assert random_history(checker, nobody, np.random.default_rng(0)) == ""


def test_on_real_data_the_score_tells_reasons_from_random_titles(ml100k: Dataset) -> None:
    real: Ground = ground(ml100k, retriever="itemknn")
    tasks = rating_tasks(ml100k, real.split, requests=24)
    checker = Checker(real.bench)
    subjects = [checker.subject(request) for request in tasks.requests]
    generator = np.random.default_rng(0)
    reasoned = explanation_figures(checker, [template(checker, s) for s in subjects], subjects)
    random = explanation_figures(checker, [random_history(checker, s, generator) for s in subjects], subjects)
    assert reasoned["true"]["mean"] == 1.0
    assert reasoned["grounded"]["mean"] == 1.0
    assert reasoned["reason"]["mean"] > 0.9
    assert random["grounded"]["high"] < 1.0
    assert random["reason"]["high"] < reasoned["reason"]["low"]
