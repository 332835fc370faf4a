"""Rankers of films for dialogues on a catalogue of the tests' own, and on ReDial."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tastemaker.agents.dialogue_baselines import (
    BLEND,
    DialogueRanker,
    blend_weights,
    dialogue_bench,
    mentioned,
    rankers,
    signal,
)
from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.dialogues import DialogueTurn, dialogues
from tastemaker.data.registry import read
from tastemaker.errors import InputError
from tastemaker.tools.suggestion import SIGNALS, Weights
from tastemaker.tools.talk import VISITOR, Talk
from tastemaker.tools.workbench import Workbench

FILMS = [
    ("0", "Night Ferry", 1990, "A ferry and a storm at sea."),
    ("1", "Day Ferry", 1991, "The ferry sails in a storm at sea."),
    ("2", "Cold Kitchen", 2001, "Cooks quarrel about soup."),
    ("3", "Warm Kitchen", 2002, "Cooks make up over soup."),
    ("4", "Quiet Hills", 1980, "Sheep and more sheep."),
]
LOG = [(0, 0), (0, 2), (1, 0), (1, 2), (2, 0), (2, 4), (3, 1), (4, 0), (5, 2)]
"""Taken by: Night Ferry 4, Cold Kitchen 3, Day Ferry 1, Quiet Hills 1, Warm Kitchen 0 dialogues."""


@pytest.fixture(scope="module")
def films() -> Dataset:
    items = pl.DataFrame(FILMS, schema=["id", "title", "year", "text"], orient="row").with_columns(
        categories=pl.lit([], pl.List(pl.String))
    )
    user, item = np.array(LOG).T
    source = Source("written here", "none")
    users = pl.DataFrame({"id": [f"d{n}" for n in range(6)]})
    return Dataset.build("films", users, items, user, item, clock="order", source=source)


@pytest.fixture(scope="module")
def bench(films: Dataset) -> Workbench:
    return dialogue_bench(films)


def rank(bench: Workbench, name: str, *turns: str, n: int = 5) -> list[int]:
    return [int(item) for item in rankers(bench)[name].rank(turns, n)]


@pytest.mark.parametrize("signal", ["popularity", "similarity", "retrieval", "alike"])
def test_without_mentions_popularity_decides(bench: Workbench, signal: str) -> None:
    assert rank(bench, signal, "hello") == [0, 2, 1, 4, 3]  # equal ones by index


def test_mentioned_films_are_not_recommended(bench: Workbench) -> None:
    turns = ("I loved Night Ferry (1990).", "And Cold Kitchen?", "Yes.")
    assert mentioned(bench, turns).tolist() == [0, 2]
    for name in SIGNALS:
        assert set(rank(bench, name, *turns)) == {1, 3, 4, -1}
    assert rank(bench, "popularity", *turns) == [1, 4, 3, -1, -1]


@pytest.mark.parametrize("signal", ["similarity", "retrieval"])
def test_what_was_taken_together_comes_first(bench: Workbench, signal: str) -> None:
    # Cold Kitchen and Quiet Hills were taken with Night Ferry, by two of three and by one of one.
    assert set(rank(bench, signal, "like Night Ferry")[:2]) == {2, 4}
    assert rank(bench, signal, "like Quiet Hills")[0] == 0


def test_alike_films_share_words(bench: Workbench) -> None:
    assert rank(bench, "alike", "like Night Ferry")[0] == 1
    assert rank(bench, "alike", "like Warm Kitchen")[0] == 2


def test_the_seekers_words_are_searched_for(bench: Workbench) -> None:
    assert rank(bench, "words", "soup", "sheep? sheep? sheep?", "cooks, please")[:2] == [2, 3]
    assert rank(bench, "words", "soup?", "sheep")[0] == 4


def test_a_blend_is_the_weighted_sum_of_standard_scores(bench: Workbench) -> None:
    turns = ("a storm like in Night Ferry",)
    knn, words = (signal(bench, name, turns) for name in ("similarity", "words"))
    total = 2 * (knn - knn.mean()) / knn.std() + 0.5 * (words - words.mean()) / words.std()
    total[0] = -np.inf
    weights = Weights(**dict.fromkeys(SIGNALS, 0.0) | {"similarity": 2.0, "words": 0.5})
    assert DialogueRanker("two", bench, weights).rank(turns, 4).tolist() == np.argsort(-total)[:4].tolist()


def test_the_tool_suggests_what_the_blend_ranks(films: Dataset, bench: Workbench) -> None:
    turns = ("a storm like in Night Ferry", "And Cold Kitchen?", "yes, soup")
    named = tuple(films.items["id"][int(item)] for item in mentioned(bench, turns))
    box = bench.at(None, VISITOR, Talk(likes=named))
    box.suggest("yes, soup a storm like in Night Ferry", 3)
    ranked = [int(item) for item in rankers(bench)[BLEND].rank(turns, 3)]
    assert box.ranked == [films.items["id"][item] for item in ranked]


def test_weights_favour_the_signal_that_is_right(films: Dataset) -> None:
    turns = [DialogueTurn(f"d{n}/1", ("something with sheep",), (4,)) for n in range(6)]
    weights = blend_weights(films, turns)
    assert weights == blend_weights(films, turns)
    assert max(weights.model_dump().values()) == 1.0
    assert rankers(dialogue_bench(films, weights))[BLEND].rank(("sheep",), 1).tolist() == [4]
    with pytest.raises(InputError, match="no turn"):
        blend_weights(films, [])
    with pytest.raises(InputError, match="no user 'z'"):
        blend_weights(films, [DialogueTurn("z/1", ("hello",), (4,))])


def test_labels_do_not_reach_a_ranker(bench: Workbench, tmp_path: Path) -> None:
    catalogue = {
        id: {"name": f"{title} ({year})", "genre": [], "plot": text, "director": [], "star": []}
        for id, title, year, text in FILMS
    }
    row = {"dialog_id": "60", "turn_id": 1, "context": ["a storm, like Night Ferry (1990)"], "entity": []}

    def ranked(rec: str) -> tuple[tuple[int, ...], dict[str, list[int]]]:
        folder = tmp_path / rec[:3]
        (folder / "redial").mkdir(parents=True)
        (folder / "redial_eval").mkdir()
        (folder / "redial/id2info.json").write_text(json.dumps(catalogue))
        reply = {"rec": [rec], "resp": f"Watch {rec}", "template": [f"Watch {rec}"]}
        (folder / "redial_eval/test_data_processed.jsonl").write_text(json.dumps(row | reply) + "\n")
        (turn,) = dialogues("test", folder)
        return turn.targets, {name: rank(bench, name, *turn.turns) for name in SIGNALS}

    (first, with_first), (second, with_second) = ranked("Day Ferry (1991)"), ranked("Quiet Hills (1980)")
    assert (first, second) == ((1,), (4,))
    assert with_first == with_second


def test_signals_beat_popularity_on_redial(data_folder: Path) -> None:
    if not (data_folder / "conv-redial").is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder conv-redial")
    bench = dialogue_bench(read("redial", folder=data_folder / "conv-redial"))
    turns = dialogues("test", data_folder / "conv-redial")[::10]
    hits: dict[str, list[bool]] = {"popularity": [], "similarity": [], BLEND: []}
    for name, found in hits.items():
        for turn in turns:
            first = rankers(bench)[name].rank(turn.turns, 10).tolist()
            found += [target in first for target in turn.targets]
    share = {name: float(np.mean(found)) for name, found in hits.items()}
    assert share["popularity"] + 0.03 < share["similarity"] < share[BLEND]
