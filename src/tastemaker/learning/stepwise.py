"""Step-grained learning: a model tries tasks, its steps are rewarded, and it learns which were worth it.

A round: the model that learns tries some tasks, rewards and credit are given, and a fixed number of updates
follow, each on a mini-batch of whole dialogues in packed rows. Methods that learn from given data (right
dialogues, or tries of the model as it was at first) take as many updates from it, and as many tries in all.
What a method does in each place is said by its description (`objectives.METHODS`); no name is asked for.

Every draw follows from the seed and the round, and a round's tries are kept until the next checkpoint: so a
run that was cut off becomes the run that was never interrupted, to the bit where a try does not depend on
which others are decoded with it.

Several processes (`processes`) share out tasks, and the rows of each update; the first writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from tastemaker import checkpoint, processes
from tastemaker.learning.credit import next_kl_weight
from tastemaker.learning.finetune import Save, machine
from tastemaker.learning.learner import Learner
from tastemaker.learning.lessons import Lessons
from tastemaker.learning.lora import merged_weights
from tastemaker.learning.objectives.archer import Critic
from tastemaker.learning.stepwise_config import Actor, StepwiseConfig
from tastemaker.learning.tasks.generate import make_task
from tastemaker.llm.chat import ChatTemplate
from tastemaker.runs import Run

OnRound = Callable[[Mapping[str, Any]], None]
"""Is told each line that goes into `metrics.jsonl`, with `rounds` in all."""


@dataclass
class _Training:
    """A training under way."""

    config: StepwiseConfig
    learner: Learner
    actor: Actor
    lessons: Lessons
    kl_weight: float
    round: int = 0
    seconds: float = 0.0
    best: float | None = None
    """Highest share of the validation tasks that was solved."""
    evaluated: int = -1
    """Round of the last evaluation."""

    @property
    def over(self) -> bool:
        return self.round >= self.config.rounds

    @property
    def evaluation_due(self) -> bool:
        turn = self.over or self.round % self.config.evaluate_every == 0
        return self.config.evaluate_tasks > 0 and turn and self.evaluated < self.round


def train(
    config: StepwiseConfig,
    model: Any,
    run: Run,
    actor: Actor,
    save: Save,
    *,
    template: ChatTemplate,
    described: bool = False,
    threads: int,
    on_round: OnRound | None = None,
) -> dict[str, Any]:
    """Train a model that `packing.load` loaded, and `save` the weights that solved the most validation tasks
    (without these, the last weights). Goes on from the run's checkpoint, which goes when the run ends.
    Returns, and leaves in the run, what the training came to (in process 0; the others get nothing).

    `template` and `described` say how right dialogues are written for the model. Raises TastemakerError when
    a gradient is no longer finite, and where tries leave nothing to learn from.
    """
    with machine(threads):
        learner = Learner.begin(config, model.to(processes.device()))
        lessons = Lessons(config, run.checkpoints, actor, template, described)
        training = _Training(config, learner, actor, lessons, config.kl.weight)
        _restore(training, run)
        _run(training, run, save, on_round)
        if training.best is None and processes.first():
            save(merged_weights(model))
        processes.wait()
    if not processes.first():
        return {}
    lines = run.metrics()
    valid = [line["valid_solved"] for line in lines if "valid_solved" in line]
    summary = {
        "method": config.method,
        "rounds": training.round,
        "updates": learner.updates,
        "seconds": training.seconds,
        "first_valid_solved": valid[0] if valid else None,
        "best_valid_solved": training.best,
        "last_valid_solved": valid[-1] if valid else None,
    }
    run.finish(summary)
    for file in (run.checkpoints / checkpoint.NAME, *run.checkpoints.glob("*-*.jsonl")):
        file.unlink(missing_ok=True)
    return summary


def _run(training: _Training, run: Run, save: Save, on_round: OnRound | None) -> None:
    """Round after round to the end, with evaluations and checkpoints in between."""
    before = training.seconds
    started = written = time.monotonic()

    def log(row: Mapping[str, Any]) -> None:
        training.seconds = before + time.monotonic() - started
        if not processes.first():
            return
        line = {"round": training.round, **row, "seconds": training.seconds}
        run.log(line)
        if on_round is not None:
            on_round({**line, "rounds": training.config.rounds})

    while True:
        if training.evaluation_due:
            log(_evaluate(training, save))
        if training.over:
            return
        if training.round and time.monotonic() - written >= 60 * training.config.checkpoint_minutes:
            if processes.first():
                _keep(training, run)
                training.lessons.forget(training.round)
            written = time.monotonic()
        log(_take_round(training))


def _take_round(training: _Training) -> dict[str, Any]:
    """One round: what its tries were like, the means of its updates' figures, and seconds by part."""
    config, learner = training.config, training.learner
    learner.clock.clear()
    lesson = training.lessons.of(learner, training.round, training.kl_weight)
    values_alone = learner.values is not None and training.round < config.value_rounds
    totals: dict[str, list[float]] = {}
    if not (values_alone and isinstance(learner.values, Critic)):  # a critic has learnt by now
        for chosen in training.lessons.batches(lesson, training.round):
            for name, value in learner.update(lesson, chosen, values_alone=values_alone).items():
                totals.setdefault(name, []).append(value)
    if "kl_weight" in lesson.figures:
        training.kl_weight = next_kl_weight(
            config.kl, training.kl_weight, lesson.figures["kl"], len(lesson.dialogues.examples)
        )
    training.round += 1
    means = {name: sum(values) / len(values) for name, values in totals.items()}
    return {**lesson.figures, "updates": learner.updates, **means, "parts": dict(learner.clock)}


def _evaluate(training: _Training, save: Save) -> dict[str, Any]:
    """The share of the validation tasks that is solved; weights that are the best so far are saved."""
    config, model = training.config, training.learner.model
    chosen = config.tasks.model_copy(update={"split": "valid"})
    tasks = [make_task(chosen, number) for number in range(config.evaluate_tasks)]
    how = config.rollouts.model_copy(update={"samples": 1, "temperature": 0.0, "seed": config.seed})
    training.actor.take_over(model)
    tries = training.actor.roll_out(processes.share(tasks), how)
    solved = processes.total(sum(one.outcome.scores.get("solved", 0.0) for one in tries)) / len(tasks)
    if training.best is None or solved > training.best:
        training.best = solved
        if processes.first():
            save(merged_weights(model))
    training.evaluated = training.round
    return {"valid_solved": solved}


_STATE = ("round", "seconds", "best", "evaluated", "kl_weight")


def _keep(training: _Training, run: Run) -> None:
    learner = training.learner
    tensors = {}
    for name, parameter in learner.learnt().items():
        tensors[f"parameter.{name}"] = parameter
        if moments := learner.optimiser.state.get(parameter):
            tensors[f"mean.{name}"] = moments["exp_avg"]
            tensors[f"square.{name}"] = moments["exp_avg_sq"]
            tensors[f"steps.{name}"] = moments["step"]
    if learner.target is not None:
        tensors |= {f"target.{name}": one for name, one in learner.target.named_parameters()}
    state = {name: getattr(training, name) for name in _STATE} | {"updates": learner.updates}
    checkpoint.write(run.checkpoints, tensors, state)


def _restore(training: _Training, run: Run) -> None:
    """Go on from the run's checkpoint, if it has one; lines logged after it are taken back."""
    learner = training.learner
    tensors, state = checkpoint.read(run.checkpoints) or ({}, {"round": 0, "evaluated": -1})
    if processes.first():
        run.take_back(
            lambda line: line["round"] > (state["evaluated"] if "valid_solved" in line else state["round"])
        )
    if not tensors:
        return
    with torch.no_grad():
        for name, parameter in learner.learnt().items():
            parameter.copy_(tensors[f"parameter.{name}"])
            if f"mean.{name}" in tensors:
                learner.optimiser.state[parameter] = {
                    "step": tensors[f"steps.{name}"],
                    "exp_avg": tensors[f"mean.{name}"].to(parameter.device),
                    "exp_avg_sq": tensors[f"square.{name}"].to(parameter.device),
                }
        for name, parameter in learner.target.named_parameters() if learner.target is not None else ():
            parameter.copy_(tensors[f"target.{name}"])
    learner.updates = state.pop("updates")
    for name, value in state.items():
        setattr(training, name, value)
