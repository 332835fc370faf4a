"""Worlds beside users who are played one by one, and what a world refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.simulation.quit_rules import CategoryQuit, DistanceQuit, NeverQuits, QuitRule
from tastemaker.simulation.rewards import MatrixReward, Reward
from tastemaker.simulation.world import FREE, Mode, World

SAME_STEP, DISABLED = AutoresetMode.SAME_STEP, AutoresetMode.DISABLED


class Bored:
    """Rewards that fall with every time an item is in the last three: they depend on the window."""

    n_recent = 3

    def __init__(self, matrix: NDArray[np.floating]) -> None:
        self.matrix = matrix.astype(np.float32)
        self.n_users, self.n_items = matrix.shape

    def begin(self, rng: np.random.Generator) -> None:
        """Nothing is drawn."""

    def __call__(
        self, users: NDArray[np.integer], items: NDArray[np.integer], window: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        assert window.shape == (len(users), 3)
        found: NDArray[np.float32] = self.matrix[users, items]
        found -= (window == items[:, None]).sum(1)
        return found


@dataclass
class Case:
    """A drawn world and what it is made of."""

    matrix: NDArray[np.float64]
    bored: bool
    rule: str
    threshold: int
    n_recent: int
    mode: Mode
    turns: int
    window: int
    slate: int
    num_envs: int
    autoreset: AutoresetMode
    seed: int

    @property
    def categories(self) -> list[list[str]]:
        return [["abc"[i % 3], "xyz"[i // 3 % 3]] if i % 4 < 3 else [] for i in range(self.matrix.shape[1])]

    @property
    def length(self) -> int:
        return self.mode.turns or self.turns

    def world(self) -> World:
        rules: dict[str, QuitRule] = {
            "never": NeverQuits(),
            "distance": DistanceQuit(self.matrix.T, self.threshold + 0.5, self.n_recent),
            "category": CategoryQuit(self.categories, self.threshold, self.n_recent),
        }
        reward: Reward = Bored(self.matrix) if self.bored else MatrixReward(self.matrix)
        return World(
            reward,
            rules[self.rule],
            self.num_envs,
            mode=self.mode,
            max_turns=self.turns,
            window=self.window,
            slate=self.slate,
            autoreset=self.autoreset,
        )

    def quits(self, past: list[int], item: int) -> bool:
        recent = past[-self.n_recent :]
        if self.rule == "never" or not self.mode.quitting:
            return False
        if self.rule == "distance":
            return any(
                np.linalg.norm(self.matrix[:, old] - self.matrix[:, item]) < self.threshold + 0.5
                for old in recent
            )
        return any(
            sum(category in self.categories[old] for old in recent) > self.threshold
            for category in self.categories[item]
        )


@dataclass
class Person:
    """One user's session, as a plain loop would play it."""

    user: int
    items: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    shown: set[int] = field(default_factory=set)
    quit: bool = False

    def play(self, case: Case, item: int) -> float:
        reward = float(case.matrix[self.user, item])
        if case.bored:
            reward -= self.items[-3:].count(item)
        self.quit = case.quits(self.items, item)
        self.items.append(item)
        self.rewards.append(reward)
        return reward

    def over(self, case: Case) -> bool:
        return self.quit or len(self.items) == case.length


@st.composite
def cases(draw: st.DrawFn) -> Case:
    slate = draw(st.integers(1, 3))
    turns = draw(st.integers(1, 5))
    mode = Mode.parse(draw(st.sampled_from(["FreeB", "NX_0", "NX_3"])))
    fewest = slate if mode.repeats else slate * max(turns, 3)
    users, items = draw(st.integers(1, 4)), draw(st.integers(fewest, fewest + 5))
    seed = draw(st.integers(0, 2**32 - 1))
    return Case(
        matrix=np.random.default_rng(seed).integers(1, 4, size=(users, items)).astype(float),
        bored=draw(st.booleans()),
        rule=draw(st.sampled_from(["never", "distance", "category"])),
        threshold=draw(st.integers(0, 2)),
        n_recent=draw(st.integers(1, 6)),
        mode=mode,
        turns=turns,
        window=draw(st.integers(1, mode.turns or turns)),
        slate=slate,
        num_envs=draw(st.integers(1, 4)),
        autoreset=draw(st.sampled_from([SAME_STEP, DISABLED])),
        seed=seed,
    )


def check_seen(world: World, observation: Any, people: list[Person]) -> None:
    assert world.observation_space.contains(observation)
    for place, person in enumerate(people):
        empty = max(0, world.window - len(person.items))
        assert observation["user"][place] == person.user
        assert observation["turn"][place] == len(person.items)
        assert observation["items"][place].tolist() == [-1] * empty + person.items[-world.window :]
        assert observation["rewards"][place].tolist() == [0.0] * empty + person.rewards[-world.window :]


@settings(max_examples=200, deadline=None)
@given(cases())
def test_all_at_once_is_as_one_by_one(case: Case) -> None:
    world = case.world()
    rng = np.random.default_rng(case.seed)
    observation, _ = world.reset(seed=case.seed)
    people = [Person(int(user)) for user in observation["user"]]
    check_seen(world, observation, people)
    for _ in range(2 * case.length):
        allowed = world.allowed()
        assert (allowed is None) == case.mode.repeats
        slates = np.zeros((case.num_envs, case.slate), np.int64)
        for place, person in enumerate(people):
            fresh = [i for i in range(world.n_items) if case.mode.repeats or i not in person.shown]
            if allowed is not None:
                assert np.flatnonzero(allowed[place]).tolist() == fresh
            if not person.over(case):
                slates[place] = rng.choice(fresh, case.slate, replace=False)
        idle = [person.over(case) for person in people]
        actions = slates[:, 0] if case.slate == 1 else slates
        observation, rewards, terminated, truncated, infos = world.step(actions)
        for place, person in enumerate(people):
            item = infos["item"][place]
            if idle[place]:
                assert (item, rewards[place]) == (-1, 0)
            else:
                assert item in slates[place]
                assert rewards[place] == person.play(case, item)
                person.shown.update(slates[place].tolist())
            assert terminated[place] == person.quit
            assert truncated[place] == (person.over(case) and not person.quit)
        ended = [person.over(case) for person in people]
        if case.autoreset == SAME_STEP:
            assert ("final_obs" in infos) == any(ended)
            if any(ended):
                assert infos["_final_obs"].tolist() == ended
                check_seen(world, infos["final_obs"], people)
            for place in np.flatnonzero(ended).tolist():
                people[place] = Person(int(observation["user"][place]))
        check_seen(world, observation, people)
        if case.autoreset == DISABLED and all(ended):
            with pytest.raises(InputError, match="every session has ended"):
                world.step(actions)
            break


def small(num_envs: int = 2, **settings: Any) -> World:
    """Users 0 and 1, five items; user u gives item i 10 u + i. Neighbouring items are near each other."""
    matrix = np.arange(5.0) + 10 * np.arange(2)[:, None]
    rule = DistanceQuit(np.arange(5.0)[:, None], 1.5, 2)
    return World(MatrixReward(matrix), rule, num_envs, **({"window": 3, "max_turns": 4} | settings))


def test_a_session_by_hand() -> None:
    world = small(autoreset=DISABLED)
    world.reset(options={"users": [1, 0]})
    world.step(np.array([0, 0]))
    observation, rewards, terminated, truncated, infos = world.step(np.array([2, 1]))
    assert rewards.tolist() == [12, 1]
    assert terminated.tolist() == [False, True]  # 0 and 1 are neighbours
    observation, rewards, terminated, truncated, infos = world.step(np.array([4, 4]))
    assert rewards.tolist() == [14, 0]
    assert infos["item"].tolist() == [4, -1]
    assert observation["items"].tolist() == [[0, 2, 4], [-1, 0, 1]]
    assert observation["rewards"].tolist() == [[10, 12, 14], [0, 0, 1]]
    _, _, terminated, truncated, _ = world.step(np.array([0, 0]))  # 0 has left the last two
    assert (terminated.tolist(), truncated.tolist()) == ([False, True], [True, False])


@pytest.mark.parametrize("length", range(1, 5))
def test_every_earlier_item_counts_while_a_session_is_younger_than_the_quit_window(length: int) -> None:
    """Of `length` items, fewer than the rule's 7 and more than the window of 1, each is compared."""
    rule = DistanceQuit(10 * np.arange(5.0)[:, None], 1, 7)
    world = World(MatrixReward(np.ones((1, 5))), rule, 5, max_turns=9, window=1, autoreset=DISABLED)
    world.reset(seed=0)
    for item in range(length):
        assert not world.step(np.full(5, item))[2].any()
    assert world.step(np.arange(5))[2].tolist() == [item < length for item in range(5)]


def test_the_same_seed_draws_the_same_users_and_choices() -> None:
    def play(world: World, seed: int | None) -> list[list[int]]:
        found = [world.reset(seed=seed)[0]["user"].tolist()]
        for turn in range(12):
            observation, _, _, _, infos = world.step(np.array([[turn % 5, (turn + 2) % 5]] * 20))
            found += [observation["user"].tolist(), infos["item"].tolist()]
        return found

    one, other = small(20, slate=2), small(20, slate=2)
    first = play(one, 7)
    assert play(other, 7) == first
    assert play(one, None) != first
    assert play(one, 7) == first
    assert play(other, 8) != first


def test_users_are_drawn_evenly() -> None:
    world = World(MatrixReward(np.ones((3, 2))), NeverQuits(), 3000, max_turns=1, window=1)
    users = world.reset(seed=0)[0]["user"]
    users = np.concatenate([users, world.step(np.zeros(3000, int))[0]["user"]])
    assert np.abs(np.bincount(users, minlength=3) / 6000 - 1 / 3).max() < 0.02


def test_a_mask_leaves_the_other_sessions_as_they_are() -> None:
    world = small(3, autoreset=DISABLED, mode=Mode.parse("NX_3"))
    world.reset(options={"users": [0, 1, 0]})
    world.step(np.array([0, 1, 2]))
    observation, _ = world.reset(
        options={"reset_mask": np.array([False, True, False]), "users": np.array([1, 0, 1])}
    )
    assert observation["user"].tolist() == [0, 0, 0]
    assert observation["turn"].tolist() == [1, 0, 1]
    assert observation["items"][:, -1].tolist() == [0, -1, 2]
    allowed = world.allowed()
    assert allowed is not None
    assert (~allowed).sum(1).tolist() == [1, 0, 1]


def test_some_users_step_and_the_others_stand_still() -> None:
    world = small(3, autoreset=DISABLED)
    world.reset(options={"users": [0, 1, 0]})
    observation, rewards, _, _, infos = world.step(np.array([4, 4, 4]), only=np.array([True, False, True]))
    assert rewards.tolist() == [4, 0, 4]
    assert infos["item"].tolist() == [4, -1, 4]
    assert observation["turn"].tolist() == [1, 0, 1]


def test_the_choice_from_a_slate_is_a_softmax_of_the_rewards() -> None:
    rewards = np.array([[0.0, 1.0, 2.0]])
    world = World(
        MatrixReward(rewards), NeverQuits(), 40_000, slate=3, temperature=0.5, max_turns=1, window=1
    )
    world.reset(seed=0)
    taken = world.step(np.tile([2, 0, 1], (40_000, 1)))[4]["item"]
    wanted = np.exp(rewards[0] / 0.5) / np.exp(rewards[0] / 0.5).sum()
    np.testing.assert_allclose(np.bincount(taken, minlength=3) / 40_000, wanted, atol=0.01)


def test_what_a_world_shows_stays_as_it_was() -> None:
    world = small(autoreset=DISABLED)
    before, _ = world.reset(options={"users": [0, 1]})
    world.step(np.array([0, 1]))
    assert before["turn"].tolist() == [0, 0]
    assert (before["items"] == -1).all()


@pytest.mark.parametrize("autoreset", [SAME_STEP, DISABLED])
def test_gymnasium_counts_the_same_returns(autoreset: AutoresetMode) -> None:
    world = small(6, autoreset=autoreset)
    env = gymnasium.wrappers.vector.RecordEpisodeStatistics(world)
    env.reset(seed=1)
    env.action_space.seed(1)
    totals, n_ended = np.zeros(6), 0
    for _ in range(4):
        _, rewards, terminated, truncated, infos = env.step(env.action_space.sample())
        totals += rewards
        ended = terminated | truncated
        if autoreset == SAME_STEP:
            for place in np.flatnonzero(ended):
                assert infos["episode"]["r"][place] == totals[place]
                assert infos["episode"]["l"][place] == infos["final_obs"]["turn"][place]
            totals[ended] = 0
        n_ended += int(ended.sum())
    assert n_ended >= 6


@pytest.mark.parametrize(
    ("name", "repeats", "quitting", "turns"),
    [("FreeB", True, True, None), ("NX_0", False, True, None), ("NX_12", False, False, 12)],
)
def test_modes_have_names(name: str, repeats: bool, quitting: bool, turns: int | None) -> None:
    assert Mode.parse(name) == Mode(name, repeats, quitting, turns)


@pytest.mark.parametrize("name", ["", "freeb", "NX_", "NX_-1", "NX_03", "NX_1.5", "NX_9999999", "NX_5 "])
def test_other_modes_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="no mode is named"):
        Mode.parse(name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_envs": 0}, "1 user at a time"),
        ({"max_turns": 0}, "1 turn or more"),
        ({"window": 5}, "window of 5 does not fit a session of 4 turns"),
        ({"window": 3, "mode": Mode.parse("NX_2")}, "window of 3 does not fit a session of 2 turns"),
        ({"window": 0}, "window of 0"),
        ({"slate": 6}, "no slate of 6 can be made of 5 items"),
        ({"slate": 0}, "no slate of 0"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"slate": 2, "mode": Mode.parse("NX_3")}, "3 turns without repeats need 6 items; there are 5"),
        ({"autoreset": AutoresetMode.NEXT_STEP}, "in the same step"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        small(**settings)


def test_a_rule_of_other_items_is_refused() -> None:
    rule = DistanceQuit(np.arange(4.0)[:, None], 1, 2)
    with pytest.raises(InputError, match="the quit rule knows 4 items, the rewards 5"):
        World(MatrixReward(np.ones((2, 5))), rule, 1)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0, 5], "item 5 is outside this world, whose items are 0 to 4"),
        ([-1, 0], "item -1 is outside"),
        ([0], r"whole numbers of shape \(2,\)"),
        ([[0], [1]], r"whole numbers of shape \(2,\)"),
        ([0.0, 1.0], "whole numbers"),
        ([True, False], "whole numbers"),
    ],
)
def test_wrong_actions_are_refused(actions: list[Any], message: str) -> None:
    world = small()
    world.reset(seed=0)
    with pytest.raises(InputError, match=message):
        world.step(np.array(actions))


@pytest.mark.parametrize("slate", [1, 2])
def test_repeats_are_refused_where_the_mode_forbids_them(slate: int) -> None:
    world = small(mode=Mode.parse("NX_2"), slate=slate, window=1)
    world.reset(options={"users": [0, 1]})
    second = (np.array([0, 2]), np.array([1, 2])) if slate == 1 else (
        np.array([[0, 1], [2, 3]]), np.array([[2, 3], [4, 2]]))  # fmt: skip
    world.step(second[0])
    with pytest.raises(InputError, match="user 1 was shown item 2 already, which the mode NX_2 forbids"):
        world.step(second[1])


def test_a_slate_with_an_item_twice_is_refused() -> None:
    world = small(slate=2)
    world.reset(seed=0)
    with pytest.raises(InputError, match="twice"):
        world.step(np.array([[0, 1], [3, 3]]))


def test_a_world_waits_for_reset() -> None:
    with pytest.raises(InputError, match="call reset first"):
        small().step(np.array([0, 0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"users": [0, 2]}, "users are 2 numbers from 0 to 1"),
        ({"users": [0, -1]}, "users are 2 numbers"),
        ({"users": [0]}, "users are 2 numbers"),
        ({"users": [0.0, 1.0]}, "users are 2 numbers"),
        ({"reset_mask": np.array([1, 0])}, "reset_mask is 2 booleans"),
        ({"reset_mask": np.array([True])}, "reset_mask is 2 booleans"),
        ({"user": [0, 1]}, "reset has no option 'user'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        small().reset(options=options)


def test_a_seed_for_each_user_is_refused() -> None:
    with pytest.raises(InputError, match="one seed"):
        small().reset(seed=[1, 2])


def test_a_reward_that_is_not_finite_is_refused() -> None:
    reward = Bored(np.array([[1.0, np.nan]]))
    world = World(reward, NeverQuits(), 2, mode=FREE)
    world.reset(seed=0)
    world.step(np.array([0, 0]))
    with pytest.raises(InputError, match="user 0 gives nan for item 1"):
        world.step(np.array([0, 1]))
