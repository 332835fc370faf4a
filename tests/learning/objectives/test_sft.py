"""Likelihood of given tokens, and which rollouts are given."""

from __future__ import annotations

import torch

from tastemaker.learning.objectives.rft import kept
from tastemaker.learning.objectives.sft import likelihood_loss


def test_the_likelihood_is_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 7, generator=generator).requires_grad_()
    targets, mask = torch.tensor([1, 6, 2, 0]), torch.tensor([True, True, False, True])
    log_probs = logits.log_softmax(1).gather(1, targets[:, None])[:, 0]
    found = likelihood_loss(log_probs, mask, total=3)
    expected = torch.nn.functional.cross_entropy(logits, targets.where(mask, -100))
    torch.testing.assert_close(found.loss, expected)
    for mine, theirs in zip(
        torch.autograd.grad(found.loss, logits), torch.autograd.grad(expected, logits), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_different_good_rollouts_are_kept_the_best_first() -> None:
    outcomes = [0.5, 1.0, 0.0, 1.0, 1.0, 0.5, 1.0]
    groups = ["a", "a", "a", "a", "a", "b", "c"]
    said = [(1,), (2,), (3,), (2,), (4,), (2,), (2,)]
    assert kept(outcomes, groups, said, least=0.5, most=9) == [0, 1, 4, 5, 6]
    assert kept(outcomes, groups, said, least=0.5, most=2) == [1, 4, 5, 6]
    assert kept(outcomes, groups, said, least=1.0, most=1) == [1, 6]
    assert kept([], [], [], least=1.0, most=1) == []
