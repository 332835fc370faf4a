"""Rejection-sampling fine-tuning (Yuan et al., arXiv:2308.01825): supervised learning of the model's own
rollouts that turned out well, different ones, the best of each task.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def kept(
    outcomes: Sequence[float],
    groups: Sequence[Hashable],
    said: Sequence[Hashable],
    *,
    least: float,
    most: int,
) -> list[int]:
    """The places, ascending, of the rollouts to learn: in each group the `most` best of those whose outcome
    is `least` or better, the earlier first where outcomes are equal. Of rollouts in a group that `said` the
    same (their sampled token ids) the best counts.
    """
    chosen: dict[Hashable, dict[Hashable, int]] = {}
    for place in sorted(range(len(outcomes)), key=lambda place: -outcomes[place]):
        group = chosen.setdefault(groups[place], {})
        if outcomes[place] >= least and len(group) < most:
            group.setdefault(said[place], place)
    return sorted(place for group in chosen.values() for place in group.values())
