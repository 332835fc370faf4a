"""Tensors as SkyRL has them, and advantages as our credit code gives them for the same turns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tastemaker.errors import InputError
from tastemaker.learning.credit import CreditConfig, Rollout, Turn, lay_out, turn_group
from tastemaker.learning.engines.skyrl_credit import MARK, turn_advantages

Turns = list[tuple[int, int, float]]
"""Of each turn the places of tool results before it, those that were sampled, and its reward."""

one_turn = st.tuples(st.integers(0, 5), st.integers(1, 4), st.sampled_from([0.0, 0.1, 0.25, 1.0]))
batches = st.lists(
    st.tuples(st.sampled_from("ab"), st.lists(one_turn, min_size=1, max_size=4)), min_size=2, max_size=5
)


def laid_out(rows: list[Turns], left: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Rewards, responses and sampled tokens [B, T]; padding stands on the left, as in SkyRL, or the right."""
    lengths = [sum(before + sampled for before, sampled, _ in turns) for turns in rows]
    rewards, mask, sampled_mask = (torch.zeros(len(rows), max(lengths) + 1) for _ in range(3))
    for row, turns in enumerate(rows):
        place = max(lengths) + 1 - lengths[row] if left else 0
        mask[row, place : place + lengths[row]] = 1
        for before, sampled, reward in turns:
            sampled_mask[row, place + before : place + before + sampled] = 1
            place += before + sampled
            rewards[row, place - 1] = reward + MARK
    return rewards, mask, sampled_mask


@settings(deadline=None, max_examples=30)
@given(batches, st.sampled_from([0.9, 1.0]), st.booleans())
def test_advantages_are_those_of_our_turns(batch: list[tuple[str, Turns]], gamma: float, left: bool) -> None:
    rewards, mask, sampled = laid_out([turns for _, turns in batch], left)
    found, returns = turn_advantages(
        token_level_rewards=rewards,
        response_mask=mask,
        index=[group for group, _ in batch],
        gamma=gamma,
        values=None,
        lambd=1.0,
        grpo_norm_by_std=True,
        config=None,
    )
    rollouts = []
    for group, turns in batch:
        place, made = 1, []
        for before, size, reward in turns:
            made.append(Turn(place + before, place + before + size, {"outcome": reward}))
            place += before + size
        rollouts.append(Rollout(group, place, tuple(made)))
    expected = turn_group(lay_out(rollouts, CreditConfig()), None, CreditConfig(gamma=gamma)).advantages
    np.testing.assert_allclose(found[sampled.bool()].numpy(), expected.numpy(), atol=2e-4)
    assert found.shape == rewards.shape
    assert not found[mask == 0].any()
    torch.testing.assert_close(found, returns)


def test_a_better_turn_than_in_other_tries_has_an_advantage() -> None:
    rewards, mask, _ = laid_out([[(0, 2, 0.5), (3, 1, 1.0)], [(0, 1, 0.5), (1, 2, 0.0)]], left=True)
    found, _ = turn_advantages(rewards, mask, ["a", "a"])
    first, second = (found[row][mask[row].bool()].tolist() for row in (0, 1))
    assert first == pytest.approx([first[0]] * 6)
    assert first[0] > 0 > second[0]


def test_a_response_without_a_reward_is_one_turn() -> None:
    """SkyRL may take the rewards of responses that were cut off."""
    rewards, mask, _ = laid_out([[(0, 2, 1.0)], [(0, 1, 0.0), (1, 2, 0.0)]], left=False)
    rewards[1] = 0
    found, _ = turn_advantages(rewards, mask, ["a", "a"])
    assert found[0, 0] > 0
    assert len(set(found[1][mask[1].bool()].tolist())) == 1
    assert found[1, 0] < 0


def test_what_it_cannot_do_is_refused() -> None:
    rewards, mask, _ = laid_out([[(0, 2, 1.0)], [(0, 2, 0.0)]], left=False)
    with pytest.raises(InputError, match="critic"):
        turn_advantages(rewards, mask, ["a", "a"], values=rewards)
    with pytest.raises(InputError, match="use_kl_in_reward"):
        turn_advantages(mask * 0.1, mask, ["a", "a"])
