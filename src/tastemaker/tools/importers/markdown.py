"""Markdown lists of APIs, as the public-apis page has them: headings are categories, and each row of a table
or entry of a list links to an API and describes it.
"""

from __future__ import annotations

import re

from tastemaker.errors import InputError
from tastemaker.tools.importers.document import ApiDocument, one_line

_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*$")
_ROW = re.compile(r"\s*\|?\s*\[([^\]]+)\]\(([^)\s]+)[^)]*\)\s*\|(.*)")
_ENTRY = re.compile(r"\s*[-*+]\s+\[([^\]]+)\]\((https?:[^)\s]+)[^)]*\)\s*(?:[-–—:]\s*)?(.*)")


def read(text: str, where: str) -> list[ApiDocument]:
    """The APIs of the page. Raises InputError where there are none."""
    found: dict[tuple[str, str], ApiDocument] = {}
    category = ""
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            category = _plain(heading[1])
            continue
        row, entry = _ROW.match(line), _ENTRY.match(line)
        if row:
            cells = [_plain(cell) for cell in row[3].split("|")]
            description, auth = cells[0], cells[1] if len(cells) > 2 else ""
        elif entry:
            description, auth = _plain(entry[3]), ""
        else:
            continue
        name = _plain((row or entry)[1])  # type: ignore[index]
        if name and description:
            document = ApiDocument(
                name=name,
                domain=category,
                description=one_line(description),
                auth="" if auth == "No" else auth,
            )
            found.setdefault((category, name), document)
    if not found:
        raise InputError(f"{where}: no list of APIs: rows must begin with [name](link) and a description")
    return list(found.values())


def _plain(text: str) -> str:
    """Text without links, images and emphasis."""
    text = re.sub(r"<[^>]*>", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"[`*]", "", text).split())
