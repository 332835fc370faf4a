"""Trains local models by steps in run folders, tries models on test tasks, and sets them side by side.

A comparison is made of runs for each method and seed, all but those settings the same, whose best weights
are tried on the same test tasks, with tools and programs that no training has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tastemaker import processes
from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.learning.actors import OpenVINOActor, TorchActor
from tastemaker.learning.evaluation import Run as Evaluated
from tastemaker.learning.evaluation import compare, evaluate
from tastemaker.learning.packing import load
from tastemaker.learning.rollouts import Meter, RolloutConfig, roll_out
from tastemaker.learning.stepwise import OnRound, train
from tastemaker.learning.stepwise_config import StepwiseConfig
from tastemaker.learning.tasks.generate import TaskConfig, make_tasks
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.models import base, cpu_threads, fetch_weights, parse_local, resolve, weights
from tastemaker.llm.weights import Weights
from tastemaker.records import Trajectory
from tastemaker.runs import Run

START = "start"
"""The name, in a comparison, of the model that all methods begin with."""


class EvaluationConfig(Config):
    """An evaluation of one model."""

    model: str
    """Language model, such as local:smollm2 or local:FOLDER."""
    tasks: TaskConfig = TaskConfig(split="test", count=300)
    """What it tries."""
    rollouts: RolloutConfig = RolloutConfig(samples=1, temperature=0.0)
    """How it tries; by default once, by the likeliest tokens."""

    @property
    def protocol(self) -> str:
        """What the figures depend on, in one line."""
        tasks, how = self.tasks, self.rollouts
        return (
            f"{tasks.count} tasks of split {tasks.split}, seed {tasks.seed}, with tools and programs of that"
            f" split alone; {how.samples} tries each, {how.decoding}, temperature {how.temperature:g},"
            f" {'constrained' if how.constrained else 'free'}; 95 % intervals by bootstrap over tasks"
        )


def train_local(config: StepwiseConfig, run: Run, on_round: OnRound | None = None) -> dict[str, Any]:
    """Train a local model, or go on with it; the run's folder `model` holds the best in the end. Raises
    InputError where there is no such model.
    """
    if run.finished:
        return run.summary() if processes.first() else {}
    which, _ = parse_local(config.model)
    start, threads = weights(which), cpu_threads()
    serving = run.folder / f"serving-{processes.number()}"
    return train(
        config,
        load(processes.in_turn(start.to_transformers)),
        run,
        actor_of(config, start, serving, threads),
        lambda tensors: start.keep_trained(run.folder / "model", base(which), tensors),
        template=ChatTemplate(start.tokenizer),
        described=start.described,
        threads=threads,
        on_round=on_round,
    )


def actor_of(
    config: StepwiseConfig, start: Weights, folder: Path, threads: int
) -> TorchActor | OpenVINOActor:
    """Who tries the tasks of a training: on its engine, which may serve weights from the folder."""
    batch = config.rollouts.concurrency
    if config.engine == "torch":
        return TorchActor(start, threads=threads, max_batch=batch)
    return OpenVINOActor(start, folder, base(parse_local(config.model)[0]), threads=threads, max_batch=batch)


def try_out(
    config: EvaluationConfig, run: Run, on_done: Callable[[Trajectory], None] | None = None
) -> list[Trajectory]:
    """A model's tries at the tasks, in the run's `trajectories.jsonl`; those that stand there are not made
    again.
    """
    fetch_weights(config.model)
    meter = Meter()
    tries = roll_out(
        list(make_tasks(config.tasks)),
        resolve(config.model),
        config.rollouts,
        on_done,
        journal=run.trajectories,
        meter=meter,
    )
    if not run.finished and all(one.outcome.kind != "failed" for one in tries):
        run.finish({"tries": len(tries), **meter.figures()})
    return tries


def rows_of(config: EvaluationConfig, tries: Sequence[Trajectory]) -> list[dict[str, Any]]:
    """An evaluation's figures over all tasks and by their kind."""
    return evaluate(config.model, tries, make_tasks(config.tasks)).rows()


def table(
    tasks: TaskConfig, tries: Mapping[str, Mapping[int, Sequence[Trajectory]]], reference: str
) -> list[dict[str, Any]]:
    """A row for each method from its tries by seed: figures as means over seeds and tasks, `over_REFERENCE`,
    the difference of its pass rate from that method's, task by task, and the pass rate of each seed. Raises
    InputError where the reference is none of the methods.
    """
    if reference not in tries:
        raise InputError(f"there is no {reference!r} to compare with; there is: {', '.join(tries)}")
    drawn = list(make_tasks(tasks))
    runs: dict[str, Evaluated] = {
        name: evaluate(name, [one for each in by_seed.values() for one in each], drawn)
        for name, by_seed in tries.items()
    }
    rows = []
    for name, run in runs.items():
        whole = {key: value for key, value in run.rows()[0].items() if key not in ("run", "kind")}
        difference = None if name == reference else compare(run, runs[reference])[0]["pass_rate"]
        each = {
            seed: evaluate(name, found, drawn).rows()[0]["pass_rate"]["mean"]
            for seed, found in tries[name].items()
        }
        rows.append({"method": name, f"over_{reference}": difference, **whole, "pass_rate_by_seed": each})
    return rows


def curve(runs: Sequence[Run]) -> list[dict[str, float]]:
    """The share of the validation tasks that was solved by round, the mean over runs that reached it."""
    found: dict[int, list[float]] = {}
    for run in runs:
        for line in run.metrics():
            if "valid_solved" in line:
                found.setdefault(line["round"], []).append(line["valid_solved"])
    return [{"round": at, "valid_solved": sum(each) / len(each)} for at, each in sorted(found.items())]
