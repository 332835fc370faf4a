"""The pipeline of dialogues: made in blocks by all cores, verified, without duplicates, streamed to a file.

A dialogue is a function of settings, pool and its number alone. Blocks of numbers go to processes or to a
cluster and are taken in order until the set has its size, so the file is the same for any number of workers.
While it is made it is called `<name>.part`, and `<name>.journal` keeps how much of it each block has written:
a set that was cut is gone on with from there. What the rules reject goes with its reasons to
`<name>.rejected.jsonl`; beside the set stands its card.

Knows nothing of what a dialogue is about: a maker makes it, such as `scenes`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from pydantic import Field

import tastemaker
from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.records import Provenance, Trajectory, canonical, parse_line, read_jsonl
from tastemaker.runs import write_whole
from tastemaker.synthesis.api import read_apis
from tastemaker.synthesis.blocks import card_of, fingerprint, finished, spread
from tastemaker.synthesis.dialogues.card import LICENCE, Facts, Statistics, facts, rejections, write_card
from tastemaker.synthesis.dialogues.files import write_parquet
from tastemaker.synthesis.verification.rules import rejection, verify
from tastemaker.synthesis.verification.sample import Fault

if TYPE_CHECKING:
    from tastemaker.synthesis.dialogues.scenes import SceneConfig

BLOCK: Final = 200
"""Numbers in a block."""
_RECENT = 20
_POOR = 0.01
"""A set ends early where fewer than this share of the last `_RECENT` blocks' dialogues were new and good."""


class DialogueConfig(Config):
    """What a set of dialogues depends on, besides its pool and the settings of its maker."""

    size: int = Field(default=20_000, ge=1, le=100_000_000)
    """Dialogues in the set."""
    verify: bool = True
    """Leave out what the rules reject."""


Maker = Callable[[int], Trajectory | None]
"""The dialogue of a number, always the same; None where the draw leads nowhere."""
Loader = Callable[[Path, Any], Maker]
"""`load(pool, scenes)`: the maker by the settings of its own, called once in each process."""
Progress = Callable[[int, int], None]
"""Told the number of dialogues so far and the number wanted."""


def load_scenes(pool: Path, scenes: SceneConfig) -> Maker:
    """The maker of blueprints' dialogues."""
    from tastemaker.synthesis.dialogues.scenes import Scenes

    return Scenes(list(read_apis(pool)), scenes).dialogue


class Rewriter(Protocol):
    """A model that says dialogues in its own words, such as `roles.Roles`."""

    @property
    def name(self) -> str: ...

    @property
    def config(self) -> Config: ...

    async def rewrite(self, sample: Trajectory, /) -> Trajectory:
        """Asked for a block at once: it limits itself. A dialogue that it fails with stays as it is."""
        ...


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to make blocks."""

    load: Loader
    pool: Path
    scenes: Config
    config: DialogueConfig
    provenance: Provenance


class Made(NamedTuple):
    """A dialogue as a line of JSON, or as a line about its rejection."""

    line: str
    id: str
    key: bytes
    """Hash of the user's words and the calls; empty for a rejected one."""
    facts: Facts | None
    """For the card; None for a rejected one."""


class Workshop:
    """Makes blocks by a recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self._make = recipe.load(recipe.pool, recipe.scenes)
        self._by_rules = recipe.config.verify
        self._origin = recipe.provenance.model_dump(exclude_defaults=True)

    def block(self, number: int) -> list[Made]:
        """The dialogues of a block, in the order of their numbers; a draw that led nowhere is left out."""
        made = (self._dialogue(i) for i in range(number * BLOCK, (number + 1) * BLOCK))
        return [judged(dialogue, self._by_rules) for dialogue in made if dialogue is not None]

    def _dialogue(self, number: int) -> Trajectory | None:
        try:
            made = self._make(number)
        except Exception as error:
            error.add_note(f"while making dialogue {number}")
            raise
        if made is None:
            return None
        return made.model_copy(update={"provenance": made.provenance.model_copy(update=self._origin)})


def judged(dialogue: Trajectory, by_rules: bool) -> Made:
    """The dialogue as it goes to the set, or to the rejected ones with the rules' reasons."""
    if by_rules and not (verdict := verify(dialogue)).accepted:
        return Made(rejected_line(dialogue, verdict.faults), dialogue.id, b"", None)
    return Made(dialogue.model_dump_json(), dialogue.id, _key(dialogue), facts(dialogue))


def rejected_line(dialogue: Trajectory, faults: Sequence[Fault]) -> str:
    """One line of JSON: `id`, `faults` and the dialogue as `sample`."""
    return f'{rejection(dialogue.id, faults)[:-1]}, "sample": {dialogue.model_dump_json()}}}'


def _key(dialogue: Trajectory) -> bytes:
    said = [message.text for message in dialogue.messages if message.role == "user"]
    calls = [(call.name, call.arguments) for message in dialogue.messages for call in message.calls]
    return hashlib.blake2b(canonical([said, calls]).encode(), digest_size=12).digest()


_workshop: Workshop | None = None


def _open(recipe: Recipe) -> None:
    global _workshop
    _workshop = Workshop(recipe)


def _block(number: int) -> list[Made]:
    assert _workshop is not None
    return _workshop.block(number)


def build_dialogues(
    config: DialogueConfig,
    scenes: Config,
    pool: Path,
    out: Path,
    *,
    load: Loader,
    rewriter: Rewriter | None = None,
    workers: int | Literal["ray"] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make the set, or go on with it, and return its card; `out` is JSON Lines, or Parquet by its suffix.

    `load` makes the maker by the settings `scenes`; it must be importable by name. `workers`: processes, by
    default one a core, or `ray` for a cluster. A finished set of the same settings is left as it is. Raises
    InputError where `out` holds something else, where the pool is none, and where no dialogue comes of it.
    """
    settings = {
        "settings": {**config.model_dump(mode="json"), **scenes.model_dump(mode="json")},
        "pool": fingerprint(pool),
        "model": rewriter.name if rewriter else "none",
        "roles": rewriter.config.model_dump(mode="json") if rewriter else None,
        "code version": tastemaker.__version__,
    }
    draft = _Draft(out)
    known = finished(out, settings, draft.part, draft.rejected)
    if known:
        draft.journal.unlink(missing_ok=True)
        return known
    if next(read_apis(pool), None) is None:
        raise InputError(f"{pool} holds no API; make a pool with `tastemaker synthesize apis`")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(card_of(out), json.dumps(settings, indent=1) + "\n")
    start = draft.resume()
    tell = progress or (lambda done, wanted: None)
    tell(draft.kept, config.size)
    if not draft.ends(config.size):
        origin = Provenance(
            dataset=f"pool {settings['pool']}", model="none", code_version=tastemaker.__version__
        )
        recipe = Recipe(load, pool, scenes, config, origin)
        with asyncio.Runner() as runner:
            for number, block in zip(count(start), _blocks(recipe, start, workers), strict=False):
                if rewriter:
                    block = runner.run(_rewritten(block, rewriter, config))
                draft.take(number, block, config.size)
                tell(draft.kept, config.size)
                if draft.ends(config.size):
                    break
    if not draft.kept:
        raise InputError(f"no dialogue was kept of {draft.blocks * BLOCK}: {draft.rejected} says why")
    rejected = rejections(draft.rejected)
    card = {
        **settings,
        "licence": LICENCE if rewriter is None else f"{LICENCE} Words by {rewriter.name}: its terms hold.",
        "drawn": draft.blocks * BLOCK,
        "rejected": rejected,
        "statistics": draft.statistics.summary(),
    }
    write_card(out, card)
    if out.suffix == ".parquet":
        write_parquet(out, read_jsonl(draft.part))
        draft.part.unlink()
    else:
        os.replace(draft.part, out)
    draft.journal.unlink()
    return card


def _blocks(recipe: Recipe, start: int, workers: int | Literal["ray"] | None) -> Iterator[list[Made]]:
    if workers == "ray":
        from tastemaker.synthesis.dialogues.cluster import ray_blocks

        return ray_blocks(recipe, count(start))
    return spread(_block, count(start), workers, _open, (recipe,))


async def _rewritten(block: Sequence[Made], rewriter: Rewriter, config: DialogueConfig) -> list[Made]:
    """The block with its good dialogues in the model's words, judged again."""

    async def said(made: Made) -> Made:
        return judged(await rewriter.rewrite(parse_line(made.line)), config.verify) if made.facts else made

    return list(await asyncio.gather(*map(said, block)))


class _Draft:
    """The files of a set in the making."""

    def __init__(self, out: Path) -> None:
        self.part = out.with_name(out.name + ".part")
        self.rejected = out.with_name(out.name + ".rejected.jsonl")
        self.journal = out.with_name(out.name + ".journal")
        self.statistics = Statistics()
        self._keys: set[bytes] = set()
        self._counts = [0]
        """Dialogues kept after each block, 0 before the first."""

    @property
    def kept(self) -> int:
        return self._counts[-1]

    @property
    def blocks(self) -> int:
        return len(self._counts) - 1

    def ends(self, size: int) -> bool:
        """Whether the set has its size, or hardly anything new comes."""
        if self.kept >= size:
            return True
        recent = self._counts[-_RECENT - 1 :]
        return len(recent) > _RECENT and recent[-1] - recent[0] < _POOR * _RECENT * BLOCK

    def take(self, number: int, block: Sequence[Made], size: int) -> None:
        """Write what is new and good of a block, and why the rest is not."""
        kept: list[str] = []
        rejected: list[str] = []
        for line, id, key, of_card in block:
            if self.kept + len(kept) >= size:
                break
            if of_card is None:
                rejected.append(line)
            elif key in self._keys:
                fault = Fault("duplicate", "messages", "an earlier dialogue has the same words and calls")
                rejected.append(rejection(id, [fault]))
            else:
                self._keys.add(key)
                self.statistics.add(of_card)
                kept.append(line)
        self._counts.append(self.kept + len(kept))
        entry = {
            "block": number,
            "kept": self.kept,
            "bytes": _append(self.part, kept),
            "rejected bytes": _append(self.rejected, rejected),
        }
        _append(self.journal, [json.dumps(entry)])

    def resume(self) -> int:
        """Cut the files off after the last block that is whole in all of them, and say which one is next."""
        for path in (self.part, self.rejected, self.journal):
            path.touch()
        whole: dict[str, int] = {"bytes": 0, "rejected bytes": 0}
        journal = 0
        sizes = self.part.stat().st_size, self.rejected.stat().st_size
        for line in self.journal.read_bytes().splitlines(keepends=True):
            entry = json.loads(line) if line.endswith(b"\n") else None
            if entry is None or entry["bytes"] > sizes[0] or entry["rejected bytes"] > sizes[1]:
                break
            whole, journal = entry, journal + len(line)
            self._counts.append(entry["kept"])
        for path, size in (
            (self.part, whole["bytes"]),
            (self.rejected, whole["rejected bytes"]),
            (self.journal, journal),
        ):
            os.truncate(path, size)
        for dialogue in read_jsonl(self.part):
            self._keys.add(_key(dialogue))
            self.statistics.add(facts(dialogue))
        return self.blocks


def _append(path: Path, lines: Sequence[str]) -> int:
    """Append lines; the size of the file with them."""
    with path.open("ab") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
        return file.tell()
