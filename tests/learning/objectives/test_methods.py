"""All methods on a bandit of two turns whose best policy is known, by one trainer that asks for no name.

The first choice decides what the second is worth: 0 is safe (0.4 whatever follows), 1 is worth nothing, 2 is
worth 1 with the right second choice and nothing with the others. Each turn is a choice and then tokens that
follow from it; 300 tokens of observation lie between the turns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tastemaker.errors import InputError
from tastemaker.learning.credit import (
    Batch,
    Credit,
    CreditConfig,
    Rollout,
    Turn,
    kl_penalty,
    lay_out,
    outcome,
    token_gae,
    turn_group,
)
from tastemaker.learning.objectives.archer import Critic, critic_loss
from tastemaker.learning.objectives.base import Tokens
from tastemaker.learning.objectives.dpo import pairs
from tastemaker.learning.objectives.methods import METHODS, Method, ObjectiveConfig, without_values
from tastemaker.learning.objectives.ppo import value_loss
from tastemaker.learning.objectives.rft import kept
from tastemaker.learning.objectives.values import ValueHead

WORTH = torch.tensor([[0.4, 0.4, 0.4], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
SIZES = (12, 3)
"""Tokens of the two turns."""
CONFIG = CreditConfig(gamma=1.0)
OBJECTIVE = ObjectiveConfig(beta=1.0, kl_weight=0.001, critic_width=16)
STATES = 1 + 3 + 3 + 9
"""One-hot hidden states: the start; after the first choice; before the second; after the second."""


class Policy(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Parameter(torch.zeros(3))
        self.second = torch.nn.Parameter(torch.zeros(3, 3))

    def chances(self) -> Tensor:
        """[3, 3] of each pair of choices."""
        return self.first.softmax(0)[:, None] * self.second.softmax(1)

    def log_probs(self, choices: Tensor) -> Tensor:
        """[N] of the tokens of rollouts with choices [R, 2]; what follows from a choice is certain."""
        a, b = choices.T
        found = torch.zeros(len(choices), sum(SIZES))
        found[:, 0] = self.first.log_softmax(0)[a]
        found[:, SIZES[0]] = self.second.log_softmax(1)[a, b]
        return found.flatten()


def hidden_states(choices: Tensor) -> Tensor:
    """[N, STATES] what was read before each token."""
    a, b = choices.T
    places = torch.empty(len(choices), sum(SIZES), dtype=torch.int64)
    places[:, 0] = 0
    places[:, 1 : SIZES[0]] = (1 + a)[:, None]
    places[:, SIZES[0]] = 4 + a
    places[:, SIZES[0] + 1 :] = (7 + 3 * a + b)[:, None]
    return torch.eye(STATES)[places.flatten()]


def rollouts_of(choices: Tensor, tries: int) -> list[Rollout]:
    start = 5 + SIZES[0] + 300
    return [
        Rollout(
            f"task {n // tries}",
            start + SIZES[1],
            (
                Turn(5, 5 + SIZES[0], {"success": float(a != 1)}),
                Turn(start, start + SIZES[1], {"outcome": float(WORTH[a, b])}),
            ),
        )
        for n, (a, b) in enumerate(choices.tolist())
    ]


@dataclass
class Trainer:
    """Follows a description of a method, as the trainer of a model would."""

    method: Method
    seed: int = 0

    def __post_init__(self) -> None:
        self.policy, self.reference = Policy(), Policy()
        self.generator = torch.Generator().manual_seed(self.seed)
        self.head = ValueHead(STATES)
        self.critic = Critic(STATES, OBJECTIVE.critic_width, self.seed)
        self.target = self.critic.target()
        self.optimiser = torch.optim.Adam([*self.policy.parameters(), *self.head.parameters()], 0.1)
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters(), 0.01)

    def sample(self, n: int) -> Tensor:
        drawn = torch.multinomial(
            self.policy.chances().detach().flatten(), n, replacement=True, generator=self.generator
        )
        return torch.stack((drawn // 3, drawn % 3), 1)

    def train(self, steps: int) -> Tensor:
        """The chances of each pair of choices after so many steps."""
        choices = self.learnt(self.sample(64))
        for _ in range(steps):
            if self.method.on_policy:
                choices = self.sample(64)
            self.step(choices)
        return self.policy.chances().detach()

    def learnt(self, choices: Tensor) -> Tensor:
        if self.method.data == "gold":
            return torch.tensor([[2, 1]])
        rollouts = rollouts_of(choices, 16)
        outcomes = [outcome(one, CONFIG) for one in rollouts]
        groups = [one.group for one in rollouts]
        chosen = list(range(len(choices)))
        if self.method.data == "kept":
            said = [tuple(pair) for pair in choices.tolist()]
            chosen = kept(outcomes, groups, said, least=OBJECTIVE.kept_least, most=OBJECTIVE.kept_most)
        elif self.method.data == "pairs":
            found = pairs(outcomes, groups, margin=OBJECTIVE.pair_margin)
            chosen = [place for pair in found for place in pair]
        return choices[chosen]

    def step(self, choices: Tensor) -> None:
        method, batch = self.method, None
        hidden = hidden_states(choices)
        with torch.no_grad():
            old, reference = self.policy.log_probs(choices), self.reference.log_probs(choices)
        advantages = returns = values = None
        where = slice(None)
        if method.credit is not None:
            batch = lay_out(rollouts_of(choices, 8), CONFIG, steps=method.steps)
            if method.reference == "reward":
                batch = batch.with_penalty(kl_penalty(old, reference, 0.001))
            where = batch.first if method.values == "turn" else where
            values = self.values(batch, hidden, where)
            advantages, returns = method.credit(batch, values, CONFIG)
        dialogue = torch.arange(len(choices)).repeat_interleave(sum(SIZES))
        for _ in range(2 if method.on_policy else 1):
            tokens = Tokens(
                log_probs=self.policy.log_probs(choices),
                mask=torch.ones(len(old), dtype=torch.bool),
                total=len(choices) / 2 if method.data == "pairs" else len(old) / sum(SIZES),
                old=old,
                advantages=advantages,
                reference=reference,
                dialogue=dialogue,
            )
            loss = method.loss(tokens, OBJECTIVE).loss
            if returns is not None and values is not None:
                said = self.head(hidden[where])
                loss = loss + value_loss(said, values, returns, clip=0.2, total=len(said)).loss
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()

    def values(self, batch: Batch, hidden: Tensor, where: Any) -> Tensor | None:
        if self.method.values == "none":
            return None
        if self.method.values == "critic":
            states, acted = hidden[batch.first], hidden[batch.last]
            for _ in range(5):
                loss = critic_loss(
                    self.critic, self.target, states, acted, batch.turn_rewards, batch.ends, gamma=1.0
                ).loss
                self.critic_optimiser.zero_grad()
                loss.backward()
                self.critic_optimiser.step()
                self.target.follow(self.critic, OBJECTIVE.target_rate)
            return self.critic.advantages(states, acted)
        said: Tensor = self.head(hidden[where]).detach()
        return said


def test_the_names() -> None:
    assert tuple(METHODS) == ("sft", "rft", "ppo-final", "ppo-token", "eto", "archer", "grpo", "steptool")


@pytest.mark.parametrize("name", [name for name in METHODS if name != "eto"])
def test_every_method_reaches_the_best_policy(name: str) -> None:
    chances = Trainer(METHODS[name]).train(40)
    assert chances[2, 1] > 0.9
    assert WORTH.flatten()[chances.argmax()] == WORTH.max()


def test_pairs_make_the_best_policy_the_likeliest() -> None:
    """What is in no pair, here the safe choice, keeps its chance beside the others'."""
    chances = Trainer(METHODS["eto"]).train(100)
    assert chances.argmax() == WORTH.argmax()
    assert chances[2, 1] > 0.6
    assert chances[1].sum() < 0.1


def test_steptool_does_without_a_critic() -> None:
    assert Trainer(without_values(METHODS["steptool"])).train(40)[2, 1] > 0.9
    with pytest.raises(InputError, match="only values of turns"):
        without_values(METHODS["archer"])


def released(batch: Batch, values: Tensor | None, config: CreditConfig) -> Credit:
    """By token, through the 300 tokens of observation, as in the released code."""
    fade = 0.99 * 0.95
    places = torch.cat((torch.arange(SIZES[0]), torch.arange(SIZES[1]) + SIZES[0] + 300))
    rewards = torch.stack(batch.split(batch.rewards))  # [R, 63]
    distance = places[None, :] - places[:, None]
    weight = torch.where(distance >= 0, fade ** distance.clamp(min=0).double(), 0.0)
    found = rewards @ weight.T
    return Credit(((found - found.mean()) / found.std()).flatten())


def test_credit_that_fades_in_observations_does_not_reach_the_first_choice() -> None:
    """The expected gradient: every pair of choices once, as the untrained policy would make them."""
    choices = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    batch = lay_out(rollouts_of(choices, 9), CONFIG, steps=False)
    gradients = []
    for credit in (turn_group, token_gae, released):
        policy = Policy()
        tokens = Tokens(
            log_probs=policy.log_probs(choices),
            mask=torch.ones(len(batch.rewards), dtype=torch.bool),
            total=9,
            old=policy.log_probs(choices).detach(),
            advantages=credit(batch, None, CONFIG).advantages,
        )
        METHODS["ppo-final"].loss(tokens, OBJECTIVE).loss.backward()
        gradients.append(-policy.first.grad)
    for gradient in gradients[:2]:
        assert gradient[0] > 0.02  # worth 0.4 on average
        assert gradient[1] < -0.02  # worth nothing
    assert gradients[2].abs().max() < 1e-5


def test_credit_that_fades_in_observations_does_not_learn_the_first_choice() -> None:
    by_turn = without_values(METHODS["ppo-final"])
    faded = replace(by_turn, credit=released)
    reached, missed = (
        torch.stack([Trainer(method, seed).train(30)[2].sum() for seed in range(2)])
        for method in (by_turn, faded)
    )
    assert reached.min() > 0.9
    assert missed.mean() < 0.6


def test_a_loss_says_what_it_needs() -> None:
    bare = Tokens(torch.zeros(2), torch.ones(2, dtype=torch.bool), 2)
    for name in ("ppo-final", "eto", "archer", "grpo"):
        with pytest.raises(InputError, match="this objective needs"):
            METHODS[name].loss(bare, OBJECTIVE)
    alone = replace(bare, dialogue=torch.zeros(2, dtype=torch.int64), reference=torch.zeros(2))
    with pytest.raises(InputError, match="keep pairs together"):
        METHODS["eto"].loss(alone, OBJECTIVE)
