"""A small model of our own, from nothing: a llama with another's tokenizer, which learns right dialogues.

Its purpose is many runs: all that trains, samples and serves a bigger model takes it as it is, because its
folder is like any trained model's. Most of it is the table of words, which the tokenizer makes as long as it
is. Knows nothing of what is learnt afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, model_validator

from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.learning.examples import Example, example
from tastemaker.learning.finetune import FinetuneConfig, OnStep, finetune
from tastemaker.learning.packing import load
from tastemaker.learning.tasks.generate import TaskConfig, make_tasks
from tastemaker.learning.tasks.gold import play_gold
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.exports.chat_text import to_turns
from tastemaker.llm.weights import Weights
from tastemaker.records import Trajectory
from tastemaker.runs import Run, write_whole


class SmallConfig(Config):
    """A small model and how it is brought up."""

    base: str = "smollm2"
    """The local model whose tokenizer it has."""
    width: int = Field(default=256, ge=32, multiple_of=32)
    """Size of a hidden state."""
    layers: int = Field(default=6, ge=1)
    """Blocks."""
    heads: int = Field(default=4, ge=1)
    """Heads that ask."""
    groups: int = Field(default=2, ge=1)
    """Heads that are asked."""
    inner: int = Field(default=768, ge=32, multiple_of=32)
    """Size of a block's inner state."""
    context: int = Field(default=4096, ge=64)
    """Longest sequence, prompt and output together, in tokens."""
    tasks: TaskConfig = TaskConfig(count=20_000)
    """Whose right dialogues it learns."""
    epochs: float = Field(default=3.0, gt=0)
    """Passes over the dialogues."""
    minutes: float | None = Field(default=None, gt=0)
    """Time after which training ends, if it has not before."""
    batch_size: int = Field(default=16, ge=1)
    """Dialogues of a step."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Highest step size."""
    pack_tokens: int = Field(default=4096, ge=8)
    """Tokens that go through the model at once."""
    max_tokens: int = Field(default=1024, ge=8)
    """Longer dialogues are left out."""
    valid: int = Field(default=200, ge=0)
    """Dialogues held out to stop by."""
    seed: int = Field(default=0, ge=0)
    """Draws the weights and the order of the dialogues."""

    @model_validator(mode="after")
    def _divides(self) -> SmallConfig:
        if self.width % (2 * self.heads) or self.heads % self.groups:
            raise ValueError("width must be an even multiple of heads, and heads a multiple of groups")
        return self


def begin(config: SmallConfig, base: Weights, folder: Path) -> Weights:
    """A model with drawn weights, in a folder that `local:FOLDER` loads."""
    from transformers import LlamaConfig, LlamaForCausalLM

    told = {
        **base.config,
        "hidden_size": config.width,
        "intermediate_size": config.inner,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.groups,
        "head_dim": config.width // config.heads,
        "max_position_embeddings": config.context,
    }
    write_whole(folder / "config.json", json.dumps(told, indent=1))
    write_whole(folder / "tokenizer.json", base.tokenizer.to_str())
    made = Weights(base.path, base.folder.parent, folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in told.items() if k != "model_type"}))
    made.keep_trained(folder, config.base, {name: one.detach() for name, one in model.named_parameters()})
    return made


def gold_dialogues(config: TaskConfig) -> Iterator[Trajectory]:
    """The right dialogues of tasks."""
    return map(play_gold, make_tasks(config))


def train_small(
    config: SmallConfig, base: Weights, run: Run, *, threads: int, on_step: OnStep | None = None
) -> dict[str, Any]:
    """Bring up a small model, or go on with it; the run's folder `model` holds it in the end. Raises
    InputError where no dialogue is short enough.
    """
    start = begin(config, base, run.folder / "start")
    examples = _examples(config, start)
    training = FinetuneConfig(
        model=f"local:{start.folder}",
        data="gold",
        epochs=config.epochs,
        minutes=config.minutes,
        batch_size=config.batch_size,
        max_tokens=config.max_tokens,
        pack_tokens=config.pack_tokens,
        learning_rate=config.learning_rate,
        valid=config.valid,
        valid_steps=100,
        seed=config.seed,
    )
    model = load(start.to_transformers())
    size = sum(one.numel() for one in model.parameters())
    counts: Mapping[str, Any] = {
        "parameters": size,
        "dialogues": len(examples),
        "tokens": sum(map(len, examples)),
    }
    return finetune(
        training,
        model,
        examples,
        run,
        lambda tensors: start.keep_trained(run.folder / "model", config.base, tensors),
        counts=counts,
        threads=threads,
        on_step=on_step,
    )


def _examples(config: SmallConfig, start: Weights) -> list[Example]:
    template = ChatTemplate(start.tokenizer)
    made = (example(to_turns(play), template) for play in gold_dialogues(config.tasks))
    found = [one for one in made if one is not None and len(one) <= config.max_tokens]
    if not found:
        raise InputError(f"no dialogue has at most max_tokens={config.max_tokens} tokens")
    return found
