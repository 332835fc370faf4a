"""A maker of dialogues for the tests of the pipeline: specimens, some of them spoiled, some twice.

Kinds: `good`; `broken` (its last message is missing, so the rule role-order rejects it); `twin` (one of three
dialogues, so that most are duplicates); `nothing` (the draw leads nowhere); `fault` (the maker itself fails).
"""

from __future__ import annotations

import random
from pathlib import Path

from tastemaker.config import Config
from tastemaker.records import Trajectory
from tastemaker.synthesis.api import read_apis
from tastemaker.synthesis.dialogues.generate import Maker
from tastemaker.synthesis.verification.specimens import specimens


class SmallConfig(Config):
    """Kinds in turn, and the seed of what is drawn."""

    seed: int = 0
    kinds: tuple[str, ...] = ("good", "broken", "good", "twin", "nothing")


def load(pool: Path, config: SmallConfig) -> Maker:
    domains = [api.domain for api in read_apis(pool)]

    def make(number: int) -> Trajectory | None:
        kind = config.kinds[number % len(config.kinds)]
        if kind == "nothing":
            return None
        if kind == "fault":
            raise ArithmeticError("the maker is broken")
        rng = random.Random(f"{config.seed}/{number}")
        (made,) = specimens(1, seed=rng.randrange(3) if kind == "twin" else rng.randrange(10**9))
        messages = made.messages[:-1] if kind == "broken" else made.messages
        inputs = {"kind": kind, "domain": domains[number % len(domains)]}
        task = made.task.model_copy(update={"id": f"small-{number}", "inputs": inputs})
        return made.model_copy(update={"id": task.id, "task": task, "messages": messages})

    return make
