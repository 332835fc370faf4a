"""Titles in free text, on a catalogue of the tests' own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.tools.mentions import TitleLinker

TITLES = ["Heat", "Heat Wave (1977)", "Café Noir", "It", "Dune", "Dune", "The Last Bus", "M*A*S*H", None]
YEARS = [1995.0, None, 2001.0, 1990.0, 1984.0, 2021.0, float("nan"), 1970.0, None]
LINKER = TitleLinker(TITLES, YEARS)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("I liked Heat Wave and the last bus.", [(1, "Heat Wave"), (6, "the last bus")]),
        ("have you seen cafe noir (2001)?", [(2, "cafe noir (2001)")]),
        ("Heat (1995) is long", [(0, "Heat (1995)")]),
        ("the heat was bad, it was", []),
        ("Give It (1990) a try", [(3, "It (1990)")]),
        ("Dune is great", []),
        ("Dune (2021) is great", [(5, "Dune (2021)")]),
        ("MASH no, but M.A.S.H. yes", [(7, "M.A.S.H")]),
        ("nothing", []),
        ("", []),
    ],
)
def test_titles_are_found_where_they_stand(text: str, named: list[tuple[int, str]]) -> None:
    assert [(m.item, text[m.start : m.end]) for m in LINKER.find(text)] == named


@given(st.text(max_size=80))
def test_mentions_follow_one_another_in_any_text(text: str) -> None:
    end = 0
    for mention in LINKER.find(text):
        assert end <= mention.start < mention.end <= len(text)
        end = mention.end


@given(st.permutations([0, 2, 6, 7]), st.sampled_from([" ", ", ", " and then ", "; "]))
def test_every_title_of_a_list_is_found(order: list[int], between: str) -> None:
    text = between.join(
        f"{TITLES[i]} ({YEARS[i]:.0f})" if YEARS[i] == YEARS[i] else str(TITLES[i]) for i in order
    )
    assert [mention.item for mention in LINKER.find(text)] == order
