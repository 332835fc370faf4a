"""Preference between trajectories, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.learning.objectives.dpo import dialogue_sums, dpo_loss, pairs


def test_the_loss_by_hand() -> None:
    better, worse = torch.tensor([[-3.0, -4.0], [-5.0, -2.0]], dtype=torch.float64)
    reference_better, reference_worse = torch.tensor([[-4.0, -3.5], [-4.0, -2.5]], dtype=torch.float64)
    found = dpo_loss(better, worse, reference_better, reference_worse, beta=0.5, total=2)
    margins = [0.5 * (1.0 - -1.0), 0.5 * (-0.5 - 0.5)]
    assert found.loss.item() == pytest.approx(sum(math.log(1 + math.exp(-m)) for m in margins) / 2)
    assert found.figures == pytest.approx(
        {
            "loss": found.loss.item(),
            "preferred": 0.5,
            "margin": 0.25,
            "better_gain": 0.25,
            "worse_gain": -0.25,
        }
    )


def test_at_the_reference_it_is_a_coin() -> None:
    same = torch.tensor([-3.0])
    assert dpo_loss(same, same - 1, same, same - 1, beta=0.1, total=1).loss.item() == pytest.approx(
        math.log(2)
    )


def test_gradients_are_those_of_finite_differences() -> None:
    better, worse, reference_better, reference_worse = torch.randn(
        4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    assert torch.autograd.gradcheck(
        lambda b, w: dpo_loss(b, w, reference_better, reference_worse, beta=0.3, total=3).loss,
        (better.requires_grad_(), worse.requires_grad_()),
    )


def test_a_trajectory_is_the_sum_of_its_sampled_tokens() -> None:
    tokens = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    dialogue = torch.tensor([0, 0, 2, 2, 2])
    mask = torch.tensor([True, True, True, False, True])
    assert dialogue_sums(tokens, dialogue, mask, 4).tolist() == [3, 0, 20, 0]


def test_the_best_is_paired_with_the_worst_of_its_task() -> None:
    outcomes = [0.0, 1.0, 0.5, 1.0, 0.0, 1.0, 0.5]
    groups = ["a", "a", "a", "a", "b", "b", "c"]
    assert pairs(outcomes, groups, margin=0.5) == [(1, 0), (3, 2), (5, 4)]
    assert pairs(outcomes, groups, margin=0.6) == [(1, 0), (5, 4)]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from("ab")), max_size=9))
def test_pairs_are_of_one_task_and_in_order(rollouts: list[tuple[float, str]]) -> None:
    outcomes, groups = [score for score, _ in rollouts], [group for _, group in rollouts]
    found = pairs(outcomes, groups, margin=0.5)
    used = [place for pair in found for place in pair]
    assert len(used) == len(set(used))
    for better, worse in found:
        assert groups[better] == groups[worse]
        assert outcomes[better] >= outcomes[worse] + 0.5
    for group in "ab":
        scores = [score for score, g in rollouts if g == group]
        differ = len(set(scores)) > 1
        assert differ == any(groups[better] == group for better, _ in found)
