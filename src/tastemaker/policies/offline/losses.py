"""The losses of offline learners, as functions of tensors: n turns, A items.

They know nothing of networks and sessions. Bellman targets come from `bellman_target`, and no gradient flows
through targets or weights.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def imitation(logits: Tensor, action: Tensor) -> Tensor:
    """Behaviour cloning: the mean cross-entropy of `logits` [n, A] with the items `action` [n]."""
    return F.cross_entropy(logits, action)


def bellman_target(reward: Tensor, done: Tensor, next_value: Tensor, gamma: float) -> Tensor:
    """[n] reward + gamma * value of the next state, which counts for nothing after the end."""
    return reward + gamma * torch.where(done, 0.0, next_value)


def td_loss(q: Tensor, action: Tensor, target: Tensor) -> Tensor:
    """Half the mean square of what the values `q` [n, A] of the items taken miss `target` [n] by.

    Not Huber's loss: where a user quits is rare and costs much, and an error that counts linearly passes it
    over.
    """
    return 0.5 * (of_action(q, action) - target.detach()).square().mean()


def of_action(table: Tensor, action: Tensor) -> Tensor:
    """[n] the entries of `table` [n, A] for the items taken."""
    return table.gather(1, action[:, None])[:, 0]


def likely(logits: Tensor, threshold: float) -> Tensor:
    """[n, A] which items are at least `threshold` times as probable as the most probable one (discrete BCQ,
    Fujimoto et al. 2019, equation 17).
    """
    log_threshold = math.log(threshold) if threshold > 0 else -math.inf
    return logits - logits.max(1, keepdim=True).values >= log_threshold


def conservative(q: Tensor, action: Tensor) -> Tensor:
    """What values of all items exceed those of the items taken by: mean of logsumexp(q) - q_action
    (CQL(H), Kumar et al. 2020, equation 4).
    """
    return (q.logsumexp(1) - of_action(q, action)).mean()


def advantage_weighted(
    logits: Tensor, action: Tensor, advantage: Tensor, temperature: float, bound: float
) -> Tensor:
    """Cross-entropy with each turn weighted by exp(advantage / temperature), at most `bound`: CRR's "exp"
    policy loss (Wang et al. 2020, equation 3) and IQL's extraction (Kostrikov et al. 2021, equation 7).
    """
    weight = (advantage.detach() / temperature).exp().clamp(max=bound)
    return (weight * F.cross_entropy(logits, action, reduction="none")).mean()


def expectile(difference: Tensor, tau: float) -> Tensor:
    """Mean of |tau - 1(difference < 0)| * difference² (IQL, equation 5)."""
    return (torch.where(difference < 0, 1 - tau, tau) * difference.square()).mean()


def expected(q: Tensor, logits: Tensor) -> Tensor:
    """[n] the mean of `q` [n, A] when items are drawn by softmax(`logits`)."""
    return (q * logits.softmax(1)).sum(1)
