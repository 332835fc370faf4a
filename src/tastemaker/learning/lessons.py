"""What a round's updates learn from: right dialogues, or tries at tasks with rewards and credit.

Tries are kept in files of the run's checkpoints until they are no longer needed, so that a run that was cut
off learns from the very ones again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tastemaker import processes
from tastemaker.errors import InputError, TastemakerError
from tastemaker.learning.annotator import Annotation, annotate, annotated
from tastemaker.learning.credit import Rollout, kl_penalty, lay_out, outcome, rollout_of
from tastemaker.learning.evaluation import task_id
from tastemaker.learning.examples import Example, example
from tastemaker.learning.learner import Learner, Lesson
from tastemaker.learning.objectives.dpo import pairs
from tastemaker.learning.objectives.rft import kept
from tastemaker.learning.policy_rows import Dialogues, dialogue_of
from tastemaker.learning.rewards import rewarded
from tastemaker.learning.rollouts import called, play_id
from tastemaker.learning.rollouts import figures as figures_of
from tastemaker.learning.stepwise_config import Actor, StepwiseConfig
from tastemaker.learning.tasks.generate import make_task
from tastemaker.learning.tasks.gold import play_gold
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.lines import cut_half_line
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.exports.chat_text import to_turns
from tastemaker.llm.models import resolve
from tastemaker.records import Trajectory, read_jsonl


def _journal(folder: Path, round: int, process: int) -> Path:
    """Where a process keeps its tries of a round."""
    return folder / f"rollouts-{round:05d}-{process}.jsonl"


@dataclass(frozen=True)
class _Try:
    """A try that can be learnt from."""

    trajectory: Trajectory
    rollout: Rollout
    example: Example

    @property
    def old(self) -> list[float]:
        """Log-probabilities of the sampled tokens as they were stored."""
        return [one for step in self.trajectory.steps for one in step.log_probs]

    @property
    def said(self) -> tuple[tuple[int, ...], ...]:
        """What was sampled."""
        return tuple(step.token_ids for step in self.trajectory.steps)


class Lessons:
    """Gives each round its lesson."""

    def __init__(
        self, config: StepwiseConfig, folder: Path, actor: Actor, template: ChatTemplate, described: bool
    ) -> None:
        self._config = config
        self._folder = folder
        self._actor = actor
        self._template = template
        self._described = described
        self._given: Lesson | None = None
        """The one of all rounds, where a method learns from what is there beforehand."""

    def of(self, learner: Learner, number: int, kl_weight: float) -> Lesson:
        """What a round learns from, by the model as it is at the round's beginning."""
        if self._config.how.on_policy:
            return self._tried(learner, number, kl_weight)
        if self._given is None:
            gold = self._config.how.data == "gold"
            self._given = self._right() if gold else self._chosen(learner)
        return self._given

    def batches(self, lesson: Lesson, number: int) -> Iterator[list[int]]:
        """The dialogues of each of a round's updates."""
        config = self._config
        on_policy, together = config.how.on_policy, config.how.data == "pairs"
        passes = batches(
            lesson.dialogues, config.batch_size, [config.seed, number * on_policy], 2 if together else 1
        )
        first = 0 if on_policy else number * config.updates
        return islice(passes, first, first + config.updates)

    def forget(self, number: int) -> None:
        """Throw away the tries of rounds before this one, unless all rounds learn from them."""
        for name in ("rollouts", "annotations") if self._config.how.on_policy else ():
            for file in self._folder.glob(f"{name}-*.jsonl"):
                if file.name < f"{name}-{number:05d}":
                    file.unlink()

    def _right(self) -> Lesson:
        """Right dialogues of all rounds' tasks, each once."""
        config = self._config
        numbers = dict.fromkeys(n for one in range(config.rounds) for n in config.numbers(one))
        found: dict[str, Example] = {}
        for number in numbers:
            play = play_gold(make_task(config.tasks, number))
            made = example(to_turns(play, described=self._described), self._template)
            if made is not None:
                found[play.task.id] = made
        examples = list(found.values())
        return Lesson(Dialogues(examples, [(int(one.answer.sum()),) for one in examples], list(found)))

    def _chosen(self, learner: Learner) -> Lesson:
        """What a method keeps of the tries of the model as it was at first, as many as others make in all."""
        config, method = self._config, self._config.how
        numbers = [n for one in range(config.rounds) for n in config.numbers(one)]
        tries, figures = self._tries(learner, 0, numbers)
        outcomes = [outcome(one.rollout, config.credit) for one in tries]
        groups = [one.rollout.group for one in tries]
        settings = config.objective
        if method.data == "pairs":
            found = pairs(outcomes, groups, margin=settings.pair_margin)
            chosen = [place for pair in found for place in pair]
        else:
            said = [one.said for one in tries]
            chosen = kept(outcomes, groups, said, least=settings.kept_least, most=settings.kept_most)
        if not chosen:
            raise TastemakerError(
                f"none of {len(tries)} tries is to be learnt from by {config.method}: their mean outcome is"
                f" {sum(outcomes) / len(outcomes):.3f}; begin with a model that solves some tasks"
            )
        taken = [tries[place] for place in chosen]
        dialogues = _dialogues(taken)
        if method.reference == "none":
            lesson = Lesson(dialogues)
        else:
            lesson = Lesson(
                dialogues, mask=self._counting(taken), reference=learner.look(dialogues).reference
            )
        return replace(lesson, figures={**figures, "chosen": len(chosen)})

    def _tried(self, learner: Learner, number: int, kl_weight: float) -> Lesson:
        """The round's tries by the model as it is, with credit."""
        config, method = self._config, self._config.how
        tries, figures = self._tries(learner, number, config.numbers(number))
        dialogues = _dialogues(tries)
        looked = learner.look(dialogues)
        old = torch.tensor([one for try_ in tries for one in try_.old])
        figures |= {
            "entropy": float(looked.entropy.mean()),
            "engine_gap": float((looked.log_probs - old).abs().mean()),
        }
        batch = lay_out([one.rollout for one in tries], config.credit, steps=method.steps)
        mask = self._counting(tries)
        if looked.reference is not None:
            penalty = kl_penalty(looked.log_probs, looked.reference, 1.0)
            penalty = penalty if mask is None else penalty * mask
            figures["kl"] = -float(penalty.sum()) / len(tries)
            if method.reference == "reward":
                figures["kl_weight"] = kl_weight
                batch = batch.with_penalty(kl_weight * penalty)
        lesson = Lesson(dialogues, mask=mask, old=old, reference=looked.reference)
        if method.credit is not None:
            values = learner.judge(looked, batch)
            advantages, returns = method.credit(batch, values, config.credit)
            lesson = replace(lesson, advantages=advantages, values=values, returns=returns)
            figures |= _explained(values, returns)
        return replace(lesson, figures=figures)

    def _tries(
        self, learner: Learner, number: int, tasks: Sequence[int]
    ) -> tuple[list[_Try], dict[str, float]]:
        """The tries of a round at these tasks that can be learnt from, and what all of them were like."""
        config = self._config
        drawn = {n: make_task(config.tasks, n) for n in tasks}
        known = {task.id: task for task in drawn.values()}
        with learner.timed("rollout"):
            self._actor.take_over(learner.model)
            made = self._made(list(known.values()), number)
        with learner.timed("reward"):
            judged, read = self._judged(made, known, number)
        tries = [try_ for try_ in map(_try, judged) if try_ is not None]
        if not tries:
            errors = dict.fromkeys(one.error or one.outcome.kind for one in judged)
            raise TastemakerError(f"no try of round {number + 1} can be learnt from: {'; '.join(errors)}")
        return tries, _figures(judged, tries) | read

    def _made(self, tasks: Sequence[ToolTask], number: int) -> list[Trajectory]:
        """The tries at tasks, of which each process makes its share."""
        journal = _journal(self._folder, number, processes.number())
        made = self._actor.roll_out(processes.share(tasks), self._config.seeded(number), journal)
        if processes.count() == 1:
            return made
        processes.wait()
        files = [_journal(self._folder, number, process) for process in range(processes.count())]
        found = {one.task.id: one for file in files if file.exists() for one in read_jsonl(file)}
        samples = range(self._config.rollouts.samples)
        return [found[play_id(task, sample)] for task in tasks for sample in samples]

    def _judged(
        self, made: Sequence[Trajectory], tasks: Mapping[str, ToolTask], number: int
    ) -> tuple[list[Trajectory], dict[str, float]]:
        """The tries with their rewards: an annotator's where it could read them, else by rule; and the share
        that it could read.
        """
        played = [(one, tasks[task_id(one)]) for one in made]
        judged = [rewarded(one, task, called(one, task), self._config.rewards) for one, task in played]
        if self._config.annotator is None:
            return judged, {}
        said = self._annotations(judged, number)
        readable = [said[one.id].readings > 0 for one in judged]
        judged = [
            annotated(one, said[one.id]) if can else one for one, can in zip(judged, readable, strict=True)
        ]
        return judged, {"annotated": sum(readable) / len(readable)}

    def _annotations(self, judged: Sequence[Trajectory], number: int) -> dict[str, Annotation]:
        """What the annotator says of the tries of a round, by their ids. It is kept beside the tries; process
        0 asks.
        """
        file = self._folder / f"annotations-{number:05d}.jsonl"
        if processes.first():
            cut_half_line(file)
            known = {one.trajectory for one in _annotations(file)}
            left = [one for one in judged if one.id not in known]
            model = resolve(str(self._config.annotator))

            def keep(one: Annotation) -> None:
                with file.open("a", encoding="utf-8") as stream:
                    stream.write(one.model_dump_json() + "\n")

            asyncio.run(annotate(left, model, self._config.annotations, keep))
        processes.wait()
        return {one.trajectory: one for one in _annotations(file)}

    def _counting(self, tries: Sequence[_Try]) -> Tensor | None:
        """[N] bool: tokens that were drawn from more than one; None where decoding was free."""
        if not self._config.rollouts.constrained:
            return None
        return torch.tensor(
            [not only for one in tries for step in self._actor.forced(one.trajectory) for only in step]
        )


def _annotations(file: Path) -> list[Annotation]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Annotation.model_validate_json(line) for line in lines]


def batches(dialogues: Dialogues, size: int, seeds: Sequence[int], unit: int = 1) -> Iterator[list[int]]:
    """The dialogues of each update, without end: every epoch has all of them once, in an order of its own, in
    which those of a group stand together, in batches of about `size` that differ little. Neighbours in
    a group are only parted where `unit` divides their number, so that pairs are kept whole.
    """
    members: dict[str, list[int]] = {}
    for place, group in enumerate(dialogues.groups):
        members.setdefault(group, []).append(place)
    groups = list(members.values())
    units = len(dialogues.groups) // unit
    parts = max(1, round(units * unit / size))
    for epoch in count():
        order = np.random.default_rng([*seeds, epoch]).permutation(len(groups))
        placed = [place for group in order for place in groups[group]]
        ends = [unit * (units * part // parts) for part in range(parts + 1)]
        yield from (placed[ends[part] : ends[part + 1]] for part in range(parts))


def _try(trajectory: Trajectory) -> _Try | None:
    """A trajectory as something to learn from; None where it cannot be: nothing was sampled, say."""
    steps = [step for step in trajectory.steps if step.token_ids]
    try:
        rollout = rollout_of(trajectory)
    except InputError:
        return None
    return _Try(trajectory, rollout, dialogue_of(steps[-1].prompt_ids + steps[-1].token_ids, rollout))


def _dialogues(tries: Sequence[_Try]) -> Dialogues:
    return Dialogues(
        [one.example for one in tries],
        [tuple(turn.end - turn.start for turn in one.rollout.turns) for one in tries],
        [one.rollout.group for one in tries],
    )


def _figures(plays: Sequence[Trajectory], tries: Sequence[_Try]) -> dict[str, float]:
    """What all plays were like, and those that can be learnt from."""
    rewards: dict[str, list[float]] = {}
    for one in tries:
        for step in one.trajectory.steps:
            for name, reward in step.rewards.items():
                rewards.setdefault(name, []).append(reward)
    return {
        "rollouts": len(plays),
        "left_out": len(plays) - len(tries),
        **figures_of(plays),
        "dialogue_tokens": sum(one.rollout.length for one in tries) / len(tries),
        **{f"reward_{name}": sum(found) / len(found) for name, found in sorted(rewards.items())},
    }


def _explained(values: Tensor | None, returns: Tensor | None) -> dict[str, float]:
    """The share of the returns' variance that values foretold."""
    if values is None or returns is None or len(returns) < 2:
        return {}
    spread = float(returns.var(correction=0))
    left = float((returns - values).var(correction=0))
    return {"explained": 1 - left / spread} if spread > 0 else {}
