"""The serving back end: OpenVINO GenAI's continuous batching.

On CPUs several times faster than torch, and shared prompt beginnings (instructions, tools) are computed once:
blocks of the key/value cache are reused. Log-probabilities come from the quantised model that sampled.
"""

from __future__ import annotations

from pathlib import Path

from tastemaker.errors import InputError, ModelError
from tastemaker.llm.engine import Completion, GenerationRequest
from tastemaker.llm.grammar import to_gbnf


class OpenVINOBackend:
    """Runs a GGUF model on `threads` CPU threads; up to `max_batch` requests decode together."""

    name = "openvino"

    def __init__(
        self, gguf: Path, eos_id: int, *, threads: int, max_batch: int = 16, cache_gb: int = 1
    ) -> None:
        import openvino_genai as genai

        scheduler = genai.SchedulerConfig()
        scheduler.cache_size = cache_gb
        scheduler.max_num_seqs = max_batch
        scheduler.enable_prefix_caching = True
        self._genai = genai
        self._eos = eos_id
        self._pipeline = genai.ContinuousBatchingPipeline(
            str(gguf), scheduler, "CPU", {"INFERENCE_NUM_THREADS": threads}
        )
        self._handles: dict[int, genai.GenerationHandle] = {}
        self._tokens: dict[int, list[int]] = {}
        self._log_probs: dict[int, list[float]] = {}

    def add(self, key: int, request: GenerationRequest) -> None:
        import numpy as np
        from openvino import Tensor

        config = self._genai.GenerationConfig()
        config.max_new_tokens = request.max_tokens
        config.eos_token_id = self._eos
        config.stop_token_ids = {self._eos}
        config.logprobs = 1
        config.do_sample = request.temperature > 0
        if request.temperature > 0:
            config.temperature = request.temperature
            config.top_k = 2**31 - 1
            config.rng_seed = request.seed
        if request.schema is not None:
            config.structured_output_config = self._genai.StructuredOutputConfig(
                grammar=to_gbnf(request.schema, or_text=request.or_text)
            )
        prompt = Tensor(np.array([request.prompt_ids], dtype=np.int64))
        try:
            self._handles[key] = self._pipeline.add_request(key, prompt, config)
        except RuntimeError as error:
            raise InputError(f"OpenVINO refused the request: {str(error).splitlines()[-1]}") from None
        self._tokens[key], self._log_probs[key] = [], []

    def step(self) -> tuple[dict[int, tuple[int, ...]], dict[int, Completion]]:
        self._pipeline.step()
        fresh: dict[int, tuple[int, ...]] = {}
        finished: dict[int, Completion] = {}
        status = self._genai.GenerationStatus
        for key, handle in list(self._handles.items()):
            state = handle.get_status()
            tokens: list[int] = []
            while handle.can_read():
                output = next(iter(handle.read().values()))
                tokens += output.generated_ids
                self._log_probs[key] += output.generated_log_probs
            self._tokens[key] += tokens
            fresh[key] = tuple(tokens)
            if state == status.RUNNING:
                continue
            if state != status.FINISHED:
                raise ModelError(f"generation ended as {state.name.lower()}: the key/value cache is full")
            ids = tuple(self._tokens[key])
            stopped = bool(ids) and ids[-1] == self._eos
            finished[key] = Completion(ids, tuple(self._log_probs[key]), "stop" if stopped else "length")
            self._forget(key)
        return fresh, finished

    def cancel(self, key: int) -> None:
        if key in self._handles:
            self._handles[key].cancel()
            self._forget(key)

    def _forget(self, key: int) -> None:
        del self._handles[key], self._tokens[key], self._log_probs[key]
