"""The ring against a plain loop over what was put into it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.policies.off_policy.replay import Replay
from tastemaker.policies.state import State, Transitions

WINDOW, ITEMS = 2, 11


def turn(number: int, sessions: int, done: list[bool]) -> Transitions:
    """A turn whose every number tells which it is: the user is the session, the reward the turn."""
    session = torch.arange(sessions)
    items = ((number + session) % ITEMS)[:, None].repeat(1, WINDOW)
    return Transitions(
        State(session, items, torch.full((sessions, WINDOW), float(number))),
        (number * 3 + session) % ITEMS,
        torch.full((sessions,), float(number)),
        torch.tensor(done),
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data(), rows=st.integers(1, 6), n_step=st.integers(1, 4), turns=st.integers(1, 12))
def test_samples_are_the_turns_and_their_returns(
    data: st.DataObject, rows: int, n_step: int, turns: int
) -> None:
    sessions, gamma = 2, 0.5
    ends = [[data.draw(st.booleans()) for _ in range(sessions)] for _ in range(turns)]
    broken = [data.draw(st.booleans()) for _ in range(turns)]
    replay = Replay(rows, sessions, WINDOW, ITEMS, repeats=True)
    added = [turn(number, sessions, ends[number]) for number in range(turns)]
    for number in range(turns):
        replay.add(added[number], None)
        if broken[number]:
            replay.cut()
    sample = replay.sample(64, gamma, n_step, torch.Generator().manual_seed(0))
    kept = range(max(0, turns - rows), turns)
    for place in range(64):
        start, session = int(sample.state.rewards[place, 0]), int(sample.state.user[place])
        assert start in kept
        total, last = 0.0, start
        for step in range(n_step):
            last = start + step
            total += gamma**step * last
            if ends[last][session] or broken[last] or last == turns - 1:
                break
        assert sample.returns[place].item() == pytest.approx(total)
        expected = 0.0 if ends[last][session] else gamma ** (last - start + 1)
        assert sample.discount[place].item() == pytest.approx(expected)
        assert sample.action[place] == added[start].action[session]
        ahead = added[last].next_state
        assert sample.next_state.items[place].equal(ahead.items[session])
        assert sample.next_state.rewards[place].equal(ahead.rewards[session])


def test_every_turn_is_as_likely() -> None:
    replay = Replay(3, 2, WINDOW, ITEMS, repeats=True)
    for number in range(5):
        replay.add(turn(number, 2, [False, False]), None)
    sample = replay.sample(6000, 0.9, 1, torch.Generator().manual_seed(0))
    counts = np.bincount((sample.returns * 2 + sample.state.user).long().numpy(), minlength=10)
    assert counts[:4].sum() == 0
    assert counts[4:].min() > 850


def test_what_was_shown_is_not_allowed_next() -> None:
    replay = Replay(4, 2, WINDOW, ITEMS, repeats=False)
    allowed = np.random.default_rng(0).random((2, ITEMS)) < 0.5
    new = turn(0, 2, [False, False])
    allowed[np.arange(2), new.action.numpy()] = True
    replay.add(new, allowed)
    sample = replay.sample(8, 0.9, 3, torch.Generator().manual_seed(0))
    assert sample.next_allowed is not None
    for place, session in enumerate(sample.state.user.tolist()):
        expected = allowed[session].copy()
        expected[new.action[session]] = False
        assert sample.next_allowed[place].tolist() == expected.tolist()
