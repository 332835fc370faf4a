"""What a reader would see of an HTML page, as text.

Runs in time proportional to the page, whatever is in it: pages come from strangers, and the standard
library's HTML parser takes minutes for a few hundred kilobytes of `<a<a<a`. Knows nothing of the web.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/<>"']*+)(?:"[^"]*"|'[^']*'|[^"'<>])*+>""")
_UNSEEN = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("script", "style", "noscript", "template")
}
_INLINE = re.compile(
    "a|abbr|b|bdi|bdo|cite|code|data|dfn|em|font|i|kbd|mark|q|s|samp|small|span|strong|sub|sup|time|tt|u|var|wbr"
)
"""Elements inside a line: where they begin or end, no word does."""


def page_text(page: str) -> str:
    """The text of an HTML page or fragment: without tags, comments, scripts and styles, spaces collapsed.

    >>> page_text("<style>b {}</style><p>Tom &amp; <b>Jer</b>ry<p>1940 < 1967")
    'Tom & Jerry 1940 < 1967'
    """
    parts: list[str] = []
    at = 0
    while (start := page.find("<", at)) >= 0:
        parts.append(page[at:start])
        if page.startswith("<!--", start):
            at = _after(page.find("-->", start), 3, page)
        elif page.startswith(("<!", "<?"), start):
            at = _after(page.find(">", start), 1, page)
            parts.append(" ")
        elif tag := _TAG.match(page, start):
            name, at = tag[2].lower(), tag.end()
            if name in _UNSEEN and not tag[1]:
                end = _UNSEEN[name].search(page, at)
                at = end.start() if end else len(page)
            if not _INLINE.fullmatch(name):
                parts.append(" ")
        else:
            parts.append("<")
            at = start + 1
    parts.append(page[at:])
    return " ".join(_unescaped("".join(parts)).split())


def _after(found: int, length: int, page: str) -> int:
    return len(page) if found < 0 else found + length


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a character's number of thousands of digits
        return text
