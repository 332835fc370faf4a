"""Proximal policy optimisation (Schulman et al., arXiv:1707.06347): steps that gain nothing by going far from
the policy that sampled.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tastemaker.learning.objectives.base import Loss, k3


def policy_loss(
    log_probs: Tensor,
    old: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    clip: float,
    total: float,
    entropy: Tensor | None = None,
) -> Loss:
    """The clipped surrogate (equation 7), negative, of N tokens: log-probabilities now and when they were
    sampled, advantages, and which tokens count, [N] each. An `entropy` [N] is told only.

    Figures: `loss`; `clipped`, the share of tokens whose gradient the clip takes away; `divergence`, of the
    policy from the one that sampled, in nats a token; `entropy` if given.
    """
    log_probs, old = log_probs[mask], old[mask].to(log_probs.dtype)
    advantages = advantages[mask].to(log_probs.dtype)
    ratio = (log_probs - old).exp()
    free, bound = ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages
    loss = -torch.minimum(free, bound).sum() / total
    figures = {
        "loss": float(loss.detach()),
        "clipped": float((bound < free).sum()) / total,
        "divergence": float(k3(old, log_probs.detach()).sum()) / total,
    }
    if entropy is not None:
        figures["entropy"] = float(entropy.detach()[mask].sum()) / total
    return Loss(loss, figures)


def value_loss(values: Tensor, old: Tensor, returns: Tensor, *, clip: float, total: float) -> Loss:
    """Half the squared error of values against returns, where what a value has moved from the `old` one
    counts no further than `clip`, all [M]; the larger error of the two, as in the authors' code (Huang et
    al., "The 37 implementation details of PPO", 9).

    Figures: `value_loss`; `value_clipped`, the share of values whose gradient the clip takes away.
    """
    old, returns = old.to(values.dtype), returns.to(values.dtype)
    free = (values - returns) ** 2
    bound = (old + (values - old).clamp(-clip, clip) - returns) ** 2
    loss = torch.maximum(free, bound).sum() / (2 * total)
    clipped = float((bound > free).sum()) / total
    return Loss(loss, {"value_loss": float(loss.detach()), "value_clipped": clipped})
