"""Beginnings that are not computed twice: the same tokens as transformers gives one by one, for less work."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from tastemaker.llm.engine import Completion, Engine, GenerationRequest
from tastemaker.llm.prefixes import Prefixes
from tastemaker.llm.torch_backend import TorchBackend

EOS = 2
BEGINNING = tuple(range(10, 60))


@pytest.fixture
def backend(tiny_model: Path, tokenizer: Tokenizer) -> TorchBackend:
    return TorchBackend(tiny_model, tokenizer, EOS, threads=1, max_batch=4)


def run(backend: TorchBackend, prompts: list[tuple[int, ...]], more: int = 8) -> list[Completion]:
    engine = Engine(backend, context=512)
    futures = [engine.submit(GenerationRequest(one, more + 3 * n)) for n, one in enumerate(prompts)]
    return [future.result(60) for future in futures]


def check(model: torch.nn.Module, prompt: tuple[int, ...], completion: Completion) -> None:
    """Greedy by transformers over the whole sequence, without any cache."""
    whole = torch.tensor([prompt + completion.token_ids])
    with torch.no_grad():
        scores = model(whole, use_cache=False).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    assert scores.argmax(-1).tolist() == list(completion.token_ids)
    expected = scores.gather(1, torch.tensor(completion.token_ids)[:, None])[:, 0]
    assert completion.log_probs == pytest.approx(expected.tolist(), abs=1e-4)


def test_prompts_that_begin_alike_share_and_say_the_same(backend: TorchBackend, tiny_model: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    ends = [(70,), (70,), (71, 72, 73), tuple(range(80, 120)), (), (74,)]
    prompts = [BEGINNING + end for end in ends] + [(90, 91, 92)]
    completions = run(backend, prompts)
    for prompt, completion in zip(prompts, completions, strict=True):
        check(model, prompt, completion)
    cached = [completion.cached for completion in completions]
    assert cached.count(0) == 2  # the first, whichever was taken first, and the one that begins with nothing
    assert cached[-1] == 0
    assert sum(cached) >= 4 * 49
    said = [one + completion.token_ids for one, completion in zip(prompts, completions, strict=True)]
    again = run(backend, [(*one, 130, 131) for one in said])
    for one, completion in zip(said, again, strict=True):
        check(model, (*one, 130, 131), completion)
        assert completion.cached >= len(one) - 1


def test_a_next_turn_computes_what_is_new(backend: TorchBackend, tiny_model: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    (first,) = run(backend, [BEGINNING])
    prompt = BEGINNING + first.token_ids + (100, 101, 102)
    (second,) = run(backend, [prompt])
    check(model, prompt, second)
    assert second.cached == len(BEGINNING) + len(first.token_ids) - 1


def test_nothing_is_kept_of_other_weights(backend: TorchBackend, tiny_model: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    run(backend, [BEGINNING])
    for one in (model, backend.model):
        with torch.no_grad():
            one.model.layers[0].self_attn.k_proj.weight.mul_(-2.0)
    (completion,) = run(backend, [BEGINNING])
    assert completion.cached == 0
    check(model, BEGINNING, completion)


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=6), max_size=12))
def test_the_longest_beginning_among_those_kept_is_found(sequences: list[list[int]]) -> None:
    def layers(ids: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        keys = torch.tensor(ids, dtype=torch.float32)[None, :, None]
        return [(keys, -keys)]

    kept = Prefixes(tokens=1000)
    for number, ids in enumerate(sequences):
        begins = [
            next((n for n in range(len(ids)) if earlier[n : n + 1] != ids[n : n + 1]), len(ids))
            for earlier in sequences[:number]
        ]
        length, found = kept.find(ids)
        assert length == max(begins, default=0)
        assert not found or found[0][0][0, :, 0].tolist() == ids[:length]
        kept.keep(ids, layers(ids))


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    kept = Prefixes(tokens=6)
    some = [(torch.zeros(1, 3, 1), torch.zeros(1, 3, 1))]
    kept.keep((1, 2, 3), some)
    kept.keep((4, 5, 6), some)
    kept.find((1, 2))
    kept.keep((7, 8, 9), some)
    assert [kept.find(ids)[0] for ids in ((1, 2, 3), (4, 5, 6), (7, 8, 9))] == [3, 0, 3]
