"""Losses and returns, beside Tianshou's and numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.errors import InputError
from tastemaker.policies.on_policy import losses


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    turns=st.integers(1, 9),
    gamma=st.sampled_from([0.0, 0.9, 1.0]),
    gae_lambda=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_advantages_are_tianshous(seed: int, turns: int, gamma: float, gae_lambda: float) -> None:
    base = pytest.importorskip("tianshou.algorithm.algorithm_base", reason="tianshou is not installed")
    plain = getattr(base._gae, "py_func", base._gae)
    rng = np.random.default_rng(seed)
    reward, value, next_value = rng.normal(size=(3, turns, 4))
    done = rng.random((turns, 4)) < 0.3
    found = losses.advantages(
        torch.from_numpy(reward),
        torch.from_numpy(value),
        torch.from_numpy(next_value),
        torch.from_numpy(done),
        gamma,
        gae_lambda,
    )
    for n in range(4):
        theirs = plain(
            value[:, n], next_value[:, n] * ~done[:, n], reward[:, n], done[:, n], gamma, gae_lambda
        )
        np.testing.assert_allclose(found[:, n].numpy(), theirs, atol=1e-12)


def test_returns_to_go_stop_at_the_end_of_a_session() -> None:
    reward = torch.tensor([[1.0], [2.0], [4.0], [8.0]], dtype=torch.float64)
    done = torch.tensor([[False], [True], [False], [True]])
    assert losses.returns_to_go(reward, done, 0.5)[:, 0].tolist() == [2.0, 2.0, 8.0, 8.0]


def test_standardised_has_mean_0_and_variance_1() -> None:
    found = losses.standardised(torch.tensor([1.0, 3.0], dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), [-1, 1], atol=1e-7)
    assert losses.standardised(torch.ones(3)).tolist() == [0.0, 0.0, 0.0]


def test_policy_gradient_by_hand() -> None:
    log_prob = torch.tensor([-1.0, -2.0], dtype=torch.float64, requires_grad=True)
    loss = losses.policy_gradient(log_prob, torch.tensor([3.0, -1.0], dtype=torch.float64))
    loss.backward()
    assert loss.item() == 0.5
    assert log_prob.grad is not None
    assert log_prob.grad.tolist() == [-1.5, 0.5]


def test_clipped_gradient_by_hand() -> None:
    ratios = [1.1, 1.5, 0.5, 1.5, 0.5]
    worth = [2.0, 2.0, 2.0, -2.0, -2.0]
    log_prob = torch.tensor(ratios, dtype=torch.float64).log().requires_grad_()
    loss = losses.clipped_gradient(
        log_prob, torch.zeros(5, dtype=torch.float64), torch.tensor(worth, dtype=torch.float64), 0.2
    )
    loss.backward()
    assert loss.item() == pytest.approx(-(2.2 + 2.4 + 1.0 - 3.0 - 1.6) / 5)
    assert log_prob.grad is not None
    np.testing.assert_allclose(log_prob.grad.numpy(), [-2.2 / 5, 0, -1.0 / 5, 3.0 / 5, 0], atol=1e-12)


def test_before_any_step_ppo_goes_where_the_policy_gradient_goes() -> None:
    log_prob = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    worth = torch.arange(6.0, dtype=torch.float64) - 2
    gradients = []
    for name in ("plain", "clipped"):
        variable = log_prob.clone().requires_grad_()
        if name == "plain":
            losses.policy_gradient(variable, worth).backward()
        else:
            losses.clipped_gradient(variable, log_prob, worth, 0.2).backward()
        assert variable.grad is not None
        gradients.append(variable.grad)
    torch.testing.assert_close(*gradients)


def test_inverse_propensity_is_bounded_and_free_of_scale() -> None:
    propensities = np.array([1.0, 2.0, 4.0, 5.0])
    assert losses.inverse_propensity(propensities, 2).tolist() == pytest.approx([2, 1.5, 0.75, 0.6])
    assert losses.inverse_propensity(propensities * 7, 10).tolist() == pytest.approx([3, 1.5, 0.75, 0.6])


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_propensities_that_are_not_positive_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(InputError, match="propensities must be positive"):
        losses.inverse_propensity(np.array([1.0, wrong]), 10)
