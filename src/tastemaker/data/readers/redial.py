"""ReDial (Li et al. 2018): people who look for a film talk with people who suggest some, in iEvaLM's files.

Files: `redial/id2info.json` (the films) and `redial/valid_data.jsonl` (raw dialogues, in which a film stands
as `@` and its id). A user is the seeker of one dialogue, who takes each film that either side named and that
the seeker does not dislike. The seeker's own answers decide that, and where they are missing those of the
other. Feedback is implicit: next to no film is disliked, so a rating would say the same of nearly all. The
dialogues of `redial_eval/` are read in `data.dialogues`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from tastemaker.data.dataset import Dataset, Source
from tastemaker.data.readers.assemble import assemble
from tastemaker.data.readers.files import read_bytes, read_lines
from tastemaker.data.readers.movielens import film_table
from tastemaker.errors import InputError

SOURCE = Source(
    origin="ReDial; files of iEvaLM-CRS (RUCAIBox, MIT), data/redial and data/redial_eval",
    licence="CC BY 4.0",
    citation="Li et al. 2018, Towards Deep Conversational Recommendations, NeurIPS",
)

_FILM = re.compile(r"@(\d+)")
_DISLIKED = 0


@dataclass(frozen=True)
class Catalogue:
    """The films, each once: the source has seven of them under two ids, with the same name, year and IMDb
    id."""

    table: pl.DataFrame
    """`id` (the film's first), `title`, `categories`, `year`, `text` (plot, director and stars)."""
    names: dict[str, int]
    """Row by name as the dialogues write it, mostly `Title (Year)`."""
    rows: dict[str, int]
    """Row by id, second ids included."""

    def row(self, id: str, name: str | None) -> int | None:
        """Row of a film by its id or else its name; None where neither is known."""
        return self.rows.get(id, self.names.get(_plain(name or "")))


@dataclass(frozen=True)
class Linked:
    """What became of the films that the dialogues name, counted once a dialogue."""

    log: pl.DataFrame
    """`user` (id of the dialogue), `item` (id of the film), `time` (its place among the dialogue's)."""
    unlinked: tuple[str, ...]
    """Names that are not in the catalogue, sorted."""
    disliked: int
    """Left out as the seeker dislikes them."""


def read(folder: Path) -> Dataset:
    """The valid dialogues as a data set; its items are all films, whether a dialogue names them or not."""
    return assemble(
        "redial",
        read_log(folder, films := read_catalogue(folder)).log,
        items=films.table,
        clock="order",
        source=SOURCE,
    )


def read_catalogue(folder: Path) -> Catalogue:
    """The films of `id2info.json`. Raises InputError when it is not of the expected form."""
    names: dict[str, int] = {}
    rows: dict[str, int] = {}
    films: list[tuple[str, str, list[str]]] = []
    texts: list[str] = []
    try:
        for id, film in json.loads(read_bytes(folder, "redial/id2info.json")).items():
            name = _plain(film["name"])
            if name not in names:
                names[name] = len(films)
                films.append((id, name, film["genre"]))
                texts.append(_text(film["plot"], film["director"], film["star"]))
            rows[id] = names[name]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unexpected(folder, "redial/id2info.json", error) from None
    return Catalogue(film_table(films).with_columns(text=pl.Series(texts, dtype=pl.String)), names, rows)


def read_log(folder: Path, films: Catalogue) -> Linked:
    """Who takes what in `valid_data.jsonl`; films in the order in which the dialogue names them."""
    ids = films.table["id"].to_list()
    log: list[tuple[str, str, int]] = []
    unlinked: list[str] = []
    disliked = 0
    for dialogue in rows_of(folder, "redial/valid_data.jsonl"):
        try:
            taken: dict[int, None] = {}
            for id, name in _named(dialogue):
                row = films.row(id, name)
                if row is None:
                    unlinked.append(_plain(name or id))
                elif _dislikes(dialogue, id):
                    disliked += 1
                else:
                    taken[row] = None
            log += [(str(dialogue["conversationId"]), ids[row], place) for place, row in enumerate(taken)]
        except (KeyError, TypeError, AttributeError) as error:
            raise _unexpected(folder, "redial/valid_data.jsonl", error) from None
    table = pl.DataFrame(log, schema={"user": pl.String, "item": pl.String, "time": pl.Int64}, orient="row")
    return Linked(table, tuple(sorted(unlinked)), disliked)


def rows_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The objects of a file with one a line. Raises InputError with the number of a line that is none."""
    for number, line in enumerate(read_lines(folder, name), 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise InputError(f"{folder / name}: line {number} is not a JSON object")
        yield row


def _named(dialogue: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Ids and names of a dialogue's films in the order of their first mention, those without one last."""
    films = dict(dialogue["movieMentions"])
    said = [id for message in dialogue["messages"] for id in _FILM.findall(message["text"])]
    return [(id, films[id]) for id in dict.fromkeys([*said, *films]) if id in films]


def _dislikes(dialogue: dict[str, Any], id: str) -> bool:
    for questions in ("initiatorQuestions", "respondentQuestions"):
        answers = dict(dialogue[questions])
        if id in answers:
            return bool(answers[id]["liked"] == _DISLIKED)
    return False


def _text(plot: str, directors: Iterable[str], stars: Iterable[str]) -> str:
    parts = [plot.strip()]
    parts += [f"Directed by {', '.join(directors)}."] if directors else []
    parts += [f"With {', '.join(stars)}."] if stars else []
    return " ".join(part for part in parts if part)


def _plain(name: str) -> str:
    """A name as the catalogue writes it: single spaces, and no characters coded as in an address."""
    return " ".join(unquote(name).split())


def _unexpected(folder: Path, name: str, error: Exception) -> InputError:
    return InputError(f"{folder / name}: not in the expected form ({error!r})")
