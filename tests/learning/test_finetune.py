"""Training steps against a plain loop, resume bit for bit, early stop, and the model that comes out."""

from __future__ import annotations

import math
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from tastemaker.errors import InputError, TastemakerError
from tastemaker.learning.examples import Example
from tastemaker.learning.finetune import FinetuneConfig, finetune, keep_freed_memory, rate
from tastemaker.learning.order import batches, split
from tastemaker.learning.packing import load
from tastemaker.runs import Run

BASE: dict[str, Any] = {"model": "tiny", "data": "hand", "batch_size": 4, "pack_tokens": 400}


def train(
    folder: Path, model: Path, examples: list[Example], stop_after: int | None = None, **settings: Any
) -> tuple[dict[str, Tensor], Run]:
    """Train the tiny model; with `stop_after` it is interrupted, as by Ctrl-C, after so many steps."""
    config = FinetuneConfig(**{**BASE, **settings})
    run = Run.open(folder, config)
    kept: dict[str, Tensor] = {}

    def on_step(line: Any) -> None:
        if line["step"] == stop_after and "loss" in line:
            raise KeyboardInterrupt

    def save(tensors: dict[str, Tensor]) -> None:
        kept.update({name: tensor.clone() for name, tensor in tensors.items()})

    finetune(config, load(model), examples, run, save, threads=1, on_step=on_step)
    return kept, run


@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_an_interrupted_run_goes_on_to_the_same_bits(
    tmp_path: Path,
    tiny_model: Path,
    examples: list[Example],
    families: list[list[Example]],
    grouped: bool,
    lora: bool,
) -> None:
    if grouped:
        examples = [one for family in families for one in family]
    settings: dict[str, Any] = {"lora": lora, "steps": 6, "valid": 2, "valid_steps": 2, "patience": 99}
    straight, run = train(tmp_path / "straight", tiny_model, examples, **settings)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", tiny_model, examples, stop_after=4, **settings)
    resumed, again = train(tmp_path / "cut", tiny_model, examples, **settings)
    assert again.finished
    assert list(again.checkpoints.iterdir()) == []
    figures = [
        [{k: v for k, v in line.items() if "second" not in k} for line in one.metrics()]
        for one in (run, again)
    ]
    assert figures[0] == figures[1]
    assert resumed.keys() <= straight.keys()
    for name, tensor in resumed.items():
        assert torch.equal(tensor, straight[name]), name


def test_steps_are_those_of_a_plain_loop(tmp_path: Path, tiny_model: Path, examples: list[Example]) -> None:
    """Three steps in float64, one dialogue at a time, with torch's own AdamW and transformers' logits."""
    ours, run = train(tmp_path, tiny_model, examples, steps=3, clip=0.5, weight_decay=0.1, warm_up=0.3)
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.95))
    rates = [2e-4 * 0.25 / 0.3, *(1e-4 * (1 + math.cos(math.pi * d / 0.7)) for d in (0.2, 0.45))]
    for step, (lr, chosen) in enumerate(zip(rates, batches(examples, 4, 0), strict=False)):
        optimiser.zero_grad()
        count = sum(int(one.answer.sum()) for one in chosen)
        total = 0.0
        for one in chosen:
            ids = torch.from_numpy(one.ids.astype(np.int64))[None]
            labels = torch.where(torch.from_numpy(one.answer), ids, -100)
            loss = torch.nn.functional.cross_entropy(
                model(input_ids=ids).logits[0, :-1], labels[0, 1:], reduction="sum"
            )
            (loss / count).backward()
            total += float(loss.detach()) / count
        length = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        for group in optimiser.param_groups:
            group["lr"] = lr
        optimiser.step()
        line = run.metrics()[step]
        assert line["loss"] == pytest.approx(total, rel=1e-5)
        assert line["gradient"] == pytest.approx(float(length), rel=1e-4)
        assert line["rate"] == pytest.approx(lr)
        assert line["answer_tokens"] == count
    start = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64).state_dict()
    for name, parameter in model.named_parameters():
        moved = (parameter.detach() - start[name]).norm()
        assert (ours[name].double() - parameter.detach()).norm() < 0.02 * moved, name


def test_shared_beginnings_are_computed_once(
    tmp_path: Path, tiny_model: Path, families: list[list[Example]]
) -> None:
    _, run = train(tmp_path, tiny_model, families[3], steps=1, batch_size=5, pack_tokens=2000)
    (line,) = run.metrics()
    shared = 4 * families[3][0].system / sum(len(one) - 1 for one in families[3])
    computed = line["computed_per_second"] / line["tokens_per_second"]
    assert 1 - 1.2 * shared < computed <= 1 - shared


@pytest.mark.parametrize("lora", [False, True])
def test_frozen_layers_stay_as_they_are(
    tmp_path: Path, tiny_model: Path, examples: list[Example], lora: bool
) -> None:
    start = load(tiny_model).state_dict()
    kept, _ = train(tmp_path, tiny_model, examples, steps=2, frozen_layers=1, lora=lora)
    same = {name for name, tensor in kept.items() if torch.equal(tensor, start[name])}
    norms = {name for name in kept if "norm" in name and lora}
    assert same == norms | {name for name in kept if "embed_tokens" in name or "layers.0." in name}
    with pytest.raises(InputError, match="frozen_layers=2: the model has 2 layers"):
        train(tmp_path / "all", tiny_model, examples, steps=2, frozen_layers=2)


def test_the_step_size_rises_and_falls() -> None:
    assert rate(0.05, 0.1) == pytest.approx(0.5)
    assert rate(0.1, 0.1) == pytest.approx(1.0)
    assert rate(0.55, 0.1) == pytest.approx(0.5)
    assert rate(1.0, 0.1) == pytest.approx(0.0)
    assert rate(1.7, 0.1) == pytest.approx(0.0)
    assert rate(0.0, 0.0) == 1.0


def test_training_stops_when_the_held_out_loss_rises_and_the_best_is_kept(
    tmp_path: Path, tiny_model: Path, examples: list[Example]
) -> None:
    """A step size at which the held-out loss soon rises."""
    settings: dict[str, Any] = {
        "steps": 60,
        "valid": 3,
        "valid_steps": 1,
        "patience": 2,
        "learning_rate": 0.03,
    }
    kept, run = train(tmp_path, tiny_model, examples, **settings)
    valid = [line["valid_loss"] for line in run.metrics() if "valid_loss" in line]
    assert len(valid) < 60
    assert min(valid[-2:]) >= min(valid[:-2])
    assert run.summary()["valid_loss"] == min(valid)
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64)
    model.load_state_dict(kept, strict=False)
    held_out, _ = split(examples, 3, 0, 4)
    total = count = 0.0
    for one in held_out:
        ids = torch.from_numpy(one.ids.astype(np.int64))
        with torch.no_grad():
            scores = model(input_ids=ids[None]).logits[0].log_softmax(-1)
        for place in np.flatnonzero(one.answer):
            total -= float(scores[place - 1, ids[place]])
            count += 1
    assert total / count == pytest.approx(min(valid), rel=1e-4)


def test_a_few_dialogues_are_learnt_by_heart(
    tmp_path: Path, tiny_model: Path, examples: list[Example]
) -> None:
    _, run = train(tmp_path, tiny_model, examples[:2], steps=40, learning_rate=0.01)
    losses = [line["loss"] for line in run.metrics()]
    assert losses[-1] < 0.2 * losses[0]


def test_a_loss_that_is_no_number_ends_the_run(
    tmp_path: Path, tiny_model: Path, examples: list[Example]
) -> None:
    with pytest.raises(TastemakerError, match="lower learning_rate"):
        train(tmp_path, tiny_model, examples, steps=9, learning_rate=1e30)


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_freed_memory_is_kept() -> None:
    """Five tensors of 8 MiB, again and again: no page is asked of the system twice."""

    def asked() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            kept = [torch.ones(2**21) for _ in range(5)]
            del kept
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    asked()
    assert asked() < 10 * 5 * 2**23 / resource.getpagesize() / 20


def test_another_setting_is_another_run(tmp_path: Path, tiny_model: Path, examples: list[Example]) -> None:
    train(tmp_path, tiny_model, examples, steps=1)
    with pytest.raises(InputError, match="steps"):
        train(tmp_path, tiny_model, examples, steps=2)
