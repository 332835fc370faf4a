"""GRPO beside PPO, and its divergence worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from tastemaker.learning.objectives.grpo import grpo_loss
from tastemaker.learning.objectives.ppo import policy_loss


def test_it_is_ppo_with_the_divergence_in_the_loss() -> None:
    now, old, reference = torch.tensor([[-1.0, -2.0], [-1.1, -1.9], [-1.5, -1.0]], dtype=torch.float64)
    worth, mask = torch.tensor([1.0, -1.0]), torch.tensor([True, True])
    surrogate = policy_loss(now, old, worth, mask, clip=0.2, total=2)
    found = grpo_loss(now, old, reference, worth, mask, clip=0.2, kl_weight=0.3, total=2)
    divergence = (math.exp(-0.5) - 1 + 0.5 + math.exp(1.0) - 1 - 1.0) / 2
    assert found.loss.item() == pytest.approx(surrogate.loss.item() + 0.3 * divergence)
    assert found.figures["reference_divergence"] == pytest.approx(divergence)
    assert found.figures["loss"] == pytest.approx(found.loss.item())
    assert found.figures["clipped"] == surrogate.figures["clipped"]


def test_gradients_are_those_of_finite_differences() -> None:
    generator = torch.Generator().manual_seed(2)
    now, old, reference, worth = torch.randn(4, 5, dtype=torch.float64, generator=generator)
    mask = torch.tensor([True, True, False, True, True])
    assert torch.autograd.gradcheck(
        lambda x: grpo_loss(x, old, reference, worth, mask, clip=0.2, kl_weight=0.1, total=4).loss,
        (now.requires_grad_(),),
    )
