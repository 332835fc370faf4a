"""How fast each back end reads prompts (prefill) and writes (decode), beside transformers' own `generate`.

Prompts are distinct random tokens, so that no shared beginning is reused. Prefill lasts until every request
of the batch has its first token; what arrives later counts as decoding. Rates are tokens per second of
wall-clock time and of CPU time (all threads of this process).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tastemaker.llm.engine import GenerationRequest
from tastemaker.llm.local import LocalEngine
from tastemaker.llm.models import BACKENDS, cpu_threads, start_engine, weights

PROMPT_TOKENS = 350
OUTPUT_TOKENS = 48


@dataclass(frozen=True)
class Rate:
    """Tokens, and the seconds of wall-clock and CPU time that they took."""

    tokens: int
    wall: float
    cpu: float


@dataclass(frozen=True)
class Timing:
    """One batch."""

    prefill: Rate
    decode: Rate


def bench(batches: Sequence[int] = (1, 16), which: str = "smollm2", seed: int = 0) -> list[dict[str, Any]]:
    """Rows `what, size, tokens_per_second, ours_per_cpu_second, reference_per_cpu_second, ratio`."""
    draw = random.Random(seed)
    vocabulary = weights(which).tokenizer.get_vocab_size()

    def prompts(count: int) -> list[tuple[int, ...]]:
        return [tuple(draw.randrange(1000, vocabulary) for _ in range(PROMPT_TOKENS)) for _ in range(count)]

    reference = _transformers(which)
    timings: dict[tuple[str, int], Timing] = {}
    reference(prompts(2))
    for batch in batches:
        timings["transformers", batch] = reference(prompts(batch))
    for backend in BACKENDS:
        local = start_engine(which, backend)
        _engine(local, prompts(2))
        for batch in batches:
            timings[backend, batch] = _engine(local, prompts(batch))
    return [
        _row(part, backend, batch, timings)
        for part in ("prefill", "decode")
        for backend in BACKENDS
        for batch in batches
    ]


def _row(part: str, backend: str, batch: int, timings: dict[tuple[str, int], Timing]) -> dict[str, Any]:
    ours: Rate = getattr(timings[backend, batch], part)
    theirs: Rate = getattr(timings["transformers", batch], part)
    return {
        "what": f"{part}, {backend}",
        "size": f"batch {batch}",
        "tokens_per_second": ours.tokens / ours.wall,
        "ours_per_cpu_second": ours.tokens / ours.cpu,
        "reference_per_cpu_second": theirs.tokens / theirs.cpu,
        "ratio": (ours.tokens / ours.cpu) / (theirs.tokens / theirs.cpu),
    }


def _engine(local: LocalEngine, prompts: Sequence[tuple[int, ...]]) -> Timing:
    """One batch through our engine."""
    arrivals: dict[int, list[tuple[int, float, float]]] = {number: [] for number in range(len(prompts))}

    def listener(number: int) -> Callable[[tuple[int, ...]], None]:
        return lambda new: arrivals[number].append((len(new), time.perf_counter(), time.process_time()))

    wall, cpu = time.perf_counter(), time.process_time()
    futures = [
        local.engine.submit(GenerationRequest(prompt, OUTPUT_TOKENS), listener(number))
        for number, prompt in enumerate(prompts)
    ]
    for future in futures:
        future.result()
    first_wall = max(times[0][1] for times in arrivals.values())
    first_cpu = max(times[0][2] for times in arrivals.values())
    last_wall = max(times[-1][1] for times in arrivals.values())
    last_cpu = max(times[-1][2] for times in arrivals.values())
    later = sum(count for times in arrivals.values() for count, when, _ in times if when > first_wall)
    return Timing(
        Rate(sum(map(len, prompts)), first_wall - wall, first_cpu - cpu),
        Rate(later, last_wall - first_wall, last_cpu - first_cpu),
    )


def _transformers(which: str) -> Callable[[Sequence[tuple[int, ...]]], Timing]:
    """The plain reference: transformers in float32, one padded batch, `generate`."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.set_num_threads(cpu_threads())
    model = AutoModelForCausalLM.from_pretrained(weights(which).to_transformers(), dtype=torch.float32)

    def generate(ids: torch.Tensor, tokens: int) -> Rate:
        wall, cpu = time.perf_counter(), time.process_time()
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            pad_token_id=0,
        )
        return Rate(tokens * len(ids), time.perf_counter() - wall, time.process_time() - cpu)

    def run(prompts: Sequence[tuple[int, ...]]) -> Timing:
        ids = torch.tensor(prompts)
        first, whole = generate(ids, 1), generate(ids, OUTPUT_TOKENS)
        return Timing(
            Rate(ids.numel(), first.wall, first.cpu),
            Rate(whole.tokens - first.tokens, whole.wall - first.wall, whole.cpu - first.cpu),
        )

    return run
