"""A set of dialogues whose complexity lies in the band of the model to be tuned: the self-guided loop over a
pool (ToolACE, arXiv 2409.00920, section 3.2).

The band is estimated once, from a prior set, and kept beside the set. Batches depend on the seed and their
number alone, and are written whole, so a set that was interrupted goes on to the same file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from pydantic import Field

from tastemaker.config import Config
from tastemaker.records import Trajectory, write_jsonl
from tastemaker.runs import write_whole
from tastemaker.synthesis.blocks import card_of, finished
from tastemaker.synthesis.complexity.guidance import Band, Guided, Knobs, Make, guide
from tastemaker.synthesis.complexity.loss import Evaluate
from tastemaker.synthesis.dialogues.card import statistics, write_card
from tastemaker.synthesis.dialogues.files import readable
from tastemaker.synthesis.verification.rules import verify


class GuidedConfig(Config):
    """What a guided set depends on, besides its pool."""

    model: str
    """The model to be tuned, whose loss is the measure."""
    tuned: str | None = None
    """That model after a little tuning: what stays hard for it bounds the band from above."""
    size: int = Field(default=500, ge=1)
    """Dialogues in the set."""
    prior: int = Field(default=60, ge=5)
    """Dialogues that the band is estimated from."""
    batch: int = Field(default=32, ge=1)
    """Scenes that are evaluated at once."""
    rounds: int = Field(default=3, ge=0)
    """Times that a scene is made harder or easier at most."""
    seed: int = 0
    """Of everything that is drawn."""


def prior_set(config: GuidedConfig, make: Make) -> list[Trajectory]:
    """Scenes at all settings of the knobs."""
    rng = Random(f"{config.seed}/prior")
    return [make(_knobs(rng), Random(f"{config.seed}/prior/{number}")) for number in range(config.prior)]


def build_guided(
    config: GuidedConfig,
    pool: str,
    make: Make,
    evaluate: Evaluate,
    band: Callable[[], Band],
    out: Path,
    progress: Callable[[int, int], None] = lambda done, wanted: None,
) -> dict[str, Any]:
    """Make the set, or go on with it, and return its card. `pool` is the pool's fingerprint; `band` is called
    once, for a set that has none yet. Raises InputError where `out` holds something else.
    """
    part, band_file = out.with_name(out.name + ".part"), out.with_name(out.name + ".band.json")
    settings = {"settings": config.model_dump(mode="json"), "pool": pool}
    if known := finished(out, settings, part, band_file):
        return known
    if band_file.exists():
        limits = Band(**json.loads(band_file.read_text(encoding="utf-8")))
    else:
        write_whole(card_of(out), json.dumps(settings, indent=1) + "\n")
        limits = band()
        write_whole(band_file, json.dumps({"low": limits.low, "high": limits.high, "why": limits.why}))
    done = _cut(part, config.batch)
    for number in count(done // config.batch):
        progress(min(done, config.size), config.size)
        if done >= config.size:
            break
        rng = Random(f"{config.seed}/{number}")
        starts = [_knobs(rng) for _ in range(config.batch)]
        guided = guide(make, evaluate, limits, starts, rng, config.rounds)
        write_jsonl(part, [_told(one, done + place) for place, one in enumerate(guided)])
        done += config.batch
    good = [one for one in readable(part) if verify(one).accepted][: config.size]
    part.unlink()
    write_jsonl(part, good)
    os.replace(part, out)
    inside = [bool(one.task.inputs["inside"]) for one in good]
    card = {
        **settings,
        "band": json.loads(band_file.read_text(encoding="utf-8")),
        "in the band": sum(inside) / max(1, len(inside)),
        "statistics": statistics(good),
    }
    write_card(out, card)
    band_file.unlink()
    return card


def _knobs(rng: Random) -> Knobs:
    return Knobs(rng.randint(1, 6), rng.choice((1, 1, 2, 3)), rng.choice((0.0, 0.25, 0.5, 0.75, 1.0)))


def _told(guided: Guided, number: int) -> Trajectory:
    sample = guided.sample
    knobs = {
        "candidates": guided.knobs.candidates,
        "used": guided.knobs.used,
        "distance": guided.knobs.distance,
    }
    told = {"loss": guided.loss, "knobs": knobs, "rounds": guided.rounds, "inside": guided.inside}
    name = f"guided-{number}"
    return sample.model_copy(
        update={
            "id": name,
            "task": sample.task.model_copy(update={"id": name, "inputs": {**sample.task.inputs, **told}}),
        }
    )


def _cut(part: Path, batch: int) -> int:
    """Leave whole batches in the file, and say how many dialogues they are."""
    part.touch()
    lines = [line for line in part.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    whole = len(lines) - len(lines) % batch
    os.truncate(part, sum(map(len, lines[:whole])))
    return whole
