"""The rule layer timed beside the plain way of doing the same, and tried on conversations from outside.

The plain way checks every definition and every call with jsonschema, as it comes; all else is the same. Both
must come to the same verdict. Times are of the processor.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema

from tastemaker.errors import TastemakerError
from tastemaker.records import Trajectory
from tastemaker.synthesis.verification.conversations import read_conversations
from tastemaker.synthesis.verification.definition import closed
from tastemaker.synthesis.verification.mutations import measure
from tastemaker.synthesis.verification.rules import RULES, verify
from tastemaker.synthesis.verification.sample import Sample
from tastemaker.synthesis.verification.specimens import specimens

SPECIMENS = 600
"""Good dialogues that are timed, and that defects are planted into."""
_PLAIN = 60
"""Of them, those that the plain way is timed with."""
_SECONDS = 1.0
"""How long is timed, at least."""

_BY_SCHEMA = ("schema-valid", "required-arguments", "argument-values")
_OTHERS = [rule for rule in RULES if rule.name not in _BY_SCHEMA]

Row = dict[str, Any]


def speed(what: str, samples: Sequence[Trajectory]) -> Row:
    """Dialogues per cpu-second of ours and of the plain way. Raises TastemakerError when they disagree."""
    few = samples[:_PLAIN]
    for sample in few:
        ours, plain = verify(sample).accepted, plainly_accepted(sample)
        if ours != plain:
            raise TastemakerError(f"the two ways to verify {sample.id} disagree: {ours} and {plain}")
    fast, slow = _rate(lambda sample: verify(sample).accepted, samples), _rate(plainly_accepted, few)
    return {
        "what": what,
        "size": len(samples),
        "ours_per_cpu_second": fast,
        "reference_per_cpu_second": slow,
        "ratio": fast / slow,
    }


def found(source: str, samples: Sequence[Trajectory], seed: int = 0) -> Iterator[Row]:
    """What each rule finds of defects planted into `samples`; see `mutations.measure`."""
    for row in measure(samples, seed):
        yield {"what": f"rule {row.pop('rule')}, {source}", **row}


def acceptance(path: Path) -> tuple[list[Row], list[Trajectory]]:
    """A row for the conversations of a file as they are and one for them mended, with how many the rules
    accept and which rules reject the others; and the accepted mended ones.
    """
    rows: list[Row] = []
    kept: list[Trajectory] = []
    for mend in (False, True):
        reasons: Counter[str] = Counter()
        kept, total = [], 0
        for _, read in read_conversations(path, mend=mend):
            total += 1
            if isinstance(read, str):
                reasons["unreadable"] += 1
                continue
            verdict = verify(read)
            if verdict.accepted:
                kept.append(read)
            reasons.update({fault.rule for fault in verdict.faults})
        rows.append(
            {
                "what": f"conversations, {'mended' if mend else 'as converted'}",
                "size": total,
                "accepted": len(kept),
                "accepted share": len(kept) / total if total else None,
                "rejected by": dict(reasons.most_common()),
            }
        )
    return rows, kept


def plainly_accepted(trajectory: Trajectory) -> bool:
    """The verdict of the rules with jsonschema in the place of compiled definitions."""
    specs = {spec.name: spec for spec in trajectory.tools}
    try:
        for spec in trajectory.tools:
            for schema in filter(None, (spec.parameters, spec.result)):
                jsonschema.Draft202012Validator.check_schema(schema)
        for message in trajectory.messages:
            for call in message.calls:
                if call.name in specs:
                    jsonschema.validate(
                        call.arguments,
                        closed(specs[call.name].parameters),
                        cls=jsonschema.Draft202012Validator,
                        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
                    )
    except (jsonschema.SchemaError, jsonschema.ValidationError):
        return False
    sample = Sample(trajectory)
    return not any(rule.check(sample) for rule in _OTHERS)


def good(n: int = SPECIMENS, seed: int = 0) -> list[Trajectory]:
    """The specimens that are timed."""
    return list(specimens(n, seed))


def _rate(check: Callable[[Trajectory], bool], samples: Sequence[Trajectory]) -> float:
    """Samples per cpu-second, the first pass included, in which definitions are compiled."""
    done, started = 0, time.process_time()
    while (spent := time.process_time() - started) < _SECONDS:
        for sample in samples:
            check(sample)
        done += len(samples)
    return done / spent
