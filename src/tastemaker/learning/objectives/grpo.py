"""Group relative policy optimisation (DeepSeekMath, arXiv:2402.03300, equation 3): PPO's surrogate with
advantages within a group, and the divergence from the reference in the loss.

All tokens of a step weigh the same, as in the other objectives here; the paper divides by each output's
length first, by which long failures cost less.
"""

from __future__ import annotations

from torch import Tensor

from tastemaker.learning.objectives.base import Loss, k3
from tastemaker.learning.objectives.ppo import policy_loss


def grpo_loss(
    log_probs: Tensor,
    old: Tensor,
    reference: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    clip: float,
    kl_weight: float,
    total: float,
    entropy: Tensor | None = None,
) -> Loss:
    """As `ppo.policy_loss`, and `kl_weight` times the divergence from the reference by k3 (equation 4), whose
    log-probabilities are [N] too. One figure more: `reference_divergence`, in nats a token.
    """
    surrogate = policy_loss(log_probs, old, advantages, mask, clip=clip, total=total, entropy=entropy)
    divergence = k3(log_probs[mask], reference[mask].to(log_probs.dtype)).sum() / total
    loss = surrogate.loss + kl_weight * divergence
    more = {"loss": float(loss.detach()), "reference_divergence": float(divergence.detach())}
    return Loss(loss, surrogate.figures | more)
