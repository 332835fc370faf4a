"""Direct preference optimisation (Rafailov et al., arXiv:2305.18290, equation 7) between whole trajectories,
as ETO does (Song et al., arXiv:2403.02502): of two tries at a task, the one that turned out better becomes
likelier than the other. A trajectory's log-probability is the sum over its sampled tokens.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from torch import Tensor
from torch.nn.functional import logsigmoid

from tastemaker.learning.objectives.base import Loss


def pairs(outcomes: Sequence[float], groups: Sequence[Hashable], *, margin: float) -> list[tuple[int, int]]:
    """Places of the better and the worse rollout of each pair: in each group the best with the worst, the
    second best with the second worst, and so on, while outcomes differ by `margin` (> 0) or more; the earlier
    is the better where outcomes are equal. No rollout is in two pairs.
    """
    members: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    found = []
    for places in members.values():
        ranked = sorted(places, key=lambda place: -outcomes[place])
        for better, worse in zip(ranked[: len(ranked) // 2], reversed(ranked), strict=False):
            if outcomes[better] - outcomes[worse] >= margin:
                found.append((better, worse))
    return found


def dialogue_sums(tokens: Tensor, dialogue: Tensor, mask: Tensor, n: int) -> Tensor:
    """[n] sums, over the tokens [N] of each dialogue that count, of something [N]."""
    return tokens.new_zeros(n).index_add(0, dialogue[mask], tokens[mask])


def dpo_loss(
    better: Tensor,
    worse: Tensor,
    reference_better: Tensor,
    reference_worse: Tensor,
    *,
    beta: float,
    total: float,
) -> Loss:
    """−log σ(beta · (how much the better became likelier than under the reference − how much the worse did)),
    from log-probabilities of P pairs of trajectories, [P] each.

    Figures: `loss`; `preferred`, the share of pairs in the right order; `margin`, the mean of what σ is taken
    of; `better_gain` and `worse_gain`, in nats: the second falls as learning goes on, the first had better
    not.
    """
    gain, worse_gain = better - reference_better, worse - reference_worse
    margin = beta * (gain - worse_gain)
    loss = -logsigmoid(margin).sum() / total
    figures = {
        "loss": float(loss.detach()),
        "preferred": float((margin > 0).sum()) / total,
        "margin": float(margin.detach().sum()) / total,
        "better_gain": float(gain.detach().sum()) / total,
        "worse_gain": float(worse_gain.detach().sum()) / total,
    }
    return Loss(loss, figures)
