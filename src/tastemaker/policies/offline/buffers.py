"""A log as sessions: the three buffers of EasyRL4Rec (arXiv 2402.15164, section 3.4).

- sequential: each user's log, in order, cut into sessions of at most `max_turns`;
- convolution: every sub-sequence of `max_turns` of a user's log, so a turn is met with many a past;
- counterfactual: each user's log reordered at random and then cut, again and again, as what users give for
  an item is taken not to depend on what came before.

A log without a clock has no order: there each user's is drawn once by the seed. Where the scenario's quit
rule is applied, a session ends in the turn in which that user would have quit, and the user's next turn
begins a new one; so the log teaches what drives users away. Knows nothing of policies.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.policies.offline.config import OfflineConfig
from tastemaker.policies.state import State, Transitions
from tastemaker.simulation.quit_rules import NeverQuits, QuitRule
from tastemaker.simulation.scenario import Scenario


def transitions(scenario: Scenario, config: OfflineConfig) -> Transitions:
    """The turns of the log's sessions; those of a session stand together, in order, the last one `done`.

    The reward is the rating, or 1 where the log has none. Raises InputError for an empty log, and for a
    window longer than a session.
    """
    log, turns = scenario.log, scenario.max_turns
    if len(log) == 0:
        raise InputError(f"{scenario.name}: the log is empty, so there is nothing to learn from")
    if config.window > turns:
        raise InputError(
            f"{scenario.name}: the window of {config.window} does not fit a session of {turns} turns"
        )
    rng = np.random.default_rng(config.seed)
    rows = rng.permutation(len(log)) if log.clock == "none" else np.arange(len(log))
    rows = rows[np.argsort(log.user[rows], kind="stable")]
    if config.buffer == "sequential":
        sessions = _cut(log, rows, turns)
    elif config.buffer == "convolution":
        sessions = _windows(log, rows, turns, config.turns, rng)
    else:
        times = max(1, round(config.turns / len(log)))
        sessions = np.concatenate([_cut(log, _shuffled(log, rng), turns) for _ in range(times)])
    return _play(log, sessions, scenario.quit_rule if config.quits else NeverQuits(), config.window)


def _shuffled(log: Dataset, rng: np.random.Generator) -> NDArray[np.int64]:
    """The log's rows by user, those of each user in a random order."""
    return np.lexsort((rng.random(len(log)), log.user))


def _cut(log: Dataset, rows: NDArray[np.int64], turns: int) -> NDArray[np.int64]:
    """[m, turns] rows by session: each user's, in the order given, `turns` at a time; -1 past the end."""
    place = np.arange(len(log)) - log.user_ptr[log.user]
    session = np.cumsum(place % turns == 0) - 1
    sessions = np.full((session[-1] + 1, turns), -1, np.int64)
    sessions[session, place % turns] = rows
    return sessions


def _windows(
    log: Dataset, rows: NDArray[np.int64], turns: int, at_most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """[m, turns] every sub-sequence of `turns` rows of a user, or the whole log of one who has fewer; where
    they would hold many more than `at_most` turns, some of them, drawn evenly.
    """
    place = np.arange(len(log)) - log.user_ptr[log.user]
    left = np.diff(log.user_ptr)[log.user] - place
    starts = np.flatnonzero((left >= turns) | (place == 0))
    wanted = max(1, round(at_most / turns))
    if len(starts) > wanted:
        starts = np.sort(rng.choice(starts, wanted, replace=False))
    reach = np.arange(turns)
    inside = reach < left[starts, None]
    return np.where(inside, rows[np.minimum(starts[:, None] + reach, len(log) - 1)], -1)


def _play(log: Dataset, sessions: NDArray[np.int64], rule: QuitRule, window: int) -> Transitions:
    """Go through all sessions [m, turns] at once, turn by turn."""
    count, turns = sessions.shape
    reward_of = np.ones(len(log), np.float32) if log.rating is None else log.rating
    n_recent = max(window, rule.n_recent)
    recent_items = np.full((count, n_recent), -1, np.int32)
    recent_rewards = np.zeros((count, n_recent), np.float32)
    taken = sessions >= 0
    items = np.where(taken, log.item[sessions], -1).astype(np.int32)
    rewards = np.where(taken, reward_of[sessions], np.float32(0))
    done = taken & ~np.pad(taken[:, 1:], ((0, 0), (0, 1)))
    past_items = np.empty((count, turns, window), np.int32)
    past_rewards = np.empty((count, turns, window), np.float32)
    for turn in range(turns):
        past_items[:, turn] = recent_items[:, n_recent - window :]
        past_rewards[:, turn] = recent_rewards[:, n_recent - window :]
        quits = rule.quits(recent_items[:, n_recent - rule.n_recent :], items[:, turn])
        done[:, turn] |= quits & taken[:, turn]
        for memory, latest, empty in ((recent_items, items, -1), (recent_rewards, rewards, 0)):
            memory[:, :-1] = memory[:, 1:]
            memory[:, -1] = latest[:, turn]
            memory[quits] = empty
    users = np.broadcast_to(log.user[sessions[:, 0], None], sessions.shape)
    window_items = torch.from_numpy(past_items[taken].astype(np.int64))
    return Transitions(
        State(
            torch.from_numpy(users[taken].astype(np.int64)),
            window_items.masked_fill_(window_items < 0, log.n_items),
            torch.from_numpy(past_rewards[taken]),
        ),
        torch.from_numpy(items[taken].astype(np.int64)),
        torch.from_numpy(rewards[taken]),
        torch.from_numpy(done[taken]),
    )
