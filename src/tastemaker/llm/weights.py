"""From a GGUF file to what the engines need: a tokenizer, and safetensors that transformers loads in a
second.

transformers' own GGUF loading takes minutes and cannot be saved. Here the tensors are de-quantised once with
the `gguf` package (a few seconds for SmolLM2-135M), the rows of the query and key projections are put back
from GGUF's rotary order to that of transformers, and the result is cached beside a `config.json`. Knows
nothing of how text is generated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemaker.errors import AssetError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

_CONVERSION = 1  # raised when the conversion changes, so that old caches are left alone
_TENSORS = "model.safetensors"
_SERVING = "model-q8_0.gguf"
_BASE = "base.json"  # tells a trained model's folder, what it was trained from, and how it is shown tools
_CONTROL = 3  # the token type of <|im_start|> and its like


class Weights:
    """The weights of a local model: a GGUF file of the llama architecture (SmolLM2 is one) and what is
    derived from it.

    Derived files lie in `<cache>/<stem>-v<conversion>/`: `tokenizer.json`, `config.json`,
    `model.safetensors`. Each is made when it is first asked for, whole or not at all. Of a trained model the
    folder that `keep_trained` wrote takes that place; everything but the tensors is its base's.
    """

    def __init__(self, path: Path, cache: Path, trained: Path | None = None) -> None:
        self.path = path
        self.trained = trained
        self.folder = trained or cache / f"{path.stem}-v{_CONVERSION}"

    @cached_property
    def _reader(self) -> Any:
        from gguf import GGUFReader

        try:
            reader = GGUFReader(self.path)
        except (ValueError, OSError, IndexError) as error:
            raise AssetError(f"{self.path}: not a readable GGUF file ({error})") from None
        architecture = reader.fields["general.architecture"].contents()
        if architecture != "llama":
            raise AssetError(
                f"{self.path}: architecture {architecture!r}; only llama models run in this process"
            )
        return reader

    def _field(self, name: str) -> Any:
        return self._reader.fields[name].contents()

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, built once from the vocabulary and merges in the file.

        Digits are split one by one and the rest is GPT-2's byte-level BPE, as the file's `tokenizer.ggml.pre
        = smollm` says.
        """
        from tokenizers import Tokenizer

        file = self.folder / "tokenizer.json"
        _make(
            file, lambda unfinished: unfinished.write_text(self._build_tokenizer().to_str(), encoding="utf-8")
        )
        return Tokenizer.from_file(str(file))

    def _build_tokenizer(self) -> Tokenizer:
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

        tokens: list[str] = self._field("tokenizer.ggml.tokens")
        kinds: list[int] = self._field("tokenizer.ggml.token_type")
        merges: list[tuple[str, str]] = [tuple(m.split(" ", 1)) for m in self._field("tokenizer.ggml.merges")]
        tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        tokenizer.decoder = decoders.ByteLevel()
        control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL]
        tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
        return tokenizer

    @cached_property
    def config(self) -> dict[str, Any]:
        """The `config.json` of transformers' LlamaForCausalLM."""
        file = self.folder / "config.json"
        _make(file, lambda unfinished: unfinished.write_text(json.dumps(self._build_config(), indent=1)))
        config: dict[str, Any] = json.loads(file.read_text())
        return config

    def _build_config(self) -> dict[str, Any]:
        heads, hidden = (
            int(self._field("llama.attention.head_count")),
            int(self._field("llama.embedding_length")),
        )
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": int(self._field("llama.vocab_size")),
            "hidden_size": hidden,
            "intermediate_size": int(self._field("llama.feed_forward_length")),
            "num_hidden_layers": int(self._field("llama.block_count")),
            "num_attention_heads": heads,
            "num_key_value_heads": int(self._field("llama.attention.head_count_kv")),
            "head_dim": hidden // heads,
            "max_position_embeddings": int(self._field("llama.context_length")),
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": float(self._field("llama.rope.freq_base")),
            },
            "rms_norm_eps": float(self._field("llama.attention.layer_norm_rms_epsilon")),
            "hidden_act": "silu",
            "tie_word_embeddings": True,
            "bos_token_id": int(self._field("tokenizer.ggml.bos_token_id")),
            "eos_token_id": int(self._field("tokenizer.ggml.eos_token_id")),
            "dtype": "float32",
        }

    @property
    def eos_id(self) -> int:
        """The token that ends a message."""
        return int(self.config["eos_token_id"])

    @property
    def context(self) -> int:
        """Longest sequence, prompt and output together, in tokens."""
        return int(self.config["max_position_embeddings"])

    def tensors(self) -> dict[str, np.ndarray[Any, Any]]:
        """Every weight, de-quantised to float32, under the name that transformers gives it."""
        from gguf import dequantize

        tensors = {}
        for tensor in self._reader.tensors:
            weight = dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
            if heads := self._rotary_heads(tensor.name):
                weight = _rotary_halves(weight, heads)
            tensors[_transformers_name(tensor.name)] = np.ascontiguousarray(weight)
        return tensors

    def _rotary_heads(self, name: str) -> int:
        """Heads of a projection whose rows GGUF orders in its own way; 0 for all other tensors."""
        heads = {"attn_q": self.config["num_attention_heads"], "attn_k": self.config["num_key_value_heads"]}
        return int(heads.get(name.split(".")[-2], 0))

    def _trained_tensors(self) -> dict[str, np.ndarray[Any, Any]] | None:
        """Every trained weight under its GGUF name and in GGUF's order; None where none was trained."""
        from safetensors.numpy import load_file

        if self.trained is None:
            return None
        tensors = {}
        for theirs, weight in load_file(self.trained / _TENSORS).items():
            name = _gguf_name(theirs)
            heads = self._rotary_heads(name)
            tensors[name] = _rotary_pairs(weight, heads) if heads else weight
        return tensors

    def _sizes(self) -> dict[str, Any]:
        """What a GGUF file of these weights says of their sizes: a trained model may have its own."""
        config = self.config
        return {
            "llama.vocab_size": config["vocab_size"],
            "llama.embedding_length": config["hidden_size"],
            "llama.feed_forward_length": config["intermediate_size"],
            "llama.block_count": config["num_hidden_layers"],
            "llama.attention.head_count": config["num_attention_heads"],
            "llama.attention.head_count_kv": config["num_key_value_heads"],
            "llama.context_length": config["max_position_embeddings"],
            "llama.rope.dimension_count": config["head_dim"],
            "llama.rope.freq_base": config["rope_parameters"]["rope_theta"],
            "llama.attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
        }

    @property
    def described(self) -> bool:
        """Whether the model was trained on tools that are shown with their parameters' descriptions."""
        return self.trained is not None and _base_file(self.trained).get("described") is True

    def keep_trained(
        self, folder: Path, base: str, tensors: Mapping[str, Tensor], *, described: bool | None = None
    ) -> None:
        """Write a trained model's folder, or its newer weights: torch tensors by their names in transformers,
        the tokenizer and the config. `base` is the name by which this model is known; `described`: whether
        tools are shown to it with their parameters' descriptions (by default as to this model).
        """
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(self.tokenizer.to_str(), encoding="utf-8")
        (folder / "config.json").write_text(json.dumps(self.config, indent=1))
        (folder / _SERVING).unlink(missing_ok=True)
        contiguous = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
        _write(folder / _TENSORS, lambda file: save_file(contiguous, file, metadata={"format": "pt"}))
        told = {"base": base, "described": self.described if described is None else described}
        (folder / _BASE).write_text(json.dumps(told))

    def to_transformers(self) -> Path:
        """The folder that `AutoModelForCausalLM.from_pretrained` loads; converted on the first call."""
        from safetensors.numpy import save_file

        file = self.folder / _TENSORS
        _make(file, lambda unfinished: save_file(self.tensors(), unfinished, metadata={"format": "pt"}))
        return self.folder

    def to_serving(self) -> Path:
        """The GGUF file that OpenVINO serves: the same weights as Q8_0; written on the first call.

        OpenVINO GenAI rounds the zero points of Q4_1 to whole numbers when it loads a file, which moved
        log-probabilities of SmolLM2 by 0.5 nats on average. Q8_0 has no zero points: 0.04 nats, at the same
        speed.
        """
        file = self.folder / _SERVING
        _make(file, self._write_q8)
        return file

    def _write_q8(self, file: Path) -> None:
        from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter, LlamaFileType, dequantize, quantize

        kind = GGMLQuantizationType.Q8_0
        writer = GGUFWriter(file, "llama")
        told = {**self._sizes(), "general.file_type": LlamaFileType.MOSTLY_Q8_0}
        for name, entry in self._reader.fields.items():
            if name.startswith("GGUF.") or name == "general.architecture":
                continue
            value = told[name] if name in told else entry.contents()
            listed = entry.types[0] == GGUFValueType.ARRAY
            writer.add_key_value(name, value, entry.types[0], entry.types[-1] if listed else None)
        trained = self._trained_tensors()
        tensors = (trained or {}).items() or (
            (tensor.name, dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False))
            for tensor in self._reader.tensors
        )
        for name, weight in tensors:
            if weight.ndim == 1:
                writer.add_tensor(name, weight)
            else:
                writer.add_tensor(name, quantize(weight, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def _make(file: Path, write: Callable[[Path], object]) -> None:
    """Make a file that is not there yet, whole or not at all."""
    if not file.exists():
        _write(file, write)


def _write(file: Path, write: Callable[[Path], object]) -> None:
    """Make or replace a file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{os.getpid()}-{file.name}")
    try:
        write(unfinished)
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def trained_base(folder: Path) -> str | None:
    """The base that `keep_trained` was told; None for any other folder."""
    base = _base_file(folder).get("base")
    return base if isinstance(base, str) and (folder / _TENSORS).is_file() else None


def _base_file(folder: Path) -> dict[str, Any]:
    """What `keep_trained` wrote about a folder; empty for any other."""
    try:
        told = json.loads((folder / _BASE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _rotary_halves(weight: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """Undo GGUF's row order (x0 y0 x1 y1 …) of a projection [heads·d, hidden] to transformers' (x0 x1 … y0 y1
    …)."""
    rows = weight.shape[0]
    return weight.reshape(heads, rows // heads // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)


def _rotary_pairs(weight: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """The reverse of `_rotary_halves`."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def _transformers_name(name: str) -> str:
    match name.split("."):
        case ["token_embd", "weight"]:
            return "model.embed_tokens.weight"
        case ["output_norm", "weight"]:
            return "model.norm.weight"
        case ["blk", layer, part, "weight"] if part in _NAMES:
            return f"model.layers.{layer}.{_NAMES[part]}.weight"
    raise AssetError(f"the GGUF file holds a tensor {name!r} that a llama model does not have")


def _gguf_name(name: str) -> str:
    """The reverse of `_transformers_name`."""
    match name.split("."):
        case ["model", "embed_tokens", "weight"]:
            return "token_embd.weight"
        case ["model", "norm", "weight"]:
            return "output_norm.weight"
        case ["model", "layers", layer, *part, "weight"] if found := {
            theirs: ours for ours, theirs in _NAMES.items()
        }.get(".".join(part)):
            return f"blk.{layer}.{found}.weight"
    raise AssetError(f"the trained weights hold a tensor {name!r} that a llama model does not have")
