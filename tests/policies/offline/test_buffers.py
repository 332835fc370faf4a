from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tastemaker.errors import InputError
from tastemaker.policies.offline.buffers import transitions
from tastemaker.policies.offline.config import OfflineConfig
from tastemaker.policies.state import Transitions
from tastemaker.simulation.quit_rules import NeverQuits
from tastemaker.simulation.scenario import Scenario

EMPTY = 16
"""What stands at an empty place: the number of items."""


def config(**settings: Any) -> OfflineConfig:
    return OfflineConfig(window=2, **settings)


def sessions_of(turns: Transitions) -> list[tuple[int, tuple[int, ...]]]:
    """The user and the items of each session."""
    found, items = [], []
    for user, item, done in zip(
        turns.state.user.tolist(), turns.action.tolist(), turns.done.tolist(), strict=True
    ):
        items.append(item)
        if done:
            found.append((user, tuple(items)))
            items = []
    assert not items
    return found


def test_sequential_is_the_log_cut_in_order(scenario: Scenario, make_log: Any) -> None:
    log = make_log([1, 0, 0, 0, 0], [5, 2, 0, 4, 6], [2.0, 1.0, 3.0, 5.0, 4.0])
    turns = transitions(replace(scenario, log=log, max_turns=3), config(buffer="sequential", quits=False))
    assert turns.state.user.tolist() == [0, 0, 0, 0, 1]
    assert turns.action.tolist() == [2, 0, 4, 6, 5]
    assert turns.reward.tolist() == [1, 3, 5, 4, 2]
    assert turns.done.tolist() == [False, False, True, True, True]
    assert turns.state.items.tolist() == [[EMPTY, EMPTY], [EMPTY, 2], [2, 0], [EMPTY, EMPTY], [EMPTY, EMPTY]]
    assert turns.state.rewards.tolist() == [[0, 0], [0, 1], [1, 3], [0, 0], [0, 0]]
    assert turns.next_state.items.tolist()[:2] == [[EMPTY, 2], [2, 0]]


def test_convolution_is_every_sub_sequence(scenario: Scenario, make_log: Any) -> None:
    log = make_log([0, 0, 0, 0, 3, 3], [2, 0, 4, 6, 8, 10], [1.0] * 6)
    turns = transitions(replace(scenario, log=log, max_turns=3), config(buffer="convolution", quits=False))
    assert sessions_of(turns) == [(0, (2, 0, 4)), (0, (0, 4, 6)), (3, (8, 10))]
    few = transitions(
        replace(scenario, log=log, max_turns=3), config(buffer="convolution", quits=False, turns=6)
    )
    assert len(sessions_of(few)) == 2
    assert set(sessions_of(few)) <= set(sessions_of(turns))


def test_counterfactual_reorders_what_each_user_has(scenario: Scenario) -> None:
    log = scenario.log
    turns = transitions(scenario, config(quits=False, turns=7 * len(log)))
    own = Counter(zip(log.user.tolist(), log.item.tolist(), strict=True))
    found = Counter(zip(turns.state.user.tolist(), turns.action.tolist(), strict=True))
    assert found == {pair: 7 for pair in own}
    assert all(len(items) <= scenario.max_turns for _, items in sessions_of(turns))
    assert len(set(sessions_of(turns))) > len(sessions_of(turns)) * 0.9
    truth = torch.from_numpy(scenario.truth)
    assert (turns.reward == truth[turns.state.user, turns.action]).all()


@pytest.mark.parametrize("buffer", ["sequential", "convolution", "counterfactual"])
def test_a_session_ends_where_the_world_would_end_it(scenario: Scenario, buffer: Any) -> None:
    turns = transitions(scenario, config(buffer=buffer, turns=2000))
    world = scenario.world(1, window=2)
    quits = 0
    for user, items in sessions_of(turns):
        world.reset(options={"users": np.array([user])})
        for turn, item in enumerate(items):
            _, _, terminated, _, _ = world.step(np.array([item]))
            assert not terminated[0] or turn == len(items) - 1
            quits += int(terminated[0])
    never = transitions(replace(scenario, quit_rule=NeverQuits()), config(buffer=buffer, turns=2000))
    assert len(sessions_of(turns)) > len(sessions_of(never))
    assert quits > 10


@pytest.mark.parametrize("buffer", ["sequential", "convolution", "counterfactual"])
def test_windows_hold_what_came_before_in_the_session(scenario: Scenario, buffer: Any) -> None:
    turns = transitions(scenario, config(buffer=buffer, turns=1000))
    past: list[tuple[int, float]] = []
    for row in range(len(turns.action)):
        padded = [(EMPTY, 0.0), (EMPTY, 0.0), *past][-2:]
        assert turns.state.items[row].tolist() == [item for item, _ in padded]
        assert turns.state.rewards[row].tolist() == [reward for _, reward in padded]
        past.append((int(turns.action[row]), float(turns.reward[row])))
        if turns.done[row]:
            past = []


def test_a_log_without_a_clock_has_an_order_drawn_by_the_seed(scenario: Scenario, make_log: Any) -> None:
    items = list(range(8))
    log = make_log([0] * 8, items, clock="none")
    given = replace(scenario, log=log)
    orders = [
        transitions(given, config(buffer="sequential", quits=False, seed=seed)).action.tolist()
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == items != orders[0]


def test_what_a_log_without_ratings_holds_earns_1(scenario: Scenario, make_log: Any) -> None:
    turns = transitions(replace(scenario, log=make_log([0, 0], [2, 4])), config(buffer="sequential"))
    assert turns.reward.tolist() == [1, 1]


def test_the_same_seed_gives_the_same_buffer(scenario: Scenario) -> None:
    first, second, third = (transitions(scenario, config(seed=seed, turns=500)) for seed in (0, 0, 1))
    assert torch.equal(first.action, second.action)
    assert not torch.equal(first.action, third.action)


def test_an_empty_log_and_a_window_longer_than_a_session_are_refused(scenario: Scenario) -> None:
    nothing = replace(scenario, log=scenario.log.take(np.zeros(len(scenario.log), np.bool_)))
    with pytest.raises(InputError, match="the log is empty"):
        transitions(nothing, config())
    with pytest.raises(InputError, match="window of 9 does not fit a session of 8"):
        transitions(scenario, OfflineConfig(window=9))
