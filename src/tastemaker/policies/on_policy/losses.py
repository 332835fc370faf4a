"""What on-policy algorithms minimise, as functions of tensors. Time comes first: [T, n] are T turns of n
sessions.

Knows nothing of networks and worlds.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tastemaker.errors import InputError


def returns_to_go(reward: Tensor, done: Tensor, gamma: float) -> Tensor:
    """[T, n] discounted sum of the rewards from each turn to the end of its session."""
    zero = torch.zeros_like(reward)
    return advantages(reward, zero, zero, done, gamma, 1.0)


def advantages(
    reward: Tensor, value: Tensor, next_value: Tensor, done: Tensor, gamma: float, gae_lambda: float
) -> Tensor:
    """[T, n] generalised advantage estimates (Schulman et al., ICLR 2016, equation 16). All arguments are
    [T, n]; `next_value` is the value of the state that a turn leads to, which counts for nothing where the
    session is `done`.
    """
    going = gamma * (~done).to(reward.dtype)
    change = reward + going * next_value - value
    found = torch.empty_like(reward)
    carried = torch.zeros_like(reward[0])
    for t in range(len(reward) - 1, -1, -1):
        carried = change[t] + going[t] * gae_lambda * carried
        found[t] = carried
    return found


def standardised(advantage: Tensor) -> Tensor:
    """With mean 0 and variance 1."""
    return (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)


def policy_gradient(log_prob: Tensor, advantage: Tensor) -> Tensor:
    """REINFORCE (Williams 1992): the gradient of minus the expected return."""
    return -(log_prob * advantage).mean()


def clipped_gradient(log_prob: Tensor, former: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """PPO (Schulman et al. 2017, equation 7); `former` are the log-probabilities before the update."""
    ratio = (log_prob - former).exp()
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio * advantage, bounded * advantage).mean()


def inverse_propensity(propensities: NDArray[np.floating], largest: float) -> Tensor:
    """[n_items] float32 weights that make up for how often the log shows each item: the mean propensity over
    an item's, but `largest` at most.

    Raises InputError where a propensity is not a positive number.
    """
    if not (np.isfinite(propensities) & (propensities > 0)).all():
        raise InputError(
            "propensities must be positive numbers; count an item that the log never shows as shown once"
        )
    return torch.from_numpy(np.minimum(propensities.mean() / propensities, largest).astype(np.float32))
