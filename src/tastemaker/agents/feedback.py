"""What answers and reflections were worth, as rewards on the steps that gave them: what a role learns from.

MACRec's rewards (arXiv 2402.15235). An answer a to a rating r is worth −(r − a)²; a ranking 1 / rank of the
label, 0 where it is not in it. A Reflector's verdict is worth how much better the team's answer became by
it: 0 where it was content, or where the team kept the earlier answer as the later trial gave none. Output
that cannot be used is worth −16. Runs that were cut off by a limit or a model that was down get no reward.
Knows nothing of how a role is trained.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tastemaker.agents.tasks import TaskSet
from tastemaker.agents.team import TeamRun
from tastemaker.errors import InputError
from tastemaker.records import Json, Trajectory, write_jsonl

INVALID = -16.0
"""What output that cannot be used is worth, and no answer at all."""

Label = str | float | tuple[str, ...]
"""As in `tasks.Labelled`; of several ids the one that is ranked best counts."""

_TRIAL = re.compile(r"/trial(\d+)$")


def with_feedback(run: TeamRun, label: Label) -> TeamRun:
    """The run with rewards on the last steps of the Manager's trials (`answer`, or `invalid`) and of the
    Reflector's verdicts (`reflection`, or `invalid`).

    Raises InputError for an explanation, of which no reward is known, and where the trials of a run do not
    say in which order they were made.
    """
    made = trials(run)
    worth = [_answer_worth(trial, label) for trial in made]
    held = _held(made, worth)
    rewards: dict[str, tuple[str, float]] = {}
    for trial, value in zip(made, worth, strict=True):
        if trial.outcome.kind in ("answered", "invalid"):
            rewards[trial.id] = ("answer" if trial.outcome.kind == "answered" else "invalid", value)
    verdicts = [t for t in run.trajectories if t.task.kind == "verdict"]
    for place, verdict in enumerate(verdicts):
        if verdict.outcome.kind == "invalid":
            rewards[verdict.id] = ("invalid", INVALID)
        elif verdict.outcome.kind == "answered":
            rewards[verdict.id] = ("reflection", held[min(place + 1, len(held) - 1)] - held[place])
    return replace(run, trajectories=tuple(_rewarded(t, rewards.get(t.id)) for t in run.trajectories))


def trials(run: TeamRun) -> list[Trajectory]:
    """The Manager's trials in the order in which they were made.

    Those that another took the place of say which they were at the end of their id (`/trial1`); the root is
    the one that is missing. Raises InputError when they do not.
    """
    root = run.root
    others = [t for t in run.trajectories[1:] if t.task.id == root.task.id]
    numbers = [int(found[1]) if (found := _TRIAL.search(t.id)) else 0 for t in others]
    missing = set(range(1, len(others) + 2)) - set(numbers)
    if len(missing) != 1:
        raise InputError(f"{root.id}: its trials do not say in which order they were made; run it again")
    numbered = {**dict(zip(numbers, others, strict=True)), missing.pop(): root}
    return [numbered[number] for number in sorted(numbered)]


def export(runs: Mapping[str, TeamRun], tasks: TaskSet, path: Path) -> int:
    """Write the rewarded trajectories of the tasks' runs as JSON Lines, in place of what stands there, those
    of one run together and the Manager's last; returns how many.

    `runs` holds each request of `tasks` by id. Raises InputError when one is missing, and as `with_feedback`.
    """
    labels = tasks.labels
    if missing := [id for id in labels if id not in runs]:
        raise InputError(f"{len(missing)} requests have no run yet, such as {missing[0]}")
    rewarded = [with_feedback(runs[id], label) for id, label in labels.items()]
    lines = [t for run in rewarded for t in (*run.trajectories[1:], run.root)]
    temporary = path.with_name(path.name + ".tmp")
    temporary.unlink(missing_ok=True)
    write_jsonl(temporary, lines)
    temporary.replace(path)
    return len(lines)


def _held(made: list[Trajectory], worth: list[float]) -> list[float]:
    """What the answer that the team held after each trial was worth: the latest valid one's, as in
    `team`."""
    held: list[float] = []
    for trial, value in zip(made, worth, strict=True):
        held.append(value if trial.outcome.kind == "answered" or not held else held[-1])
    return held


def _answer_worth(trial: Trajectory, label: Label) -> float:
    answer: Json = trial.outcome.answer
    if trial.task.kind == "explanation":
        raise InputError(f"{trial.id}: no reward is known of explanations; take ratings or rankings")
    if trial.outcome.kind != "answered":
        return INVALID
    if isinstance(label, float | int):
        return -float((label - answer["rating"]) ** 2)
    wanted = {label} if isinstance(label, str) else set(label)
    return next((1 / rank for rank, id in enumerate(answer["ids"], 1) if id in wanted), 0.0)


def _rewarded(trajectory: Trajectory, reward: tuple[str, float] | None) -> Trajectory:
    """The trajectory with a reward on its last step, which is the one that ended it."""
    if reward is None or not trajectory.steps:
        return trajectory
    *before, last = trajectory.steps
    last = last.model_copy(update={"rewards": {**last.rewards, reward[0]: reward[1]}})
    return trajectory.model_copy(update={"steps": (*before, last)})
