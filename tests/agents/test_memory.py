"""Profiles in a file: what is kept, what is not, and what is left of it afterwards."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tastemaker.agents.memory import LONGEST, Kind, Memory, Profile
from tastemaker.errors import InputError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "profiles.sqlite3"


def said(memory: Memory, *entries: tuple[Kind, str], name: str = "lea", data: str = "toy") -> None:
    for kind, text in entries:
        memory.note(name, data, kind, text, "c1")


def test_a_profile_outlives_the_conversation(path: Path) -> None:
    with Memory(path) as memory:
        said(memory, ("like", "a"), ("dislike", "b"), ("note", "prefers films before 1980"), ("like", "c"))
        said(memory, ("like", "z"), data="other")
        said(memory, ("like", "y"), name="max")
    with Memory(path) as memory:
        assert memory.profile("lea", "toy") == Profile(("a", "c"), ("b",), ("prefers films before 1980",))
        assert memory.profile("lea", "other").likes == ("z",)
        assert memory.profile("nobody", "toy") == Profile()
        assert memory.names() == ["lea", "max"]


def test_a_like_and_a_dislike_replace_each_other_and_nothing_is_kept_twice(path: Path) -> None:
    with Memory(path) as memory:
        said(memory, ("like", "a"), ("like", "b"), ("note", "a"), ("like", "a"), ("note", "a"))
        assert memory.profile("lea", "toy") == Profile(("b", "a"), (), ("a",))
        said(memory, ("dislike", "a"))
        assert memory.profile("lea", "toy") == Profile(("b",), ("a",), ("a",))
        said(memory, ("like", "a"))
        assert memory.profile("lea", "toy") == Profile(("b", "a"), (), ("a",))


def test_entries_say_where_and_when(path: Path) -> None:
    with Memory(path) as memory:
        memory.note("lea", "toy", "like", "a", "monday")
        memory.note("lea", "other", "note", "b", "tuesday")
        first, second = memory.entries("lea")
    assert (first.data, first.kind, first.text, first.conversation) == ("toy", "like", "a", "monday")
    assert (second.data, second.kind, second.text, second.conversation) == ("other", "note", "b", "tuesday")
    assert first.time.endswith("+00:00")


def test_texts_are_one_visible_line_and_never_read_as_sql(path: Path) -> None:
    with Memory(path) as memory:
        said(memory, ("note", "x'); DROP TABLE entry; --"), ("note", "one\n\x1b[31m two\ud800"))
        said(memory, ("note", "long" * 100))
        notes = memory.profile("lea", "toy").notes
    assert notes[:2] == ("x'); DROP TABLE entry; --", "one [31m two")
    assert len(notes[2]) == LONGEST


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[2J", "n" * 65, "\ud800"])
def test_names_are_visible(path: Path, name: str) -> None:
    with Memory(path) as memory:
        for use in (lambda: memory.note(name, "toy", "like", "a", "c"), lambda: memory.profile(name, "toy")):
            with pytest.raises(InputError, match="1 to 64 visible characters"):
                use()
        memory.note(" Zoë Ö ", "toy", "like", "a", "c")
        assert memory.names() == ["Zoë Ö"]


def test_what_cannot_be_kept_is_refused(path: Path) -> None:
    with Memory(path) as memory:
        with pytest.raises(InputError, match="an empty like"):
            memory.note("lea", "toy", "like", " \n", "c")
        with pytest.raises(InputError, match="no kind of entry 'love'"):
            memory.note("lea", "toy", "love", "a", "c")  # type: ignore[arg-type]
        assert memory.names() == []


def test_the_oldest_notes_make_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tastemaker.agents.memory.ENTRIES", 8)
    with Memory(path) as memory:
        said(memory, ("like", "kept"), ("note", "n1"), ("note", "n2"))
        said(memory, *(("like", f"i{number}") for number in range(5)))
        said(memory, ("like", "x"))
        assert memory.profile("lea", "toy").notes == ("n2",)
        said(memory, ("like", "y"), ("note", "new"))
        profile = memory.profile("lea", "toy")
        assert profile.notes == ("new",)
        assert profile.likes[0] == "i0"
        said(memory, *(("like", f"j{number}") for number in range(8)))
        assert memory.profile("lea", "toy").likes[0] == "j0"
        assert len(memory.entries("lea")) == 8


def test_forgetting_one_thing(path: Path) -> None:
    with Memory(path) as memory:
        said(memory, ("like", "secretive"), ("note", "b"))
        assert memory.forget("lea", "toy", "secretive")
        assert not memory.forget("lea", "toy", "secretive")
        assert not memory.forget("lea", "other", "b")
        assert not memory.forget("max", "toy", "b")
        assert memory.profile("lea", "toy") == Profile(notes=("b",))
    assert b"secretive" not in path.read_bytes()


def test_nothing_of_an_erased_person_stays_in_the_file(path: Path) -> None:
    with Memory(path) as memory:
        for number in range(80):
            memory.note("Leandra", "toy", "note", f"whispered {number} " + "w" * 100, "talk")
            memory.note("max", "toy", "note", f"shouted {number}", "talk")
    before = path.read_bytes()
    assert b"Leandra" in before
    assert b"whispered" in before
    with Memory(path) as memory:
        assert memory.erase("Leandra") == 80
        assert memory.erase("Leandra") == 0
        assert len(memory.profile("max", "toy").notes) == 80
        for file in path.parent.iterdir():
            assert b"Leandra" not in file.read_bytes()
            assert b"whispered" not in file.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_the_file_is_its_owners_alone(path: Path) -> None:
    previous = os.umask(0)
    try:
        with Memory(path) as memory:
            said(memory, ("like", "a"))
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


WRITER = """
import sys
from pathlib import Path
from tastemaker.agents.memory import Memory
with Memory(Path(sys.argv[1])) as memory:
    for number in range(25):
        memory.note("lea", "toy", "like", f"{sys.argv[2]}{number}", "c")
        memory.note("lea", "toy", "like", "both", "c")
"""


def test_two_processes_at_once_lose_nothing(path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), which], stderr=subprocess.PIPE, text=True)
        for which in "ab"
    ]
    faults = [worker.communicate(timeout=60)[1] for worker in workers]
    assert faults == ["", ""]
    with Memory(path) as memory:
        likes = memory.profile("lea", "toy").likes
    assert sorted(likes) == sorted(["both", *(f"{which}{number}" for which in "ab" for number in range(25))])
    for which in "ab":
        assert [like for like in likes if like.startswith(which) and like != "both"][-2:] == [
            f"{which}23",
            f"{which}24",
        ]


def test_files_that_are_not_profiles_are_left_alone(tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"not a database at all, but long enough to be looked at\n" * 50)
    foreign = tmp_path / "foreign"
    with sqlite3.connect(foreign) as base:
        base.execute("CREATE TABLE bookmark (url TEXT)")
    newer = tmp_path / "newer"
    with sqlite3.connect(newer) as base:
        base.execute("PRAGMA user_version = 99")
    contents = {path: path.read_bytes() for path in (junk, foreign, newer)}
    for path, words in ((junk, "damaged"), (foreign, "another program's"), (newer, "version 99")):
        with pytest.raises(InputError, match=words) as caught:
            Memory(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
    with pytest.raises(InputError, match="cannot be used"):
        Memory(tmp_path)
    assert {path: path.read_bytes() for path in contents} == contents


def test_damage_found_later_is_one_line(path: Path) -> None:
    with Memory(path) as memory:
        said(memory, *(("like", f"{number} " + "x" * 150) for number in range(60)))
    raw = bytearray(path.read_bytes())
    raw[4096:-4096] = b"\x07" * (len(raw) - 8192)
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"damaged|cannot be used"), Memory(path) as memory:
        memory.profile("lea", "toy")


def test_the_cache_folder_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    with Memory() as memory:
        assert memory.path == tmp_path / "cache" / "profiles.sqlite3"
    assert memory.path.is_file()
