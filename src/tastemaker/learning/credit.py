"""Which of an agent's turns earned what: from rewards on turns to an advantage for each sampled token.

A turn is one sampled action, and the unit of time: what a tool returned takes none, however long it is
(StepTool, arXiv:2410.07745, section 3; generalised advantages by Schulman et al., arXiv:1506.02438, equation
16). Rollouts, turns and tokens of a batch lie one after another: R rollouts, K turns, N sampled tokens.
Knows nothing of models: values come as tensors, and prompts and observations only as gaps between turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.policies.on_policy.losses import advantages, standardised
from tastemaker.records import Trajectory

_ROUNDING: Final = 1e-9
"""Advantages that differ by no more are equal: the rest is rounding, which must not be made large."""


class CreditConfig(Config):
    """What rewards weigh and how far they reach. A rollout's step rewards can add up to no more than their
    weights do, so that the outcome stays what matters most while they are less than its weight.
    """

    step_weights: dict[str, float] = Field(default_factory=lambda: {"success": 0.2, "contribution": 0.2})
    """Weight of each reward of a step, by its name; StepTool's alpha is that of `success`."""
    outcome_weights: dict[str, float] = Field(default_factory=lambda: {"outcome": 1.0})
    """Weight of each reward of a whole rollout, which stands on its last turn, by its name."""
    step_rewards: Literal["mean", "sum"] = "mean"
    """mean: step rewards are divided by the number of turns that have any, so that nothing is gained by one
    more call. sum: each counts whole, as in the paper."""
    gamma: float = Field(default=0.99, ge=0, le=1)
    """What a reward counts one turn earlier; one token earlier with credit by token."""
    gae_lambda: float = Field(default=0.95, ge=0, le=1)
    """How far advantages trust rewards to come (1) over values (0)."""
    normalise: bool = True
    """Whether advantages get mean 0 and variance 1 over all turns of a batch."""


@dataclass(frozen=True)
class Turn:
    """One sampled action: places [start, end) of a dialogue's token ids, and what it earned, by name."""

    start: int
    end: int
    rewards: Mapping[str, float]


@dataclass(frozen=True)
class Rollout:
    """One dialogue of `length` token ids. Rollouts of one `group` are tries at the same task.

    Raises InputError where turns are empty, overlap, or do not lie between a prompt and the dialogue's end.
    """

    group: str
    length: int
    turns: tuple[Turn, ...]

    def __post_init__(self) -> None:
        places = [1, *(place for turn in self.turns for place in (turn.start, turn.end)), self.length]
        empty = not self.turns or any(turn.start == turn.end for turn in self.turns)
        if empty or any(place > later for place, later in pairwise(places)):
            raise InputError(
                f"{self.group}: turns must be at least one, hold tokens, follow each other and lie in"
                f" [1, {self.length}), got {[(turn.start, turn.end) for turn in self.turns]}"
            )

    @property
    def sampled(self) -> int:
        """Number of sampled tokens."""
        return sum(turn.end - turn.start for turn in self.turns)

    def mask(self) -> Tensor:
        """Which tokens were sampled, bool [length]."""
        mask = torch.zeros(self.length, dtype=torch.bool)
        for turn in self.turns:
            mask[turn.start : turn.end] = True
        return mask

    def on_dialogue(self, sampled: Tensor) -> Tensor:
        """What belongs to the sampled tokens [n] at their places in the dialogue [length], 0 elsewhere."""
        whole = sampled.new_zeros(self.length)
        whole[self.mask()] = sampled
        return whole


def rollout_of(trajectory: Trajectory) -> Rollout:
    """The turns of a recorded run, where its token ids stand as they were sampled; its task is its group, and
    TASK#1 and TASK#2 are tries at one.

    A step of which nothing was sampled is left out. Raises InputError where such a step has rewards, where
    a prompt does not begin with what was read and sampled before it, and where nothing was sampled.
    """
    turns: list[Turn] = []
    before: tuple[int, ...] = ()
    for number, step in enumerate(trajectory.steps, 1):
        if not step.token_ids:
            if step.rewards:
                raise InputError(f"{trajectory.id}: step {number} has rewards, but no sampled tokens")
            continue
        if step.prompt_ids[: len(before)] != before:
            raise InputError(
                f"{trajectory.id}: the prompt of step {number} does not begin with the tokens before it; keep"
                " token ids as they were sampled, and cut nothing from the beginning"
            )
        before = step.prompt_ids + step.token_ids
        turns.append(Turn(len(step.prompt_ids), len(before), step.rewards))
    if not turns:
        raise InputError(f"{trajectory.id}: no step has sampled tokens, so there is nothing to learn from")
    return Rollout(trajectory.task.id.partition("#")[0], len(before), tuple(turns))


def outcome(rollout: Rollout, config: CreditConfig) -> float:
    """The weighted reward of the rollout as a whole."""
    weights = config.outcome_weights
    return sum(weights.get(name, 0.0) * r for turn in rollout.turns for name, r in turn.rewards.items())


def turn_rewards(rollout: Rollout, config: CreditConfig, *, steps: bool = True) -> list[float]:
    """The weighted reward of each turn; without `steps`, the outcome's alone.

    Raises InputError for a reward whose name has no weight.
    """
    known = config.step_weights.keys() | config.outcome_weights.keys()
    unknown = sorted({name for turn in rollout.turns for name in turn.rewards} - known)
    if unknown:
        raise InputError(
            f"{rollout.group}: the reward {unknown[0]!r} has no weight; name it in step_weights or"
            " outcome_weights, with 0 to leave it out"
        )
    having = sum(not config.step_weights.keys().isdisjoint(turn.rewards) for turn in rollout.turns)
    share = 1 / max(having, 1) if config.step_rewards == "mean" else 1.0
    weights = {name: weight * share * steps for name, weight in config.step_weights.items()}
    weights |= config.outcome_weights
    return [sum(weights[name] * r for name, r in turn.rewards.items()) for turn in rollout.turns]


@dataclass(frozen=True)
class Batch:
    """The rewards of R rollouts of K turns and N sampled tokens, one after another."""

    rewards: Tensor
    """[N] float64; a turn's reward stands on its last token."""
    turn_tokens: Tensor
    """[K] int64 sampled tokens of each turn."""
    rollout_turns: Tensor
    """[R] int64 turns of each rollout."""
    groups: Tensor
    """[R] int64 equal for tries at the same task."""

    @property
    def last(self) -> Tensor:
        """[K] int64 each turn's last token among all N."""
        return self.turn_tokens.cumsum(0) - 1

    @property
    def first(self) -> Tensor:
        """[K] int64 each turn's first token among all N."""
        return self.last + 1 - self.turn_tokens

    @property
    def rollout_tokens(self) -> Tensor:
        """[R] int64 sampled tokens of each rollout."""
        return _sums(self.turn_tokens, self.rollout_of_turn, len(self.rollout_turns))

    @property
    def rollout_of_turn(self) -> Tensor:
        """[K] int64."""
        return torch.arange(len(self.rollout_turns)).repeat_interleave(self.rollout_turns)

    @property
    def turn_rewards(self) -> Tensor:
        """[K] float64."""
        return _sums(self.rewards, self.spread(torch.arange(len(self.turn_tokens))), len(self.turn_tokens))

    @property
    def ends(self) -> Tensor:
        """[K] bool: turns after which nothing comes."""
        ends = torch.zeros(len(self.turn_tokens), dtype=torch.bool)
        ends[self.rollout_turns.cumsum(0) - 1] = True
        return ends

    def spread(self, turns: Tensor) -> Tensor:
        """[N] what belongs to turns [K], on each of their tokens."""
        return turns.repeat_interleave(self.turn_tokens)

    def split(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """What belongs to tokens [N], for each rollout on its own."""
        return tuple(tokens.split(self.rollout_tokens.tolist()))

    def with_penalty(self, penalty: Tensor) -> Batch:
        """With something [N] added to the reward of each token, such as `kl_penalty`."""
        return replace(self, rewards=self.rewards + penalty.to(self.rewards))


def lay_out(rollouts: Sequence[Rollout], config: CreditConfig, *, steps: bool = True) -> Batch:
    """The rollouts' rewards in their order; without `steps`, the outcomes' alone."""
    turns = [turn for rollout in rollouts for turn in rollout.turns]
    tokens = torch.tensor([turn.end - turn.start for turn in turns])
    rewards = torch.zeros(int(tokens.sum()), dtype=torch.float64)
    rewards[tokens.cumsum(0) - 1] = torch.tensor(
        [reward for rollout in rollouts for reward in turn_rewards(rollout, config, steps=steps)],
        dtype=torch.float64,
    )
    numbers = {group: n for n, group in enumerate(dict.fromkeys(rollout.group for rollout in rollouts))}
    return Batch(
        rewards=rewards,
        turn_tokens=tokens,
        rollout_turns=torch.tensor([len(rollout.turns) for rollout in rollouts]),
        groups=torch.tensor([numbers[rollout.group] for rollout in rollouts]),
    )


class Credit(NamedTuple):
    """What a way to give credit found."""

    advantages: Tensor
    """[N] how much better each sampled token's action was than was to be expected."""
    returns: Tensor | None = None
    """What values should have said, in the shape of those that were given; None where there are none."""


Estimator = Callable[[Batch, Tensor | None, CreditConfig], Credit]
"""Gives credit in a batch; the second argument are values as the critic said them, None if there is none."""


def turn_gae(batch: Batch, values: Tensor | None, config: CreditConfig) -> Credit:
    """StepTool: generalised advantages in which a step of time is a turn. `values` [K] are those of what the
    agent had read when a turn began; None says 0 everywhere.
    """
    rewards = batch.turn_rewards
    values = torch.zeros_like(rewards) if values is None else values.detach().to(rewards)
    found = _gae(rewards, values, batch.rollout_turns, config.gamma, config.gae_lambda)
    return Credit(batch.spread(_scaled(found, config)), found + values)


def turn_group(batch: Batch, values: Tensor | None, config: CreditConfig) -> Credit:
    """StepTool without a critic: a turn's return less the mean return, from the turn in the same place on, of
    the other tries at the task (leave-one-out, as in RLOO, arXiv:2402.14740, but by turn).

    Where no other try has so many turns, it is their mean return from the first turn on; no baseline depends
    on the action that it judges. A task that was tried once teaches nothing: its advantages are 0. `values`
    are not looked at.
    """
    turns = batch.rollout_turns
    returns = _gae(batch.turn_rewards, torch.zeros_like(batch.turn_rewards), turns, config.gamma, 1.0)
    group = batch.groups[batch.rollout_of_turn]
    firsts = turns.cumsum(0) - turns
    place = torch.arange(len(group)) - firsts[batch.rollout_of_turn]
    here, tries_here = _others(returns, group * (int(turns.max()) + 1) + place)
    whole, tries = _others(returns[firsts], batch.groups)
    expected = torch.where(tries_here > 0, here, whole[batch.rollout_of_turn])
    found = torch.zeros_like(returns)
    if (compared := (tries > 0)[batch.rollout_of_turn]).any():
        found[compared] = _scaled((returns - expected)[compared], config)
    return Credit(batch.spread(found))


def group_outcome(batch: Batch, values: Tensor | None, config: CreditConfig) -> Credit:
    """GRPO (DeepSeekMath, arXiv:2402.03300, section 4.1.2): all turns of a rollout share its whole reward,
    less the mean and divided by the sample deviation among the tries at the task; 0 where these do not
    differ. `values` and the settings of time and scale are not looked at.
    """
    totals = torch.stack([part.sum() for part in batch.split(batch.rewards)])
    found = torch.zeros_like(totals)
    for group in batch.groups.unique():
        same = batch.groups == group
        if same.sum() > 1:
            found[same] = (totals[same] - totals[same].mean()) / (totals[same].std() + 1e-6)
    return Credit(batch.spread(found[batch.rollout_of_turn]))


def token_gae(batch: Batch, values: Tensor | None, config: CreditConfig) -> Credit:
    """Credit as in StepTool's released code, corrected: generalised advantages in which a step of time is a
    sampled token, and tokens of prompts and observations take no time. The final reward counts whole.

    `values` [N] are those of what the agent had read when a token was drawn; None says 0 everywhere.
    """
    values = torch.zeros_like(batch.rewards) if values is None else values.detach().to(batch.rewards)
    found = _gae(batch.rewards, values, batch.rollout_tokens, config.gamma, config.gae_lambda)
    return Credit(_scaled(found, config), found + values)


def utterance(batch: Batch, values: Tensor | None, config: CreditConfig) -> Credit:
    """ArCHer (arXiv:2402.19446, section 3): the critic itself says each turn's advantage, Q − V, `values`
    [K], which all its tokens share.
    """
    if values is None:
        raise InputError("ArCHer gives credit by its critic: values are needed")
    return Credit(batch.spread(_scaled(values.detach().to(batch.rewards), config)))


class KLConfig(Config):
    """How dear it is to leave the reference, as a penalty on rewards."""

    weight: float = Field(default=0.3, ge=0)
    """What a nat costs, at first."""
    target: float | None = Field(default=6.0, gt=0)
    """Nats of a whole rollout that the weight is steered towards; None leaves the weight as it is."""
    horizon: float = Field(default=10_000.0, gt=0)
    """Rollouts after which the weight has changed by what was called for."""


def kl_penalty(log_probs: Tensor, reference: Tensor, weight: float) -> Tensor:
    """[N] what is added to rewards for leaving the reference (Ziegler et al., arXiv:1909.08593, equation 2):
    −weight · (log-probability as sampled − the reference's).
    """
    return -weight * (log_probs - reference)


def next_kl_weight(config: KLConfig, weight: float, divergence: float, rollouts: int) -> float:
    """The weight after so many rollouts whose mean divergence from the reference was `divergence` nats a
    rollout: a proportional controller in log space (arXiv:1909.08593, section 2.2), its error at most 0.2.
    """
    if config.target is None:
        return weight
    error = min(max(divergence / config.target - 1, -0.2), 0.2)
    return weight * (1 + error * rollouts / config.horizon)


def _gae(rewards: Tensor, values: Tensor, lengths: Tensor, gamma: float, gae_lambda: float) -> Tensor:
    """Generalised advantages of sequences of these lengths that lie one after another, all [M]."""
    sizes = lengths.tolist()
    real = pad_sequence([torch.ones(size, dtype=torch.bool) for size in sizes], batch_first=True)  # [R, T]
    reward, value = (pad_sequence(x.split(sizes)) for x in (rewards, values))  # [T, R]
    following = torch.cat((value[1:], torch.zeros_like(value[:1])))
    never = torch.zeros_like(reward, dtype=torch.bool)  # padded places are worth 0
    return advantages(reward, value, following, never, gamma, gae_lambda).T[real]


def _scaled(found: Tensor, config: CreditConfig) -> Tensor:
    if not config.normalise:
        return found
    differ = float(found.std(correction=0)) > _ROUNDING
    return standardised(found) if differ else torch.zeros_like(found)


def _sums(x: Tensor, key: Tensor, n: int) -> Tensor:
    return torch.zeros(n, dtype=x.dtype).index_add_(0, key, x)


def _others(x: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """For each of x [M] the mean of the others with the same key, and how many they are; 0 where none."""
    _, same, counts = key.unique(return_inverse=True, return_counts=True)
    others = counts[same] - 1
    return (_sums(x, same, len(counts))[same] - x) / others.clamp(min=1), others
