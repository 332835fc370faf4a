"""A small model from nothing: its size, what it learns from, and that both back ends serve its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tastemaker.errors import InputError
from tastemaker.learning.packing import load
from tastemaker.learning.small_model import SmallConfig, begin, gold_dialogues, train_small
from tastemaker.learning.tasks.generate import TaskConfig
from tastemaker.llm.engine import Engine, GenerationRequest
from tastemaker.llm.models import base, parse_local, weights
from tastemaker.llm.openvino_backend import OpenVINOBackend
from tastemaker.llm.torch_backend import TorchBackend
from tastemaker.llm.weights import Weights
from tastemaker.runs import Run

TINY = SmallConfig(
    width=32,
    layers=2,
    heads=2,
    groups=1,
    inner=64,
    context=2048,
    tasks=TaskConfig(count=10, max_calls=3, offered=2, kinds={"single": 1.0}),
    epochs=3,
    batch_size=4,
    learning_rate=0.02,
    valid=2,
)


def test_as_it_is_it_has_less_than_20_million_parameters(smollm2: Weights, tmp_path: Path) -> None:
    model = load(begin(SmallConfig(), smollm2, tmp_path / "small").to_transformers())
    assert 10e6 < sum(one.numel() for one in model.parameters()) <= 20e6


def test_it_learns_and_both_back_ends_serve_it(smollm2: Weights, tmp_path: Path) -> None:
    """OpenVINO's weights are rounded to 8 bits: log-probabilities differ a little, the likeliest tokens where
    they are nearly equal.
    """
    config = TINY
    run = Run.open(tmp_path / "run", config)
    summary = train_small(config, smollm2, run, threads=1)
    assert summary["last_loss"] < 0.9 * summary["first_loss"]
    which, _ = parse_local(f"local:{run.folder / 'model'}")
    assert base(which) == "smollm2"
    small = weights(which)
    assert small.config["hidden_size"] == 32
    assert small.context == 2048
    prompt = tuple(small.tokenizer.encode("The weather in Oslo").ids)
    request = GenerationRequest(prompt, max_tokens=6)
    backends = (
        TorchBackend(small.to_transformers(), small.tokenizer, small.eos_id, threads=1),
        OpenVINOBackend(small.to_serving(), small.eos_id, threads=1),
    )
    ours, served = (Engine(one, small.context).submit(request).result(60) for one in backends)
    assert served.token_ids[0] == ours.token_ids[0]
    assert served.log_probs[0] == pytest.approx(ours.log_probs[0], abs=0.1)


def test_the_seed_draws_it(smollm2: Weights, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    folders = []
    for number, seed in enumerate((0, 0, 1)):
        made = begin(TINY.model_copy(update={"seed": seed}), smollm2, tmp_path / str(number))
        folders.append(load_file(made.folder / "model.safetensors"))
    assert torch.equal(torch.get_rng_state(), state)
    first, same, other = folders
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_what_cannot_be(smollm2: Weights, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of heads"):
        SmallConfig(width=64, heads=3)
    config = TINY.model_copy(update={"max_tokens": 8})
    with pytest.raises(InputError, match="no dialogue has at most max_tokens=8"):
        train_small(config, smollm2, Run.open(tmp_path / "run", config), threads=1)
    assert len(list(gold_dialogues(TINY.tasks))) == 10
