"""Packed rows against one dialogue at a time, in float64 and with logits everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from tastemaker.learning.examples import Example
from tastemaker.learning.packing import answer_loss, load, pack, packs


def plain_loss(model: Any, examples: list[Example]) -> torch.Tensor:
    """Every dialogue by itself through transformers' own attention: −Σ log p of the learnt tokens."""
    total = torch.zeros((), dtype=torch.float64)
    for one in examples:
        ids = torch.from_numpy(one.ids.astype(np.int64))[None]
        scores = model(input_ids=ids).logits[0].log_softmax(-1)
        for place in np.flatnonzero(one.answer):
            total = total - scores[place - 1, ids[0, place]]
    return total


def test_loss_and_gradient_are_those_of_one_dialogue_at_a_time(
    tiny_model: Path, examples: list[Example]
) -> None:
    plain = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64, attn_implementation="eager")
    ours = load(tiny_model)
    expected = plain_loss(plain, examples)
    expected.backward()
    rows = packs(examples, 400)
    loss = sum((answer_loss(ours, one) for one in rows), torch.zeros(()))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    theirs = dict(plain.named_parameters())
    for name, parameter in ours.named_parameters():
        scale = theirs[name].grad.abs().max()
        assert (parameter.grad - theirs[name].grad).abs().max() < 1e-4 * scale, name


def test_dialogues_of_a_row_do_not_see_each_other(tiny_model: Path, examples: list[Example]) -> None:
    model = load(tiny_model)
    other = Example((examples[0].ids + 1) % 250 + 3, examples[0].answer)
    with torch.no_grad():
        together = [float(answer_loss(model, pack([one, examples[1]]))) for one in (examples[0], other)]
        alone = [float(answer_loss(model, pack([one]))) for one in (examples[0], other, examples[1])]
    assert together == pytest.approx([alone[0] + alone[2], alone[1] + alone[2]], rel=1e-5)


def test_rows_hold_every_example_once_within_their_room(examples: list[Example]) -> None:
    rows = packs(examples, 400)
    assert len(rows) < len(examples)
    assert all(sum(row.lengths) <= 400 for row in rows)
    assert sorted(length for row in rows for length in row.lengths) == sorted(
        len(one) - 1 for one in examples
    )
    assert sum(len(row.targets) for row in rows) == sum(one.answer.sum() for one in examples)
    assert len(packs(examples, 1)) == len(examples)


def test_a_target_is_the_token_after_its_place(examples: list[Example]) -> None:
    row = pack(examples[:2])
    ids = row.ids[0]
    for place, target in zip(row.places.tolist(), row.targets.tolist(), strict=True):
        if place + 1 not in (row.lengths[0], sum(row.lengths)):
            assert int(ids[place + 1]) == target
        else:
            assert target == 2
    assert row.positions[0, row.lengths[0]] == 0
