"""Adaptation and evolution: APIs from sub-trees of the context tree, and new APIs from those there are
(ToolACE, arXiv 2409.00920, section 2.1), by rules that need no model.

Adaptation samples a thing, a verb and some attributes, so that each API's functionality is its own.
Evolution takes an example from the buffer and applies some of the diversity indicators (see `indicators`).
Everything is drawn from one `random.Random`, so a block of APIs can be made again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tastemaker.synthesis.api import Api, Lineage, api_id
from tastemaker.synthesis.context_tree import Domain
from tastemaker.synthesis.functions import apply, word
from tastemaker.synthesis.indicators import INDICATORS, WEIGHTS
from tastemaker.synthesis.sheet import Sheet
from tastemaker.synthesis.value_types import ValueTypes

_STYLES = ("snake", "camel", "dotted", "title", "pascal")
_SHARES = (50, 18, 16, 12, 4)
"""How often names are written in each style."""
_EVOLVED = 0.6
"""Share of a block's APIs that evolve from an example; the rest are adaptations."""
_TRIES = 4
"""Draws for one API before the block goes on without it."""


@dataclass
class Block:
    """APIs of one domain from one seed; the unit in which a pool is made."""

    domain: Domain
    types: ValueTypes
    seed: str
    number: int = 0
    buffer: list[tuple[str, Sheet]] = field(default_factory=list)
    """Identifiers and sheets of the examples so far."""

    def apis(self, count: int) -> Iterator[Api]:
        """Up to `count` APIs; the same ones for the same seed."""
        rng = random.Random(self.seed)
        seen: set[tuple[Any, ...]] = set()
        for _ in range(count):
            for _ in range(_TRIES):
                parent = rng.choice(self.buffer) if self.buffer and rng.random() < _EVOLVED else None
                sheet = evolve(parent[1], rng) if parent else adapt(self.domain, self.types, rng)
                if sheet is None:
                    continue
                functionality = (sheet.noun, sheet.verb, *sorted(sheet.parameters))
                if functionality in seen and not sheet.steps:
                    continue
                seen.add(functionality)
                api = self._api(sheet, parent[0] if parent else None)
                self.buffer.append((api.id, sheet))
                yield api
                break

    def _api(self, sheet: Sheet, parent: str | None) -> Api:
        spec, types, returns = sheet.finish()
        return Api(
            id=api_id(spec),
            spec=spec,
            area=self.domain.area,
            domain=self.domain.name,
            path=(sheet.noun, sheet.verb),
            types=types,
            returns=returns,
            lineage=Lineage(parent=parent, steps=tuple(sheet.steps), block=self.number),
        )


def adapt(domain: Domain, types: ValueTypes, rng: random.Random) -> Sheet | None:
    """An API of a sampled sub-tree; None where the verb does not fit the thing."""
    thing = rng.choices(domain.things, [len(t.verbs) ** 0.5 for t in domain.things])[0]
    attributes = list(thing.attributes)
    if not thing.outputs:
        rest = attributes[1:]
        rng.shuffle(rest)
        kept = rest[: rng.randint(min(2, len(rest)), len(rest))]
        attributes = [attributes[0], *kept]
        if rng.random() < 0.5:
            rng.shuffle(attributes)
    sheet = Sheet(rng, types, domain, thing, rng.choice(thing.verbs), attributes)
    sheet.style = rng.choices(_STYLES, _SHARES)[0]
    return sheet if apply(sheet) else None


def evolve(example: Sheet, rng: random.Random) -> Sheet | None:
    """A new API from an example: one to three diversity indicators; None where none applied."""
    if len(example.steps) >= 6:
        return None
    sheet = example.copy()
    sheet.rng = rng
    before = len(sheet.steps)
    for step in rng.choices(INDICATORS, [WEIGHTS[step.__name__] for step in INDICATORS], k=rng.randint(1, 3)):
        if step(sheet):
            sheet.steps.append(step.__name__)
    if len(sheet.steps) == before or len(sheet.parameters) > 9:
        return None
    word(sheet)
    sheet.style = rng.choices(_STYLES, _SHARES)[0]
    return sheet
