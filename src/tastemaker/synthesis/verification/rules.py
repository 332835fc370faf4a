"""The rule layer: fourteen certain checks of a sample, and the verdict that they come to.

The rules are those of ToolACE's dual-layer verification (arXiv 2409.00920, table of rules): clarity of the
definitions, executability of the calls, correctness of the dialogue, consistency of the sample. A rule looks
at its own defect alone; what another rule finds is not its business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tastemaker.records import Trajectory
from tastemaker.synthesis.verification import consistency, dialogue, execution
from tastemaker.synthesis.verification.sample import Fault, Rule, Sample, Verdict

RULES: Final[tuple[Rule, ...]] = (
    Rule("schema-valid", "definition clarity", execution.schema_valid),
    Rule("definition-complete", "definition clarity", execution.definition_complete),
    Rule("known-name", "call executability", execution.known_name),
    Rule("required-arguments", "call executability", execution.required_arguments),
    Rule("argument-values", "call executability", execution.argument_values),
    Rule("dialogue-fields", "dialogue correctness", dialogue.fields),
    Rule("response-length", "dialogue correctness", dialogue.length),
    Rule("valid-characters", "dialogue correctness", dialogue.characters),
    Rule("one-language", "dialogue correctness", dialogue.language),
    Rule("response-complete", "dialogue correctness", dialogue.complete),
    Rule("response-names", "sample consistency", consistency.response_names),
    Rule("prompt-format", "sample consistency", consistency.prompt_format),
    Rule("role-order", "sample consistency", consistency.role_order),
    Rule("response-follows-call", "sample consistency", consistency.response_follows_call),
)


def verify(trajectory: Trajectory) -> Verdict:
    """All faults of all rules; a sample without any is accepted."""
    sample = Sample(trajectory)
    faults = tuple(fault for rule in RULES for fault in rule.check(sample))
    return Verdict(not faults, faults)


def accepted(trajectories: Iterable[Trajectory], rejected: Path) -> Iterator[Trajectory]:
    """Those that the rules accept, in their order. The others' ids and faults are appended to the JSON Lines
    file `rejected`, a line a sample: `{"id": …, "faults": [{"rule", "where", "why"}, …]}`.
    """
    with rejected.open("a", encoding="utf-8") as file:
        for trajectory in trajectories:
            verdict = verify(trajectory)
            if verdict.accepted:
                yield trajectory
            else:
                file.write(rejection(trajectory.id, verdict.faults) + "\n")
                file.flush()


def rejection(id: str, faults: Iterable[Fault]) -> str:
    """One line of `rejected.jsonl`."""
    return json.dumps({"id": id, "faults": [fault._asdict() for fault in faults]}, ensure_ascii=True)
