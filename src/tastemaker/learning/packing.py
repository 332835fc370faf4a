"""Dialogues of any lengths in one forward pass without padding: one after another in a single row.

Everything in a llama but attention works on each token by itself, so a row of several dialogues is the same
as a batch of them, and attention is computed for each dialogue on its own: no token sees another dialogue.
Logits, the widest tensor by far, are computed only where the next token is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

from tastemaker.learning.examples import Example

ATTENTION = "tastemaker_packed"
"""Name under which transformers finds `_attention`."""


@dataclass(frozen=True)
class Pack:
    """Dialogues in a row of T tokens, A of which are followed by a learnt one."""

    ids: Tensor
    """Token ids [1, T]."""
    positions: Tensor
    """Place of each token in its dialogue [1, T]."""
    lengths: tuple[int, ...]
    """Tokens of each dialogue; their sum is T."""
    places: Tensor
    """Places in the row whose next token is learnt [A]."""
    targets: Tensor
    """Those next tokens [A]."""

    def to(self, device: torch.device) -> Pack:
        moved = (t.to(device) for t in (self.ids, self.positions, self.places, self.targets))
        ids, positions, places, targets = moved
        return Pack(ids, positions, self.lengths, places, targets)


def pack(examples: Sequence[Example]) -> Pack:
    """One row of these examples; the last token of each is only learnt, never read."""
    lengths = tuple(len(one) - 1 for one in examples)
    starts = np.cumsum((0, *lengths[:-1]))
    places = [start + np.flatnonzero(one.answer[1:]) for start, one in zip(starts, examples, strict=True)]
    return Pack(
        ids=torch.from_numpy(np.concatenate([one.ids[:-1] for one in examples]).astype(np.int64))[None],
        positions=torch.cat([torch.arange(length) for length in lengths])[None],
        lengths=lengths,
        places=torch.from_numpy(np.concatenate(places)),
        targets=torch.from_numpy(np.concatenate([one.ids[1:][one.answer[1:]] for one in examples])).long(),
    )


def packs(examples: Sequence[Example], tokens: int) -> list[Pack]:
    """Rows of at most `tokens` tokens (a longer example has a row of its own), each example in the first row
    that has room, the longest first.
    """
    rows: list[list[Example]] = []
    room: list[int] = []
    for one in sorted(examples, key=len, reverse=True):
        fits = next((row for row, left in enumerate(room) if len(one) <= left), None)
        if fits is None:
            rows.append([])
            room.append(tokens)
            fits = len(rows) - 1
        rows[fits].append(one)
        room[fits] -= len(one)
    return [pack(row) for row in rows]


def answer_loss(model: Any, packed: Pack) -> Tensor:
    """Sum of the negative log-likelihoods, in nats, of the learnt tokens, by a causal model that `load`
    loaded.
    """
    hidden = model.model(
        input_ids=packed.ids, position_ids=packed.positions, use_cache=False, lengths=packed.lengths
    ).last_hidden_state[0]
    logits = model.lm_head(hidden[packed.places])  # [A, vocabulary]
    return cross_entropy(logits.float(), packed.targets, reduction="sum")


def load(folder: Any) -> Any:
    """The model of a folder, in float32, with the attention that packs need."""
    from transformers import AttentionInterface, AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    AttentionInterface.register(ATTENTION, _attention)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, attn_implementation=ATTENTION
    )
    if model.config.tie_word_embeddings:
        # the rows that were read are added to lm_head's gradient, not a whole table of zeros around them
        model.model.embed_tokens.sparse = True
    return model


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: None,
    *,
    scaling: float,
    lengths: tuple[int, ...],
    **unused: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each dialogue of a row: query [1, heads, T, d], key and value [1, groups, T,
    d] to [1, T, heads, d].
    """
    groups = query.shape[1] // key.shape[1]
    parts = [
        scaled_dot_product_attention(
            q, k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1), is_causal=True, scale=scaling
        )
        for q, k, v in zip(
            query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True
        )
    ]
    return torch.cat(parts, 2).transpose(1, 2), None
