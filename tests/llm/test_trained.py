"""A trained model by the name of its folder, on both back ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFReader, GGUFWriter, dequantize
from safetensors.torch import load_file

from tastemaker.errors import InputError
from tastemaker.llm.models import base, parse_local, resolve, weights
from tastemaker.llm.weights import Weights, _rotary_halves, _rotary_pairs, trained_base


def test_the_orders_of_rows_undo_each_other() -> None:
    """By hand: 2 heads of 4 rows, x0 x1 y0 y1 becomes x0 y0 x1 y1."""
    rows = np.arange(8)[:, None]
    assert _rotary_pairs(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    weight = np.random.default_rng(0).normal(size=(24, 5))
    assert np.array_equal(_rotary_pairs(_rotary_halves(weight, 3), 3), weight)


def test_a_folder_is_a_name(smollm2: Weights, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "ft" / "model"
    with pytest.raises(InputError, match="local:FOLDER of a trained model"):
        resolve(f"local:{folder}")
    smollm2.keep_trained(folder, "smollm2", {"model.norm.weight": torch.ones(576)})
    assert parse_local(f"local:{folder}") == (str(folder), "openvino")
    assert parse_local(f"local:{folder}/torch") == (str(folder), "torch")
    assert base(str(folder)) == base("smollm2") == "smollm2"
    assert resolve(f"local:{folder}/torch").model_name == f"{folder}/torch"
    trained = weights(str(folder))
    assert trained.to_transformers() == folder
    assert trained.config == smollm2.config
    assert trained.tokenizer.encode("One 12 two").ids == smollm2.tokenizer.encode("One 12 two").ids


@pytest.fixture
def tiny(tmp_path: Path) -> Weights:
    """A GGUF file of the llama architecture with one layer, 4 heads and 2 groups of 16 dimensions."""
    file = tmp_path / "tiny.gguf"
    writer = GGUFWriter(file, "llama")
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *(chr(33 + n) for n in range(60)), '!"']
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 3 + [1] * 61)
    writer.add_token_merges(['! "'])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_vocab_size(len(tokens))
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(96)
    writer.add_block_count(1)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_context_length(128)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(0)
    shapes = {"attn_q": 64, "attn_k": 32, "attn_v": 32, "attn_output": 64, "ffn_gate": 96, "ffn_up": 96}
    draw = np.random.default_rng(0)
    for name, rows in shapes.items():
        writer.add_tensor(f"blk.0.{name}.weight", draw.normal(size=(rows, 64)).astype(np.float32))
    writer.add_tensor("blk.0.ffn_down.weight", draw.normal(size=(64, 96)).astype(np.float32))
    writer.add_tensor("token_embd.weight", draw.normal(size=(len(tokens), 64)).astype(np.float32))
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", draw.normal(size=64).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Weights(file, tmp_path / "cache")


def served(weights: Weights) -> dict[str, np.ndarray[Any, Any]]:
    return {t.name: dequantize(t.data, t.tensor_type) for t in GGUFReader(weights.to_serving()).tensors}


def test_untouched_weights_are_served_as_before(tiny: Weights, tmp_path: Path) -> None:
    """By way of transformers' names and order, the served file is the one made from the GGUF file itself."""
    tiny.keep_trained(tmp_path / "model", "smollm2", load_file(tiny.to_transformers() / "model.safetensors"))
    trained = Weights(tiny.path, tmp_path / "cache", tmp_path / "model")
    expected, found = served(tiny), served(trained)
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        assert np.array_equal(found[name], weight), name


def test_trained_weights_are_served_and_newer_ones_replace_them(tiny: Weights, tmp_path: Path) -> None:
    tensors = load_file(tiny.to_transformers() / "model.safetensors")
    trained = Weights(tiny.path, tmp_path / "cache", tmp_path / "model")
    for factor in (2.0, 3.0):
        moved = {name: factor * tensor for name, tensor in tensors.items()}
        tiny.keep_trained(tmp_path / "model", "smollm2", moved)
        found = served(trained)
        for name, weight in served(tiny).items():
            assert np.allclose(found[name], factor * weight, rtol=1e-2, atol=1e-3), name


def test_a_trained_folder_without_its_weights_is_no_model(tiny: Weights, tmp_path: Path) -> None:
    tiny.keep_trained(tmp_path, "smollm2", load_file(tiny.to_transformers() / "model.safetensors"))
    assert trained_base(tmp_path) == "smollm2"
    (tmp_path / "model.safetensors").unlink()
    assert trained_base(tmp_path) is None


def test_a_trained_folder_remembers_how_tools_are_shown(tiny: Weights, tmp_path: Path) -> None:
    tensors = load_file(tiny.to_transformers() / "model.safetensors")
    for told, known in ((None, False), (True, True), (False, False)):
        tiny.keep_trained(tmp_path / "model", "smollm2", tensors, described=told)
        trained = Weights(tiny.path, tmp_path / "cache", tmp_path / "model")
        assert (trained.described, tiny.described) == (known, False)
        trained.keep_trained(tmp_path / "again", "smollm2", tensors)
        assert Weights(tiny.path, tmp_path / "cache", tmp_path / "again").described == known
    (tmp_path / "model" / "base.json").write_text('{"base": "smollm2"}')
    assert not Weights(tiny.path, tmp_path / "cache", tmp_path / "model").described
