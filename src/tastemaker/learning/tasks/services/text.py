"""Tools for texts."""

import re
from typing import Annotated

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.function import Text, tool
from tastemaker.learning.tasks.world import World

Letter = Annotated[str, "letter"]


@tool(
    "train",
    "text",
    names="count words, word count, number of words",
    doc="How many words a text has.",
    says=("the number of words in {text}", "the word count of {text}"),
    gives="words",
    sort="count",
)
def count_words(world: World, text: Text) -> int:
    return len(text.split())


@tool(
    "train",
    "text",
    names="reverse text, text backwards, reversed",
    doc="A text with its letters in reverse order.",
    says=("{text} written backwards", "the letters of {text} in reverse order"),
    gives="reversed",
    sort="text",
)
def reverse(world: World, text: Text) -> str:
    return text[::-1]


@tool(
    "valid",
    "text",
    names="initials, first letters, acronym of",
    doc="The first letters of a text's words, in capitals.",
    says=("the acronym made of the first letters of {text}", "the initials of the words of {text}"),
    gives="initials",
    sort="text",
)
def initials(world: World, text: Text) -> str:
    return "".join(word[0].upper() for word in text.split())


@tool(
    "valid",
    "text",
    names="sort words, words in order, alphabetical",
    doc="The words of a text in alphabetical order.",
    says=("the words of {text} in alphabetical order",),
    gives="sorted",
    sort="text",
)
def sort_words(world: World, text: Text) -> str:
    return " ".join(sorted(text.split()))


@tool(
    "test",
    "text",
    names="count letter, letter frequency, occurrences of letter",
    doc="How often a letter stands in a text.",
    says=("the number of times the letter {letter} stands in {text}",),
    gives="times",
    sort="count",
)
def count_letter(world: World, text: Text, letter: Letter) -> int:
    return text.casefold().count(letter.casefold())


@tool(
    "test",
    "text",
    names="extract numbers, numbers in text, find numbers",
    doc="All numbers that stand in a text.",
    says=("the numbers that stand in {text}", "all numbers in {text}"),
    gives="numbers",
    sort="number",
    many=True,
)
def extract_numbers(world: World, text: Text) -> list[int]:
    found = [int(number) for number in re.findall(r"\d{1,9}", text)]
    if not found:
        raise ToolError("no number stands in the text")
    return found


@tool(
    "test",
    "text",
    names="remove vowels, without vowels, drop vowels",
    doc="A text without the letters a, e, i, o and u.",
    says=("{text} without its vowels", "{text} with all vowels left out"),
    gives="left",
    sort="text",
)
def remove_vowels(world: World, text: Text) -> str:
    return re.sub("[aeiou]", "", text, flags=re.IGNORECASE)
