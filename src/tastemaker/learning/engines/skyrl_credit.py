"""Credit by turns for SkyRL (github.com/NovaSky-AI/SkyRL): our advantages under its estimators' interface.

SkyRL tells an estimator the reward of each token and which tokens belong to responses, in which sampled
turns and tool results follow each other; where a turn ends it does not tell. So the environment adds `MARK`
to each turn's reward: a token with a reward is the last of a turn. For this, SkyRL's penalty for leaving the
reference must be a loss (`use_kl_loss`), not a reward, which would stand on every token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

from tastemaker.errors import InputError
from tastemaker.learning.credit import Batch, CreditConfig, turn_group

MARK: Final = 1e-6
"""What each turn's reward has beside what was earned."""


def turn_advantages(
    token_level_rewards: Tensor,
    response_mask: Tensor,
    index: Sequence[Any],
    gamma: float = 1.0,
    **settings: Any,
) -> tuple[Tensor, Tensor]:
    """The advantages of B responses of T places, and the same again as their returns, both [B, T].

    They are those of `credit.turn_group`: there is no critic. `token_level_rewards` and `response_mask` are
    [B, T]; responses of one `index` are tries at one task. A turn's advantage stands on all its places since
    the turn before, tool results included, which SkyRL's own loss mask leaves out. A response without any
    reward counts as one turn. Raises InputError where a reward stands on every token.
    """
    if settings.get("values") is not None:
        raise InputError(
            "credit by turns is given without a critic here; leave trainer.critic.model.path out"
        )
    rewards, turn_tokens, rollout_turns = [], [], []
    for row, mask in zip(token_level_rewards, response_mask.bool(), strict=True):
        real = row[mask].double().cpu()
        ends = (real != 0).nonzero().flatten().tolist()
        if len(real) > 1 and len(ends) == len(real):
            raise InputError("each token has a reward: set trainer.algorithm.use_kl_in_reward=false")
        ends = [*ends, len(real) - 1] if not ends or ends[-1] < len(real) - 1 else ends
        real[real != 0] -= MARK
        rewards.append(real)
        turn_tokens += [end - start for start, end in zip([-1, *ends[:-1]], ends, strict=True)]
        rollout_turns.append(len(ends))
    groups = {one: number for number, one in enumerate(dict.fromkeys(map(str, index)))}
    batch = Batch(
        rewards=torch.cat(rewards),
        turn_tokens=torch.tensor(turn_tokens),
        rollout_turns=torch.tensor(rollout_turns),
        groups=torch.tensor([groups[str(one)] for one in index]),
    )
    found = turn_group(batch, None, CreditConfig(gamma=gamma)).advantages
    advantages = torch.zeros_like(token_level_rewards)
    advantages[response_mask.bool()] = found.to(advantages)
    return advantages, advantages.clone()
