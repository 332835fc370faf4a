from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError
from tastemaker.policies.baselines import Random, baseline
from tastemaker.policies.evaluation import METRICS, Judge, best_cycle, play, quit_probability
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Mode, Observation

TRUTH = np.array([[4, 1, 3, 2], [1, 1, 2, 8]], np.float32)


class Plays:
    """Shows each user a fixed list, and keeps what it was shown."""

    name = "plays"

    def __init__(self, lists: list[list[int]], window: int = 1) -> None:
        self.lists = np.array(lists)
        self.window = window
        self.seen: list[NDArray[np.int32]] = []

    def act(
        self, observation: Observation, allowed: NDArray[np.bool_] | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        self.seen.append(observation["items"])
        turn = np.minimum(observation["turn"], self.lists.shape[1] - 1)
        shown: NDArray[np.int64] = self.lists[observation["user"], turn]
        return shown


@pytest.fixture
def scenario() -> Scenario:
    """Two users, four items; a user quits over the item that came last. Item 0 has three interactions, 1 has
    none.
    """
    dataset = Dataset.build(
        "tiny",
        pl.DataFrame({"id": ["a", "b"]}),
        pl.DataFrame({"id": ["0", "1", "2", "3"]}),
        np.array([0, 0, 0, 1]),
        np.array([0, 0, 0, 3]),
        source=Source("written by hand", "none"),
    )
    return Scenario("tiny", dataset, TRUTH, DistanceQuit(np.arange(4.0)[:, None], 0.5, 1), 3, "by hand")


def test_a_hand_worked_evaluation(scenario: Scenario) -> None:
    # user 0 sees 0, then 0 again and quits; user 1 sees 3, 1, 3 to the last turn
    found = Judge(scenario).evaluate(Plays([[0, 0, 0], [3, 1, 3]]))
    # the cycle: true means 2.5, 1, 2.5, 5 give 3, 0, 3
    values = found.values
    assert best_cycle(scenario, Mode.parse("FreeB")).tolist() == [3, 0, 3]
    assert values["reward"].tolist() == [8, 17]
    assert values["length"].tolist() == [2, 3]
    assert values["reward/turn"] == pytest.approx([4, 17 / 3])
    assert values["gain"].tolist() == [8 - (2 + 4 + 2), 17 - (8 + 1 + 8)]
    apart = np.sqrt((1 + 49) / 2)
    assert values["diversity"] == pytest.approx([0, 2 / 3 * apart])
    # shares (3+1)/8 and (1+1)/8, and 1/8 of an item that nobody took
    assert values["novelty"] == pytest.approx([1, (2 + 3 + 2) / 3])
    assert found.whole["coverage"] == 3 / 4
    # counts 0, 1, 2, 2
    assert found.whole["gini"] == pytest.approx((-3 * 0 - 1 + 2 + 3 * 2) / (4 * 5))
    assert found.means()["reward"] == 12.5
    assert list(found.means()) == list(METRICS) == list(found.intervals())


def test_modes(scenario: Scenario) -> None:
    judge = Judge(scenario)
    oracle = baseline("oracle", scenario, Mode.parse("NX_4"))
    assert judge.evaluate(oracle, "NX_4").values["reward"].tolist() == [10, 12]
    stays = judge.evaluate(Plays([[0, 1, 2], [0, 1, 2]]), "NX_0")
    assert stays.values["length"].tolist() == [3, 3]
    with pytest.raises(InputError, match="5 turns without repeats need 5 items"):
        judge.evaluate(oracle, "NX_5")
    with pytest.raises(InputError, match="no mode is named"):
        judge.evaluate(oracle, "Free")
    with pytest.raises(InputError, match="1 session or more"):
        judge.evaluate(oracle, rounds=0)


def test_the_cycle_gains_nothing_over_itself_and_is_the_same_for_everybody(scenario: Scenario) -> None:
    judge = Judge(scenario)
    for mode in ("FreeB", "NX_0", "NX_2"):
        cycle = baseline("best-cycle", scenario, Mode.parse(mode))
        assert judge.evaluate(cycle, mode).values["gain"].tolist() == [0, 0]


def test_a_window_that_a_session_does_not_fill_is_padded(scenario: Scenario) -> None:
    policy = Plays([[0, 1], [0, 1]], window=6)
    Judge(scenario).evaluate(policy, "NX_2")
    assert policy.seen[1].tolist() == [[-1, -1, -1, -1, -1, 0]] * 2


def test_every_user_plays_in_every_round_whatever_the_size_of_the_world(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = np.array([1, 0, 1, 1, 0])
    policy = Plays([[0, 1, 2], [2, 3, 2]])
    whole = play(policy, scenario, "FreeB", users, np.random.default_rng(0))
    monkeypatch.setattr("tastemaker.policies.evaluation._USERS", 2)
    parts = play(policy, scenario, "FreeB", users, np.random.default_rng(0))
    assert whole.users.tolist() == parts.users.tolist() == users.tolist()
    assert np.array_equal(whole.items, parts.items)
    assert np.array_equal(whole.rewards, parts.rewards)
    assert whole.rewards.sum(1).tolist() == [12, 8, 12, 12, 8]


def test_the_seed_draws_and_nothing_else(scenario: Scenario) -> None:
    judge = Judge(scenario)
    once, again, other = (
        judge.evaluate(Random(4), rounds=20, seed=seed).values["reward"].tolist() for seed in (0, 0, 1)
    )
    assert once == again != other


def test_quit_probability_of_a_random_item(scenario: Scenario) -> None:
    # the rule looks at one item; one of four is the same
    assert quit_probability(scenario, 0) == 0
    for turns in (1, 5):
        assert quit_probability(scenario, turns) == pytest.approx(1 / 4, abs=0.01)
