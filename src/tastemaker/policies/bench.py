"""Training of A2C with a GRU, timed end to end beside the same network that plays one user at a time.

A step is a turn of one user: acting, the world's step and the learning from it. Times are of the processor.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from tastemaker.policies import registry
from tastemaker.simulation.scenario import Scenario

SESSIONS = 1_000
"""Users at a time."""

Row = dict[str, Any]


def bench(
    scenario: Scenario, sessions: int = SESSIONS, epochs: int = 3, plain_epochs: int = 20
) -> Iterator[Row]:
    """One row: epochs with `sessions` users at a time, and with one; each learns from all its turns once."""
    ours = _steps_per_cpu_second(scenario, sessions, epochs)
    reference = _steps_per_cpu_second(scenario, 1, plain_epochs)
    yield {
        "what": f"training of A2C with GRU, {scenario.name} (steps)",
        "size": sessions,
        "ours_per_cpu_second": ours,
        "reference_per_cpu_second": reference,
        "ratio": ours / reference,
    }


def _steps_per_cpu_second(scenario: Scenario, sessions: int, epochs: int) -> float:
    policy = registry.create("a2c", scenario, {"tracker": "gru", "sessions": sessions})
    world = scenario.world(sessions, window=policy.window)
    policy.epoch(world)
    started = time.process_time()
    for _ in range(epochs):
        policy.epoch(world)
    return epochs * sessions * world.max_turns / (time.process_time() - started)
