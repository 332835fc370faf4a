"""Adapters: nothing at the start, and after training the same as the merged weights."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from tastemaker.learning.lora import add_lora, merged_weights
from tastemaker.learning.packing import load


def test_only_adapters_of_every_layer_learn_and_they_begin_as_nothing(tiny_model: Path) -> None:
    ids = torch.arange(3, 40)[None]
    model = load(tiny_model)
    before = model(input_ids=ids, lengths=(37,)).logits
    add_lora(model, rank=4, alpha=8, seed=0)
    assert torch.equal(model(input_ids=ids, lengths=(37,)).logits, before)
    learnt = {name for name, p in model.named_parameters() if p.requires_grad}
    assert len(learnt) == 2 * 2 * 7  # A and B, layers, linear modules of each
    assert all(name.endswith(("lora_a", "lora_b")) for name in learnt)


def test_merged_weights_do_what_the_adapters_do(tiny_model: Path) -> None:
    torch.manual_seed(1)
    model = load(tiny_model)
    add_lora(model, rank=4, alpha=8, seed=0)
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    ids = torch.arange(3, 40)[None]
    plain = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    unchanged = plain(input_ids=ids).logits
    missing = plain.load_state_dict(merged_weights(model), strict=False)
    assert missing.unexpected_keys == []
    assert missing.missing_keys in ([], ["lm_head.weight"])
    ours = model(input_ids=ids, lengths=(37,)).logits
    assert torch.allclose(plain(input_ids=ids).logits, ours, atol=1e-4)
    assert not torch.allclose(unchanged, ours, atol=1e-1)
    name = "model.layers.1.mlp.up_proj"
    layer = model.get_submodule(name)
    by_hand = plain.get_submodule(name).weight
    assert torch.allclose(by_hand, layer.weight + 8 / 4 * layer.lora_b @ layer.lora_a)
