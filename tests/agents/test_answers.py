"""Typed answers: hand-made wrong ones, and random ones that must neither crash nor be accepted when wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.agents.answers import (
    CHANGES,
    AnalysisAnswer,
    ChangeAnswer,
    Manner,
    PlanAnswer,
    RankingAnswer,
    RatingAnswer,
    ScoringAnswer,
    VerdictAnswer,
)
from tastemaker.errors import ToolError
from tastemaker.records import ToolSpec

OFFERED = ["1", "2", "3", "50", "x"]
IDS = st.sampled_from([*OFFERED, "4", "", " 1"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | IDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from(["ids", "rating", "change", "correct", "tools", "reason", "summary"]) | st.text(
    max_size=3
)
ARGUMENTS = st.dictionaries(KEYS, JSON | st.lists(IDS | st.integers(0, 60), max_size=5), max_size=4)
TEXTS = st.text().map(lambda text: {"ids": text, "rating": text, "summary": text})


def reason(answer: Any, arguments: Mapping[str, Any]) -> str:
    with pytest.raises(ToolError) as caught:
        answer.parse(arguments)
    return str(caught.value)


def ranking() -> RankingAnswer:
    return RankingAnswer(OFFERED, 3)


def test_a_right_ranking() -> None:
    given_ids = {"ids": ["50", 2, "x"], "reason": " fits\nwell "}
    assert ranking().parse(given_ids) == {"ids": ["50", "2", "x"], "reason": "fits well"}


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["1", "2", "4"], 'not offered: "4"; also offered: 3, 50, x'),
        (["1", "2", "2"], "given more than once: 2"),
        (["1", 1, "2"], "given more than once: 1"),
        (["1", "2"], "2 ids given, 3 needed; also offered: 3, 50, x"),
        (["1", "2", "3", "50"], "4 ids given, 3 needed"),
        (["1", True, "2"], "not offered: true"),
        (["1", 2.0, "3"], "not offered: 2.0"),
        (["1", math.nan, "3"], "not offered: nan"),
        (["1", None, ["3"]], 'not offered: null, ["3"]'),
        ("1, 2, 3", "ids must be a list of 3 ids"),
        (None, "ids must be a list of 3 ids, not null"),
        ({"1": 1}, "ids must be a list"),
        ([], "0 ids given"),
    ],
)
def test_wrong_rankings_are_told_what_is_wrong(ids: Any, words: str) -> None:
    assert words in reason(ranking(), {"ids": ids, "reason": "r"})


def test_a_ranking_needs_its_source_until_enough_is_offered() -> None:
    offered: dict[str, None] = {}
    left = ["analyse_user"]
    answer = RankingAnswer(offered, 2, Manner(lambda: tuple(left)))
    assert list(answer.needs) == ["analyse_user", "retrieve"]
    offered.update({"a": None, "b": None})
    assert list(answer.needs) == ["analyse_user"]
    left.clear()
    assert not answer.needs
    assert answer.spec().parameters["properties"]["ids"]["items"]["enum"] == ["a", "b"]


def test_scores_rank_and_equal_ones_keep_the_order_offered() -> None:
    answer = ScoringAnswer(OFFERED, 3)
    scores = {"x": 5, "1": 2, "2": 4, "3": 4, "50": 1}
    assert answer.parse({"scores": scores, "reason": "r"}) == {"ids": ["x", "2", "3"], "reason": "r"}
    jsonschema.validate({"scores": scores, "reason": "r"}, answer.spec().parameters)
    assert ScoringAnswer(OFFERED, 2).parse({"scores": {i: 3 for i in OFFERED[:3]}})["ids"] == ["1", "2"]


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (dict.fromkeys(OFFERED[:4], 3), "no score for x"),
        (dict.fromkeys([*OFFERED, "4"], 3), 'not to be scored: "4"'),
        (dict.fromkeys(OFFERED, 6), "the score of 1 must be a whole number from 1 to 5, not 6"),
        (dict.fromkeys(OFFERED, True), "not true"),
        (dict.fromkeys(OFFERED, 2.5), "not 2.5"),
        (dict.fromkeys(OFFERED, math.nan), "not nan"),
        (dict.fromkeys(OFFERED, "5 stars"), 'not "5 stars"'),
        (OFFERED, "scores must give each id a number"),
        (None, "not null"),
    ],
)
def test_wrong_scores_are_told_what_is_wrong(scores: Any, words: str) -> None:
    assert words in reason(ScoringAnswer(OFFERED, 3), {"scores": scores})


@given(st.dictionaries(IDS, st.integers(0, 6) | JSON), JSON)
def test_random_scores_are_right_or_refused(scores: dict[str, Any], junk: Any) -> None:
    for given_scores in (scores, junk):
        try:
            answer = ScoringAnswer(OFFERED[:2], 2).parse({"scores": given_scores})
        except ToolError:
            continue
        assert sorted(answer["ids"]) == ["1", "2"]
        assert all(type(score) is int and 1 <= score <= 5 for score in given_scores.values())


@pytest.mark.parametrize("rating", [1, 5, 3.5, 1.0])
def test_right_ratings(rating: float) -> None:
    assert RatingAnswer((1.0, 5.0)).parse({"rating": rating}) == {"rating": rating, "reason": ""}


@pytest.mark.parametrize(
    "rating",
    [0.99, 5.01, -1, 10**400, math.nan, math.inf, -math.inf, True, "5 stars", "4", None, [4], {"r": 4}],
)
def test_wrong_ratings_are_told_the_scale(rating: Any) -> None:
    assert "rating must be a number from 1 to 5" in reason(RatingAnswer((1.0, 5.0)), {"rating": rating})


@pytest.mark.parametrize("summary", ["", "  \n", None, 3, ["text"]])
def test_an_analysis_is_a_text(summary: Any) -> None:
    assert "summary must be a text" in reason(AnalysisAnswer(), {"summary": summary})


@given(ARGUMENTS | TEXTS)
def test_a_random_ranking_is_right_or_refused(arguments: dict[str, Any]) -> None:
    try:
        answer = ranking().parse(arguments)
    except ToolError:
        return
    assert len(answer["ids"]) == len(set(answer["ids"])) == 3
    assert set(answer["ids"]) <= set(OFFERED)
    jsonschema.validate(answer, ranking().spec().parameters)


@given(ARGUMENTS | TEXTS)
def test_a_random_rating_is_right_or_refused(arguments: dict[str, Any]) -> None:
    scale = RatingAnswer((0.5, 5.0))
    try:
        answer = scale.parse(arguments)
    except ToolError:
        return
    assert type(arguments["rating"]) in (int, float)
    assert 0.5 <= answer["rating"] <= 5.0
    jsonschema.validate(answer, scale.spec().parameters)
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


@given(ARGUMENTS | TEXTS)
def test_a_random_analysis_is_right_or_refused(arguments: dict[str, Any]) -> None:
    try:
        answer = AnalysisAnswer().parse(arguments)
    except ToolError:
        return
    assert answer["summary"].strip()
    jsonschema.validate(answer, AnalysisAnswer().spec().parameters)


@pytest.mark.parametrize(
    ("predicted", "change", "rating"),
    [
        (3.4, "keep", 3.4),
        (3.4, "a little lower", 3.3),
        (3.4, "higher", 3.65),
        (4.9, "higher", 5),
        (1.2, "lower", 1),
    ],
)
def test_a_predicted_rating_is_kept_or_changed_within_the_scale(
    predicted: float, change: str, rating: float
) -> None:
    answer = ChangeAnswer((1.0, 5.0), {"a": 2.0, "b": predicted})
    assert answer.parse({"change": change, "reason": "so"}) == {
        "rating": pytest.approx(rating),
        "reason": "so",
    }
    jsonschema.validate({"reason": "so", "change": change}, answer.spec().parameters)


def test_a_change_needs_a_prediction() -> None:
    predicted: dict[str, float] = {}
    answer = ChangeAnswer((1.0, 5.0), predicted, Manner(lambda: ("history",)))
    before = answer.needs
    assert "call predict_rating first" in reason(answer, {"change": "keep"})
    predicted["a"] = 3.0
    assert [before, answer.needs] == [("history", "predict_rating"), ("history",)]


@given(ARGUMENTS)
def test_a_random_change_is_right_or_refused(arguments: dict[str, Any]) -> None:
    try:
        answer = ChangeAnswer((1.0, 5.0), {"a": 4.9}).parse(arguments)
    except ToolError:
        return
    assert arguments["change"] in CHANGES
    assert 1 <= answer["rating"] <= 5


@pytest.mark.parametrize("correct", [True, False])
def test_a_verdict(correct: bool) -> None:
    given_verdict = {"correct": correct, "reason": "It  fits."}
    assert VerdictAnswer().parse(given_verdict) == {"correct": correct, "reason": "It fits."}


@pytest.mark.parametrize("correct", [None, 1, "true", math.nan, ["x"]])
def test_a_verdict_is_true_or_false(correct: Any) -> None:
    assert "correct must be true or false" in reason(VerdictAnswer(), {"correct": correct})


TOOLS = [ToolSpec(name=name, description=f"The {name}.", parameters={}) for name in ("history", "retrieve")]


def test_a_plan_names_each_tool_once() -> None:
    answer = PlanAnswer(TOOLS)
    assert answer.parse({"tools": ["retrieve", "history", "retrieve"]}) == {"tools": ["retrieve", "history"]}
    assert "history: The history.; retrieve: The retrieve." in answer.spec().description
    jsonschema.validate({"tools": ["history"]}, answer.spec().parameters)


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([], "tools must be a list of names, not []"),
        ("history", "tools must be a list of names"),
        (["fly", None], 'no tool: "fly", null; there are history, retrieve'),
        ([["history"]], 'no tool: ["history"]'),
    ],
)
def test_a_wrong_plan(tools: Any, words: str) -> None:
    assert words in reason(PlanAnswer(TOOLS), {"tools": tools})


def test_equal_scores_keep_the_order_of_the_tool_that_ranked() -> None:
    """Candidates come in random order; a model that says nothing leaves them as its tool ranked them."""
    offered = ["a", "b", "c", "d"]
    answer = ScoringAnswer(offered, 4, rest=lambda: ["c", "x", "a"])
    scores = answer.spec().parameters["properties"]["scores"]["required"]
    assert scores == ["c", "a", "b", "d"]
    assert answer.parse({"scores": dict.fromkeys(scores, 3)})["ids"] == ["c", "a", "b", "d"]
    assert answer.parse({"scores": dict.fromkeys(scores, 3) | {"d": 4}})["ids"] == ["d", "c", "a", "b"]
