"""The loss of a model on each of many dialogues: the mean over the tokens that would be learnt from it.

Dialogues share forward passes as in training (`packing`): no padding, and logits only where the next token
is the assistant's. Knows nothing of what the losses are for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from tastemaker.errors import InputError
from tastemaker.learning.examples import Example, example
from tastemaker.learning.finetune import native_bfloat16
from tastemaker.learning.packing import answer_loss, load, pack
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.exports.chat_text import to_turns
from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.models import parse_local, weights
from tastemaker.records import Trajectory

ROW_TOKENS = 2048
"""Tokens that go through the model at once: more takes more memory."""


def dialogue_losses(
    model: Any, examples: Sequence[Example], *, row_tokens: int = ROW_TOKENS, bfloat16: bool = False
) -> list[float]:
    """The mean negative log-likelihood, in nats, of each example's learnt tokens, by a causal model that
    `packing.load` loaded. `bfloat16` is faster and rougher on machines with units for it.
    """
    losses = [math.nan] * len(examples)
    with torch.inference_mode(), torch.autocast(model.device.type, torch.bfloat16, enabled=bfloat16):
        for chosen in _rows(examples, row_tokens):
            row = pack([examples[number] for number in chosen]).to(model.device)
            each = answer_loss(model, row, "none")
            learnt = [int(examples[number].answer[1:].sum()) for number in chosen]
            for number, part in zip(chosen, each.split(learnt), strict=True):
                losses[number] = float(part.double().mean())
    return losses


def local_losses(name: str, *, row_tokens: int = ROW_TOKENS) -> Callable[[Sequence[Trajectory]], list[float]]:
    """A function that gives the losses of trajectories by a local model, of a name such as local:smollm2 or
    local:FOLDER; the model is loaded here.

    The function raises InputError for a trajectory in which the assistant says nothing, or a tool's message
    answers no call. Raises InputError when there is no such local model.
    """
    if not name.startswith("local:"):
        raise InputError(f"{name!r} does not give its losses; give a local model, such as local:smollm2")
    start = weights(parse_local(name)[0])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load(start.to_transformers()).to(device).eval()
    template = ChatTemplate(start.tokenizer)
    bfloat16 = native_bfloat16(device)

    def losses(samples: Sequence[Trajectory]) -> list[float]:
        examples = [learnt(sample, template, start.described) for sample in samples]
        return dialogue_losses(model, examples, row_tokens=row_tokens, bfloat16=bfloat16)

    return losses


def learnt(sample: Trajectory, template: ChatTemplate, described: bool = False) -> Example:
    """The trajectory as an example. Raises InputError where it cannot be one."""
    try:
        made = example(to_turns(sample, described=described), template)
    except FormatError as error:
        raise InputError(f"{sample.id}: {error}") from None
    if made is None:
        raise InputError(f"{sample.id}: the assistant says nothing, so there is no loss")
    return made


def _rows(examples: Sequence[Example], tokens: int) -> Iterator[list[int]]:
    """Numbers of the examples of each row, at most so many tokens; a longer one has a row of its own."""
    row: list[int] = []
    room = tokens
    for number in sorted(range(len(examples)), key=lambda number: len(examples[number])):
        if row and len(examples[number]) > room:
            yield row
            row, room = [], tokens
        row.append(number)
        room -= len(examples[number])
    if row:
        yield row
