"""What can be found out of sampled tokens afterwards: their exact log-probabilities, and where there was no
choice.

An engine that quantises says log-probabilities of the model that it made of the weights, not of the weights
that are trained. Here those weights say them, for whole dialogues at once, what they begin with in common
computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tastemaker.learning.credit import rollout_of
from tastemaker.learning.policy_rows import Dialogues, dialogue_of, read, rows
from tastemaker.llm.constraints import Constraints
from tastemaker.llm.grammar import call_schema
from tastemaker.records import Step, Trajectory

ROW_TOKENS = 2048
"""Tokens that go through the model at once: more takes more memory."""


def exact_log_probs(
    model: Any, trajectories: Sequence[Trajectory], *, row_tokens: int = ROW_TOKENS
) -> list[Trajectory]:
    """The trajectories with the log-probabilities of all sampled tokens by a model that `packing.load`
    loaded: natural, at temperature 1, without constraint. Those without sampled tokens stay as they are.
    Raises InputError where a prompt does not begin with what was read and sampled before it.
    """
    having = [n for n, one in enumerate(trajectories) if any(step.token_ids for step in one.steps)]
    if not having:
        return list(trajectories)
    rollouts = [rollout_of(trajectories[n]) for n in having]
    dialogues = Dialogues(
        [dialogue_of(_ids(trajectories[n]), one) for n, one in zip(having, rollouts, strict=True)],
        [tuple(turn.end - turn.start for turn in one.turns) for one in rollouts],
        [one.group for one in rollouts],
    )
    found = torch.full((sum(dialogues.tokens),), torch.nan)
    with torch.inference_mode():
        for row in rows(dialogues, range(len(having)), row_tokens):
            found[row.tokens] = read(model, row).log_probs.cpu()
    told = list(trajectories)
    for n, part in zip(having, found.split(dialogues.tokens), strict=True):
        told[n] = _with_log_probs(trajectories[n], part.tolist())
    return told


def forced(trajectory: Trajectory, constraints: Constraints) -> list[tuple[bool, ...]]:
    """For each step, which of its tokens were the only ones that the tools' schemas allowed. Found by the
    grammar of the torch back end; OpenVINO's allows a little more in numbers and lengths.
    """
    schema = call_schema([(tool.name, tool.parameters) for tool in trajectory.tools])
    return [constraints.forced(step.token_ids, schema, or_text=True) for step in trajectory.steps]


def _ids(trajectory: Trajectory) -> tuple[int, ...]:
    last = next(step for step in reversed(trajectory.steps) if step.token_ids)
    return last.prompt_ids + last.token_ids


def _with_log_probs(trajectory: Trajectory, log_probs: list[float]) -> Trajectory:
    steps: list[Step] = []
    start = 0
    for step in trajectory.steps:
        end = start + len(step.token_ids)
        steps.append(step.model_copy(update={"log_probs": tuple(log_probs[start:end])}))
        start = end
    return trajectory.model_copy(update={"steps": tuple(steps)})
