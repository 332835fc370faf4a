"""Characters, scripts and ends of texts, by hand."""

from __future__ import annotations

import pytest

from tastemaker.synthesis.verification.text import invalid_character, scripts, unfinished


@pytest.mark.parametrize("text", ["", "a\n\tb\r\n", "Zoë’s café – 5 °C", "日本", "👩‍🚀 ok", "NÃO", "Ângela"])
def test_clean_text(text: str) -> None:
    assert invalid_character(text) is None


@pytest.mark.parametrize(
    ("text", "named"),
    [("a\x00b", "U+0000"), ("\ufffd", "U+FFFD"), ("é\u202eb", "U+202E"), ("cafÃ©", "U+00C3 U+00A9")],
)
def test_characters_that_do_not_belong(text: str, named: str) -> None:
    assert invalid_character(text) == named


def test_quotations_code_and_known_words_are_no_language() -> None:
    text = "It is “привет” or `мир`, says Юрий."
    assert set(sum(scripts(text, {"Юрий"}), scripts("")[0])) == {"Latin"}
    assert "Cyrillic" in scripts("It is привет.")[0]
    assert set(scripts("東京は大きい")[0]) == {"Japanese"}


@pytest.mark.parametrize(
    "text",
    [
        "Done.",
        "Done! 😊",
        "**Done.**",
        "它已完成。",
        '{"a": 1}',
        "42",
        "19.5 °C",
        "See https://example.org/a",
        "Results:\n- **Price:** 157.26 USD\n- Jackpot: 5",
        "Best:\n1. Kevin Durant\n2. James Harden",
        "Top:\n1. Fox with 12 kills\n2. Owl with 11 kills",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "It ran:\n```\nx = 1\n```",
        "วันนี้อากาศดี",
    ],
)
def test_texts_that_end(text: str) -> None:
    assert unfinished(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "The ferry leaves at",
        "The ferry leaves Bodø",
        "Here are the results:",
        "I found three, namely",
        "It costs 5,",
        "It ran:\n```\nx = 1",
        "See (the other page.",
        "Steps:\n1. Heat the oil slowly.\n2. Add the",
        "Steps:\n1. Heat the oil slowly.\n2. Add onions",
        "Found:\n- the harp is now yours for a year\n- the tuba",
        "- **Price:**",
    ],
)
def test_texts_that_are_cut_off(text: str) -> None:
    assert unfinished(text) is not None
