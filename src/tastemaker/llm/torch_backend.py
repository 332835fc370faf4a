"""The training-grade back end: transformers on torch, in float32, with exact token ids and log-probabilities.

Requests join the running batch after a prefill of their own and leave it when they end: the key/value caches
of all rows are kept left-padded to one length. What a prompt begins with is not computed again where another
request had it (`prefixes`), be it a prompt that joins at the same time or the turn before. Slower than
OpenVINO; its weights are the ones that training changes: once they have changed, nothing kept is used.
bfloat16 is not offered: on CPUs without native support it is four times slower.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tastemaker.llm.constraints import Constraints, allowed
from tastemaker.llm.engine import Completion, GenerationRequest
from tastemaker.llm.prefixes import Layers, Prefixes, common

if TYPE_CHECKING:
    import torch
    from llguidance import LLMatcher
    from tokenizers import Tokenizer

PREFIX_TOKENS = 16_384
"""Tokens whose keys and values are kept: .75 GB for SmolLM2."""

LEAST_SAVED = 16
"""Tokens that make it worth to wait for a prompt that joins at the same time."""


@dataclass
class _Row:
    """One request in the batch."""

    key: int
    request: GenerationRequest
    matcher: LLMatcher | None
    generator: torch.Generator
    token_ids: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    cached: int = 0

    @property
    def computed(self) -> tuple[int, ...]:
        """What the key/value cache holds: the token sampled last has not been read yet."""
        return (*self.request.prompt_ids, *self.token_ids[:-1])


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
        self._constraints: Constraints | None = None
        self._prefixes = Prefixes(PREFIX_TOKENS)
        self._weights: tuple[Any, ...] = ()
        self._waiting: deque[_Row] = deque()
        self._rows: list[_Row] = []
        self._cache: Any = None  # a DynamicCache: per layer keys and values [rows, heads, length, d]
        self._mask = torch.zeros(
            0, 0, dtype=torch.long
        )  # [rows, length]: 1 where a row has a token, 0 where it is padding

    def add(self, key: int, request: GenerationRequest) -> None:
        import torch

        matcher = None
        if request.schema is not None:
            self._constraints = self._constraints or Constraints(self._tokenizer, self._eos)
            matcher = self._constraints.matcher(request.schema, or_text=request.or_text)
        self._waiting.append(_Row(key, request, matcher, torch.Generator().manual_seed(request.seed)))

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
            self._forget_if_trained()
            while joining:
                first, joining = self._first(joining)
                self._sample(first, self._prefill(first), fresh, finished)
                self._remember(first)
            self._remember([row for row in self._rows if row.key in finished])
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

    def _forget_if_trained(self) -> None:
        """Forget what other weights computed."""
        weights = tuple((id(one), one._version) for one in self.model.parameters())
        if weights != self._weights:
            self._prefixes.clear()
            self._weights = weights

    def _first(self, joining: list[_Row]) -> tuple[list[_Row], list[_Row]]:
        """Rows whose prompts are computed first, and those that can then begin with one of theirs."""
        first: list[_Row] = []
        later: list[_Row] = []
        for row in joining:
            prompt = row.request.prompt_ids
            known = self._prefixes.find(prompt)[0]
            shared = max((common(prompt, other.request.prompt_ids) for other in first), default=0)
            (later if shared - known >= LEAST_SAVED else first).append(row)
        return first, later

    def _remember(self, rows: list[_Row]) -> None:
        """Keep the keys and values of rows of the batch."""
        for place, row in enumerate(self._rows):
            if any(row is one for one in rows):
                length = len(row.computed)
                self._prefixes.keep(
                    row.computed,
                    [(one.keys[place, :, -length:], one.values[place, :, -length:]) for one in self._layers],
                )

    @property
    def _layers(self) -> Any:
        return self._cache.layers

    def _prefill(self, joining: list[_Row]) -> torch.Tensor:
        """Run what is not known of the prompts of new rows, and append the rows to the batch."""
        import torch
        from torch.nn.functional import pad
        from transformers import DynamicCache

        prompts = [list(row.request.prompt_ids) for row in joining]
        known = [self._prefixes.find(prompt[:-1]) for prompt in prompts]
        for row, (length, _) in zip(joining, known, strict=True):
            row.cached = length
        new = [prompt[length:] for prompt, (length, _) in zip(prompts, known, strict=True)]
        past, longest = max(length for length, _ in known), max(map(len, new))
        ids = torch.tensor([[self._eos] * (longest - len(one)) + one for one in new])
        mask = torch.tensor(
            [
                [0] * (past - length) + [1] * length + [0] * (longest - len(one)) + [1] * len(one)
                for one, (length, _) in zip(new, known, strict=True)
            ]
        )
        cache = DynamicCache()
        if past:
            _begin(cache, [layers for _, layers in known], past)
        logits = self._forward(ids, mask, cache)
        if past:
            mask = _left_padded(cache, mask)
        longest = mask.shape[1]
        if self._rows:
            length = max(longest, self._mask.shape[1])
            old, more = length - self._mask.shape[1], length - longest
            mask = torch.cat([pad(self._mask, (old, 0)), pad(mask, (more, 0))])
            for ours, theirs in zip(cache.layers, self._layers, strict=True):
                ours.keys = torch.cat([pad(theirs.keys, (0, 0, old, 0)), pad(ours.keys, (0, 0, more, 0))])
                ours.values = torch.cat(
                    [pad(theirs.values, (0, 0, old, 0)), pad(ours.values, (0, 0, more, 0))]
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
                may = torch.from_numpy(allowed(row.matcher, scores.shape[0]))
                scores = scores.masked_fill(~may, -torch.inf)
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
                ids, chances = tuple(row.token_ids), tuple(row.log_probs)
                finish: Literal["stop", "length"] = "stop" if token == self._eos else "length"
                finished[row.key] = Completion(ids, chances, finish, row.cached)


def _begin(cache: Any, known: list[Layers], past: int) -> None:
    """Fill an empty cache with what is known of each row, left-padded to `past` tokens."""
    import torch
    from torch.nn.functional import pad

    some = next(layers for layers in known if layers)
    for number, (like, _) in enumerate(some):
        empty = like[:, :0]
        rows = [layers[number] if layers else (empty, empty) for layers in known]
        keys, values = (
            torch.stack([pad(row[which], (0, 0, past - row[which].shape[1], 0)) for row in rows])
            for which in (0, 1)
        )
        cache.update(keys, values, number)


def _left_padded(cache: Any, mask: torch.Tensor) -> torch.Tensor:
    """Move the padding of each row to its beginning, without what no row needs. Returns the mask."""
    order = mask.sort(dim=1, stable=True).indices[:, mask.shape[1] - int(mask.sum(1).max()) :]
    for layer in cache.layers:
        index = order[:, None, :, None].expand(-1, layer.keys.shape[1], -1, layer.keys.shape[3])
        layer.keys, layer.values = layer.keys.gather(2, index), layer.values.gather(2, index)
    return mask.gather(1, order)
