"""A world's steps, timed beside users who are stepped one at a time.

Both play the same users and the same random items, and must come to the same sum of rewards. Times are of the
processor.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from gymnasium.utils.seeding import np_random
from numpy.typing import NDArray

from tastemaker.errors import TastemakerError
from tastemaker.simulation.quit_rules import QuitRule
from tastemaker.simulation.scenario import Scenario

SIZES = (100, 1_000, 10_000)
"""Users at a time."""
WINDOW = 10

_STEPS, _PLAIN_STEPS = 2_000_000, 60_000
"""Single users' steps that are timed of ours, and of the plain loop, which also ours is checked by."""

Row = dict[str, Any]


def bench(scenario: Scenario, sizes: Sequence[int] = SIZES, steps: int = _STEPS) -> Iterator[Row]:
    """One row for each number of users at a time."""
    for size in sizes:
        few, many = max(2, min(_PLAIN_STEPS, steps) // size), max(2, steps // size)
        actions = np.random.default_rng(0).integers(scenario.log.n_items, size=(max(few, many), size))
        plain, wanted = _one_by_one(scenario, actions[:few])
        _, found = _all_at_once(scenario, actions[:few])
        if not np.isclose(found, wanted, rtol=1e-6):
            raise TastemakerError(f"the two ways to step disagree: rewards of {found} and {wanted}")
        seconds, _ = _all_at_once(scenario, actions[:many])
        ours, reference = many * size / seconds, few * size / plain
        yield {
            "what": f"world {scenario.name} (steps)",
            "size": size,
            "ours_per_cpu_second": ours,
            "reference_per_cpu_second": reference,
            "ratio": ours / reference,
        }


class PlainUser:
    """One user's sessions in plain Python, with the observations of a world."""

    def __init__(self, truth: NDArray[np.float32], quit_rule: QuitRule, max_turns: int) -> None:
        self.truth = truth
        self.quit_rule = quit_rule
        self.max_turns = max_turns
        self.reset(0)

    def reset(self, user: int) -> dict[str, Any]:
        """Begin a session of `user`."""
        self.user = user
        self.items = [-1] * max(WINDOW, self.quit_rule.n_recent)
        self.rewards = [0.0] * WINDOW
        self.turn = 0
        return self._observe()

    def step(self, item: int) -> tuple[dict[str, Any], float, bool, bool]:
        """One turn."""
        reward = float(self.truth[self.user, item])
        recent = np.array([self.items[len(self.items) - self.quit_rule.n_recent :]], np.int32)
        terminated = bool(self.quit_rule.quits(recent, np.array([item]))[0])
        self.items.append(item)
        self.rewards.append(reward)
        self.turn += 1
        return self._observe(), reward, terminated, not terminated and self.turn == self.max_turns

    def _observe(self) -> dict[str, Any]:
        return {
            "user": self.user,
            "items": np.array(self.items[-WINDOW:], np.int32),
            "rewards": np.array(self.rewards[-WINDOW:], np.float32),
            "turn": self.turn,
        }


def _all_at_once(scenario: Scenario, actions: NDArray[np.int64]) -> tuple[float, float]:
    """Cpu-seconds, and the sum of rewards."""
    world = scenario.world(actions.shape[1], window=WINDOW)
    world.reset(seed=0)
    total = 0.0
    started = time.process_time()
    for items in actions:
        total += float(world.step(items)[1].sum(dtype=np.float64))
    return time.process_time() - started, total


def _one_by_one(scenario: Scenario, actions: NDArray[np.int64]) -> tuple[float, float]:
    """As `_all_at_once`; users are drawn as a world draws them."""
    generator, _ = np_random(0)
    n_users = scenario.log.n_users
    people = [PlainUser(scenario.truth, scenario.quit_rule, scenario.max_turns) for _ in actions[0]]
    for person, user in zip(people, generator.integers(n_users, size=len(people)).tolist(), strict=True):
        person.reset(user)
    total = 0.0
    started = time.process_time()
    for items in actions:
        over = []
        for person, item in zip(people, items.tolist(), strict=True):
            _, reward, terminated, truncated = person.step(item)
            total += reward
            if terminated or truncated:
                over.append(person)
        for person, user in zip(over, generator.integers(n_users, size=len(over)).tolist(), strict=True):
            person.reset(user)
    return time.process_time() - started, total
