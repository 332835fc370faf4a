"""Dialogues of any lengths in one forward pass without padding, and what several of them begin with once.

Everything in a llama but attention works on each token by itself, so a row of tokens is the same as a batch
of dialogues, if attention is computed for each on its own: no token sees another dialogue. Dialogues that
offer the same tools begin with the same tokens. Those make one segment of the row, from which the dialogues
branch off: a branch attends to what it goes on from and to itself, and its positions go on from there. Loss
and gradients are those of the dialogues one by one, because nothing is learnt within what is shared. Logits,
the widest tensor by far, are computed only where the next token is learnt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

from tastemaker.learning.examples import Example

ATTENTION = "tastemaker_packed"
"""Name under which transformers finds `_attention`."""

LEAST_SAVED = 16
"""Tokens that a shared beginning must save: each costs every layer one more attention."""

ROW_COST = 16
"""Tokens that one more row must save: each adds to the gradient of the whole vocabulary."""


@dataclass(frozen=True)
class Pack:
    """Dialogues as a row of S segments, T tokens in all, A of which are followed by a learnt one."""

    ids: Tensor
    """Token ids [1, T]."""
    positions: Tensor
    """Place of each token in its dialogue [1, T]."""
    lengths: tuple[int, ...]
    """Tokens of each segment [S]; their sum is T."""
    parents: tuple[int, ...]
    """The segment that each goes on from [S], which stands before it; -1 where a dialogue begins."""
    places: Tensor
    """Places in the row whose next token is learnt [A]."""
    targets: Tensor
    """Those next tokens [A]."""
    members: tuple[int, ...]
    """Which of the given dialogues the row holds, in the order in which their learnt tokens stand."""

    def to(self, device: torch.device) -> Pack:
        moved = (t.to(device) for t in (self.ids, self.positions, self.places, self.targets))
        ids, positions, places, targets = moved
        return Pack(ids, positions, self.lengths, self.parents, places, targets, self.members)


@dataclass(frozen=True)
class _Segment:
    """Tokens `start` to `end` of an example, and of all that branch off behind them."""

    example: Example
    start: int
    end: int
    parent: int = -1

    def __len__(self) -> int:
        return self.end - self.start


def pack(examples: Sequence[Example]) -> Pack:
    """One row of these examples in their order, with nothing shared; the last token of each is only learnt,
    never read.
    """
    return _row([_Segment(one, 0, len(one) - 1) for one in examples], range(len(examples)))


def packs(examples: Sequence[Example], tokens: int) -> list[Pack]:
    """Rows of at most `tokens` tokens (a longer example has a row of its own), in which examples share what
    they begin with. Examples that begin alike stand together; where a row ends among them, the next repeats
    what it needs. Of all ways to cut that order into rows, the one with the fewest tokens.
    """
    order, ordered, common = _alike(examples)
    best: list[tuple[int, list[tuple[int, int]]]] = [(0, [])]  # cost and rows of the first 0, 1, … examples
    for end in range(1, len(ordered) + 1):
        ways: list[tuple[int, int]] = []  # cost, first of the last row
        for first in reversed(range(end)):
            size = sum(map(len, _segments(ordered[first:end], common[first : end - 1])))
            if size > tokens and ways:
                break
            ways.append((best[first][0] + size + ROW_COST, first))
        cost, first = min(ways)
        best.append((cost, [*best[first][1], (first, end)]))
    return [
        _row(_segments(ordered[first:end], common[first : end - 1]), order[first:end])
        for first, end in best[-1][1]
    ]


def shared_row(examples: Sequence[Example]) -> Pack:
    """One row of all these, in which they share what they begin with."""
    order, ordered, common = _alike(examples)
    return _row(_segments(ordered, common), order)


def _alike(examples: Sequence[Example]) -> tuple[list[int], list[Example], list[int]]:
    """An order in which those that begin alike stand together, the examples in it, and how many tokens each
    shares with the next.
    """
    order = sorted(range(len(examples)), key=lambda n: _shareable(examples[n]).astype(">i4").tobytes())
    ordered = [examples[n] for n in order]
    common = [_common(_shareable(one), _shareable(other)) for one, other in pairwise(ordered)]
    return order, ordered, common


def _shareable(one: Example) -> Any:
    """The ids of an example that others can share: none is learnt, nor is what comes after one."""
    return one.ids[: max(0, int(one.answer.argmax()) - 1)]


def _common(one: Any, other: Any) -> int:
    """How many ids two sequences begin with alike."""
    short = min(len(one), len(other))
    differ = np.flatnonzero(one[:short] != other[:short])
    return int(differ[0]) if len(differ) else short


def _segments(ordered: Sequence[Example], common: Sequence[int]) -> list[_Segment]:
    """Segments of examples in the order of their ids, each of which shares `common` tokens with the next."""
    found: list[_Segment] = []

    def add(first: int, end: int, start: int, parent: int) -> None:
        """The examples from `first` to `end`, whose tokens up to `start` stand already."""
        if end - first == 1:
            found.append(_Segment(ordered[first], start, len(ordered[first]) - 1, parent))
            return
        shared = min(common[first : end - 1])
        if (shared - start) * (end - first - 1) >= LEAST_SAVED:
            found.append(_Segment(ordered[first], start, shared, parent))
            start, parent = shared, len(found) - 1
        ends = [place + 1 for place in range(first, end - 1) if common[place] == shared]
        for one, other in pairwise([first, *ends, end]):
            add(one, other, start, parent)

    add(0, len(ordered), 0, -1)
    return found


def _row(segments: Sequence[_Segment], members: Iterable[int]) -> Pack:
    ids, positions, places, targets = [], [], [], []
    before = 0
    for one in segments:
        learnt = np.flatnonzero(one.example.answer[one.start + 1 : one.end + 1])
        ids.append(one.example.ids[one.start : one.end])
        positions.append(torch.arange(one.start, one.end))
        places.append(before + learnt)
        targets.append(one.example.ids[one.start + 1 + learnt])
        before += len(one)
    return Pack(
        ids=torch.from_numpy(np.concatenate(ids).astype(np.int64))[None],
        positions=torch.cat(positions)[None],
        lengths=tuple(map(len, segments)),
        parents=tuple(one.parent for one in segments),
        places=torch.from_numpy(np.concatenate(places)),
        targets=torch.from_numpy(np.concatenate(targets).astype(np.int64)),
        members=tuple(members),
    )


def answer_loss(model: Any, packed: Pack, reduction: Literal["sum", "none"] = "sum") -> Tensor:
    """Sum of the negative log-likelihoods, in nats, of the learnt tokens, or each of them [A], by a causal
    model that `load` loaded.
    """
    hidden = model.model(
        input_ids=packed.ids,
        position_ids=packed.positions,
        use_cache=False,
        lengths=packed.lengths,
        parents=packed.parents,
    ).last_hidden_state[0]
    logits = model.lm_head(hidden[packed.places])  # [A, vocabulary]
    return cross_entropy(logits.float(), packed.targets, reduction=reduction)


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
    parents: tuple[int, ...] | None = None,
    **unused: Any,
) -> tuple[Tensor, None]:
    """Causal attention of each segment of a row to what it goes on from and to itself: query [1, heads, T,
    d], key and value [1, groups, T, d] to [1, T, heads, d]. Without `parents` each segment is a dialogue.
    """
    keys, values = key.split(lengths, 2), value.split(lengths, 2)
    paths: list[list[int]] = []
    parts = []
    for number, one in enumerate(query.split(lengths, 2)):
        parent = parents[number] if parents else -1
        path = [*paths[parent], number] if parent >= 0 else [number]
        paths.append(path)
        read = torch.cat([keys[i] for i in path], 2)
        told = torch.cat([values[i] for i in path], 2)
        own, whole = one.shape[2], read.shape[2]
        seen = None
        if own < whole:
            seen = torch.ones(own, whole, dtype=torch.bool, device=query.device).tril(whole - own)
        parts.append(
            scaled_dot_product_attention(
                one, read, told, seen, is_causal=seen is None, scale=scaling, enable_gqa=True
            )
        )
    return torch.cat(parts, 2).transpose(1, 2), None
