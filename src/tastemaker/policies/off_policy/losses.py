"""What off-policy policies minimise, as functions of tensors alone.

`discount` [n] is everywhere what a value of the next state counts: gamma to the number of turns until it, and
0 where the session ended. Targets carry no gradient; that is the caller's part (`torch.no_grad`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def bootstrapped(returns: Tensor, discount: Tensor, next_value: Tensor) -> Tensor:
    """returns + discount · next value, [n] each, or [n, k] for k values of each row."""
    if next_value.dim() == 2:
        returns, discount = returns[:, None], discount[:, None]
    return returns + discount * next_value


def quantile_loss(quantiles: Tensor, targets: Tensor) -> Tensor:
    """Quantile Huber loss of `quantiles` [n, k] against samples `targets` [n, k′] (QR-DQN, Dabney et al.
    2018, equation 10, κ = 1): the mean over samples and rows, the sum over quantiles.
    """
    k = quantiles.shape[1]
    middle = (torch.arange(k, dtype=quantiles.dtype) + 0.5) / k
    error = targets[:, None, :] - quantiles[:, :, None]
    huber = F.huber_loss(error, torch.zeros_like(error), reduction="none")
    weight = (middle[None, :, None] - (error.detach() < 0).to(error.dtype)).abs()
    return (weight * huber).mean(2).sum(1).mean()


def project(probabilities: Tensor, values: Tensor, support: Tensor) -> Tensor:
    """The distribution with `probabilities` [n, k] at `values` [n, k], moved to the evenly spaced atoms
    `support` [k]; what lies outside goes to the nearest end (C51, Bellemare et al. 2017, equation 7).
    """
    gap = support[1] - support[0]
    position = ((values - support[0]) / gap).clamp(0, len(support) - 1)
    below = position.floor().clamp(max=len(support) - 2)
    upper = probabilities * (position - below)
    projected = torch.zeros_like(probabilities)
    projected.scatter_add_(1, below.long(), probabilities - upper)
    return projected.scatter_add_(1, below.long() + 1, upper)


def categorical_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of the distributions `target` [n, k] and softmax of `logits` [n, k]."""
    return -(target * logits.log_softmax(1)).sum(1).mean()


def lower_value(values: Tensor, cost: Tensor) -> Tensor:
    """[n] the lower critic of `values` [critics, n] (clipped double Q of TD3, Fujimoto et al. 2018, equation
    10), less the `cost` [n] of the action's entropy: alpha times its log-density (SAC, Haarnoja et al. 2018,
    equation 3).
    """
    return values.amin(0) - cost


def critic_loss(values: Tensor, target: Tensor) -> Tensor:
    """The sum over critics of the mean squared errors of `values` [critics, n] against `target` [n]."""
    return ((values - target) ** 2).mean(1).sum()


def squashed(mean: Tensor, log_deviation: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """tanh of a Gaussian [n, d], and the logarithm of its density [n] (SAC, equation 21)."""
    before = mean + log_deviation.exp() * noise
    density = -0.5 * noise**2 - log_deviation - 0.5 * torch.log(torch.tensor(2 * torch.pi))
    # log(1 - tanh(x)²) without overflow
    correction = 2 * (torch.log(torch.tensor(2.0)) - before - F.softplus(-2 * before))
    return before.tanh(), (density - correction).sum(1)
