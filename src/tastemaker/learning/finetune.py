"""Fine-tuning: the assistant's words in given dialogues become likelier, by all weights or by adapters.

A step takes `batch_size` dialogues or a few more in an order drawn from (seed, epoch) alone (`order`), splits
them into packs that fit the memory, and adds up their gradients; the loss is the mean over all learnt tokens
of the step. AdamW with clipped gradients, warm-up and a cosine schedule. Weights or adapters, moments and the
step are all that a resumed run needs to be the run that was never interrupted. Knows nothing of where
dialogues come from.

Several processes (`processes`) share out the packs of each step and add up their gradients; the first writes.
"""

from __future__ import annotations

import ctypes
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from tastemaker import checkpoint, processes
from tastemaker.config import Config
from tastemaker.errors import InputError, TastemakerError
from tastemaker.learning.examples import Example
from tastemaker.learning.lora import add_lora, merged_weights
from tastemaker.learning.order import batches, epoch_steps, split
from tastemaker.learning.packing import Pack, answer_loss, packs
from tastemaker.runs import Run


class FinetuneConfig(Config):
    """Settings of a fine-tuning."""

    model: str
    """What is trained: a local model's name, such as local:smollm2, or local:FOLDER of a trained one."""
    data: str
    """Fingerprint of the dialogues."""
    lora: bool = False
    """Train adapters, not the weights themselves."""
    rank: int = Field(default=16, ge=1)
    """Rank of an adapter."""
    alpha: float = Field(default=32.0, gt=0)
    """Scale of an adapter, times the rank."""
    epochs: float = Field(default=3.0, gt=0)
    """Passes over the dialogues."""
    steps: int | None = Field(default=None, ge=1)
    """Steps in all, in place of `epochs`."""
    minutes: float | None = Field(default=None, gt=0)
    """Time after which training ends, if it has not before; the schedule is fitted to it."""
    batch_size: int = Field(default=16, ge=1)
    """Dialogues of a step, or a few more: groups stay whole."""
    max_tokens: int = Field(default=1024, ge=8)
    """Longer dialogues are left out."""
    until_calls: bool = False
    """A dialogue ends with its last call: results and words after it are left out. One without calls stays
    whole."""
    described: bool = False
    """Tools are shown with the descriptions of their parameters; the trained model is shown them so ever
    after."""
    pack_tokens: int = Field(default=1024, ge=8)
    """Tokens that go through the model at once: more takes more memory."""
    frozen_layers: int = Field(default=0, ge=0)
    """Lowest layers that stay as they are, and the embedding with them: a step is faster."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Highest step size; by default 0.0002 for weights and 0.001 for adapters."""
    warm_up: float = Field(default=0.05, ge=0, lt=1)
    """Share of the training in which the step size rises from 0."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Of matrices, as a share of the step size."""
    clip: float = Field(default=1.0, gt=0)
    """Longest gradient: longer ones are shortened to it."""
    valid: int = Field(default=0, ge=0)
    """Dialogues held out to stop by, or a few more: groups stay whole."""
    valid_steps: int = Field(default=50, ge=1)
    """Steps from one look at the held-out part to the next."""
    patience: int = Field(default=3, ge=1)
    """Training ends when so many looks in a row brought nothing better."""
    checkpoint_minutes: float = Field(default=5.0, ge=0)
    """Time from one checkpoint to the next."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 where the machine has units for it, else float32. Weights are float32 always."""
    seed: int = Field(default=0, ge=0)
    """Draws the held-out part, the order of the dialogues and the adapters' beginning."""

    @property
    def highest_rate(self) -> float:
        """The step size after warm-up."""
        return self.learning_rate or (1e-3 if self.lora else 2e-4)


OnStep = Callable[[Mapping[str, Any]], None]
"""Is told each line that goes into `metrics.jsonl`, with `steps` in all."""

Save = Callable[[dict[str, Tensor]], None]
"""Keeps weights, adapters merged, by their names in transformers."""


@dataclass
class _Training:
    """A fine-tuning under way."""

    config: FinetuneConfig
    model: Any
    batches: Iterator[list[Example]]
    """Those of the steps to come."""
    held_out: list[Pack]
    optimiser: torch.optim.AdamW
    steps: int
    step: int = 0
    seconds: float = 0.0
    best: float | None = None
    """Lowest loss of the held-out part."""
    worse: int = 0
    """Looks at the held-out part since then."""
    looked: int = 0
    """Step of the last look."""
    whole: bool = True
    """False while weights are being changed."""

    @property
    def over(self) -> bool:
        """Whether steps or time are used up."""
        limit = self.config.minutes
        return self.step >= self.steps or (limit is not None and self.seconds >= 60 * limit)

    @property
    def look_due(self) -> bool:
        """Whether the held-out part is to be looked at before anything else."""
        turn = self.over or self.step % self.config.valid_steps == 0
        return bool(self.held_out) and turn and self.looked < self.step


def finetune(
    config: FinetuneConfig,
    model: Any,
    examples: Sequence[Example],
    run: Run,
    save: Save,
    *,
    threads: int,
    counts: Mapping[str, Any] | None = None,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Train a model that `packing.load` loaded, and `save` the weights with the lowest loss on the held-out
    part (without one, the last weights). Goes on from the run's checkpoint, which goes when the run ends.
    Returns, and leaves in the run, what the training came to, with `counts` of the data (in process 0; the
    others get nothing).

    Raises TastemakerError when the loss is no longer finite; the last checkpoint stays.
    """
    with machine(threads):
        training = begin(config, model.to(processes.device()), examples)
        _restore(training, run)
        try:
            _run(training, run, save, on_step)
        except KeyboardInterrupt:
            if training.step and training.whole:
                _keep(training, run.checkpoints)
            raise
        if training.best is None and processes.first():
            save(merged_weights(model))
    if not processes.first():
        return {}
    losses = [line["loss"] for line in run.metrics() if "loss" in line]
    summary = {
        **(counts or {}),
        "steps": training.step,
        "seconds": training.seconds,
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "valid_loss": training.best,
    }
    run.finish(summary)
    (run.checkpoints / checkpoint.NAME).unlink(missing_ok=True)
    return summary


def _run(training: _Training, run: Run, save: Save, on_step: OnStep | None) -> None:
    """Step after step to the end, with looks at the held-out part and checkpoints in between."""
    config = training.config
    before = training.seconds
    started = written = time.monotonic()
    while True:
        if training.look_due:
            row = _look(training, save)
            training.seconds = processes.agree(before + time.monotonic() - started)
            _log(run, training, row, on_step)
        if training.over or training.worse >= config.patience:
            return
        if training.step and time.monotonic() - written >= 60 * config.checkpoint_minutes:
            _keep(training, run.checkpoints)
            written = time.monotonic()
        row = take_step(training)
        training.seconds = processes.agree(before + time.monotonic() - started)
        _log(run, training, row, on_step)


def begin(config: FinetuneConfig, model: Any, examples: Sequence[Example]) -> _Training:
    """A training before its first step; adapters are put on the model."""
    if config.lora:
        add_lora(model, config.rank, config.alpha, config.seed)
        model.to(model.device)
    _freeze(model, config.frozen_layers)
    model.train()
    held_out, learnt = split(examples, config.valid, config.seed, config.batch_size)
    steps = config.epochs * epoch_steps(learnt, config.batch_size, config.seed)
    trained = [p for p in model.parameters() if p.requires_grad]
    kinds = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim == 1], "weight_decay": 0.0},
    ]
    return _Training(
        config=config,
        model=model,
        batches=batches(learnt, config.batch_size, config.seed),
        held_out=[one.to(model.device) for one in packs(held_out, config.pack_tokens)],
        optimiser=torch.optim.AdamW([k for k in kinds if k["params"]], betas=(0.9, 0.95), fused=True),
        steps=config.steps or max(1, round(steps)),
    )


def _freeze(model: Any, layers: int) -> None:
    count = len(model.model.layers)
    if layers >= count:
        raise InputError(f"frozen_layers={layers}: the model has {count} layers, and at least one must learn")
    if layers:
        model.model.embed_tokens.requires_grad_(False)
    for layer in model.model.layers[:layers]:
        layer.requires_grad_(False)


def rate(done: float, warm_up: float) -> float:
    """The step size as a share of the highest, when a share of the training is done: a straight rise during
    the warm-up, then half a cosine down to 0 (Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts).
    """
    if done < warm_up:
        return done / warm_up
    return (1 + math.cos(math.pi * min(1.0, (done - warm_up) / (1 - warm_up)))) / 2


def take_step(training: _Training) -> dict[str, Any]:
    """One step of training: the loss per learnt token before it, the gradient's length, and tokens per
    second: those of the dialogues, and those that were computed, where what is shared counts once.
    """
    started = time.monotonic()
    config, optimiser = training.config, training.optimiser
    chosen = next(training.batches)
    rows = [one.to(training.model.device) for one in packs(chosen, config.pack_tokens)]
    learnt = sum(len(one.targets) for one in rows)
    optimiser.zero_grad(set_to_none=True)
    total = 0.0
    for one in processes.share(rows):
        loss = _loss(training, one) / learnt
        loss.backward()
        total += float(loss.detach())
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    processes.add_up_gradients(parameters)
    total = processes.total(total)
    length = float(torch.nn.utils.clip_grad_norm_(parameters, config.clip))
    if not (math.isfinite(total) and math.isfinite(length)):
        raise TastemakerError(
            f"the loss is {total} and its gradient {length} in step {training.step + 1}; lower learning_rate"
            " (the last checkpoint is kept)"
        )
    done = (training.step + 1) / (training.steps + 1)
    if config.minutes is not None:
        done = max(done, training.seconds / (60 * config.minutes))
    for group in optimiser.param_groups:
        group["lr"] = config.highest_rate * rate(done, config.warm_up)
    training.whole = False
    optimiser.step()
    training.step += 1
    training.whole = True
    seconds = time.monotonic() - started
    return {
        "loss": total,
        "gradient": length,
        "rate": optimiser.param_groups[0]["lr"],
        "answer_tokens": learnt,
        "tokens_per_second": sum(len(one) - 1 for one in chosen) / seconds,
        "computed_per_second": sum(sum(one.lengths) for one in rows) / seconds,
    }


def _loss(training: _Training, packed: Pack) -> Tensor:
    device = training.model.device
    precision = training.config.precision
    lower = precision == "bfloat16" or (precision == "auto" and native_bfloat16(device))
    with torch.autocast(device.type, torch.bfloat16, enabled=lower):
        return answer_loss(training.model, packed)


def native_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in units of its own: elsewhere it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags)


def _look(training: _Training, save: Save) -> dict[str, Any]:
    """The loss per learnt token of the held-out part; weights that are the best so far are saved."""
    with torch.no_grad():
        own = sum(float(_loss(training, one)) for one in processes.share(training.held_out))
    loss = processes.total(own) / sum(len(one.targets) for one in training.held_out)
    if training.best is None or loss < training.best:
        training.best, training.worse = loss, 0
        if processes.first():
            save(merged_weights(training.model))
    else:
        training.worse += 1
    training.looked = training.step
    return {"valid_loss": loss}


def _log(run: Run, training: _Training, row: Mapping[str, Any], on_step: OnStep | None) -> None:
    if not processes.first():
        return
    line = {"step": training.step, **row, "seconds": training.seconds}
    run.log(line)
    if on_step is not None:
        on_step({**line, "steps": training.steps})


_STATE = ("step", "seconds", "best", "worse", "looked")


def _keep(training: _Training, folder: Path) -> None:
    if not processes.first():
        return
    tensors = {}
    for name, parameter in training.model.named_parameters():
        if parameter.requires_grad:
            moments = training.optimiser.state[parameter]
            tensors[f"parameter.{name}"] = parameter
            tensors[f"mean.{name}"] = moments["exp_avg"]
            tensors[f"square.{name}"] = moments["exp_avg_sq"]
    state = {name: getattr(training, name) for name in _STATE}
    checkpoint.write(folder, tensors, state)


def _restore(training: _Training, run: Run) -> None:
    """Go on from the run's checkpoint, if it has one; lines logged after it are taken back."""
    tensors, state = checkpoint.read(run.checkpoints) or ({}, {"step": 0, "looked": 0})
    if processes.first():
        run.take_back(
            lambda line: line["step"] > (state["looked"] if "valid_loss" in line else state["step"])
        )
    if not tensors:
        return
    with torch.no_grad():
        for name, parameter in training.model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(tensors[f"parameter.{name}"])
                training.optimiser.state[parameter] = {
                    "step": torch.tensor(float(state["step"]), device=parameter.device),
                    "exp_avg": tensors[f"mean.{name}"].to(parameter.device),
                    "exp_avg_sq": tensors[f"square.{name}"].to(parameter.device),
                }
    for name, value in state.items():
        setattr(training, name, value)
    training.batches = islice(training.batches, training.step, None)


def keep_freed_memory() -> None:
    """Let this process keep what tensors free, where its C library is glibc. By default large pieces go back
    to the system at once, and a step spends much of its time getting the same pages again.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 2**25)  # the most that glibc takes: 32 MiB
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h


@contextmanager
def machine(threads: int) -> Iterator[None]:
    """So many threads, freed memory kept, and numbers too small for full precision taken as 0."""
    keep_freed_memory()
    former = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # second moments of words that hardly occur would slow every step
    try:
        yield
    finally:
        torch.set_num_threads(former)
        torch.set_flush_denormal(False)
