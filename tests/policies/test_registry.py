from __future__ import annotations

import numpy as np
import pytest

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.policies import baselines, registry
from tastemaker.policies.base import LearnedPolicy, PolicyConfig
from tastemaker.simulation.quit_rules import NeverQuits
from tastemaker.simulation.scenario import Scenario

COMBINATIONS = {name: ("a2c", name) for name in ("mopo", "dorl", "cirs", "intrinsic")} | {
    "ppo-drawn": ("ppo", "drawn")
}
"""Class and training reward."""


@pytest.mark.parametrize("name", registry.LEARNED)
def test_every_name_leads_to_its_class(name: str) -> None:
    kind = registry.policy_type(name)
    assert issubclass(kind, LearnedPolicy)
    assert kind.name == COMBINATIONS.get(name, (name,))[0]
    assert issubclass(kind.config_type, PolicyConfig)
    assert kind.learns_from == ("log" if registry.entry(name).kind == "offline" else "world")
    assert registry.entry(name).reward == COMBINATIONS.get(name, (name, "base"))[1]


@pytest.mark.parametrize("name", registry.LEARNED)
def test_every_policy_is_made_and_acts_untrained(name: str, toy: Dataset) -> None:
    scenario = Scenario("toy", toy, np.ones((6, 8), np.float32), NeverQuits(), 5, "ones")
    policy = registry.create(name, scenario, {"window": "3", "seed": 7})
    assert (policy.window, policy.config.seed) == (3, 7)
    world = scenario.world(4, mode="NX_0", window=policy.window)
    observation, _ = world.reset(seed=0)
    allowed = np.zeros((4, 8), np.bool_)
    allowed[:, 5] = True
    assert policy.act(observation, allowed, np.random.default_rng(0)).tolist() == [5] * 4


def test_names_do_not_meet() -> None:
    assert not set(baselines.NAMES) & set(registry.LEARNED)
    assert registry.names() == [*baselines.NAMES, *registry.LEARNED]


def test_wrong_names() -> None:
    with pytest.raises(InputError, match="did you mean a2c"):
        registry.policy_type("a2cc")
    with pytest.raises(InputError, match="oracle is a baseline and learns nothing"):
        registry.policy_type("oracle")
