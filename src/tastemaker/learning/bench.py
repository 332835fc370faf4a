"""How fast fine-tuning is, beside the plain way: a batch padded to its longest dialogue, transformers' own
attention, logits and loss at every place.

Dialogues are random tokens of which the last eighth is learnt; those that begin alike, as with the same
tools, share two thirds. Rates count the dialogues' tokens, not the padding and each time what is shared, per
second of wall-clock time and of CPU time (all threads of this process); each is taken over one step, after a
step to warm up. Both ways keep freed memory.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from tastemaker.learning.examples import Example
from tastemaker.learning.finetune import FinetuneConfig, begin, keep_freed_memory, take_step
from tastemaker.learning.lora import add_lora
from tastemaker.learning.packing import load
from tastemaker.llm.models import weights

DIALOGUES = 4


def bench(tokens: int = 512, which: str = "smollm2", seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows `what, size, tokens_per_second, ours_per_cpu_second, reference_per_cpu_second, ratio`: full and
    LoRA, dialogues of `tokens` tokens, of a quarter of them up to all, and that begin alike.
    """
    keep_freed_memory()
    draw = random.Random(seed)
    vocabulary = weights(which).tokenizer.get_vocab_size()

    def words(count: int) -> list[int]:
        return [draw.randrange(1000, vocabulary) for _ in range(count)]

    def examples(lengths: Sequence[int], alike: int = 0) -> list[Example]:
        start = words(alike)
        return [
            Example(np.array(start + words(n - alike), np.int32), np.arange(n) >= n - n // 8) for n in lengths
        ]

    sizes = {
        f"{DIALOGUES} × {tokens}": examples([tokens] * DIALOGUES),
        f"{DIALOGUES} × {tokens // 4}–{tokens}": examples(
            [tokens * (place + 1) // DIALOGUES for place in range(DIALOGUES)]
        ),
        f"{DIALOGUES} × {tokens}, beginning alike": examples([tokens] * DIALOGUES, tokens * 2 // 3),
    }
    for lora in (False, True):
        for size, chosen in sizes.items():
            ours = _rate(_ours(chosen, which, lora), chosen)
            plain = _rate(_plain(chosen, which, lora), chosen)
            yield _row("LoRA" if lora else "full", size, ours, plain)
            if not lora:
                everywhere = _rate(_ours(chosen, which, lora, everywhere=True), chosen)
                yield _row("full, beside logits at every place", size, ours, everywhere)


def _row(what: str, size: str, ours: tuple[float, float], reference: tuple[float, float]) -> dict[str, Any]:
    return {
        "what": what,
        "size": size,
        "tokens_per_second": ours[0],
        "ours_per_cpu_second": ours[1],
        "reference_per_cpu_second": reference[1],
        "ratio": ours[1] / reference[1],
    }


def _rate(step: Callable[[], object], examples: Sequence[Example]) -> tuple[float, float]:
    """Tokens per second of wall-clock time and of CPU time, of the second step."""
    step()
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    tokens = sum(map(len, examples))
    return tokens / (time.perf_counter() - wall), tokens / (time.process_time() - cpu)


def _ours(
    examples: Sequence[Example], which: str, lora: bool, everywhere: bool = False
) -> Callable[[], object]:
    """`finetune.take_step`; with `everywhere`, every token is learnt."""
    chosen = [replace(one, answer=np.ones_like(one.answer)) for one in examples] if everywhere else examples
    config = FinetuneConfig(model=which, data="bench", lora=lora, batch_size=len(chosen), epochs=2)
    training = begin(config, load(weights(which).to_transformers()), chosen)
    return lambda: take_step(training)


def _plain(examples: Sequence[Example], which: str, lora: bool) -> Callable[[], object]:
    """One padded batch through transformers, labels −100 where nothing is learnt, torch's AdamW."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(weights(which).to_transformers(), dtype=torch.float32)
    if lora:
        config = FinetuneConfig(model=which, data="bench")
        add_lora(model, config.rank, config.alpha, config.seed)
    model.train()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
    longest = max(map(len, examples))
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for row, one in enumerate(examples):
        ids[row, : len(one)] = torch.from_numpy(one.ids)
        mask[row, : len(one)] = 1
        labels[row, : len(one)] = torch.where(torch.from_numpy(one.answer), ids[row, : len(one)], -100)

    def step() -> None:
        optimiser.zero_grad()
        model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return step
