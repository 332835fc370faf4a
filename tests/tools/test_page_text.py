import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemaker.tools.page_text import page_text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>one<p>two<br>three<td>four", "one two three four"),
        ("Al<b>i</b>en<span class='x'>s</span>", "Aliens"),
        ("a<!-- <p>no</p> -->b", "ab"),
        ("<SCRIPT>if (a < b) alert('</p>')</SCRIPT>yes<style>p {}</style>", "yes"),
        ('<a title="x > y" href=\'"\'>link</a>', "link"),
        ("<!DOCTYPE html><title>T</title> caf&eacute; &#233; &lt;b&gt;", "T café é <b>"),
        ("3 < 4 and 5 > 4, <3", "3 < 4 and 5 > 4, <3"),
        ("kept<script>never closed", "kept"),
        ("kept<!-- never closed", "kept"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
    ],
)
def test_what_a_reader_would_see(page: str, text: str) -> None:
    assert page_text(page) == text


@given(st.lists(st.text("abc &<>\"'", max_size=12)))
def test_text_that_was_escaped_comes_back(words: list[str]) -> None:
    page = "".join(f"<p title='&gt;'>{html.escape(word)}</p>" for word in words)
    assert page_text(page) == " ".join(" ".join(words).split())


@given(st.text("<>/!-ab'\" scriptyle&;#x1"))
def test_any_page_has_a_text(page: str) -> None:
    assert not re.search(r"\s{2}", page_text(page))


@pytest.mark.parametrize(
    "part", ["<a", "<!--", "</", "<a b='", '<a b=">" ', "<script>", "<style", "&#1", "<?"]
)
def test_a_page_made_to_be_slow_comes_to_an_end(part: str) -> None:
    """In time that grows with the square of the page this would take hours."""
    assert page_text("seen " + part * (500_000 // len(part))).startswith("seen")
