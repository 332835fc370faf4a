"""A model that learns by a method's description: what it thinks of dialogues, and one update by them.

The divergence from the reference (the model without its adapters, or a copy of how it began) is between two
passes of one engine, so it is exactly 0 at first. The ratio of PPO is to log-probabilities as they were
stored at sampling. All is float32. Knows nothing of tasks, tries and rewards.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tastemaker import processes
from tastemaker.errors import TastemakerError
from tastemaker.learning.credit import Batch
from tastemaker.learning.lora import add_lora
from tastemaker.learning.objectives.archer import Critic, critic_loss
from tastemaker.learning.objectives.base import Tokens, needed
from tastemaker.learning.objectives.ppo import value_loss
from tastemaker.learning.objectives.values import ValueHead
from tastemaker.learning.policy_rows import Dialogues, adapters_off, read, rows
from tastemaker.learning.stepwise_config import StepwiseConfig


@dataclass(frozen=True)
class Lesson:
    """What updates learn from: dialogues of K turns and N learnt tokens in all, one after another."""

    dialogues: Dialogues
    mask: Tensor | None = None
    """[N] bool: which tokens count for the policy; None where all do."""
    old: Tensor | None = None
    """[N] log-probabilities as they were stored at sampling."""
    reference: Tensor | None = None
    """[N] log-probabilities by the reference."""
    advantages: Tensor | None = None
    """[N]"""
    values: Tensor | None = None
    """[K] or [N] values before the updates."""
    returns: Tensor | None = None
    """What values should have said, in their shape."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What is worth knowing of it."""


@dataclass(frozen=True)
class Looked:
    """What the model thinks of dialogues before it learns from them."""

    log_probs: Tensor
    """[N]"""
    entropy: Tensor
    """[N] of the distribution that each token is drawn from, in nats."""
    reference: Tensor | None
    """[N] log-probabilities by the reference, where the method has one."""
    states: Tensor
    """[K, size] hidden states before turns."""
    acted: Tensor
    """[K, size] hidden states before the last token of each turn."""
    token_values: Tensor | None
    """[N] values by token, where the method has these."""


@dataclass
class Learner:
    """What learns, and how far it has come."""

    config: StepwiseConfig
    model: Any
    """A causal model that `packing.load` loaded."""
    reference: Any
    """A copy of the model as it began; None where its adapters are switched off in place of that."""
    values: ValueHead | Critic | None
    target: Critic | None
    """Follows the critic slowly."""
    optimiser: torch.optim.AdamW
    updates: int = 0
    clock: dict[str, float] = field(default_factory=dict)
    """Seconds by part, since it was last cleared."""

    @classmethod
    def begin(cls, config: StepwiseConfig, model: Any) -> Learner:
        """Before its first update; adapters are put on the model."""
        method = config.how
        reference = None
        if config.lora:
            add_lora(model, config.rank, config.alpha, config.seed)
            model.to(model.device)
        elif method.reference != "none":
            reference = deepcopy(model).requires_grad_(False).eval()
        size = model.config.hidden_size
        values: ValueHead | Critic | None = None
        if method.values == "critic":
            values = Critic(size, config.objective.critic_width, config.seed).to(model.device)
        elif method.values != "none":
            values = ValueHead(size).to(model.device)
        kinds = [
            {"params": [p for p in model.parameters() if p.requires_grad], "lr": config.learning_rate},
            {"params": list(values.parameters()) if values is not None else [], "lr": config.value_rate},
        ]
        return cls(
            config=config,
            model=model.eval(),  # llamas have no dropout: a pass is the same whether it learns or not
            reference=reference,
            values=values,
            target=values.target() if isinstance(values, Critic) else None,
            optimiser=torch.optim.AdamW(
                [k for k in kinds if k["params"]], betas=(0.9, 0.95), weight_decay=0.0
            ),
        )

    def learnt(self) -> dict[str, torch.nn.Parameter]:
        """What training changes, by names of its own."""
        found = {f"model.{name}": p for name, p in self.model.named_parameters() if p.requires_grad}
        if self.values is not None:
            found |= {f"values.{name}": p for name, p in self.values.named_parameters()}
        return found

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Adds to the part's seconds."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.clock[part] = self.clock.get(part, 0.0) + time.perf_counter() - started

    def look(self, dialogues: Dialogues) -> Looked:
        """What the model, and its reference where the method has one, think of dialogues."""
        tokens, turns = sum(dialogues.tokens), sum(map(len, dialogues.turns))
        log_probs, entropy, reference, said = torch.zeros(4, tokens)
        states, acted = torch.zeros(2, turns, self.model.config.hidden_size)
        method = self.config.how
        by_token = self.values if isinstance(self.values, ValueHead) and method.values == "token" else None
        with torch.no_grad(), self.timed("forward"):
            whole = rows(dialogues, range(len(dialogues.examples)), self.config.pack_tokens)
            for row in processes.share(whole):
                got = read(self.model, row, entropy=True)
                log_probs[row.tokens], entropy[row.tokens] = got.log_probs.cpu(), got.entropy.cpu()
                states[row.turns], acted[row.turns] = got.hidden[row.first].cpu(), got.hidden[row.last].cpu()
                if by_token is not None:
                    said[row.tokens] = by_token(got.hidden).cpu()
                if method.reference != "none":
                    with adapters_off(self.model) if self.reference is None else nullcontext():
                        reference[row.tokens] = read(self.reference or self.model, row).log_probs.cpu()
            processes.add_up(log_probs, entropy, reference, said, states, acted)
        return Looked(
            log_probs=log_probs,
            entropy=entropy,
            reference=reference if method.reference != "none" else None,
            states=states,
            acted=acted,
            token_values=said if by_token is not None else None,
        )

    def judge(self, looked: Looked, batch: Batch) -> Tensor | None:
        """What the method's way to give credit is told: values of turns [K] or tokens [N], or a critic's
        advantages of turns [K], which learns of the batch first.
        """
        device = self.model.device
        if isinstance(self.values, Critic):
            assert self.target is not None
            states, acted = looked.states.to(device), looked.acted.to(device)
            with self.timed("critic"):
                for _ in range(self.config.critic_steps):
                    self._critic_step(self.values, self.target, states, acted, batch)
                processes.broadcast(*self.values.parameters(), *self.target.parameters())
            return self.values.advantages(states, acted).cpu()
        if self.values is None or looked.token_values is not None:
            return looked.token_values
        with torch.no_grad():
            said: Tensor = self.values(looked.states.to(device)).cpu()
        return said

    def _critic_step(
        self, critic: Critic, target: Critic, states: Tensor, acted: Tensor, batch: Batch
    ) -> None:
        rewards, ends = batch.turn_rewards.to(states), batch.ends.to(states.device)
        gamma = self.config.credit.gamma
        found = critic_loss(critic, target, states, acted, rewards, ends, gamma=gamma)
        self.optimiser.zero_grad(set_to_none=True)
        found.loss.backward()
        self.optimiser.step()
        target.follow(critic, self.config.objective.target_rate)

    def update(
        self, lesson: Lesson, chosen: Sequence[int], *, values_alone: bool = False
    ) -> dict[str, float]:
        """One step of the optimiser by the chosen dialogues; the figures of the losses before it."""
        config, method, device = self.config, self.config.how, self.model.device
        dialogues, pairs, by_turn = lesson.dialogues, method.data == "pairs", method.values == "turn"
        packed = rows(dialogues, chosen, config.pack_tokens, pairs=pairs)
        mask = torch.ones(sum(dialogues.tokens), dtype=torch.bool) if lesson.mask is None else lesson.mask
        counting = len(chosen) / 2 if pairs else sum(int(mask[row.tokens].sum()) for row in packed)
        valued = sum(len(row.turns if by_turn else row.tokens) for row in packed)
        self.optimiser.zero_grad(set_to_none=True)
        figures: dict[str, float] = {}
        for row in processes.share(packed):

            def own(whole: Tensor | None, index: Tensor) -> Tensor | None:
                return None if whole is None else whole[index].to(device)

            with self.timed("forward"), torch.set_grad_enabled(not values_alone):
                got = read(self.model, row)
            losses = []
            with self.timed("loss"):
                if not values_alone:
                    tokens = Tokens(
                        log_probs=got.log_probs,
                        mask=mask[row.tokens].to(device),
                        total=max(counting, 1),
                        old=own(lesson.old, row.tokens),
                        advantages=own(lesson.advantages, row.tokens),
                        reference=own(lesson.reference, row.tokens),
                        dialogue=row.dialogue.to(device),
                    )
                    found = method.loss(tokens, config.objective)
                    losses.append(found.loss)
                    _add(figures, found.figures)
                if isinstance(self.values, ValueHead):
                    index = row.turns if by_turn else row.tokens
                    found = value_loss(
                        self.values(got.hidden[row.first] if by_turn else got.hidden),
                        needed(own(lesson.values, index), "values"),
                        needed(own(lesson.returns, index), "returns"),
                        clip=config.objective.value_clip,
                        total=valued,
                    )
                    losses.append(found.loss * (1.0 if values_alone else config.objective.value_weight))
                    _add(figures, found.figures)
            with self.timed("backward"):
                torch.stack(losses).sum().backward()
        with self.timed("optimiser"):
            names = processes.agree(list(figures))  # a process without a row has none
            told = {name: processes.total(figures.get(name, 0.0)) for name in names}
            return told | {"gradient": self._step()}

    def _step(self) -> float:
        """Move what has gradients; the length of the model's gradient."""
        config, optimiser = self.config, self.optimiser
        processes.add_up_gradients(p for kind in optimiser.param_groups for p in kind["params"])
        lengths = [
            float(
                torch.nn.utils.clip_grad_norm_([p for p in kind["params"] if p.grad is not None], config.clip)
            )
            for kind in optimiser.param_groups
        ]
        if not all(map(math.isfinite, lengths)):
            raise TastemakerError(
                f"the gradient is {lengths[0]} in update {self.updates + 1}; lower learning_rate (the last"
                " checkpoint is kept)"
            )
        rise = min(1.0, (self.updates + 1) / (config.warm_up + 1))
        optimiser.param_groups[0]["lr"] = config.learning_rate * rise
        optimiser.step()
        self.updates += 1
        return lengths[0]


def _add(total: dict[str, float], more: Mapping[str, float]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0.0) + value
