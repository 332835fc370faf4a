import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.tools.search import SearchConfig, SearchIndex, words

FILMS = pl.DataFrame(
    {
        "id": ["1", "2", "3", "4", "5"],
        "title": ["Alien", "Alien Nation Alien", "Amélie (2001)", "Red Planet, The", None],
        "categories": [["Horror", "Sci-Fi"], ["Sci-Fi"], ["Romance"], [], None],
        "year": [1979, 1988, None, 2000, None],
        "text": ["In space", "alien alien alien on earth", None, "Mars and space and space", "red"],
    },
    schema_overrides={"categories": pl.List(pl.String)},
)


def brute_force(documents: list[tuple[str, str]], query: str, config: SearchConfig) -> list[float]:
    """The docstring's formula over (title, body) pairs, word by word, without what an exact title adds."""
    counts = [Counter(words(body)) for _, body in documents]
    tf = [{t: float(c[t]) for t in c} for c in counts]
    for (title, _), table in zip(documents, tf, strict=True):
        for word in words(title):
            table[word] = table.get(word, 0.0) + config.title_weight
    lengths = [sum(table.values()) for table in tf]
    mean = sum(lengths) / len(lengths)
    scores = []
    for table, length in zip(tf, lengths, strict=True):
        score = 0.0
        for word in words(query):
            if word in table:
                df = sum(word in other for other in tf)
                idf = math.log(1 + (len(tf) - df + 0.5) / (df + 0.5))
                norm = config.k1 * (1 - config.b + config.b * length / mean)
                score += idf * table[word] * (config.k1 + 1) / (table[word] + norm)
        scores.append(score)
    return scores


def test_words_are_casefolded_and_bare_of_accents() -> None:
    assert words("L'Été À GÖTEBORG, Straße_7 – 北京") == ["l", "ete", "a", "goteborg", "strasse_7", "北京"]


BODIES = [
    "Horror Sci-Fi 1979 In space",
    "Sci-Fi 1988 alien alien alien on earth",
    "Romance",
    "2000 Mars and space and space",
    "red",
]
DOCUMENTS = list(zip([title or "" for title in FILMS["title"]], BODIES, strict=True))


@pytest.mark.parametrize("config", [SearchConfig(), SearchConfig(k1=0.9, b=0.4, title_weight=3)])
@pytest.mark.parametrize("query", ["space alien", "alien alien earth", "sci fi mars 1988", "nowhere", ""])
def test_scores_are_the_formulas(config: SearchConfig, query: str) -> None:
    expected = brute_force(DOCUMENTS, query, config)
    np.testing.assert_allclose(SearchIndex(FILMS, config).scores(query), expected, rtol=1e-5)


def test_an_exact_title_comes_first() -> None:
    index = SearchIndex(FILMS)
    by_formula = brute_force(DOCUMENTS, "alien", index.config)
    assert by_formula[1] > by_formula[0] > 0
    assert index.search("alien", 5)[0].tolist() == [0, 1]
    assert index.search("The Red Planet", 5)[0].tolist()[0] == 3
    for text in ("amelie", "AMÉLIE 2001", "Amélie (2001)"):
        assert index.titled(text) == [2]
    assert index.titled("Alien (1979)") == [0]
    assert index.titled("Alien (1980)") == []
    assert index.titled("") == []


def test_only_items_that_share_a_word_are_found_best_first() -> None:
    index = SearchIndex(FILMS)
    items, scores = index.search("space", 5)
    assert set(items.tolist()) == {0, 3}
    assert (np.diff(scores) <= 0).all()
    assert index.search("space", 1)[0].tolist() == items[:1].tolist()
    assert index.search("space", 5, np.array([True, False, False, False, True]))[0].tolist() == [0]
    assert index.search("?!", 5)[0].tolist() == []


def test_a_catalogue_of_titles_alone_is_enough() -> None:
    index = SearchIndex(pl.DataFrame({"id": ["1", "2"], "title": ["One", "Two"]}))
    assert index.search("two", 3)[0].tolist() == [1]


short = st.text("ab é-", max_size=8)


@settings(max_examples=50)
@given(st.lists(st.tuples(short, short), min_size=1, max_size=6), short)
def test_random_catalogues_agree_with_the_formula(documents: list[tuple[str, str]], query: str) -> None:
    frame = pl.DataFrame(
        {
            "id": [str(row) for row in range(len(documents))],
            "title": [title for title, _ in documents],
            "text": [text for _, text in documents],
        }
    )
    index = SearchIndex(frame)
    expected = np.array(brute_force(documents, query, index.config))
    exact = [sorted(words(title)) == sorted(words(query)) for title, _ in documents]
    expected[np.array(exact) & (expected > 0)] += expected.max()
    np.testing.assert_allclose(index.scores(query), expected, rtol=1e-4, atol=1e-6)
    found = index.search(query, len(documents))[0].tolist()
    assert set(found) == set(np.flatnonzero(expected).tolist())
    if any(exact) and found:
        assert exact[found[0]]
