"""What a conversation has come to, as the toolbox takes it into account. Knows nothing of how it was read."""

from __future__ import annotations

from dataclasses import dataclass

VISITOR = "visitor"
"""What someone who is not in the data is called as a user."""


@dataclass(frozen=True)
class Talk:
    """What a conversation has come to."""

    likes: tuple[str, ...] = ()
    """Item ids, as in the next two."""
    dislikes: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    """Recommended before; not suggested again."""
    seeks: tuple[str, ...] = ()
    """Categories asked for: what has one of them is suggested first."""
    avoids: tuple[str, ...] = ()
    """Categories of which nothing is suggested."""
    notes: tuple[str, ...] = ()
    """What else is known of the person, in words."""
