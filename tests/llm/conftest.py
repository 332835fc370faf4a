"""A tiny random model for unit tests, and the real SmolLM2 for the tests marked `model`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tastemaker.llm.local import LocalEngine
from tastemaker.llm.models import start_engine
from tastemaker.llm.weights import Weights


@pytest.fixture(scope="session")
def tiny_model(random_llama: Callable[[bool], Path]) -> Path:
    """A folder with a random llama of 30,000 parameters."""
    return random_llama(False)


@pytest.fixture(scope="session")
def openvino(smollm2: Weights) -> LocalEngine:
    return start_engine("smollm2", "openvino")
