"""Names of models: each bad one gets one line that says what to do."""

from __future__ import annotations

import pytest
from pydantic_ai.models.openai import OpenAIChatModel

from tastemaker.errors import InputError
from tastemaker.llm.models import resolve


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gpt-5", "names no provider"),
        ("local:nonsense", "local:smollm2"),
        ("local:smollm2/cuda", "openvino|torch"),
        ("nonsense:model", "Unknown model"),
        ("openai:gpt-5", "OPENAI_API_KEY"),
        ("", "names no provider"),
    ],
)
def test_a_name_that_cannot_be_used(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError) as error:
        resolve(name)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        resolve("openai:gpt-5")


def test_a_server_that_speaks_the_openai_protocol_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    model = resolve("openai:qwen@http://127.0.0.1:8000/v1")
    assert isinstance(model, OpenAIChatModel)
    assert model.model_name == "qwen"
    assert str(model.base_url).startswith("http://127.0.0.1:8000/v1")


def test_a_local_model_is_not_loaded_by_its_name() -> None:
    assert resolve("local:smollm2").model_name == "smollm2/openvino"
    assert resolve("local:smollm2/torch").model_name == "smollm2/torch"
