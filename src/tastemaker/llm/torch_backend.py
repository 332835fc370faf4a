"""The training-grade back end: transformers on torch, in float32, with exact token ids and log-probabilities.

Requests join the running batch after a prefill of their own and leave it when they end: the key/value caches
of all rows are kept left-padded to one length. Slower than OpenVINO; its weights are the ones that training
changes. bfloat16 is not offered: on CPUs without native support it is four times slower.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemaker.errors import InputError
from tastemaker.llm.engine import Completion, GenerationRequest
from tastemaker.llm.grammar import closed, to_lark

if TYPE_CHECKING:
    import torch
    from llguidance import LLMatcher
    from tokenizers import Tokenizer


@dataclass
class _Row:
    """One request in the batch."""

    key: int
    request: GenerationRequest
    matcher: LLMatcher | None
    generator: torch.Generator
    token_ids: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)


class TorchBackend:
    """Runs a transformers causal language model on `threads` CPU threads; up to `max_batch` requests decode
    together."""

    name = "torch"

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, eos_id: int, *, threads: int, max_batch: int = 16
    ) -> None:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()
        torch.set_num_threads(threads)
        self.model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True
        ).eval()
        self.max_batch = max_batch
        self._eos = eos_id
        self._tokenizer = tokenizer
        self._constraints: Any = None
        self._waiting: deque[_Row] = deque()
        self._rows: list[_Row] = []
        self._cache: Any = None  # a DynamicCache: per layer keys and values [rows, heads, length, d]
        self._mask = torch.zeros(
            0, 0, dtype=torch.long
        )  # [rows, length]: 1 where a row has a token, 0 where it is padding

    def add(self, key: int, request: GenerationRequest) -> None:
        import torch

        matcher = None if request.schema is None else self._matcher(request.schema, request.or_text)
        self._waiting.append(_Row(key, request, matcher, torch.Generator().manual_seed(request.seed)))

    def _matcher(self, schema: dict[str, Any], or_text: bool) -> LLMatcher:
        from llguidance import LLMatcher, LLTokenizer

        if self._constraints is None:
            self._constraints = LLTokenizer(self._tokenizer.to_str(), eos_token=self._eos)
        if or_text:
            grammar = LLMatcher.grammar_from_lark(to_lark(schema))
        else:
            compact = {"whitespace_flexible": False}
            grammar = LLMatcher.grammar_from_json_schema(closed(schema), overrides=compact)
        matcher = LLMatcher(self._constraints, grammar, log_level=0)
        if matcher.is_error():
            raise InputError(
                f"decoding cannot be constrained to the schema: {matcher.get_error().splitlines()[0]}"
            )
        return matcher

    def step(self) -> tuple[dict[int, tuple[int, ...]], dict[int, Completion]]:
        import torch

        fresh: dict[int, tuple[int, ...]] = {}
        finished: dict[int, Completion] = {}
        with torch.inference_mode():
            joining = [
                self._waiting.popleft()
                for _ in range(min(len(self._waiting), self.max_batch - len(self._rows)))
            ]
            if self._rows:
                last = torch.tensor([[row.token_ids[-1]] for row in self._rows])
                self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
                logits = self._forward(last, self._mask, self._cache)
                self._sample(self._rows, logits, fresh, finished)
            if joining:
                self._sample(joining, self._prefill(joining), fresh, finished)
            self._keep([row.key not in finished for row in self._rows])
        return fresh, finished

    def cancel(self, key: int) -> None:
        self._waiting = deque(row for row in self._waiting if row.key != key)
        self._keep([row.key != key for row in self._rows])

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, cache: Any) -> torch.Tensor:
        """Run the model over new tokens [rows, new], which extends `cache`. Returns the last logits [rows,
        vocabulary].
        """
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        output = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1]

    def _prefill(self, joining: list[_Row]) -> torch.Tensor:
        """Run the prompts of new rows, left-padded, and append the rows to the batch."""
        import torch
        from torch.nn.functional import pad
        from transformers import DynamicCache

        prompts = [list(row.request.prompt_ids) for row in joining]
        longest = max(map(len, prompts))
        ids = torch.tensor([[self._eos] * (longest - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        cache = DynamicCache()
        logits = self._forward(ids, mask, cache)
        if self._rows:
            length = max(longest, self._mask.shape[1])
            old, new = length - self._mask.shape[1], length - longest
            mask = torch.cat([pad(self._mask, (old, 0)), pad(mask, (new, 0))])
            for ours, theirs in zip(cache.layers, self._cache.layers, strict=True):
                ours.keys = torch.cat([pad(theirs.keys, (0, 0, old, 0)), pad(ours.keys, (0, 0, new, 0))])
                ours.values = torch.cat(
                    [pad(theirs.values, (0, 0, old, 0)), pad(ours.values, (0, 0, new, 0))]
                )
        self._rows += joining
        self._mask, self._cache = mask, cache
        return logits

    def _keep(self, keep: list[bool]) -> None:
        """Drop rows, and the padding that no row left needs."""
        import torch

        if all(keep):
            return
        rows = torch.tensor([index for index, kept in enumerate(keep) if kept], dtype=torch.long)
        self._rows = [row for row, kept in zip(self._rows, keep, strict=True) if kept]
        self._mask = self._mask[rows]
        if not self._rows:
            self._cache = None
            return
        padding = int((self._mask.sum(0) > 0).int().argmax())
        self._mask = self._mask[:, padding:]
        for layer in self._cache.layers:
            layer.keys, layer.values = layer.keys[rows, :, padding:], layer.values[rows, :, padding:]

    def _sample(
        self,
        rows: list[_Row],
        logits: torch.Tensor,
        fresh: dict[int, tuple[int, ...]],
        finished: dict[int, Completion],
    ) -> None:
        """Choose one token a row from logits [rows, vocabulary], and finish the rows that end with it."""
        import torch

        log_probs = logits.float().log_softmax(-1)
        for index, row in enumerate(rows):
            scores = log_probs[index]
            if row.matcher is not None:
                scores = scores.masked_fill(~_allowed(row.matcher, scores.shape[0]), -torch.inf)
            if row.request.temperature > 0:
                weights = (scores / row.request.temperature).softmax(-1)
                token = int(torch.multinomial(weights, 1, generator=row.generator))
            else:
                token = int(scores.argmax())
            row.token_ids.append(token)
            row.log_probs.append(float(log_probs[index, token]))
            fresh[row.key] = (token,)
            if row.matcher is not None and token != self._eos:
                row.matcher.consume_token(token)
            if token == self._eos or len(row.token_ids) >= row.request.max_tokens:
                finished[row.key] = Completion(
                    tuple(row.token_ids), tuple(row.log_probs), "stop" if token == self._eos else "length"
                )


def _allowed(matcher: LLMatcher, vocabulary: int) -> torch.Tensor:
    """[vocabulary] True where the grammar allows the token next."""
    import torch
    from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

    words = allocate_token_bitmask(1, vocabulary)
    fill_next_token_bitmask(matcher, words)
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")[:vocabulary]
    return torch.from_numpy(bits.astype(bool))
