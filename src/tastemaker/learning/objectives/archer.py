"""ArCHer (Zhou et al., arXiv:2402.19446, section 3): a critic of whole utterances, learnt by temporal
differences, says how much better each was than expected; the policy of tokens follows it.

V reads the hidden state before a turn (as in `values`), Q the one before the turn's last token: the end token
of an utterance, as a rule, so that all its words were read. There are two of each, which begin differently,
and targets that follow them slowly; the lower one counts. The critic's inputs carry no gradient to the model.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from tastemaker.learning.objectives.base import Loss


class Critic(nn.Module):  # type: ignore[misc]
    """Two Q and two V, each a network with one hidden layer of `width`, on states of `size`."""

    def __init__(self, size: int, width: int, seed: int) -> None:
        super().__init__()
        self.q = nn.ModuleList(_network(size, width) for _ in range(2))
        self.v = nn.ModuleList(_network(size, width) for _ in range(2))
        generator = torch.Generator().manual_seed(seed)
        for network in (*self.q, *self.v):
            nn.init.normal_(network[0].weight, std=size**-0.5, generator=generator)
            nn.init.normal_(network[2].weight, std=0.1 * width**-0.5, generator=generator)
            nn.init.zeros_(network[0].bias)
            nn.init.zeros_(network[2].bias)

    def before(self, states: Tensor) -> Tensor:
        """[2, K] both V of turns, from the hidden states [K, size] before them."""
        return torch.stack([network(states)[:, 0] for network in self.v])

    def after(self, acted: Tensor) -> Tensor:
        """[2, K] both Q of turns, from the hidden states [K, size] before their last tokens."""
        return torch.stack([network(acted)[:, 0] for network in self.q])

    def advantages(self, states: Tensor, acted: Tensor) -> Tensor:
        """[K] the lower Q less the lower V of each turn, without gradient."""
        with torch.no_grad():
            found: Tensor = self.after(acted).amin(0) - self.before(states).amin(0)
        return found

    def target(self) -> Critic:
        """A copy that does not learn, to be kept behind by `follow`."""
        copy = deepcopy(self)
        copy.requires_grad_(False)
        return copy

    def follow(self, ahead: Critic, rate: float) -> None:
        """Move this far (0 to 1) towards the one that learns."""
        with torch.no_grad():
            for mine, theirs in zip(self.parameters(), ahead.parameters(), strict=True):
                mine.lerp_(theirs, rate)


def critic_loss(
    critic: Critic,
    target: Critic,
    states: Tensor,
    acted: Tensor,
    rewards: Tensor,
    ends: Tensor,
    *,
    gamma: float,
) -> Loss:
    """Squared errors over K turns, in the order of the rollouts: TD(0) of each Q against reward + gamma · its
    target V of the next turn, which is 0 where a rollout `ends`; each V against its target Q of what was
    done, which is unbiased where the policy did it.

    states, acted: hidden states [K, size]; rewards [K]; ends bool [K]. Figures: `q_loss`, `v_loss`.
    """
    states, acted = states.detach(), acted.detach()
    with torch.no_grad():
        following = torch.roll(target.before(states), -1, 1).masked_fill(ends, 0.0)
        aim = rewards.to(following.dtype) + gamma * following
        judged = target.after(acted)
    q_loss = ((critic.after(acted) - aim) ** 2).mean(1).sum()
    v_loss = ((critic.before(states) - judged) ** 2).mean(1).sum()
    return Loss(q_loss + v_loss, {"q_loss": float(q_loss.detach()), "v_loss": float(v_loss.detach())})


def gradient_loss(log_probs: Tensor, advantages: Tensor, mask: Tensor, *, total: float) -> Loss:
    """The policy gradient (REINFORCE, Williams 1992) of tokens that share a turn's advantage, [N] each."""
    loss = -(log_probs[mask] * advantages[mask].to(log_probs.dtype)).sum() / total
    return Loss(loss, {"loss": float(loss.detach())})


def _network(size: int, width: int) -> Any:
    return nn.Sequential(nn.Linear(size, width), nn.ReLU(), nn.Linear(width, 1))
