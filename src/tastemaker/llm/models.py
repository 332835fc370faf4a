"""Language models by name: `resolve("local:smollm2")`, `resolve("openai:gpt-5-mini")`.

| name | runs |
|---|---|
| `local:smollm2` | SmolLM2-135M-Instruct in this process, on OpenVINO; `local:smollm2/torch` on torch |
| `local:FOLDER` | weights that `tastemaker finetune` wrote; `local:FOLDER/torch` on torch |
| `PROVIDER:MODEL` | any provider that pydantic-ai knows, its key taken from the environment |
| `openai:MODEL@http://HOST:PORT/v1` | any server that speaks the OpenAI protocol (vLLM, llama.cpp) |
"""

from __future__ import annotations

import os
import threading
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from tastemaker.assets import cache_folder, fetch
from tastemaker.errors import InputError
from tastemaker.runs import cores

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from tastemaker.llm.local import LocalEngine
    from tastemaker.llm.weights import Weights

LOCAL = {"smollm2": "smollm2-135m-instruct"}
"""Local model names and the assets that hold their weights."""

BACKENDS = ("openvino", "torch")


def resolve(name: str, *, record: Path | None = None) -> Model:
    """The model of that name; with `record`, its answers are kept in and taken from that file.

    Local weights are loaded by the first request, not here (`fetch_weights` gets them beforehand). Raises
    InputError when the name is not understood, a package is missing or a hosted provider has no key.
    """
    try:
        model = _local(name) if name.startswith("local:") else _hosted(name)
        if record is not None:
            from tastemaker.llm.replay import RecordedModel

            model = RecordedModel(model, record)
    except ImportError as error:
        missing = str(error).split(", you can use")[0]
        raise InputError(
            f"model {name!r} cannot be used: {missing}; for local models: pip install 'tastemaker[llm]'"
        ) from None
    return model


def fetch_weights(name: str) -> None:
    """Get what a model of that name needs on this machine, before work begins; nothing for hosted ones.

    Raises AssetError when the weights of a local model are not to be had.
    """
    if name.startswith("local:"):
        fetch(LOCAL[base(parse_local(name)[0])])


def _local(name: str) -> Model:
    from tastemaker.llm.local import LocalModel

    which, backend = parse_local(name)
    return LocalModel(f"{which}/{backend}", partial(start_engine, which, backend))


def parse_local(name: str) -> tuple[str, str]:
    """The model and the back end of `local:MODEL[/BACKEND]`, where MODEL is a name or a trained model's
    folder. Raises InputError when there is no such model.
    """
    which, _, backend = name.removeprefix("local:").rpartition("/")
    if backend not in BACKENDS:
        which, backend = name.removeprefix("local:"), BACKENDS[0]
    base(which)
    return which, backend


def base(which: str) -> str:
    """The name in `LOCAL` of a local model, or of what it was trained from. Raises InputError when there is
    no such model.
    """
    from tastemaker.llm.weights import trained_base

    found = which if which in LOCAL else trained_base(Path(which))
    if found not in LOCAL:
        known = ", ".join(f"local:{model}[/{'|'.join(BACKENDS)}]" for model in LOCAL)
        raise InputError(f"no local model {which!r}; there is: {known}, or local:FOLDER of a trained model")
    return found


def _hosted(name: str) -> Model:
    from pydantic_ai.models import infer_model

    if ":" not in name:
        raise InputError(
            f"model {name!r} names no provider; write local:smollm2, openai:MODEL, anthropic:MODEL, …"
        )
    try:
        if "@http" in name:
            return _openai_compatible(*name.split("@", 1))
        return infer_model(name)
    except ImportError:
        raise
    except Exception as error:  # each provider's client has errors of its own for a missing key or a bad name
        raise InputError(f"model {name!r}: {' '.join(str(error).split())}") from None


def _openai_compatible(name: str, base_url: str) -> Model:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    key = os.environ.get("OPENAI_API_KEY", "none")
    return OpenAIChatModel(
        name.removeprefix("openai:"), provider=OpenAIProvider(base_url=base_url, api_key=key)
    )


def weights(which: str) -> Weights:
    """The weights of a local model, by its name or a trained model's folder; fetched if need be."""
    from tastemaker.llm.weights import Weights

    trained = None if which in LOCAL else Path(which)
    return Weights(fetch(LOCAL[base(which)]), cache_folder() / "models", trained)


def cpu_threads() -> int:
    """Threads for decoding: the cores this process may use, shared with those that `torchrun` started beside
    it, at most 8 (a 135M model gains nothing beyond).
    """
    return min(max(cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")), 1), 8)


_starting = threading.Lock()


def start_engine(which: str, backend: str, max_batch: int = 16) -> LocalEngine:
    """A local model on a back end: loaded once in a process, by whoever asks first, then shared by all."""
    with _starting:
        return _load_engine(which, backend, max_batch)


@cache
def _load_engine(which: str, backend: str, max_batch: int) -> LocalEngine:
    from tastemaker.llm.chat import ChatTemplate
    from tastemaker.llm.engine import Backend, Engine
    from tastemaker.llm.local import LocalEngine

    loaded = weights(which)
    runs: Backend
    if backend == "openvino":
        from tastemaker.llm.openvino_backend import OpenVINOBackend

        runs = OpenVINOBackend(loaded.to_serving(), loaded.eos_id, threads=cpu_threads(), max_batch=max_batch)
    else:
        from tastemaker.llm.torch_backend import TorchBackend

        folder = loaded.to_transformers()
        runs = TorchBackend(
            folder, loaded.tokenizer, loaded.eos_id, threads=cpu_threads(), max_batch=max_batch
        )
    return LocalEngine(Engine(runs, loaded.context), ChatTemplate(loaded.tokenizer), loaded.described)
