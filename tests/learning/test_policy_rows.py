"""Rows of dialogues against transformers' own forward pass over each dialogue alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from tastemaker.learning.credit import Rollout, Turn
from tastemaker.learning.lora import add_lora
from tastemaker.learning.packing import load
from tastemaker.learning.policy_rows import Dialogues, adapters_off, dialogue_of, read, rows

PAIRS = 6


def drawn() -> tuple[Dialogues, list[Rollout], list[list[int]]]:
    """Twelve dialogues of two or three turns; two and two have the same prompt."""
    draw = random.Random(0)
    examples, rollouts, sequences = [], [], []
    for number in range(2 * PAIRS):
        asked = random.Random(f"task {number // 2}")
        prompt = [asked.randrange(3, 250) for _ in range(30 + number // 2)]
        ids, turns = [*prompt], []
        for _ in range(draw.choice((2, 3))):
            start = len(ids)
            ids += [draw.randrange(3, 250) for _ in range(draw.randint(1, 5))]
            turns.append(Turn(start, len(ids), {}))
            ids += [draw.randrange(3, 250) for _ in range(draw.randint(0, 9))]
        ids = ids[: turns[-1].end]
        rollout = Rollout(f"task {number // 2}", len(ids), tuple(turns))
        examples.append(dialogue_of(ids, rollout))
        rollouts.append(rollout)
        sequences.append(ids)
    lengths = [tuple(turn.end - turn.start for turn in one.turns) for one in rollouts]
    return Dialogues(examples, lengths, [one.group for one in rollouts]), rollouts, sequences


@pytest.mark.parametrize("pairs", [False, True])
def test_what_a_row_gives_goes_where_it_belongs(tiny_model: Path, pairs: bool) -> None:
    dialogues, rollouts, sequences = drawn()
    plain = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64).eval()
    log_probs, entropy, before, acted = [], [], [], []
    for rollout, ids in zip(rollouts, sequences, strict=True):
        with torch.no_grad():
            output = plain(torch.tensor([ids]), output_hidden_states=True)
        scores, hidden = output.logits[0].log_softmax(-1), output.hidden_states[-1][0]
        for turn in rollout.turns:
            places = range(turn.start, turn.end)
            log_probs += [float(scores[place - 1, ids[place]]) for place in places]
            entropy += [-float((scores[place - 1].exp() * scores[place - 1]).sum()) for place in places]
            before.append(hidden[turn.start - 1])
            acted.append(hidden[turn.end - 2])
    model = load(tiny_model).eval()
    n, k = len(log_probs), len(before)
    found, spread = torch.zeros(2, n)
    states, ends = torch.zeros(2, k, 32)
    packed = rows(dialogues, range(len(sequences)), 150, pairs=pairs)
    assert len(packed) > 1
    for row in packed:
        with torch.no_grad():
            got = read(model, row, entropy=True)
        found[row.tokens], spread[row.tokens] = got.log_probs, got.entropy
        states[row.turns], ends[row.turns] = got.hidden[row.first], got.hidden[row.last]
    assert sorted(torch.cat([row.tokens for row in packed]).tolist()) == list(range(n))
    assert sorted(torch.cat([row.turns for row in packed]).tolist()) == list(range(k))
    assert found.tolist() == pytest.approx(log_probs, abs=1e-4)
    assert spread.tolist() == pytest.approx(entropy, abs=1e-4)
    assert torch.allclose(states, torch.stack(before).float(), atol=1e-4)
    assert torch.allclose(ends, torch.stack(acted).float(), atol=1e-4)


def test_pairs_stay_in_one_row() -> None:
    dialogues, rollouts, _ = drawn()
    chosen = [8, 9, 2, 3, 11, 10]
    assert len(rows(dialogues, chosen, 1, pairs=True)) == 3
    for row in rows(dialogues, chosen, 1, pairs=True):
        assert set(row.dialogue.tolist()) == {0, 1}
        assert len(set(row.tokens.tolist())) == len(row.dialogue)
    (whole,) = rows(dialogues, chosen, 10**6, pairs=True)
    counts = torch.bincount(whole.dialogue).tolist()
    assert counts == [rollouts[number].sampled for number in chosen]


def test_prompts_of_tries_at_one_task_are_computed_once() -> None:
    dialogues, rollouts, _ = drawn()
    (row,) = rows(dialogues, range(2 * PAIRS), 10**6)
    saved = sum(rollouts[2 * task].turns[0].start - 1 for task in range(PAIRS))
    assert sum(row.pack.lengths) == sum(one.length - 1 for one in rollouts) - saved


def test_adapters_that_are_off_change_no_bit(tiny_model: Path) -> None:
    dialogues, _, _ = drawn()
    model = load(tiny_model).eval()
    (row,) = rows(dialogues, range(2 * PAIRS), 10**6)
    with torch.no_grad():
        start = read(model, row).log_probs
        add_lora(model, 4, 8.0, 0)
        for name, parameter in model.named_parameters():
            if "lora_b" in name:
                parameter.fill_(0.1)
        with adapters_off(model):
            off = read(model, row).log_probs
        on = read(model, row).log_probs
    assert torch.equal(off, start)
    assert (on - start).abs().max() > 0.01
