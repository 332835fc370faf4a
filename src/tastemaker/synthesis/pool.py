"""The API pool: blocks of evolved APIs, checked, without near-duplicates, streamed to a JSON Lines file.

A block is some APIs of one domain from one seed, so it can be made again by itself, in any process. The pool
takes blocks domain by domain, round after round, until it has the wanted size; what enters is decided in that
order, so the same settings give the same file whatever the number of processes. While it is made the file is
called `<name>.part`; beside it `<name>.card.json` keeps the settings and at the end the statistics. A pool
that was interrupted is gone on with from its last whole block.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tastemaker.records import canonical
from tastemaker.runs import write_whole
from tastemaker.synthesis.api import Api, Lineage, api_id, fault, read_apis, shape
from tastemaker.synthesis.blocks import card_of, finished, spread
from tastemaker.synthesis.context_tree import ContextTree, Domain, default_tree, join_things
from tastemaker.synthesis.dedup import NearDuplicates, minhash, shingles
from tastemaker.synthesis.evolution import Block
from tastemaker.synthesis.speciation import AREA, leaf_types, originals, speciate, toolbox
from tastemaker.synthesis.statistics import statistics
from tastemaker.synthesis.value_types import ValueTypes
from tastemaker.synthesis.writer import Writer
from tastemaker.tools.importers import ApiDocument

_ROUNDS = 40
"""Rounds through all domains before the pool says that the tree yields no more."""
_POOR = 0.02
"""A round that adds less than this share of what it made ends the pool, too."""


class PoolConfig(BaseModel):
    """What a pool depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(default=30_000, ge=1, le=10_000_000)
    """APIs in the pool."""
    seed: int = 0
    """Of everything that is drawn."""
    near: float = Field(default=0.8, gt=0, le=1)
    """Estimated Jaccard similarity (see `dedup`) from which two APIs count as one."""
    written: int = Field(default=2, ge=0, le=50)
    """With a writer: APIs of each block that it is asked to write anew."""


Progress = Callable[[int, int], None]
"""Told the number of APIs so far and the number wanted."""


def build_pool(
    config: PoolConfig,
    out: Path,
    *,
    tree: ContextTree | None = None,
    documents: Sequence[ApiDocument] = (),
    writer: Writer | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make the pool, or go on with it, and return its card: settings, statistics, faults of the writer.

    `documents` add their own tools and the domains that they speak of. `workers`: processes, by default one a
    core. A finished pool of the same settings is left as it is. Raises InputError where `out` holds another.
    """
    tree = tree or default_tree()
    whole = tree.merge(_speciated(documents, tree.types, writer))
    settings = {
        "settings": config.model_dump(mode="json"),
        "tree": _digest(whole.as_table()),
        "documents": _digest([document.model_dump() for document in documents]),
        "writer": writer.name if writer else None,
    }
    card, part = card_of(out), out.with_name(out.name + ".part")
    if known := finished(out, settings, part):
        return known
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(card, json.dumps(settings, indent=1) + "\n")
    builder = _Builder(config, whole, part, writer, progress)
    own = originals([toolbox()], tree.types, "Recommending")
    builder.run(own + originals(documents, tree.types), workers)
    faults = writer.faults if writer else []
    whole_card = {**settings, "statistics": statistics(read_apis(part)), "faults": faults[:1000]}
    write_whole(card, json.dumps(whole_card, indent=1, ensure_ascii=False) + "\n")
    os.replace(part, out)
    return whole_card


class _Builder:
    """One pool in the making."""

    def __init__(
        self,
        config: PoolConfig,
        tree: ContextTree,
        part: Path,
        writer: Writer | None,
        progress: Progress | None,
    ) -> None:
        self._config, self._tree, self._part, self._writer = config, tree, part, writer
        self._progress = progress or (lambda done, wanted: None)
        self._shapes: set[bytes] = set()
        self._near = NearDuplicates(config.near)
        self._count = 0
        self._domains = list(tree.domains.values())
        self._length = max(8, -(-config.size * 6 // (10 * len(self._domains))))

    def run(self, first: list[Api], workers: int | None) -> None:
        start = self._resume()
        with self._part.open("a", encoding="utf-8") as file:
            if start == 0:
                self._take([_checked(api) for api in first], file.write)
                start = 1
            made = kept = 0
            for number, block in self._blocks(start, workers):
                before = self._count
                if self._writer:
                    block = block + asyncio.run(self._written(self._writer, number, block))
                self._take(block, file.write)
                file.flush()
                made, kept = made + len(block), kept + self._count - before
                if self._count >= self._config.size:
                    return
                if number % len(self._domains) == 0:
                    if kept < made * _POOR:
                        return
                    made = kept = 0

    def _take(self, block: Sequence[_Checked | None], write: Callable[[str], object]) -> None:
        """Write what is new of a block."""
        for candidate in block:
            if candidate is None or self._count >= self._config.size:
                continue
            line, key, hashes = candidate
            if key in self._shapes or not self._near.add(hashes):
                continue
            self._shapes.add(key)
            write(line + "\n")
            self._count += 1
        self._progress(self._count, self._config.size)

    def _blocks(self, start: int, workers: int | None) -> Iterator[tuple[int, list[_Checked | None]]]:
        """Numbers and APIs of the blocks from `start` on, in order; block 0 holds the documents' tools."""
        last = _ROUNDS * len(self._domains)
        jobs = (
            (number, self._domains[(number - 1) % len(self._domains)], self._length, self._config.seed)
            for number in range(start, last + 1)
        )
        blocks = spread(_work, jobs, workers, _set_types, (self._tree.types.named,))
        yield from zip(count(start), blocks, strict=False)

    async def _written(
        self, writer: Writer, number: int, block: Sequence[_Checked | None]
    ) -> list[_Checked | None]:
        """APIs that the writer makes from examples of the block, at the same time."""
        examples = [Api.model_validate_json(candidate[0]) for candidate in block if candidate][
            : self._config.written
        ]
        domain = self._domains[(number - 1) % len(self._domains)]
        answers = await asyncio.gather(*(writer.evolve(domain, example.spec) for example in examples))
        written: list[_Checked | None] = []
        for example, spec in zip(examples, answers, strict=True):
            if spec is None:
                continue
            types = dict(leaf_types(spec.parameters, "", domain.name, self._tree.types))
            returns = dict(leaf_types(spec.result, "", domain.name, self._tree.types))
            lineage = Lineage(origin=writer.name, parent=example.id, block=number)
            written.append(
                _checked(
                    example.model_copy(
                        update={
                            "id": api_id(spec),
                            "spec": spec,
                            "types": types,
                            "returns": returns,
                            "lineage": lineage,
                        }
                    )
                )
            )
        return written

    def _resume(self) -> int:
        """Take in what the file holds, cut off its last block, and say which block comes next."""
        if not self._part.exists():
            return 0
        apis: list[tuple[int, int]] = []
        with self._part.open("rb") as file:
            place = 0
            for line in file:
                if line.endswith(b"\n"):
                    apis.append((place, json.loads(line)["lineage"]["block"]))
                place += len(line)
        if not apis:
            self._part.unlink()
            return 0
        last = apis[-1][1]
        os.truncate(self._part, next(place for place, block in apis if block == last))
        for api in read_apis(self._part):
            _, key, hashes = _hashed(api)
            self._shapes.add(key)
            self._near.add(hashes)
            self._count += 1
        return last


_Checked = tuple[str, bytes, "NDArray[Any]"]
"""An API that passed its checks: its line, a hash of its shape, its minimum hashes."""

_types: ValueTypes | None = None


def _set_types(named: dict[str, Any]) -> None:
    global _types
    _types = ValueTypes(named)


def _work(job: tuple[int, Domain, int, int]) -> list[_Checked | None]:
    assert _types is not None
    number, domain, length, seed = job
    block = Block(domain, _types, f"{seed}/{number}/{domain.name}", number)
    return [_checked(api) for api in block.apis(length)]


def _checked(api: Api) -> _Checked | None:
    return None if fault(api.spec) else _hashed(api)


def _hashed(api: Api) -> _Checked:
    key = hashlib.blake2b(shape(api.spec).encode(), digest_size=12).digest()
    return api.model_dump_json(exclude_none=True), key, minhash(shingles(api.spec))


def _speciated(documents: Sequence[ApiDocument], types: ValueTypes, writer: Writer | None) -> ContextTree:
    """The documents' domains: the writer's things where it has any, with those that the rules find."""
    found = speciate(documents, types)
    if writer is None:
        return found
    domains = dict(found.domains)

    async def ask() -> list[Any]:
        return list(await asyncio.gather(*(writer.things(document, types) for document in documents)))

    for document, things in zip(documents, asyncio.run(ask()), strict=True):
        if things:
            name = next(iter(speciate([document], types).domains))
            old = domains[name]
            domains[name] = Domain(AREA, name, join_things((*old.things, *things)))
    return ContextTree(domains, types)


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
