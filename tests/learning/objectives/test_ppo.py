"""PPO beside a page of plain arithmetic, numbers worked by hand, and finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tastemaker.learning.credit import CreditConfig, Rollout, Turn, lay_out, turn_gae
from tastemaker.learning.objectives.base import k3
from tastemaker.learning.objectives.ppo import policy_loss, value_loss


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def gradient_of(log_probs: Tensor) -> Tensor:
    assert log_probs.grad is not None
    return log_probs.grad


def test_the_surrogate_by_hand() -> None:
    ratios, worth = [1.1, 1.5, 0.5, 1.5, 0.5, 9.0], [2.0, 2.0, 2.0, -2.0, -2.0, 5.0]
    log_probs = tensor(*ratios).log().requires_grad_()
    mask = torch.tensor([True] * 5 + [False])
    found = policy_loss(log_probs, torch.zeros(6), tensor(*worth), mask, clip=0.2, total=5)
    found.loss.backward()
    assert found.loss.item() == pytest.approx(-(2.2 + 2.4 + 1.0 - 3.0 - 1.6) / 5)
    np.testing.assert_allclose(gradient_of(log_probs), [-2.2 / 5, 0, -1.0 / 5, 3.0 / 5, 0, 0], atol=1e-12)
    assert found.figures["loss"] == pytest.approx(found.loss.item())
    assert found.figures["clipped"] == pytest.approx(2 / 5)
    assert found.figures["divergence"] == pytest.approx(sum(r - 1 - math.log(r) for r in ratios[:5]) / 5)


def test_with_one_turn_it_is_plain_ppo() -> None:
    """Bandits: reward less value is the advantage, standardised; the clipped surrogate as in the paper."""
    rng = np.random.default_rng(0)
    sizes, rewards, values = [3, 1, 5, 2], [1.0, 0.0, 0.5, 1.0], rng.normal(size=4)
    old = rng.normal(-1, 0.3, sum(sizes))
    now = old + rng.normal(0, 0.3, sum(sizes))

    worth = np.array(rewards) - values
    worth = np.repeat((worth - worth.mean()) / worth.std(), sizes)
    ratio = np.exp(now - old)
    bound = np.clip(ratio, 0.8, 1.2)
    loss = -np.minimum(ratio * worth, bound * worth).mean()
    gradient = np.where(ratio * worth <= bound * worth, -ratio * worth, 0) / len(now)

    rollouts = [
        Rollout("t", 9 + n, (Turn(9, 9 + n, {"outcome": r}),)) for n, r in zip(sizes, rewards, strict=True)
    ]
    config = CreditConfig()
    credit = turn_gae(lay_out(rollouts, config), torch.from_numpy(values), config)
    log_probs = torch.from_numpy(now).requires_grad_()
    mask = torch.ones(len(now), dtype=torch.bool)
    found = policy_loss(log_probs, torch.from_numpy(old), credit.advantages, mask, clip=0.2, total=len(now))
    found.loss.backward()
    assert found.loss.item() == pytest.approx(loss, abs=1e-7)
    np.testing.assert_allclose(gradient_of(log_probs), gradient, atol=1e-7)
    assert credit.returns is not None
    np.testing.assert_allclose(credit.returns, rewards)


def test_packs_add_up_to_the_step() -> None:
    generator = torch.Generator().manual_seed(0)
    now, old, worth = torch.randn(3, 9, dtype=torch.float64, generator=generator)
    mask = torch.rand(9, generator=generator) < 0.7
    total = int(mask.sum())
    whole = policy_loss(now, old, worth, mask, clip=0.2, total=total, entropy=-now)
    parts = [
        policy_loss(now[p], old[p], worth[p], mask[p], clip=0.2, total=total, entropy=-now[p])
        for p in (slice(0, 4), slice(4, 9))
    ]
    assert whole.loss.item() == pytest.approx(sum(part.loss.item() for part in parts))
    assert set(whole.figures) == {"loss", "clipped", "divergence", "entropy"}
    for name, figure in whole.figures.items():
        assert figure == pytest.approx(sum(part.figures[name] for part in parts))


def test_gradients_are_those_of_finite_differences() -> None:
    old, worth = tensor(-1.0, -2.0, -0.5, -1.5), tensor(1.0, -1.0, 2.0, -0.5)
    mask = torch.tensor([True, True, True, False])
    now = (old + tensor(0.1, -0.4, 0.5, 0.1)).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: policy_loss(x, old, worth, mask, clip=0.2, total=3).loss, (now,)
    )
    values = tensor(0.1, 0.9, -0.5).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: value_loss(x, tensor(0, 0.5, 0), tensor(1, 0, 0.3), clip=0.2, total=3).loss, (values,)
    )


def test_what_does_not_count_cannot_spoil_the_gradient() -> None:
    log_probs = torch.tensor([-1.0, 5000.0], requires_grad=True)
    mask = torch.tensor([True, False])
    policy_loss(log_probs, torch.tensor([-1.0, 0.0]), torch.ones(2), mask, clip=0.2, total=1).loss.backward()
    assert gradient_of(log_probs).tolist() == [-1.0, 0.0]


def test_the_error_of_values_by_hand() -> None:
    values = tensor(0.1, 0.9, 0.9, -0.5).requires_grad_()
    found = value_loss(values, tensor(0, 0.5, 0.5, 0), tensor(1, 0, 2, 0), clip=0.2, total=4)
    found.loss.backward()
    assert found.loss.item() == pytest.approx((0.9**2 + 0.9**2 + 1.3**2 + 0.5**2) / 8)
    np.testing.assert_allclose(gradient_of(values), [-0.9 / 4, 0.9 / 4, 0, -0.5 / 4], atol=1e-12)
    assert found.figures["value_clipped"] == 0.25


def test_k3_is_the_divergence_on_average() -> None:
    p, q = tensor(0.5, 0.3, 0.2), tensor(0.2, 0.2, 0.6)
    each = k3(p.log(), q.log())
    assert (each >= 0).all()
    assert float((p * each).sum()) == pytest.approx(float((p * (p / q).log()).sum()))
