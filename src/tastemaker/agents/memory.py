"""What people said that they like: kept within and across conversations, shown, and erased when they want.

One SQLite file holds the profiles of all people, each by name and data set. Any number of processes may use
it at once: every change is one short transaction. What is deleted is overwritten (`secure_delete`), and
`erase` rebuilds the file besides. Knows nothing of agents, of models or of a data set's users: a name here is
whatever a person goes by.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

from tastemaker.assets import cache_folder
from tastemaker.errors import InputError

Kind = Literal["like", "dislike", "note"]

ENTRIES = 500
"""Entries of a person and data set at most; the oldest notes make room, and where there are none, the oldest
entries."""
LONGEST = 200
"""Characters of a text at most; what is longer is cut."""
NAME = 64
"""Characters of a name at most."""

_VERSION = 1
_WAIT = 30.0
"""Seconds to wait for another process's transaction."""
_SCHEMA = """
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    conversation TEXT NOT NULL,
    time TEXT NOT NULL,
    UNIQUE (name, data, kind, text)
)
"""
_SPARE = """
DELETE FROM entry WHERE id IN (
    SELECT id FROM entry WHERE name = ? AND data = ? AND id <> ?
    ORDER BY kind <> 'note', id
    LIMIT max(0, (SELECT count(*) FROM entry WHERE name = ? AND data = ?) - ?)
)
"""


@dataclass(frozen=True)
class Profile:
    """What is known of a person's taste in one data set, newest last."""

    likes: tuple[str, ...] = ()
    """Item ids."""
    dislikes: tuple[str, ...] = ()
    """Item ids."""
    notes: tuple[str, ...] = ()
    """In words, such as "prefers films before 1980"."""


@dataclass(frozen=True)
class Entry:
    """One thing that a person said."""

    data: str
    kind: Kind
    text: str
    """An item id, or a note."""
    conversation: str
    """Where it was said last."""
    time: str
    """When it was said last: ISO 8601, UTC."""


class Memory:
    """The profiles in one file. Use it as a context manager, or `close` it.

    Every method raises InputError when the file is not one of profiles, is damaged, or cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        """`path` is by default `profiles.sqlite3` in the cache folder. A missing file is made, readable by
        its owner alone."""
        self.path = cache_folder() / "profiles.sqlite3" if path is None else path
        with self._faults():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._base = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
        try:
            with self._change():
                self._prepare()
            with self._faults():
                self._base.execute("PRAGMA secure_delete = ON").fetchall()
        except BaseException:
            self._base.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def note(self, name: str, data: str, kind: Kind, text: str, conversation: str) -> None:
        """Keep one thing that a person said; said again, it counts as the newest.

        A like takes the place of a dislike of the same item, and the other way round. Raises InputError for
        a wrong name or kind, and for an empty text.
        """
        name, text = valid_name(name), _one_line(text)
        if kind not in get_args(Kind):
            raise InputError(f"no kind of entry {kind!r}; give one of: {', '.join(get_args(Kind))}")
        if not text:
            raise InputError(f"an empty {kind} cannot be kept; give a text")
        instead = ("note",) if kind == "note" else ("like", "dislike")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._change():
            for other in instead:
                self._base.execute(
                    "DELETE FROM entry WHERE name = ? AND data = ? AND kind = ? AND text = ?",
                    (name, data, other, text),
                )
            added = self._base.execute(
                "INSERT INTO entry (name, data, kind, text, conversation, time) VALUES (?, ?, ?, ?, ?, ?)",
                (name, data, kind, text, _one_line(conversation), now),
            ).lastrowid
            self._base.execute(_SPARE, (name, data, added, name, data, ENTRIES))

    def profile(self, name: str, data: str) -> Profile:
        """What is known of a person for a data set; empty for one who is not known."""
        said = [entry for entry in self.entries(name) if entry.data == data]
        likes, dislikes, notes = (
            tuple(entry.text for entry in said if entry.kind == kind) for kind in get_args(Kind)
        )
        return Profile(likes, dislikes, notes)

    def entries(self, name: str) -> list[Entry]:
        """All that is kept of a person, of all data sets, newest last."""
        with self._faults():
            rows = self._base.execute(
                "SELECT data, kind, text, conversation, time FROM entry WHERE name = ? ORDER BY id",
                (valid_name(name),),
            ).fetchall()
        return [Entry(*row) for row in rows]

    def names(self) -> list[str]:
        """Everyone of whom anything is kept."""
        with self._faults():
            rows = self._base.execute("SELECT DISTINCT name FROM entry ORDER BY name").fetchall()
        return [name for (name,) in rows]

    def forget(self, name: str, data: str, text: str) -> bool:
        """Delete a person's entries with this text, of any kind. Returns whether there were any."""
        with self._change():
            found = self._base.execute(
                "DELETE FROM entry WHERE name = ? AND data = ? AND text = ?",
                (valid_name(name), data, _one_line(text)),
            )
        return found.rowcount > 0

    def erase(self, name: str) -> int:
        """Delete everything of a person, so that nothing of it stays in the file. Returns how many entries
        there were."""
        with self._change():
            found = self._base.execute("DELETE FROM entry WHERE name = ?", (valid_name(name),))
        with self._faults():
            self._base.execute("VACUUM")
        return found.rowcount

    def _prepare(self) -> None:
        """Lay out an empty file, or make sure that it is one of ours."""
        (version,) = self._base.execute("PRAGMA user_version").fetchone()
        (tables,) = self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version > _VERSION:
            raise InputError(
                f"{self.path}: profiles of version {version}, which a newer tastemaker wrote; upgrade, or "
                "give another file"
            )
        if version == _VERSION:
            self._base.execute("SELECT id, name, data, kind, text, conversation, time FROM entry LIMIT 1")
        elif tables:
            raise InputError(f"{self.path}: another program's database; give another file")
        else:
            self._base.execute(_SCHEMA)
            self._base.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _change(self) -> Iterator[None]:
        """One transaction, which is undone where anything goes wrong."""
        with self._faults():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Whatever SQLite or the file system says as one line for a person."""
        try:
            yield
        except OSError as error:
            raise InputError(f"{self.path}: cannot be used for profiles: {error.strerror}") from None
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.OperationalError as error:
            raise InputError(f"{self.path}: cannot be used for profiles: {error}") from None
        except sqlite3.DatabaseError as error:
            what = f"not a file of profiles, or a damaged one ({error})"
            raise InputError(f"{self.path}: {what}; move it away, or give another file") from None


def valid_name(name: str) -> str:
    """The name without blanks around it. Raises InputError unless it has 1 to `NAME` visible characters."""
    name = name.strip()
    if not 1 <= len(name) <= NAME or not name.isprintable():
        raise InputError(f"a name has 1 to {NAME} visible characters, which {name[:NAME]!r} has not")
    return name


def _one_line(text: str) -> str:
    """The text on one line of visible characters, cut to `LONGEST`."""
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(visible.split())[:LONGEST]
