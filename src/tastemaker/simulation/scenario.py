"""A scenario: what a log tells of people, what they would truly give, and when they quit.

Worlds are made of it. The published scenarios are in `scenarios`; one's own log becomes one in `own`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import QuitRule
from tastemaker.simulation.rewards import MatrixReward, Reward
from tastemaker.simulation.world import Mode, World


@dataclass(frozen=True, eq=False)
class Scenario:
    """A data set as a world."""

    name: str
    log: Dataset
    """What people did: all that user models and policies may learn from."""
    truth: NDArray[np.float32]
    """[n_users, n_items] what each user gives for each item, by which policies are judged."""
    quit_rule: QuitRule
    max_turns: int
    """Turns after which a session ends."""
    protocol: str
    """Where the truth comes from and the rules of a session, in one line."""
    unbiased: Dataset | None = None
    """Ratings of items that people did not choose themselves, to judge user models by."""

    def __post_init__(self) -> None:
        if self.truth.shape != (self.log.n_users, self.log.n_items):
            raise InputError(
                f"{self.name}: the truth is of {self.truth.shape} users and items, "
                f"the log of {(self.log.n_users, self.log.n_items)}"
            )

    def world(
        self,
        num_envs: int,
        *,
        mode: str = "FreeB",
        reward: Reward | None = None,
        window: int = 10,
        slate: int = 1,
        autoreset: AutoresetMode = AutoresetMode.SAME_STEP,
    ) -> World:
        """A world of this scenario's users, who give the truth, or `reward` in its place (a user model's)."""
        return World(
            reward or MatrixReward(self.truth),
            self.quit_rule,
            num_envs,
            mode=Mode.parse(mode),
            max_turns=self.max_turns,
            window=window,
            slate=slate,
            autoreset=autoreset,
        )
