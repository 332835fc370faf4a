"""Where each sampled token of many dialogues stands in packed rows, and what a model makes of it there.

D dialogues have N learnt tokens and K turns in all, which lie one after another as in `credit`. A row holds
some of the dialogues; it knows which of the N tokens and of the K turns are its own, so that what was found
for the whole batch (advantages, former log-probabilities) can be taken for a row, and what a row gives be
put back. Knows nothing of rewards and losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tastemaker.learning.credit import Rollout
from tastemaker.learning.examples import Example
from tastemaker.learning.lora import LoraLinear
from tastemaker.learning.packing import Pack, packs, shared_row


@dataclass(frozen=True)
class Dialogues:
    """What is learnt from."""

    examples: Sequence[Example]
    """[D]"""
    turns: Sequence[tuple[int, ...]]
    """Learnt tokens of each turn of each dialogue [D]; their sum is the example's."""
    groups: Sequence[str]
    """[D] equal for tries at the same task, and for both dialogues of a pair."""

    @property
    def tokens(self) -> list[int]:
        """[D] learnt tokens of each dialogue."""
        return [sum(one) for one in self.turns]


def dialogue_of(ids: Sequence[int], rollout: Rollout) -> Example:
    """A rollout of these token ids as an example, in which what was sampled is learnt."""
    return Example(np.array(ids, np.int32), rollout.mask().numpy())


@dataclass(frozen=True)
class Row:
    """Dialogues in one forward pass, A learnt tokens and k turns of the batch's N and K."""

    pack: Pack
    tokens: Tensor
    """[A] which of the N tokens stand at the pack's places."""
    turns: Tensor
    """[k] which of the K turns are in the row."""
    first: Tensor
    """[k] where, among the A, the first token of each turn stands."""
    last: Tensor
    """[k] where the last token of each turn stands."""
    dialogue: Tensor
    """[A] which dialogue each token belongs to, counted within those that the row was made of."""


def rows(dialogues: Dialogues, chosen: Sequence[int], tokens: int, *, pairs: bool = False) -> list[Row]:
    """Rows of at most `tokens` tokens of the chosen dialogues. With `pairs`, 2k and 2k + 1 of the chosen ones
    stay in one row, which may be longer.
    """
    counts = torch.tensor(dialogues.tokens)
    turn_counts = torch.tensor([len(one) for one in dialogues.turns])
    places = (counts.cumsum(0) - counts, turn_counts.cumsum(0) - turn_counts)
    found = []
    for part in _parts(dialogues, chosen, tokens) if pairs else [list(chosen)]:
        examples = [dialogues.examples[number] for number in part]
        for pack in [shared_row(examples)] if pairs else packs(examples, tokens):
            found.append(_row(dialogues, part, pack, places))
    return found


def _parts(dialogues: Dialogues, chosen: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Pairs that follow one another, as many as have at most so many tokens, but at least one."""
    part: list[int] = []
    room = tokens
    for place in range(0, len(chosen), 2):
        pair = list(chosen[place : place + 2])
        size = sum(len(dialogues.examples[number]) - 1 for number in pair)
        if part and size > room:
            yield part
            part, room = [], tokens
        part += pair
        room -= size
    if part:
        yield part


def _row(dialogues: Dialogues, part: Sequence[int], pack: Pack, places: tuple[Tensor, Tensor]) -> Row:
    starts, turn_starts = places
    members = [part[member] for member in pack.members]
    lengths = [torch.tensor(dialogues.turns[number]) for number in members]
    counts = torch.stack([one.sum() for one in lengths])
    last = torch.cat(lengths).cumsum(0) - 1
    return Row(
        pack=pack,
        tokens=torch.cat([starts[n] + torch.arange(int(c)) for n, c in zip(members, counts, strict=True)]),
        turns=torch.cat(
            [turn_starts[n] + torch.arange(len(one)) for n, one in zip(members, lengths, strict=True)]
        ),
        first=last + 1 - torch.cat(lengths),
        last=last,
        dialogue=torch.tensor(pack.members).repeat_interleave(counts),
    )


class Read(NamedTuple):
    """What a model makes of the A learnt tokens of a row."""

    log_probs: Tensor
    """[A] natural, at temperature 1 and without constraint."""
    hidden: Tensor
    """[A, size] the last hidden state before each token."""
    entropy: Tensor
    """[A] of the distribution that each token is drawn from, in nats; without gradient."""


def read(model: Any, row: Row, *, entropy: bool = False) -> Read:
    """One forward pass by a causal model that `packing.load` loaded; without `entropy`, it is given as 0."""
    pack = row.pack.to(model.device)
    hidden = model.model(
        input_ids=pack.ids,
        position_ids=pack.positions,
        use_cache=False,
        lengths=pack.lengths,
        parents=pack.parents,
    ).last_hidden_state[0][pack.places]
    scores = model.lm_head(hidden).float()  # [A, vocabulary]
    log_probs = -cross_entropy(scores, pack.targets, reduction="none")
    spread = torch.zeros_like(log_probs, requires_grad=False)
    if entropy:
        with torch.no_grad():
            normed = scores.log_softmax(-1)
            spread = -(normed.exp() * normed).sum(-1)
    return Read(log_probs, hidden, spread)


@contextmanager
def adapters_off(model: Any) -> Iterator[None]:
    """The model as it was before its adapters, to the bit; a model without adapters stays as it is."""
    layers = [module for module in model.modules() if isinstance(module, LoraLinear)]
    scales = [layer.scale for layer in layers]
    for layer in layers:
        layer.scale = 0.0
    try:
        yield
    finally:
        for layer, scale in zip(layers, scales, strict=True):
            layer.scale = scale
