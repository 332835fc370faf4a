"""Losses against Tianshou's own code, torch.distributions, and numbers worked by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tastemaker.policies.off_policy import losses

D = torch.float64


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)), dtype=D)


def test_bootstrapping_by_hand() -> None:
    returns, discount = torch.tensor([1.0, 2.0], dtype=D), torch.tensor([0.9, 0.0], dtype=D)
    assert losses.bootstrapped(returns, discount, torch.tensor([10.0, 99.0], dtype=D)).tolist() == [10.0, 2.0]
    twice = losses.bootstrapped(returns, discount, torch.tensor([[10.0, 0.0], [99.0, 1.0]], dtype=D))
    assert twice.tolist() == [[10.0, 1.0], [2.0, 2.0]]


def test_quantile_loss_is_tianshous() -> None:
    qrdqn = pytest.importorskip("tianshou.algorithm.modelfree.qrdqn")
    batch = pytest.importorskip("tianshou.data").Batch
    n, n_items, k = 5, 3, 4
    logits, targets = random(n, n_items, k), 2 * random(n, k)
    action = torch.tensor([0, 2, 1, 1, 0])
    found: dict[str, torch.Tensor] = {}
    agent = SimpleNamespace(
        _periodically_update_lagged_network_weights=lambda: None,
        policy=lambda _: SimpleNamespace(logits=logits),
        tau_hat=((torch.arange(k, dtype=D) + 0.5) / k).view(1, -1, 1),
        optim=SimpleNamespace(step=lambda loss: found.update(loss=loss)),
    )
    qrdqn.QRDQN._update_with_batch(agent, batch(act=action.numpy(), returns=targets))
    ours = losses.quantile_loss(logits[torch.arange(n), action], targets)
    assert ours.item() == pytest.approx(found["loss"].item(), rel=1e-9)


def test_categorical_projection_is_tianshous() -> None:
    c51 = pytest.importorskip("tianshou.algorithm.modelfree.c51")
    n, n_items, k = 6, 3, 7
    support = torch.linspace(-1, 2, k, dtype=D)
    ahead = random(n, n_items, k).softmax(-1)
    action = torch.tensor([0, 2, 1, 1, 0, 2])
    returns = losses.bootstrapped(
        random(n), torch.tensor([0.9, 0.9, 0, 0.9, 0, 0.9], dtype=D), support.expand(n, k)
    )

    class Policy(SimpleNamespace):
        def __call__(self, *_: Any, **__: Any) -> Any:
            return SimpleNamespace(act=action, logits=ahead)

    agent = SimpleNamespace(
        policy=Policy(support=support, v_min=-1.0, v_max=2.0), delta_z=0.5, use_target_network=False
    )
    data = pytest.importorskip("tianshou.data").Batch(obs_next=torch.zeros(n), returns=returns)
    theirs = c51.C51._target_dist(agent, data)
    ours = losses.project(ahead[torch.arange(n), action], returns, support)
    assert torch.allclose(ours, theirs, atol=1e-12)
    assert torch.allclose(ours.sum(1), torch.ones(n, dtype=D))


def test_projection_splits_between_neighbours_and_stops_at_the_ends() -> None:
    support = torch.tensor([0.0, 1.0, 2.0])
    moved = losses.project(torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[-4.0, 0.25, 9.0]]), support)
    assert moved[0].tolist() == pytest.approx([0.5 + 0.3 * 0.75, 0.3 * 0.25, 0.2])


def test_categorical_loss_is_the_cross_entropy() -> None:
    logits, target = random(4, 5), random(4, 5).softmax(1)
    theirs = torch.nn.functional.cross_entropy(logits, target)
    assert losses.categorical_loss(logits, target).item() == pytest.approx(theirs.item())


def test_lower_value_is_tianshous_of_td3() -> None:
    td3 = pytest.importorskip("tianshou.algorithm.modelfree.td3")
    values = random(2, 6)
    agent = SimpleNamespace(critic_old=lambda *_: values[0], critic2_old=lambda *_: values[1])
    theirs = td3.TD3._target_q_compute_value(agent, SimpleNamespace(obs=None), SimpleNamespace(act=None))
    assert losses.lower_value(values, torch.zeros(6, dtype=D)).equal(theirs)


def test_soft_target_by_hand() -> None:
    values = torch.tensor([[3.0, 1.0], [2.0, 4.0]], dtype=D)
    cost = 0.5 * torch.tensor([-2.0, 2.0], dtype=D)
    assert losses.lower_value(values, cost).tolist() == [2.0 + 1.0, 1.0 - 1.0]


def test_critic_loss_by_hand() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, 5.0]], dtype=D)
    assert losses.critic_loss(values, torch.tensor([1.0, 4.0], dtype=D)).item() == (0 + 4) / 2 + (4 + 1) / 2


def test_squashed_density_is_that_of_the_transformed_gaussian() -> None:
    mean, log_deviation, noise = random(8, 3), 0.3 * random(8, 3), random(8, 3).flip(0)
    vectors, log_density = losses.squashed(mean, log_deviation, noise)
    gaussian = torch.distributions.Normal(mean, log_deviation.exp())
    reference = torch.distributions.TransformedDistribution(
        gaussian, [torch.distributions.transforms.TanhTransform(cache_size=1)]
    )
    assert torch.allclose(vectors, (mean + log_deviation.exp() * noise).tanh())
    assert torch.allclose(log_density, reference.log_prob(vectors).sum(1), atol=1e-7)
