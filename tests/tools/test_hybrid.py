import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemaker.data.dataset import Dataset
from tastemaker.tools.catalogue import Catalogue
from tastemaker.tools.embedding import Embedder
from tastemaker.tools.hybrid import HybridIndex
from tastemaker.tools.search import SearchIndex

FILMS = pl.DataFrame(
    {
        "id": ["0", "1", "2", "3", "4"],
        "title": ["Star", "Voyage", "Heart", "Space", None],
        "categories": [["galaxy"], [], None, ["love"], []],
        "year": [1979, None, 1990, 1991, None],
        "text": ["crew", "galaxy galaxy", "love", None, None],
    }
)


@pytest.fixture
def index(by_hand: Embedder) -> HybridIndex:
    return HybridIndex(FILMS, by_hand)


def test_both_rankings_are_joined_by_their_places(index: HybridIndex) -> None:
    """By words film 3 comes first, as the word is in its title, then 0. By meaning 0 and 1 come first (cosine
    0.97 to `space`, in the catalogue's order), then 3 (0.83). So film 0 has the second and the first place, 3
    the first and the third, 1 the second.
    """
    items, scores = index.search("crew space", 10)
    by_words = SearchIndex(FILMS).search("crew space", 10)[0].tolist()
    assert by_words == [3, 0]
    assert items.tolist() == [0, 3, 1]
    np.testing.assert_allclose(scores, [1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 62], rtol=1e-5)
    np.testing.assert_array_equal(index.scores("crew space")[[0, 3, 1, 2, 4]], [*scores, 0, 0])


def test_what_is_meant_is_found_without_a_shared_word(by_hand: Embedder) -> None:
    films = pl.DataFrame({"id": ["0", "1"], "title": ["love", "galaxy"]})
    assert HybridIndex(films, by_hand).search("space", 5)[0].tolist() == [1]
    assert SearchIndex(films).search("space", 5)[0].tolist() == []


def test_an_exact_title_comes_first(index: HybridIndex) -> None:
    assert index.search("space", 1)[0].tolist() == [3]
    assert index.search("SPACE (1991)", 5)[0].tolist()[0] == 3
    assert index.titled("heart") == [2]


def test_nothing_is_found_where_nothing_is_alike(index: HybridIndex) -> None:
    assert index.search("else", 5)[0].tolist() == []
    assert index.search("hate", 5)[0].tolist() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text("spacegloveht ", max_size=20) | st.sampled_from(["space love", "crew", "heart"]),
    st.integers(1, 6),
)
def test_only_what_is_within_is_found(index: HybridIndex, query: str, n: int) -> None:
    within = np.array([True, False, True, False, True])
    items, scores = index.search(query, n, within)
    assert len(items) <= n
    assert within[items].all()
    assert (np.diff(scores) <= 0).all()
    assert set(items.tolist()) <= set(index.search(query, 5)[0].tolist())


def test_a_catalogue_searches_by_meaning_where_it_has_an_embedder(toy: Dataset, wordllama: Embedder) -> None:
    query = "spaceman"
    assert Catalogue(toy).search.search(query, 3)[0].tolist() == []
    found = Catalogue(toy, wordllama).search.search(query, 2)[0]
    assert "e" in [toy.items["id"][int(item)] for item in found]  # The Last Astronaut
