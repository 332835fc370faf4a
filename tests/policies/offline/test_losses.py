"""Losses against Tianshou's learners on the same tensors, and against numbers worked by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical

from tastemaker.policies.offline import losses

D = torch.float64
N, A = 6, 4
ACTION = torch.tensor([0, 3, 1, 1, 2, 0])
DONE = torch.tensor([False, True, False, False, True, False])


def random(seed: int, *shape: int) -> Tensor:
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=D)


class Agent(SimpleNamespace):
    """Stands for a learner of Tianshou's: holds what its update reads, and never steps."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(
            optim=SimpleNamespace(step=lambda _: None),
            _periodically_update_lagged_network_weights=lambda: None,
            _update_lagged_network_weights=lambda: None,
            _iter=0,
            freq=1,
            **parts,
        )


def test_bcq_is_tianshous() -> None:
    module = pytest.importorskip("tianshou.algorithm.imitation.discrete_bcq")
    batch_of = pytest.importorskip("tianshou.data").Batch
    q, logits, target_q = random(0, N, A), random(1, N, A), random(2, N)
    result = SimpleNamespace(q_value=q, imitation_logits=logits)
    agent = Agent(policy=lambda _: result, _weight_reg=0.01)
    found = module.DiscreteBCQ._update_with_batch(agent, batch_of(act=ACTION.numpy(), returns=target_q))
    assert losses.imitation(logits, ACTION).item() == pytest.approx(found.i_loss, rel=1e-9)
    assert logits.square().mean().item() == pytest.approx(found.reg_loss, rel=1e-9)
    for threshold in (0.0, 0.1, 0.5):
        policy = SimpleNamespace(
            model=lambda *_, **__: (q, None),
            imitator=lambda *_, **__: (logits, None),
            _log_tau=math.log(threshold) if threshold else -math.inf,
        )
        theirs = module.DiscreteBCQPolicy.forward(policy, batch_of(obs=torch.zeros(N), info=[{}] * N)).act
        ours = q.masked_fill(~losses.likely(logits, threshold), -math.inf).argmax(1)
        assert ours.tolist() == theirs.tolist()


def test_cql_is_tianshous_with_one_quantile() -> None:
    module = pytest.importorskip("tianshou.algorithm.imitation.discrete_cql")
    batch_of = pytest.importorskip("tianshou.data").Batch
    q = random(3, N, A)
    near = losses.of_action(q, ACTION) + 0.4 * torch.tanh(random(4, N))  # where Huber's loss is the square
    agent = Agent(
        policy=type(
            "Policy",
            (),
            {
                "__call__": lambda *_: SimpleNamespace(logits=q[:, :, None]),
                "compute_q_value": lambda *_: q,
            },
        )(),
        tau_hat=torch.full((1, 1, 1), 0.5, dtype=D),
        min_q_weight=1.0,
    )
    batch = batch_of(act=ACTION.numpy(), returns=near[:, None])
    found = module.DiscreteCQL._update_with_batch(agent, batch)
    assert losses.conservative(q, ACTION).item() == pytest.approx(found.cql_loss, rel=1e-9)
    assert losses.td_loss(q, ACTION, near).item() == pytest.approx(2 * found.qr_loss, rel=1e-9)


def test_crr_is_tianshous() -> None:
    module = pytest.importorskip("tianshou.algorithm.imitation.discrete_crr")
    batch_of = pytest.importorskip("tianshou.data").Batch
    q, logits, next_q, next_logits = (random(seed, N, A) for seed in range(5, 9))
    reward = random(9, N)
    agent = Agent(
        critic=lambda _: q,
        policy=SimpleNamespace(actor=lambda _: (logits, None)),
        actor_old=lambda _: (next_logits, None),
        critic_old=lambda _: next_q,
        discounted_return_computation=SimpleNamespace(gamma=0.9),
        _target=False,
        _policy_improvement_mode="exp",
        _beta=0.7,
        _ratio_upper_bound=3.0,
        _min_q_weight=10.0,
    )
    batch = batch_of(act=ACTION.numpy(), rew=reward.numpy(), done=DONE.numpy(), obs=0, obs_next=0)
    found = module.DiscreteCRR._update_with_batch(agent, batch)
    one_by_one = []  # its actor loss pairs all weights [n, 1] with all log-probabilities [n]: right for n = 1
    for row in range(N):
        only = slice(row, row + 1)
        agent.critic, agent.critic_old = (lambda _, r=only: q[r]), (lambda _, r=only: next_q[r])
        agent.policy.actor = lambda _, r=only: (logits[r], None)
        agent.actor_old = lambda _, r=only: (next_logits[r], None)
        batch = batch_of(
            act=ACTION[only].numpy(), rew=reward[only].numpy(), done=DONE[only].numpy(), obs=0, obs_next=0
        )
        one_by_one.append(module.DiscreteCRR._update_with_batch(agent, batch).actor_loss)
    target = losses.bellman_target(reward, DONE, losses.expected(next_q, next_logits), 0.9)
    advantage = losses.of_action(q, ACTION) - losses.expected(q, logits)
    assert losses.td_loss(q, ACTION, target).item() == pytest.approx(found.critic_loss, rel=1e-6)
    assert losses.conservative(q, ACTION).item() == pytest.approx(found.cql_loss, rel=1e-9)
    ours = losses.advantage_weighted(logits, ACTION, advantage, 0.7, 3.0)
    assert ours.item() == pytest.approx(sum(one_by_one) / N, rel=1e-9)


def test_expected_is_the_mean_over_a_categorical() -> None:
    q, logits = random(10, N, A), random(11, N, A)
    assert torch.allclose(losses.expected(q, logits), (q * Categorical(logits=logits).probs).sum(1))


def test_bellman_target_by_hand() -> None:
    found = losses.bellman_target(
        torch.tensor([1.0, 2.0]), torch.tensor([False, True]), torch.tensor([10.0, float("inf")]), 0.5
    )
    assert found.tolist() == [6.0, 2.0]


def test_td_loss_by_hand() -> None:
    q = torch.tensor([[1.0, 4.0], [2.0, 0.0]], dtype=D)
    assert (
        losses.td_loss(q, torch.tensor([1, 0]), torch.tensor([1.0, 3.0], dtype=D)).item() == 0.5 * (9 + 1) / 2
    )


def test_expectile_by_hand() -> None:
    assert losses.expectile(torch.tensor([2.0, -1.0], dtype=D), 0.75).item() == (0.75 * 4 + 0.25 * 1) / 2


def test_the_expectile_that_it_is_least_at_leans_to_the_larger() -> None:
    values = torch.tensor([0.0, 1.0, 10.0], dtype=D)
    grid = torch.linspace(0, 10, 1001, dtype=D)
    least = [
        float(grid[torch.stack([losses.expectile(values - v, tau) for v in grid]).argmin()])
        for tau in (0.5, 0.9)
    ]
    assert least[0] == pytest.approx(values.mean().item(), abs=0.01)
    # 0.9 * (10 - v) = 0.1 * (v - 0) + 0.1 * (v - 1) at the expectile
    assert least[1] == pytest.approx(9.1 / 1.1, abs=0.01)


def test_weights_are_bounded_and_no_gradient_flows_through_them() -> None:
    logits = torch.zeros(2, 2, dtype=D, requires_grad=True)
    advantage = torch.tensor([100.0, -math.inf], dtype=D, requires_grad=True)
    loss = losses.advantage_weighted(logits, torch.tensor([0, 1]), advantage, 1.0, 5.0)
    assert loss.item() == pytest.approx(5 * math.log(2) / 2)
    loss.backward()
    assert advantage.grad is None
    assert logits.grad is not None


def test_targets_carry_no_gradient() -> None:
    q, target = torch.zeros(2, 2, requires_grad=True), torch.ones(2, requires_grad=True)
    losses.td_loss(q, torch.tensor([0, 1]), target).backward()
    assert target.grad is None
