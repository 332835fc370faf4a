"""The rules, and where asked the experts without a model, over a whole file of dialogues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tastemaker.records import Trajectory
from tastemaker.synthesis.dialogues.files import Form, read, write
from tastemaker.synthesis.dialogues.generate import rejected_line
from tastemaker.synthesis.verification.experts import suspect
from tastemaker.synthesis.verification.rules import RULES, rejection, verify
from tastemaker.synthesis.verification.sample import Fault, Sample

SURE = 0.5
"""Confidence from which an expert's suspicion rejects a dialogue."""


@dataclass
class Checked:
    """What came of a file."""

    dialogues: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Dialogues by the rule or expert that rejects them; some are rejected by several."""
    first: dict[str, str] = field(default_factory=dict)
    """Of each rule: the first that it rejected, where and why."""

    def rows(self) -> list[dict[str, Any]]:
        """A row for each rule, and for each expert that found anything."""
        aspects = {rule.name: rule.aspect for rule in RULES}
        names = [*aspects, *(name for name in self.rejected if name not in aspects)]
        return [
            {
                "rule": name,
                "aspect": aspects.get(name, "reading" if name == "unreadable" else "expert"),
                "rejected": self.rejected[name],
                "first": self.first.get(name, ""),
            }
            for name in names
        ]


def check(
    path: Path,
    out: Path | None = None,
    *,
    form: Form | None = None,
    mend: bool = False,
    experts: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Checked:
    """Judge all dialogues of a file; the accepted ones are written to `out`, the others with their reasons to
    `<out>.rejected.jsonl`, both whole or not at all.

    Raises InputError when the file is not one of dialogues.
    """
    found = Checked()
    rejected = out.with_name(out.name + ".rejected.jsonl") if out else None
    unfinished = rejected.with_name("." + rejected.name) if rejected else None
    try:
        with unfinished.open("w", encoding="utf-8") if unfinished else nullcontext() as file:
            good = _accepted(read(path, form=form, mend=mend), found, experts, file, progress)
            if out:
                write(out, good)
            else:
                for _ in good:
                    pass
        if unfinished and rejected:
            unfinished.replace(rejected)
    finally:
        if unfinished:
            unfinished.unlink(missing_ok=True)
    return found


def _accepted(
    dialogues: Iterator[tuple[str, Trajectory | str]],
    found: Checked,
    experts: bool,
    rejected: Any,
    progress: Callable[[int], None] | None,
) -> Iterator[Trajectory]:
    for id, dialogue in dialogues:
        found.dialogues += 1
        faults = _faults(dialogue, experts)
        if not faults and not isinstance(dialogue, str):
            found.accepted += 1
            yield dialogue
        found.rejected.update({fault.rule for fault in faults})
        for fault in faults:
            found.first.setdefault(fault.rule, f"{id} {fault.where}: {fault.why}")
        if faults and rejected is not None:
            told = rejection(id, faults) if isinstance(dialogue, str) else rejected_line(dialogue, faults)
            rejected.write(told + "\n")
        if progress and found.dialogues % 100 == 0:
            progress(found.dialogues)


def _faults(dialogue: Trajectory | str, experts: bool) -> list[Fault]:
    if isinstance(dialogue, str):
        return [Fault("unreadable", "dialogue", dialogue)]
    faults = list(verify(dialogue).faults)
    if experts:
        for expert, where, why, confidence in suspect(Sample(dialogue)):
            if confidence >= SURE:
                faults.append(Fault(expert, where, f"{why} (confidence {confidence:.2f})"))
    return faults
