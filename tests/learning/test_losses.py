"""Losses of packed dialogues against one dialogue at a time, in float64 and with logits everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from tastemaker.errors import InputError
from tastemaker.learning.examples import Example
from tastemaker.learning.losses import dialogue_losses, learnt, local_losses
from tastemaker.learning.packing import load
from tastemaker.llm.chat import ChatTemplate
from tastemaker.records import Trajectory


@pytest.mark.parametrize("row_tokens", [1, 300, 10_000])
def test_losses_are_those_of_one_dialogue_at_a_time(
    row_tokens: int, tiny_model: Path, examples: list[Example]
) -> None:
    plain = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64, attn_implementation="eager")
    expected = []
    for one in examples:
        ids = torch.from_numpy(one.ids.astype(np.int64))[None]
        with torch.no_grad():
            scores = plain(input_ids=ids).logits[0].log_softmax(-1)
        places = np.flatnonzero(one.answer)
        expected.append(-float(np.mean([float(scores[p - 1, ids[0, p]]) for p in places])))
    found = dialogue_losses(load(tiny_model), examples, row_tokens=row_tokens)
    assert found == pytest.approx(expected, rel=1e-5)
    assert len(set(found)) == len(examples)


def test_an_empty_batch_has_no_losses(tiny_model: Path) -> None:
    assert dialogue_losses(load(tiny_model), []) == []


def test_what_has_no_loss_is_told(template: ChatTemplate, dialogue: Callable[..., Trajectory]) -> None:
    silent = dialogue().model_copy(update={"messages": dialogue().messages[:2]})
    with pytest.raises(InputError, match="weather-Oslo: the assistant says nothing"):
        learnt(silent, template)
    stray = dialogue().model_copy(update={"messages": dialogue().messages[3:]})
    with pytest.raises(InputError, match="weather-Oslo: a tool's message answers no call"):
        learnt(stray, template)
    with pytest.raises(InputError, match="give a local model"):
        local_losses("openai:gpt-5-mini")
