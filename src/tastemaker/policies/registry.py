"""The policies by name: those that learn, the combinations of one with a training reward, and the baselines.

Modules are imported when they are asked for.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tastemaker.config import validated
from tastemaker.errors import InputError
from tastemaker.policies import baselines
from tastemaker.policies.base import LearnedPolicy, PolicyConfig
from tastemaker.simulation.scenario import Scenario


@dataclass(frozen=True)
class Entry:
    """A policy that learns."""

    place: str
    """`module:class` below `tastemaker.policies`."""
    kind: str
    """Its family, as tables show it."""
    reward: str = "base"
    """The training reward of its world."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Where its defaults differ from its class's."""


_A2C = "on_policy.learner:A2C"
_PPO = "on_policy.learner:PPO"
LEARNED: Mapping[str, Entry] = {
    "pg": Entry("on_policy.learner:PG", "on-policy"),
    "a2c": Entry(_A2C, "on-policy"),
    "ppo": Entry(_PPO, "on-policy"),
    "pg-continuous": Entry(
        "on_policy.learner:ContinuousPG",
        "on-policy",
        settings={"learning_rate": 2e-3, "entropy_bonus": 5e-3},
    ),
    "a2c-continuous": Entry("on_policy.learner:ContinuousA2C", "on-policy", settings={"learning_rate": 1e-3}),
    "ppo-continuous": Entry("on_policy.learner:ContinuousPPO", "on-policy", settings={"entropy_bonus": 5e-3}),
    "a2c-ips": Entry("on_policy.learner:A2CIPS", "on-policy"),
    "mopo": Entry(_A2C, "a2c + reward", "mopo"),
    "dorl": Entry(_A2C, "a2c + reward", "dorl"),
    "cirs": Entry(_A2C, "a2c + reward", "cirs"),
    "intrinsic": Entry(_A2C, "a2c + reward", "intrinsic"),
    "ppo-drawn": Entry(_PPO, "ppo + reward", "drawn", {"window": 20, "epochs": 120, "greedy": False}),
    "dqn": Entry("off_policy.values:DQN", "off-policy"),
    "ddqn": Entry("off_policy.values:DoubleDQN", "off-policy"),
    "qrdqn": Entry("off_policy.values:QRDQN", "off-policy"),
    "c51": Entry("off_policy.values:C51", "off-policy"),
    "ddpg": Entry("off_policy.actor_critic:DDPG", "off-policy"),
    "td3": Entry("off_policy.actor_critic:TD3", "off-policy"),
    "sac": Entry("off_policy.actor_critic:SAC", "off-policy"),
    "bc": Entry("offline.algorithms:BC", "offline"),
    "bcq": Entry("offline.algorithms:BCQ", "offline"),
    "cql": Entry("offline.algorithms:CQL", "offline"),
    "crr": Entry("offline.algorithms:CRR", "offline"),
    "sqn": Entry("offline.algorithms:SQN", "offline"),
    "iql": Entry("offline.algorithms:IQL", "offline"),
    "dt": Entry("offline.decision_transformer:DecisionTransformer", "offline"),
}


def names() -> list[str]:
    """Names of all policies, the baselines first."""
    return [*baselines.NAMES, *LEARNED]


def check_name(name: str) -> None:
    """Raises InputError with the names when no policy has this one."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"no policy is named {name!r}; there are {', '.join(names())}{hint}")


def entry(name: str) -> Entry:
    """Of a policy that learns. Raises InputError for an unknown name, and for a baseline."""
    check_name(name)
    if name not in LEARNED:
        raise InputError(f"{name} is a baseline and learns nothing; those that learn: {', '.join(LEARNED)}")
    return LEARNED[name]


def policy_type(name: str) -> type[LearnedPolicy[Any, Any]]:
    """The class that a name trains."""
    module, _, attribute = entry(name).place.partition(":")
    found: type[LearnedPolicy[Any, Any]] = getattr(
        importlib.import_module(f"tastemaker.policies.{module}"), attribute
    )
    return found


def config(name: str, settings: Mapping[str, Any]) -> PolicyConfig:
    """A policy's config: defaults, but for `settings` (values may be text, as from a command line).

    Raises InputError for an unknown setting, or a value that does not fit.
    """
    return validated(policy_type(name).config_type, {**entry(name).settings, **settings}, name)


def create(name: str, scenario: Scenario, settings: Mapping[str, Any]) -> LearnedPolicy[Any, Any]:
    """An untrained policy for the users and items of a scenario."""
    log = scenario.log
    arguments: list[Any] = [config(name, settings), log.n_users, log.n_items]
    if name == "a2c-ips":
        arguments.append(np.bincount(log.item, minlength=log.n_items) + 1.0)
    return policy_type(name)(*arguments)
