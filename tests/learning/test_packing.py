"""Packed rows against one dialogue at a time, in float64 and with logits everywhere."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import rms_norm
from transformers import AutoModelForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from tastemaker.learning.examples import Example
from tastemaker.learning.packing import Pack, answer_loss, load, pack, packs


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


def dialogues(row: Pack) -> list[list[int]]:
    """The ids of each dialogue of a row, but the last: those of the segments that none goes on from, and of
    all that they go on from.
    """
    parts = [part.tolist() for part in row.ids[0].split(row.lengths)]
    for number, parent in enumerate(row.parents):
        if parent >= 0:
            parts[number] = parts[parent] + parts[number]
    return [part for number, part in enumerate(parts) if number not in row.parents]


def test_rows_hold_every_example_once_within_their_room(
    examples: list[Example], families: list[list[Example]]
) -> None:
    chosen = [*examples, *(one for family in families for one in family)]
    rows = packs(chosen, 700)
    assert len(rows) < len(chosen)
    assert all(sum(row.lengths) <= 700 for row in rows)
    found = [ids for row in rows for ids in dialogues(row)]
    assert sorted(found) == sorted(one.ids[:-1].tolist() for one in chosen)
    assert sum(len(row.targets) for row in rows) == sum(one.answer.sum() for one in chosen)
    assert len(packs(chosen, 1)) == len(chosen)


def full_precision(model: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The model in float64, its norms too, which transformers rounds to float32."""

    def forward(self: Any, x: torch.Tensor) -> torch.Tensor:
        return rms_norm(x, self.weight.shape, self.weight, self.variance_epsilon)

    monkeypatch.setattr(LlamaRMSNorm, "forward", forward)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    return model.double()


def drawn(draw: random.Random) -> list[Example]:
    """Dialogues of random tokens, some of which begin like an earlier one, and learn what they like."""
    found: list[Example] = []
    for _ in range(draw.randint(2, 9)):
        start = draw.choice(found).ids.tolist() if found and draw.random() < 0.7 else []
        ids = start[: draw.randrange(len(start) + 1)] + draw.choices(range(3, 9), k=draw.randint(2, 40))
        first = draw.choice([1, draw.randrange(1, len(ids)), len(ids) - 1])
        answer = [place == first or (place > first and draw.random() < 0.5) for place in range(len(ids))]
        found.append(Example(np.array(ids, np.int32), np.array(answer)))
    return found


def gradients(model: Any, rows: list[Pack]) -> tuple[float, list[torch.Tensor]]:
    model.zero_grad()
    loss = sum((answer_loss(model, one) for one in rows), torch.zeros((), dtype=torch.float64))
    loss.backward()
    dense = [p.grad.to_dense() if p.grad.is_sparse else p.grad for p in model.parameters()]
    return float(loss.detach()), [gradient.clone() for gradient in dense]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_shared_changes_neither_loss_nor_gradient(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In float64, against one row for each dialogue with nothing shared."""
    draw = random.Random(seed)
    model = full_precision(load(tiny_model), monkeypatch)
    chosen = drawn(draw)
    expected, theirs = gradients(model, [pack([one]) for one in chosen])
    rows = packs(chosen, draw.choice([60, 150, 1000]))
    loss, ours = gradients(model, rows)
    assert loss == pytest.approx(expected, rel=1e-12)
    for one, other in zip(ours, theirs, strict=True):
        assert (one - other).abs().max() < 1e-10 * max(1.0, float(other.abs().max()))


def test_families_share_their_beginnings(families: list[list[Example]]) -> None:
    """One segment that all share, one for each system message, and each dialogue's own."""
    flat = [one for family in families for one in family]
    (row,) = packs(flat[::-1], 10_000)
    assert row.parents.count(-1) == 1
    saved = sum(len(one) - 1 for one in flat) - sum(row.lengths)
    assert saved >= sum((len(family) - 1) * family[0].system for family in families)
    assert len(row.lengths) <= len(flat) + 2 * len(families)
    for number, parent in enumerate(row.parents):
        assert parent < number
    cut = packs(flat, 700)
    assert len(cut) > 1
    assert all(sum(one.lengths) <= 700 for one in cut)
    assert sum(sum(one.lengths) for one in cut) > sum(row.lengths)


def test_a_row_ends_where_little_is_repeated(families: list[list[Example]]) -> None:
    """A row has room for one family and a part of another, but a part would need its beginning once more."""
    chosen = [*families[0], *families[3][:3]]
    whole = [sum(sum(row.lengths) for row in packs(family, 10_000)) for family in (chosen[:3], chosen[3:])]
    room = sum(sum(row.lengths) for row in packs(chosen[:4], 10_000))
    assert max(whole) < room
    rows = packs(chosen, room)
    assert sorted(sum(row.lengths) for row in rows) == sorted(whole)


def test_little_is_not_shared() -> None:
    """Two dialogues that begin with 15 or 16 tokens alike; the one before an answer is not shared."""
    for alike, segments in ((15, 2), (16, 3), (30, 3)):
        ids = np.arange(3, 43, dtype=np.int32)
        other = np.where(np.arange(40) < alike, ids, ids + 50)
        answer = np.arange(40) >= 20
        (row,) = packs([Example(ids, answer), Example(other, answer)], 1000)
        assert len(row.lengths) == segments
        if segments == 3:
            assert row.lengths == (min(alike, 19), *[39 - min(alike, 19)] * 2)
            assert row.positions[0, row.lengths[0] + row.lengths[1]] == row.lengths[0]


def test_a_target_is_the_token_after_its_place(examples: list[Example]) -> None:
    row = pack(examples[:2])
    ids = row.ids[0]
    for place, target in zip(row.places.tolist(), row.targets.tolist(), strict=True):
        if place + 1 not in (row.lengths[0], sum(row.lengths)):
            assert int(ids[place + 1]) == target
        else:
            assert target == 2
    assert row.positions[0, row.lengths[0]] == 0
