"""Moments of ReDial's dialogues at which the recommender goes on to name films: what was said, which films.

The processed rows of iEvaLM (`redial_eval/`; Wang et al., EMNLP 2023) have one moment each. Of a row only
`context` is what was said before; `entity`, `rec`, `resp` and `template` belong to the reply or were made
from the source's own linking. `rec` gives the targets here, the others are not read. A target is a film that
is new: one whose name stands in the context already needs no recommending, and a row without a new one is
left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tastemaker.assets import CATALOGUE, locate
from tastemaker.data.readers import redial
from tastemaker.errors import InputError

Part = Literal["valid", "test"]
"""valid: the dialogues whose raw form is the data set `redial` · test: others."""


@dataclass(frozen=True)
class DialogueTurn:
    """A moment at which it is the recommender's turn."""

    id: str
    """The dialogue and the number of the turn: `20001/3`."""
    turns: tuple[str, ...]
    """What was said so far, oldest first: the seeker and the recommender in turn, the seeker last."""
    targets: tuple[int, ...]
    """Items of `redial` that the recommender names next, in ascending order."""

    @property
    def dialogue(self) -> str:
        """Id of the dialogue."""
        return self.id.partition("/")[0]


@dataclass(frozen=True)
class Census:
    """What a part consists of and what was left out."""

    dialogues: int
    """With at least one turn that is kept."""
    rows: int
    """In the file."""
    kept: int
    """Rows with a target."""
    named: int
    """Films that the replies of all rows name."""
    repeated: int
    """Of these, named in the context before."""
    unlinked: int
    """Of these, not in the catalogue."""
    targets: int
    """The rest."""


def dialogues(part: Part = "test", folder: Path | None = None) -> list[DialogueTurn]:
    """The turns of a part with their targets, in the file's order.

    `folder` has the files of the asset `redial`, which are looked for where assets are when it is None.
    Raises AssetError when they are nowhere, InputError when they are not of the expected form.
    """
    return _read(part, folder)[0]


def census(part: Part = "test", folder: Path | None = None) -> Census:
    """The counts behind `dialogues`, which takes the same arguments."""
    return _read(part, folder)[1]


def _read(part: Part, folder: Path | None) -> tuple[list[DialogueTurn], Census]:
    folder = locate(CATALOGUE["redial"]).folder if folder is None else folder
    films = redial.read_catalogue(folder)
    file = f"redial_eval/{part}_data_processed.jsonl"
    kept: list[DialogueTurn] = []
    rows = named = repeated = unlinked = 0
    for row in redial.rows_of(folder, file):
        rows += 1
        try:
            said = tuple(str(text) for text in row["context"])
            id = f"{row['dialog_id']}/{row['turn_id']}"
            names = [str(name) for name in row["rec"]]
        except (KeyError, TypeError) as error:
            raise InputError(f"{folder / file}: row {rows} is not of the expected form ({error!r})") from None
        turns = said[1:] if said[:1] == ("",) else said
        fresh = [name for name in names if not _stands_in(name, turns)]
        known = [films.names[name] for name in fresh if name in films.names]
        named, repeated = named + len(names), repeated + len(names) - len(fresh)
        unlinked += len(fresh) - len(known)
        if known:
            kept.append(DialogueTurn(id, turns, tuple(sorted(set(known)))))
    return kept, Census(
        dialogues=len({turn.dialogue for turn in kept}),
        rows=rows,
        kept=len(kept),
        named=named,
        repeated=repeated,
        unlinked=unlinked,
        targets=sum(len(turn.targets) for turn in kept),
    )


def _stands_in(name: str, turns: tuple[str, ...]) -> bool:
    """Whether a name stands in what was said, as words of their own."""
    words = rf"(?<!\w){re.escape(name)}(?!\w)"
    return any(name in text and re.search(words, text) for text in turns)
