"""Batched decoding against transformers itself on a tiny random model."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from tastemaker.errors import InputError, ModelError
from tastemaker.llm.engine import Completion, Engine, GenerationRequest
from tastemaker.llm.torch_backend import TorchBackend

EOS = 2
PROMPTS = ["a", "hello there", "x" * 40, "The quick brown fox", "é ü"]


@pytest.fixture(scope="module")
def backend(tiny_model: Path, tokenizer: Tokenizer) -> TorchBackend:
    return TorchBackend(tiny_model, tokenizer, EOS, threads=1, max_batch=3)


@pytest.fixture(scope="module")
def engine(backend: TorchBackend) -> Engine:
    return Engine(backend, context=512)


def ids(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer.encode(text).ids)


def test_greedy_batches_equal_transformers_one_by_one(
    engine: Engine, tiny_model: Path, tokenizer: Tokenizer
) -> None:
    """Five requests through a batch of three, of unequal lengths, so that rows join and leave."""
    requests = [
        GenerationRequest(ids(tokenizer, prompt), max_tokens=6 + 5 * number)
        for number, prompt in enumerate(PROMPTS)
    ]
    completions = [future.result(60) for future in [engine.submit(request) for request in requests]]
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    for request, completion in zip(requests, completions, strict=True):
        prompt = torch.tensor([request.prompt_ids])
        expected = model.generate(
            prompt, max_new_tokens=request.max_tokens, do_sample=False, pad_token_id=EOS
        )
        assert list(completion.token_ids) == expected[0, prompt.shape[1] :].tolist()
        assert completion.log_probs == pytest.approx(log_probs(model, request, completion), abs=1e-4)
        assert completion.finish == ("stop" if completion.token_ids[-1] == EOS else "length")


def log_probs(model: torch.nn.Module, request: GenerationRequest, completion: Completion) -> list[float]:
    """One forward pass over the whole sequence."""
    with torch.no_grad():
        full = torch.tensor([request.prompt_ids + completion.token_ids])
        scores = model(full).logits[0].log_softmax(-1)
    start = len(request.prompt_ids) - 1
    return [float(scores[start + place, token]) for place, token in enumerate(completion.token_ids)]


def test_a_seed_fixes_the_sample_whatever_else_runs(engine: Engine, tokenizer: Tokenizer) -> None:
    def sample(seed: int) -> GenerationRequest:
        return GenerationRequest(ids(tokenizer, "hello"), max_tokens=12, temperature=1.0, seed=seed)

    alone = engine.submit(sample(7)).result(60)
    others = [engine.submit(sample(seed)) for seed in (1, 7, 2, 3)]
    together = [future.result(60) for future in others]
    assert together[1].token_ids == alone.token_ids
    assert len({completion.token_ids for completion in together}) == 4


def test_a_schema_bounds_what_is_sampled(engine: Engine, tokenizer: Tokenizer) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"enum": [1, 22, 333]}, "s": {"enum": ["x", "yy"]}},
        "required": ["n", "s"],
    }
    for seed in range(5):
        request = GenerationRequest(
            ids(tokenizer, "a"), max_tokens=60, temperature=1.0, seed=seed, schema=schema
        )
        completion = engine.submit(request).result(60)
        value = json.loads(tokenizer.decode(list(completion.token_ids), skip_special_tokens=True))
        assert value["n"] in (1, 22, 333)
        assert value["s"] in ("x", "yy")
        assert completion.finish == "stop"


def test_tokens_are_told_as_they_come(engine: Engine, tokenizer: Tokenizer) -> None:
    seen: list[int] = []
    request = GenerationRequest(ids(tokenizer, "hello"), max_tokens=8)
    completion = engine.submit(request, seen.extend).result(60)
    assert tuple(seen) == completion.token_ids


def test_a_prompt_that_leaves_no_room_is_refused(engine: Engine) -> None:
    with pytest.raises(InputError, match="context of 512"):
        engine.submit(GenerationRequest((5,) * 500, max_tokens=20))


def test_a_bad_schema_fails_alone(engine: Engine, tokenizer: Tokenizer) -> None:
    bad = engine.submit(GenerationRequest(ids(tokenizer, "a"), 5, schema={"$ref": "#/$defs/missing"}))
    good = engine.submit(GenerationRequest(ids(tokenizer, "a"), 5))
    with pytest.raises(InputError):
        bad.result(60)
    assert good.result(60).token_ids


def test_a_cancelled_request_leaves_the_batch(
    engine: Engine, backend: TorchBackend, tokenizer: Tokenizer
) -> None:
    started = threading.Event()
    long = engine.submit(
        GenerationRequest(ids(tokenizer, "a"), 400, temperature=1.0), lambda _: started.set()
    )
    assert started.wait(60)
    assert long.cancel()
    assert engine.submit(GenerationRequest(ids(tokenizer, "b"), 3)).result(60).token_ids
    assert backend._rows == []


def test_a_fault_of_the_back_end_reaches_every_caller() -> None:
    class Broken:
        name = "broken"

        def add(self, key: int, request: GenerationRequest) -> None: ...

        def step(self) -> tuple[dict[int, tuple[int, ...]], dict[int, Completion]]:
            raise RuntimeError("out of memory")

        def cancel(self, key: int) -> None: ...

    engine = Engine(Broken(), context=100)
    for future in [engine.submit(GenerationRequest((1,), 5)) for _ in range(3)]:
        with pytest.raises(ModelError, match="out of memory"):
            future.result(60)
