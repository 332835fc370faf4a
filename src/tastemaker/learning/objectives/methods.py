"""The eight methods by name: what each learns from, how it gives credit, what it minimises.

A trainer follows a description and never asks for a name. `ppo-final` differs from `steptool` in its rewards
alone, `ppo-token` in its unit of time alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from pydantic import Field

from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.learning.credit import Estimator, group_outcome, token_gae, turn_gae, turn_group, utterance
from tastemaker.learning.objectives.archer import gradient_loss
from tastemaker.learning.objectives.base import Loss, Tokens, needed
from tastemaker.learning.objectives.dpo import dialogue_sums, dpo_loss
from tastemaker.learning.objectives.grpo import grpo_loss
from tastemaker.learning.objectives.ppo import policy_loss
from tastemaker.learning.objectives.sft import likelihood_loss


class ObjectiveConfig(Config):
    """Settings of losses and of what is chosen to learn from; a method takes those it has."""

    clip: float = Field(default=0.2, gt=0)
    """PPO, GRPO: how far the probability of a token may move, as a ratio."""
    value_clip: float = Field(default=0.2, gt=0)
    """How far a value may move from what it was when its turn was sampled."""
    value_weight: float = Field(default=0.1, ge=0)
    """Weight of the values' error beside the policy's loss."""
    kl_weight: float = Field(default=0.04, ge=0)
    """GRPO: weight of the divergence from the reference in the loss."""
    beta: float = Field(default=0.1, gt=0)
    """DPO: what a nat of preference counts."""
    pair_margin: float = Field(default=0.5, gt=0)
    """DPO: least difference of the outcomes in a pair."""
    kept_least: float = 1.0
    """RFT: least outcome of what is learnt."""
    kept_most: int = Field(default=4, ge=1)
    """RFT: most rollouts of a task that are learnt."""
    critic_width: int = Field(default=128, ge=1)
    """ArCHer: units in the critic's hidden layers."""
    target_rate: float = Field(default=0.1, gt=0, le=1)
    """ArCHer: how far targets move towards the critic after each of its steps."""


@dataclass(frozen=True)
class Method:
    """How a model learns."""

    data: Literal["gold", "kept", "pairs", "rollouts"]
    """gold: right dialogues · kept: rollouts that `rft.kept` chooses · pairs: those of `dpo.pairs` ·
    rollouts: all of them."""
    loss: Callable[[Tokens, ObjectiveConfig], Loss]
    """What is minimised over the tokens of a pack."""
    on_policy: bool = False
    """Whether the model that learns makes new rollouts before each update; else all are there beforehand."""
    steps: bool = False
    """Whether rewards of steps count, not the outcome's alone."""
    credit: Estimator | None = None
    """How advantages are found; None where the loss takes none."""
    values: Literal["none", "turn", "token", "critic"] = "none"
    """What `credit` is given: nothing; values of turns [K] or of tokens [N] by a `ValueHead`; or the
    advantages [K] of an `archer.Critic`."""
    reference: Literal["none", "reward", "loss"] = "none"
    """Where log-probabilities by the reference enter: a penalty on rewards, or the loss."""


def _likelihood(tokens: Tokens, config: ObjectiveConfig) -> Loss:
    return likelihood_loss(tokens.log_probs, tokens.mask, tokens.total)


def _clipped(tokens: Tokens, config: ObjectiveConfig) -> Loss:
    return policy_loss(
        tokens.log_probs,
        needed(tokens.old, "old log-probabilities"),
        needed(tokens.advantages, "advantages"),
        tokens.mask,
        clip=config.clip,
        total=tokens.total,
        entropy=tokens.entropy,
    )


def _preference(tokens: Tokens, config: ObjectiveConfig) -> Loss:
    """The dialogues of the pack are 2k, the better, and 2k + 1, the worse, of pair k."""
    dialogue = needed(tokens.dialogue, "dialogues")
    n = int(dialogue.max()) + 1
    if n % 2:
        raise InputError("a pack of pairs holds an odd number of dialogues; keep pairs together")
    now = dialogue_sums(tokens.log_probs, dialogue, tokens.mask, n)
    reference = needed(tokens.reference, "the reference's log-probabilities").to(now.dtype)
    before = dialogue_sums(reference, dialogue, tokens.mask, n)
    return dpo_loss(now[::2], now[1::2], before[::2], before[1::2], beta=config.beta, total=tokens.total)


def _group_relative(tokens: Tokens, config: ObjectiveConfig) -> Loss:
    return grpo_loss(
        tokens.log_probs,
        needed(tokens.old, "old log-probabilities"),
        needed(tokens.reference, "the reference's log-probabilities"),
        needed(tokens.advantages, "advantages"),
        tokens.mask,
        clip=config.clip,
        kl_weight=config.kl_weight,
        total=tokens.total,
        entropy=tokens.entropy,
    )


def _gradient(tokens: Tokens, config: ObjectiveConfig) -> Loss:
    advantages = needed(tokens.advantages, "advantages")
    return gradient_loss(tokens.log_probs, advantages, tokens.mask, total=tokens.total)


_STEPTOOL: Final = Method(
    data="rollouts",
    loss=_clipped,
    on_policy=True,
    steps=True,
    credit=turn_gae,
    values="turn",
    reference="reward",
)

METHODS: Final[dict[str, Method]] = {
    "sft": Method(data="gold", loss=_likelihood),
    "rft": Method(data="kept", loss=_likelihood),
    "ppo-final": replace(_STEPTOOL, steps=False),
    "ppo-token": replace(_STEPTOOL, credit=token_gae, values="token"),
    "eto": Method(data="pairs", loss=_preference, reference="loss"),
    "archer": Method(data="rollouts", loss=_gradient, on_policy=True, credit=utterance, values="critic"),
    "grpo": Method(
        data="rollouts", loss=_group_relative, on_policy=True, credit=group_outcome, reference="loss"
    ),
    "steptool": _STEPTOOL,
}
"""By name, in the order in which tables show them."""


def without_values(method: Method) -> Method:
    """The method with other tries at the task in place of values of turns.

    Raises InputError for one whose values are not those of turns.
    """
    if method.values != "turn":
        raise InputError("only values of turns can be replaced by other tries at the task")
    return replace(method, credit=turn_group, values="none")
