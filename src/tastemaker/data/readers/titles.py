"""Titles of films as MovieLens writes them, turned into titles as people write them."""

from __future__ import annotations

import re

_YEAR = re.compile(r"\s*\((\d{4})(?:-\d{0,4})?\)\s*(?:\((?:V|TV)\)\s*)?$")
_ARTICLE = re.compile(
    r"^(?P<rest>[^()]+), "
    r"(?P<article>The|A|An|La|Le|Les|L'|El|Los|Las|Il|Lo|Das|Der|Die|Den|Det|Un|Une|Uno|O|Os|As)$"
)
_ALIAS = re.compile(r"\(([^()]*)\)")


def split_title(text: str) -> tuple[str, int | None]:
    """Title and year of an entry: `"Matrix, The (1999)"` gives `("The Matrix", 1999)`.

    An article that was put last for sorting goes back to the front, also within an alternative title in
    brackets.

    >>> split_title("City of Lost Children, The (Cité des enfants perdus, La) (1995)")
    ('The City of Lost Children (La Cité des enfants perdus)', 1995)
    """
    found = _YEAR.search(text)
    title = text[: found.start()] if found else text
    return untwist(title.strip()), int(found[1]) if found else None


def untwist(title: str) -> str:
    """Put a trailing article first: `"Hunt for Red October, The"` gives `"The Hunt for Red October"`."""
    main, bracket, rest = title.partition(" (")
    if bracket:
        return _front(main) + " " + _ALIAS.sub(lambda alias: f"({_front(alias[1])})", "(" + rest)
    return _front(title)


def _front(title: str) -> str:
    found = _ARTICLE.match(title.strip())
    if not found:
        return title.strip()
    article = found["article"]
    return article + ("" if article.endswith("'") else " ") + found["rest"]
