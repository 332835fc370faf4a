"""How fast a round of step-grained learning is: tries a second, updates beside fine-tuning, shares of time.

One round of real tasks: tries by the engine, rewards, credit, and one pass of updates over the dialogues.
Updates and fine-tuning steps have the same dialogues, adapters and rows; each is timed on its second pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tastemaker.learning.finetune import FinetuneConfig, machine, take_step
from tastemaker.learning.finetune import begin as begin_finetune
from tastemaker.learning.learner import Learner
from tastemaker.learning.lessons import Lessons
from tastemaker.learning.packing import load
from tastemaker.learning.stepwise_config import StepwiseConfig
from tastemaker.learning.trials import actor_of
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.models import parse_local, weights


def bench(config: StepwiseConfig, threads: int) -> Iterator[dict[str, Any]]:
    """Rows `what, size, …` of a round by this config: tries, updates beside fine-tuning, shares of time."""
    start = weights(parse_local(config.model)[0])
    with TemporaryDirectory() as scratch, machine(threads):
        actor = actor_of(config, start, Path(scratch) / "serving", threads)
        learner = Learner.begin(config, load(start.to_transformers()))
        template = ChatTemplate(start.tokenizer)
        lessons = Lessons(config, Path(scratch), actor, template, start.described)
        began = time.perf_counter()
        lesson = lessons.of(learner, 0, config.kl.weight)
        batches = list(lessons.batches(lesson, 0))
        for chosen in batches:
            learner.update(lesson, chosen)
        whole = time.perf_counter() - began
        shares = dict(learner.clock)
        dialogues = lesson.dialogues
        size = f"{lesson.figures['rollouts']:.0f} tries of {lesson.figures['dialogue_tokens']:.0f} tokens"
        yield {"what": f"tries, {config.engine}", "size": size, **actor.meter.figures()}
        tokens = sum(len(dialogues.examples[number]) for chosen in batches for number in chosen)
        ours = _rate(lambda: [learner.update(lesson, chosen) for chosen in batches], tokens)
        settings = FinetuneConfig(
            model=config.model,
            data="bench",
            lora=config.lora,
            rank=config.rank,
            batch_size=config.batch_size,
            pack_tokens=config.pack_tokens,
            epochs=9,
        )
        examples = [
            replace(one, system=int(one.answer.argmax()))  # so that tries at a task are together there too
            for one in dialogues.examples
        ]
        plain = begin_finetune(settings, load(start.to_transformers()), examples)
        steps = len(batches)
        take_step(plain)
        reference = _rate(lambda: [take_step(plain) for _ in range(steps)], tokens)
        yield {
            "what": "updates, beside fine-tuning",
            "size": f"{steps} updates",
            "tokens_per_second": ours[0],
            "ours_per_cpu_second": ours[1],
            "reference_per_cpu_second": reference[1],
            "ratio": ours[1] / reference[1],
        }
        shares["rest"] = whole - sum(shares.values())
        yield {
            "what": "share of the time",
            "size": "one round",
            **{part: seconds / whole for part, seconds in shares.items()},
        }


def _rate(work: Callable[[], object], tokens: int) -> tuple[float, float]:
    """Tokens per second of wall-clock time and of CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return tokens / (time.perf_counter() - wall), tokens / (time.process_time() - cpu)
