"""What plays of tool tasks were worth: passes, wins, tools found, calls that went wrong, and what it took.

Figures are means over tasks, where the tries at one task count by their mean, with 95 % intervals by
bootstrap over tasks. Two runs are compared on the tasks that both have played, task by task. Pass and win
rates are those of StableToolBench (arXiv:2403.07714, section 4), the environment's score in place of a judge.
Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tastemaker.errors import InputError, ToolError
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.records import Step, ToolCall, Trajectory, canonical
from tastemaker.retrieval.metrics import interval
from tastemaker.tools.arguments import reader
from tastemaker.tools.loop import NOT_RUN, REPEATED

FIGURES: Final = (
    "pass_rate",
    "tool_recall",
    "tool_precision",
    "call_success",
    "invalid_calls",
    "steps",
    "tokens",
)
"""What is measured of a play: `pass_rate`, 1 solved, 0.5 in part, 0 not · `tool_recall`, share of the gold
tools that were called, and `tool_precision`, share of the called tools that are gold · `call_success`, share
of the calls that brought a result · `invalid_calls`, share of the calls, outputs that are none
included, that could not be made: unknown tools, arguments that do not fit · `steps` and `tokens` sampled."""

_KEPT: Final = 160
"""Characters of a result in a transcript."""


def task_id(trajectory: Trajectory) -> str:
    """The id of the task that was played, which tries at it share."""
    return str(
        trajectory.task.inputs.get("task") or trajectory.task.id.rpartition("#")[0] or trajectory.task.id
    )


def measures(trajectory: Trajectory, task: ToolTask) -> dict[str, float]:
    """The `FIGURES` of one play, NaN where one has no meaning: no gold tool, no call made. Raises InputError
    where the outcome has no score `solved`.
    """
    if "solved" not in trajectory.outcome.scores:
        raise InputError(f"{trajectory.id}: the outcome has no score 'solved'")
    steps = trajectory.steps
    acting = steps[:-1] if trajectory.outcome.kind == "answered" else steps
    calls = [pair for n, step in enumerate(steps) for pair in _answered(step, task, n < len(acting))]
    valid = [_fits(call, task) for call, _ in calls]
    junk = sum(not step.calls for step in acting)
    gold = {call.name for step in task.gold for call in step}
    called = {call.name for call, _ in calls}
    good = [fits and _succeeded(text) for fits, (_, text) in zip(valid, calls, strict=True)]
    return {
        "pass_rate": trajectory.outcome.scores["solved"],
        "tool_recall": _share(len(gold & called), len(gold)),
        "tool_precision": _share(len(gold & called), len(called)),
        "call_success": _share(sum(good), len(good)),
        "invalid_calls": _share(junk + len(valid) - sum(valid), junk + len(valid)),
        "steps": float(len(steps)),
        "tokens": float(sum(len(step.token_ids) for step in steps) or trajectory.usage.output_tokens),
    }


@dataclass(frozen=True)
class Run:
    """The figures of a run, task by task."""

    name: str
    kinds: dict[str, str]
    """The kind of each task that was played, by its id."""
    values: dict[str, NDArray[np.float64]]
    """Each figure of each task, in their order; NaN where it has no meaning."""

    def rows(self, seed: int = 0) -> list[dict[str, Any]]:
        """A row for all tasks, and one for each kind: figures as `{"mean", "low", "high"}`, None for one that
        has no meaning for any of them.
        """
        kinds = np.array(list(self.kinds.values()))
        rows = []
        for kind in ("all", *dict.fromkeys(self.kinds.values())):
            chosen = np.ones(len(kinds), bool) if kind == "all" else kinds == kind
            figures = {name: _interval(values[chosen], seed) for name, values in self.values.items()}
            rows.append({"run": self.name, "kind": kind, "tasks": int(chosen.sum()), **figures})
        return rows


def evaluate(name: str, trajectories: Iterable[Trajectory], tasks: Iterable[ToolTask]) -> Run:
    """The figures of a run's plays. Raises InputError where a play's task is not among `tasks`, and where
    there is no play.
    """
    known = {task.id: task for task in tasks}
    found: dict[str, list[dict[str, float]]] = {}
    for trajectory in trajectories:
        played = task_id(trajectory)
        if played not in known:
            raise InputError(f"{trajectory.id}: the task {played} is not among those to evaluate on")
        found.setdefault(played, []).append(measures(trajectory, known[played]))
    if not found:
        raise InputError(f"{name}: there is no play to evaluate")
    values = {
        figure: np.array([_mean([one[figure] for one in tries]) for tries in found.values()])
        for figure in FIGURES
    }
    return Run(name, {played: known[played].kind for played in found}, values)


def compare(run: Run, reference: Run, seed: int = 0) -> list[dict[str, Any]]:
    """How a run differs from another on the tasks that both played, for all of them and for each kind:
    `win_rate`, the share of tasks that it passes better, ties counting half, and each figure's difference, as
    `{"mean", "low", "high"}` by bootstrap over tasks. Raises InputError where no task is in both.
    """
    both = [played for played in run.kinds if played in reference.kinds]
    if not both:
        raise InputError(f"{run.name} and {reference.name} have no task in common")
    mine, other = (_chosen(one, both) for one in (run, reference))
    values = {figure: mine[figure] - other[figure] for figure in FIGURES}
    won = (np.sign(values["pass_rate"]) + 1) / 2
    kinds = {played: run.kinds[played] for played in both}
    return Run(f"{run.name} − {reference.name}", kinds, {"win_rate": won, **values}).rows(seed)


def transcript(task: ToolTask, plays: Mapping[str, Trajectory]) -> str:
    """Plays of one task as Markdown, such as those before and after training, by their names."""
    lines = [f"### {_inline(task.question)}", ""]
    lines += [f"*{task.kind}; offered: {', '.join(f'`{name}`' for name in task.names)}*", ""]
    for name, play in plays.items():
        lines += [f"**{name}**, scored {play.outcome.scores.get('solved', 0.0):g}", ""]
        for number, step in enumerate(play.steps, 1):
            texts = [*step.observations, *[""] * len(step.calls)]
            for call, text in zip(step.calls, texts, strict=False):
                said = ", ".join(f"{key}={canonical(value)}" for key, value in call.arguments.items())
                lines.append(f"{number}. {_code(f'{call.name}({said})')} → {_code(_cut(text))}")
            if not step.calls:
                lines.append(f"{number}. {_inline(_cut(step.text)) or '(nothing)'}")
        lines.append("")
    return "\n".join(lines)


def _answered(step: Step, task: ToolTask, acting: bool) -> Iterable[tuple[ToolCall, str | None]]:
    """The calls of a step and what came back; an answer that is given by a call is none of them."""
    texts: Sequence[str | None] = [*step.observations, *[None] * len(step.calls)]
    for call, text in zip(step.calls, texts, strict=False):
        if acting or call.name in task.names:
            yield call, text


def _fits(call: ToolCall, task: ToolTask) -> bool:
    spec = next((tool.spec for tool in task.tools if tool.spec.name == call.name), None)
    if spec is None:
        return False
    try:
        reader(spec.name, spec.parameters).read(call.arguments)
    except ToolError:
        return False
    return True


def _succeeded(text: str | None) -> bool:
    return text is not None and text not in (NOT_RUN, REPEATED) and not text.startswith("error:")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(values: Sequence[float]) -> float:
    having = [value for value in values if value == value]
    return sum(having) / len(having) if having else float("nan")


def _interval(values: NDArray[np.float64], seed: int) -> dict[str, float] | None:
    having = values[~np.isnan(values)]
    return interval(having, seed) if len(having) else None


def _chosen(run: Run, tasks: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    place = {played: number for number, played in enumerate(run.kinds)}
    rows = [place[played] for played in tasks]
    return {figure: values[rows] for figure, values in run.values.items()}


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _KEPT else text[: _KEPT - 1] + "…"


def _code(text: str) -> str:
    """Text as code, whatever backticks it holds."""
    text = " ".join(text.split())
    fence = "`" * (1 + max(map(len, "".join(c if c == "`" else " " for c in text).split()), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}" if text else "(nothing)"


def _inline(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join("\\" + c if c in "\\`*_[]<>#|" else c for c in " ".join(text.split()))
