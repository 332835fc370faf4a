"""The critic of utterances on a chain whose values are known, and its gradient on tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tastemaker.learning.objectives.archer import Critic, critic_loss, gradient_loss
from tastemaker.learning.objectives.values import ValueHead


def test_the_critic_learns_what_a_chain_is_worth() -> None:
    """Two turns, two actions each, every path once: worth 1 after (1, 1), 0.5 after (0, ·), else 0."""
    paths = [(a, b) for a in (0, 1) for b in (0, 1)]
    rewards = torch.tensor([r for a, b in paths for r in (0.0, 0.5 if a == 0 else float(b))])
    # one-hot: the start, what is known after the first turn, what was done in the second
    spots = [(0, 1 + a, 1 + a, 3 + 2 * a + b) for a, b in paths]
    states = torch.eye(7)[[spot for s, _, k, _ in spots for spot in (s, k)]]
    acted = torch.eye(7)[[spot for _, x, _, y in spots for spot in (x, y)]]
    ends = torch.tensor([False, True] * 4)
    critic = Critic(7, 32, seed=0)
    target = critic.target()
    optimiser = torch.optim.Adam(critic.parameters(), 0.01)
    for _ in range(250):
        loss, figures = critic_loss(critic, target, states, acted, rewards, ends, gamma=0.9)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        target.follow(critic, 0.2)
    assert figures["q_loss"] < 1e-3
    with torch.no_grad():
        q, v = critic.after(acted), critic.before(states)
    for found in q:
        np.testing.assert_allclose(found, [0.45, 0.5, 0.45, 0.5, 0.45, 0, 0.45, 1], atol=0.03)
    for found in v:
        np.testing.assert_allclose(found, [0.45, 0.5, 0.45, 0.5, 0.45, 0.5, 0.45, 0.5], atol=0.03)
    np.testing.assert_allclose(critic.advantages(states, acted), [0, 0, 0, 0, 0, -0.5, 0, 0.5], atol=0.06)


def test_the_critics_are_two_and_the_lower_one_counts() -> None:
    critic = Critic(3, 8, seed=1)
    states, acted = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    q, v = critic.after(acted), critic.before(states)
    assert not torch.allclose(q[0], q[1])
    torch.testing.assert_close(
        critic.advantages(states, acted), torch.minimum(q[0], q[1]) - torch.minimum(v[0], v[1])
    )
    again = Critic(3, 8, seed=1)
    assert torch.equal(again.after(acted), q)


def test_a_target_follows_and_does_not_learn() -> None:
    critic = Critic(3, 8, seed=0)
    target = critic.target()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.add_(1.0)
    before = [parameter.clone() for parameter in target.parameters()]
    target.follow(critic, 0.1)
    for old, new in zip(before, target.parameters(), strict=True):
        torch.testing.assert_close(new, old + 0.1)
        assert not new.requires_grad
    assert all(parameter.requires_grad for parameter in critic.parameters())


def test_the_critic_sends_no_gradient_to_the_model() -> None:
    critic = Critic(3, 8, seed=0)
    hidden = torch.randn(4, 3, requires_grad=True)
    rewards, ends = torch.ones(4), torch.tensor([False, True, False, True])
    critic_loss(critic, critic.target(), hidden, hidden, rewards, ends, gamma=0.9).loss.backward()
    assert hidden.grad is None
    assert all(parameter.grad is not None for parameter in critic.parameters())


def test_the_gradient_on_tokens_by_hand() -> None:
    log_probs = torch.tensor([-1.0, -2.0, -3.0], requires_grad=True)
    found = gradient_loss(
        log_probs, torch.tensor([3.0, -1.0, 9.0]), torch.tensor([True, True, False]), total=2
    )
    found.loss.backward()
    assert found.loss.item() == pytest.approx(0.5)
    assert log_probs.grad is not None
    assert log_probs.grad.tolist() == [-1.5, 0.5, 0]


def test_a_value_head_expects_nothing_until_it_has_learnt() -> None:
    head = ValueHead(3)
    hidden = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    assert head(hidden).tolist() == [0.0] * 40
    aim = hidden @ torch.tensor([1.0, -2.0, 0.5]) + 0.3
    optimiser = torch.optim.Adam(head.parameters(), 0.05)
    for _ in range(300):
        optimiser.zero_grad()
        ((head(hidden) - aim) ** 2).mean().backward()
        optimiser.step()
    torch.testing.assert_close(head(hidden), aim, atol=0.02, rtol=0)
    assert head(hidden.to(torch.bfloat16)).dtype == torch.float32
