"""Long-term evaluation: a policy plays whole sessions with every user of a scenario, who give the truth.

The three ways to play are those of EasyRL4Rec (arXiv 2402.15164, section 3.5); the measures are `metrics`'s,
and the gain over the best sequence that is the same for everybody. Knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.policies import metrics
from tastemaker.policies.base import Policy
from tastemaker.policies.baselines import baseline
from tastemaker.retrieval.metrics import intervals
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Mode, Observation

MODES = ("FreeB", "NX_0", "NX_10")
METRICS = (
    "reward",
    "length",
    "reward/turn",
    "gain",
    "coverage",
    "diversity",
    "novelty",
    "gini",
)
"""Measures in the order of tables."""
_USERS = 1024
"""Users who play at a time."""


@dataclass(frozen=True)
class Sessions:
    """n sessions that were played."""

    users: NDArray[np.int64]
    """[n] whose they are."""
    items: NDArray[np.int32]
    """[n, turns] what was shown; -1 after the end."""
    rewards: NDArray[np.float32]
    """[n, turns] what it gave; 0 after the end."""


@dataclass(frozen=True)
class Evaluation:
    """What a policy is worth in one mode."""

    mode: str
    values: Mapping[str, NDArray[np.float64]]
    """[n_users] by measure: each user's mean over their sessions."""
    whole: Mapping[str, float]
    """Measures that all sessions have together: coverage and gini."""

    def means(self) -> dict[str, float]:
        """One number a measure, in the order of `METRICS`."""
        found = {name: float(value.mean()) for name, value in self.values.items()} | dict(self.whole)
        return {name: found[name] for name in METRICS}

    def intervals(self) -> dict[str, dict[str, float] | float]:
        """Means with their 95% bootstrap interval over users; coverage and gini are of all users together and
        have none.
        """
        found: dict[str, dict[str, float] | float] = {**intervals(self.values), **self.whole}
        return {name: found[name] for name in METRICS}


class Judge:
    """Measures policies on one scenario; what they share is worked out once."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._cycles: dict[str, NDArray[np.float64]] = {}

    @cached_property
    def _distances(self) -> NDArray[np.float32]:
        return metrics.item_distances(self.scenario.truth)

    @cached_property
    def _surprise(self) -> NDArray[np.float64]:
        log = self.scenario.log
        return metrics.surprise(np.bincount(log.item, minlength=log.n_items))

    def cycle_returns(self, mode: Mode) -> NDArray[np.float64]:
        """[n_users] what the sequence of `best_cycle` gives each user."""
        if mode.name not in self._cycles:
            shown = best_cycle(self.scenario, mode)
            self._cycles[mode.name] = self.scenario.truth[:, shown].sum(1, dtype=np.float64)
        return self._cycles[mode.name]

    def evaluate(self, policy: Policy, mode: str = "FreeB", *, rounds: int = 1, seed: int = 0) -> Evaluation:
        """Measure a policy: every user plays `rounds` sessions; `seed` draws what the policy draws.

        Raises InputError for an unknown mode, or one that needs more items than there are.
        """
        if rounds < 1:
            raise InputError(f"every user plays 1 session or more, not {rounds}")
        rng = np.random.default_rng([seed, 0xE7A1])
        everybody = np.arange(self.scenario.log.n_users)
        found = [play(policy, self.scenario, mode, everybody, rng) for _ in range(rounds)]
        items = np.concatenate([one.items for one in found])
        rewards = np.concatenate([one.rewards for one in found])
        total = rewards.sum(1, dtype=np.float64)
        n = metrics.lengths(items)
        by_session = {
            "reward": total,
            "length": n.astype(np.float64),
            "reward/turn": total / n,
            "gain": total - np.tile(self.cycle_returns(Mode.parse(mode)), rounds),
            "diversity": metrics.diversity(items, self._distances),
            "novelty": metrics.novelty(items, self._surprise),
        }
        n_items = self.scenario.log.n_items
        return Evaluation(
            mode,
            {name: value.reshape(rounds, -1).mean(0) for name, value in by_session.items()},
            {"coverage": metrics.coverage(items, n_items), "gini": metrics.gini(items, n_items)},
        )


def best_cycle(scenario: Scenario, mode: Mode) -> NDArray[np.int32]:
    """[turns] the items that the baseline `best-cycle` shows everybody: in each turn the best true mean among
    the items that end no session.
    """
    policy = baseline("best-cycle", scenario, mode)
    shown = play(policy, scenario, mode.name, np.zeros(1, np.int64), np.random.default_rng(0)).items[0]
    cycle: NDArray[np.int32] = shown[shown >= 0]
    return cycle


def play(
    policy: Policy,
    scenario: Scenario,
    mode: str,
    users: NDArray[np.integer],
    rng: np.random.Generator,
) -> Sessions:
    """One session of each of `users` in the true world."""
    parts = [
        _play(policy, scenario, mode, users[start : start + _USERS], rng)
        for start in range(0, len(users), _USERS)
    ]
    return Sessions(*(np.concatenate([part[i] for part in parts]) for i in range(3)))


def quit_probability(scenario: Scenario, turns: int, pairs: int = 100_000) -> float:
    """How likely a random item drives a user away who was shown `turns` random items before."""
    rule, n_items = scenario.quit_rule, scenario.log.n_items
    rng = np.random.default_rng(0)
    window = rng.integers(n_items, size=(pairs, rule.n_recent), dtype=np.int32)
    window[:, : max(rule.n_recent - turns, 0)] = -1
    return float(rule.quits(window, rng.integers(n_items, size=pairs)).mean())


def protocol(scenario: Scenario, modes: Sequence[str], rounds: int) -> str:
    """The terms of an evaluation in one line."""
    times = "once" if rounds == 1 else f"{rounds} times"
    return (
        f"{scenario.protocol}; "
        f"every one of {scenario.log.n_users:,} users plays {times} in {', '.join(modes)}"
    )


def _play(
    policy: Policy, scenario: Scenario, mode: str, users: NDArray[np.integer], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    turns = Mode.parse(mode).turns or scenario.max_turns
    world = scenario.world(
        len(users), mode=mode, window=min(policy.window, turns), autoreset=AutoresetMode.DISABLED
    )
    observation, _ = world.reset(seed=0, options={"users": users})
    items = np.full((len(users), turns), -1, np.int32)
    rewards = np.zeros((len(users), turns), np.float32)
    for turn in range(turns):
        actions = policy.act(_widened(observation, policy.window), world.allowed(), rng)
        observation, rewards[:, turn], terminated, truncated, infos = world.step(actions)
        items[:, turn] = infos["item"]
        if (terminated | truncated).all():
            break
    return users.astype(np.int64), items, rewards


def _widened(observation: Observation, window: int) -> Observation:
    """With empty places in front, where a session has fewer turns than the policy's window has places."""
    missing = window - observation["items"].shape[1]
    if missing <= 0:
        return observation
    front = ((0, 0), (missing, 0))
    return {
        **observation,
        "items": np.pad(observation["items"], front, constant_values=-1),
        "rewards": np.pad(observation["rewards"], front),
    }
