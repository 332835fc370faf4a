"""ReDial's films, dialogues and moments: small files written here, and counts of the real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tastemaker.data import dialogues as moments
from tastemaker.data.readers import redial
from tastemaker.data.registry import read
from tastemaker.errors import InputError

FILMS = {
    "7": {
        "name": "Harbour Lights (1990)",
        "genre": ["drama"],
        "plot": "A keeper waits.",
        "director": ["Ann Oak"],
        "writer": [],
        "star": ["Bo Elm", "Cy Fir"],
        "imdb_id": "tt1",
    },
    "5": {"name": "Who Rang? (2001)", "genre": [], "plot": "", "director": [], "star": [], "imdb_id": "tt2"},
    "9": {"name": "Harbour Lights (1990)", "genre": [], "plot": "", "director": [], "star": []},
    "3": {"name": "Tram", "genre": ["comedy"], "plot": "Late again.", "director": [], "star": []},
}


def answer(liked: int) -> dict[str, int]:
    return {"suggested": 1, "seen": 1, "liked": liked}


RAW: list[dict[str, Any]] = [
    {
        "conversationId": "41",
        "movieMentions": {"3": "Tram ", "9": "Harbour Lights  (1990)", "88": "Who Rang%3F (2001)"},
        "messages": [{"text": "hello"}, {"text": "is @88 like @9 ?"}, {"text": "@9 yes"}],
        "initiatorQuestions": {"3": answer(1), "9": answer(2), "88": answer(1)},
        "respondentQuestions": {"3": answer(0), "9": answer(0), "88": answer(0)},
    },
    {
        "conversationId": "42",
        "movieMentions": {"3": "Tram", "5": "Who Rang? (2001)", "7": None, "66": "Lost Reel (1930)"},
        "messages": [{"text": "@66 @7 @3 @5"}],
        "initiatorQuestions": {"3": answer(0)},
        "respondentQuestions": {"3": answer(1), "5": answer(0)},
    },
    {
        "conversationId": "43",
        "movieMentions": [],
        "messages": [{"text": "bye"}],
        "initiatorQuestions": [],
        "respondentQuestions": [],
    },
]

ROWS = [
    {
        "dialog_id": "60",
        "turn_id": 2,
        "context": ["", "hello", "like Harbour Lights (1990) please"],
        "entity": ["Harbour Lights (1990)"],
        "rec": ["Who Rang? (2001)", "Harbour Lights (1990)", "Tram"],
        "resp": "Who Rang? (2001), as Harbour Lights (1990), and Tram",
        "template": ["<mask>"],
    },
    {
        "dialog_id": "60",
        "turn_id": 4,
        "context": ["", "hello", "like Harbour Lights (1990) please", "Tram", "more"],
        "entity": [],
        "rec": ["Tram", "Nowhere (1999)"],
        "resp": "Tram",
        "template": [],
    },
    {
        "dialog_id": "61",
        "turn_id": 1,
        "context": ["I took the Trams"],
        "entity": [],
        "rec": ["Tram"],
        "resp": "Tram",
        "template": [],
    },
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "redial").mkdir()
    (tmp_path / "redial_eval").mkdir()
    (tmp_path / "redial/id2info.json").write_text(json.dumps(FILMS))
    write_lines(tmp_path / "redial/valid_data.jsonl", RAW)
    write_lines(tmp_path / "redial_eval/test_data_processed.jsonl", ROWS)
    return tmp_path


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_films_are_in_the_catalogue_once(folder: Path) -> None:
    films = redial.read_catalogue(folder)
    assert films.table.rows() == [
        ("7", "Harbour Lights", ["drama"], 1990, "A keeper waits. Directed by Ann Oak. With Bo Elm, Cy Fir."),
        ("5", "Who Rang?", [], 2001, ""),
        ("3", "Tram", ["comedy"], None, "Late again."),
    ]
    assert films.rows == {"7": 0, "9": 0, "5": 1, "3": 2}


def test_seekers_take_what_they_do_not_dislike(folder: Path) -> None:
    linked = redial.read_log(folder, redial.read_catalogue(folder))
    assert linked.log.rows() == [("41", "5", 0), ("41", "7", 1), ("41", "3", 2), ("42", "7", 0)]
    assert linked.unlinked == ("Lost Reel (1930)",)
    assert linked.disliked == 2  # Tram by the seeker, Who Rang? by the recommender, as the seeker did not say
    dataset = redial.read(folder)
    assert (dataset.n_users, dataset.n_items, len(dataset)) == (2, 3, 4)
    assert (dataset.clock, dataset.rating) == ("order", None)


def test_targets_are_new_films(folder: Path) -> None:
    first, last = moments.dialogues("test", folder)
    assert (first.id, first.dialogue, first.targets) == ("60/2", "60", (1, 2))
    assert first.turns == ("hello", "like Harbour Lights (1990) please")
    assert (last.id, last.turns, last.targets) == ("61/1", ("I took the Trams",), (2,))
    assert moments.census("test", folder) == moments.Census(
        dialogues=2, rows=3, kept=2, named=6, repeated=2, unlinked=1, targets=3
    )


def test_what_the_reply_says_is_not_in_the_turns(folder: Path) -> None:
    before = moments.dialogues("test", folder)
    changed = [
        row | {"rec": ["Tram"], "resp": "other words", "entity": ["Tram"], "template": []} for row in ROWS
    ]
    write_lines(folder / "redial_eval/test_data_processed.jsonl", changed)
    after = {turn.id: turn.turns for turn in moments.dialogues("test", folder)}
    assert after == {turn.id: turn.turns for turn in before}


@pytest.mark.parametrize(
    ("file", "content", "text"),
    [
        ("redial/id2info.json", '{"7": {"name": "A (1990)"}}', "id2info.json: not in the expected form"),
        ("redial/id2info.json", "[]", "id2info.json: not in the expected form"),
        ("redial/valid_data.jsonl", '{"conversationId": 1}\n', "valid_data.jsonl: not in the expected form"),
        ("redial/valid_data.jsonl", "{}\nx\n", "valid_data.jsonl: (line 2 is|not in)"),
        ("redial_eval/test_data_processed.jsonl", '["a"]\n', "line 1 is not a JSON object"),
        ("redial_eval/test_data_processed.jsonl", '{"context": []}\n', "row 1 is not of the expected form"),
    ],
)
def test_bad_files_are_named(folder: Path, file: str, content: str, text: str) -> None:
    (folder / file).write_text(content)
    with pytest.raises(InputError, match=text):
        redial.read(folder), moments.dialogues("test", folder)


@pytest.fixture
def real(data_folder: Path) -> Path:
    if not (data_folder / "conv-redial").is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder conv-redial")
    return data_folder / "conv-redial"


def test_redial_as_published(real: Path) -> None:
    dataset = read("redial", folder=real)
    candidates = json.loads((real / "redial/item_ids.json").read_text())
    assert dataset.n_items == len(candidates)  # the items that UniCRS and iEvaLM rank
    assert dataset.n_users == 1000
    films = redial.read_catalogue(real)
    linked = redial.read_log(real, films)
    assert len(films.rows) == 6583
    raw = sum(len(row["movieMentions"]) for row in redial.rows_of(real, "redial/valid_data.jsonl"))
    assert len(linked.log) + linked.disliked + len(linked.unlinked) == raw
    assert len(linked.unlinked) < 0.002 * raw


def test_turns_of_redial(real: Path) -> None:
    dataset = read("redial", folder=real)
    named = [
        f"{title} ({year})" if year else title
        for title, year in zip(dataset.items["title"], dataset.items["year"], strict=True)
    ]
    for part, rows in (("test", 3341), ("valid", 2716)):
        turns = moments.dialogues(part)  # type: ignore[arg-type]  # as an asset, below TASTEMAKER_DATA
        counts = moments.census(part, real)  # type: ignore[arg-type]
        assert (counts.rows, counts.unlinked) == (rows, 0)
        assert counts.targets == counts.named - counts.repeated
        assert len({turn.id for turn in turns}) == counts.kept == len(turns)
        assert all(text for turn in turns for text in turn.turns)
        said = [(named[item], " ".join(turn.turns)) for turn in turns for item in turn.targets]
        assert sum(name in text for name, text in said) < 0.001 * len(said)
        known = {turn.dialogue for turn in turns} & set(dataset.users["id"])
        assert len(known) == (counts.dialogues if part == "valid" else 0)
