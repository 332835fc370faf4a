"""The settings of a training by steps, and who tries the tasks for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import Field, field_validator

from tastemaker.config import Config
from tastemaker.learning.annotator import AnnotatorConfig
from tastemaker.learning.credit import CreditConfig, KLConfig
from tastemaker.learning.objectives.methods import METHODS, Method, ObjectiveConfig, without_values
from tastemaker.learning.rewards import RewardConfig
from tastemaker.learning.rollouts import RolloutConfig
from tastemaker.learning.tasks.generate import TaskConfig
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.records import Trajectory


class StepwiseConfig(Config):
    """Settings of a training by steps."""

    method: str = "steptool"
    """What is learnt from and how: a name of `objectives.METHODS`."""
    model: str
    """What is trained: a local model's name, such as local:smollm2, or local:FOLDER of a trained one."""
    tasks: TaskConfig = TaskConfig()
    """What is tried; rounds take tasks in their order, and begin again after the last."""
    rounds: int = Field(default=40, ge=1)
    """Rounds in all."""
    tasks_per_round: int = Field(default=16, ge=1)
    """Tasks that a round tries, each `rollouts.samples` times."""
    rollouts: RolloutConfig = RolloutConfig()
    """How tasks are tried; its seed is drawn from this run's."""
    rewards: RewardConfig = RewardConfig()
    """How steps are judged."""
    annotator: str | None = None
    """Language model that judges the steps of tries in place of the rules; where it cannot, the rules do."""
    annotations: AnnotatorConfig = AnnotatorConfig()
    """How it reads them."""
    credit: CreditConfig = CreditConfig()
    """What rewards weigh and how far they reach."""
    kl: KLConfig = KLConfig()
    """How dear it is to leave the reference, where that is a penalty on rewards."""
    objective: ObjectiveConfig = ObjectiveConfig()
    """Settings of losses."""
    baseline: Literal["values", "group"] = "values"
    """group: where a method judges turns by their values, the other tries at the task stand in for them."""
    epochs: int = Field(default=2, ge=1)
    """Passes over a round's dialogues."""
    batch_size: int = Field(default=16, ge=1)
    """Dialogues of an update, or some more or less, so that a round's updates are alike."""
    pack_tokens: int = Field(default=2048, ge=8)
    """Tokens that go through the model at once: more takes more memory."""
    lora: bool = True
    """Train adapters, not the weights themselves."""
    rank: int = Field(default=16, ge=1)
    """Rank of an adapter."""
    alpha: float = Field(default=32.0, gt=0)
    """Scale of an adapter, times the rank."""
    learning_rate: float = Field(default=5e-5, gt=0)
    """Step size of the model."""
    warm_up: int = Field(default=5, ge=0)
    """Updates in which the step size rises to that."""
    value_rate: float = Field(default=1e-3, gt=0)
    """Step size of values, or of a critic."""
    value_rounds: int = Field(default=1, ge=0)
    """Rounds at the beginning in which, where a method has values, they alone learn."""
    critic_steps: int = Field(default=20, ge=1)
    """ArCHer: steps of the critic in a round."""
    clip: float = Field(default=1.0, gt=0)
    """Longest gradient: longer ones are shortened to it."""
    evaluate_tasks: int = Field(default=100, ge=0)
    """Tasks of the validation split that are tried now and then, each once, by the likeliest tokens; the best
    weights are kept. 0: none, and the last weights are kept."""
    evaluate_every: int = Field(default=5, ge=1)
    """Rounds from one such evaluation to the next."""
    engine: Literal["torch", "openvino"] = "torch"
    """What the tries are sampled on. openvino decodes about three times as fast, but writes and loads the
    weights anew each round, rounded to 8 bits."""
    checkpoint_minutes: float = Field(default=5.0, ge=0)
    """Time from one checkpoint to the next."""
    seed: int = Field(default=0, ge=0)
    """Draws the tries, the order of the dialogues and the adapters' beginning."""

    @field_validator("method")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in METHODS:
            raise ValueError(f"there is no such method; there is: {', '.join(METHODS)}")
        return value

    @property
    def how(self) -> Method:
        """The method's description."""
        method = METHODS[self.method]
        return without_values(method) if self.baseline == "group" and method.values == "turn" else method

    @property
    def updates(self) -> int:
        """Updates of a round."""
        return self.epochs * max(1, round(self.tasks_per_round * self.rollouts.samples / self.batch_size))

    def numbers(self, number: int) -> list[int]:
        """The numbers of the tasks of a round."""
        first, size = number * self.tasks_per_round, max(1, self.tasks.count)
        return [self.tasks.first + (first + place) % size for place in range(self.tasks_per_round)]

    def seeded(self, number: int) -> RolloutConfig:
        """How the tasks of a round are tried."""
        drawn = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0]) % 2**31
        return self.rollouts.model_copy(update={"seed": drawn})


class Actor(Protocol):
    """Who tries the tasks."""

    def take_over(self, model: Any) -> None:
        """Act by the weights that a model has now, adapters merged."""

    def roll_out(
        self, tasks: Sequence[ToolTask], config: RolloutConfig, journal: Path | None = None
    ) -> list[Trajectory]:
        """The tries at tasks, as `rollouts.roll_out` gives them."""

    def forced(self, trajectory: Trajectory) -> list[tuple[bool, ...]]:
        """For each step, which of its tokens were the only ones that constrained decoding allowed."""
