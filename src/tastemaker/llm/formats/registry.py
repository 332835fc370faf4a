"""The wire formats by name."""

from __future__ import annotations

from tastemaker.errors import InputError
from tastemaker.llm.formats.base import CallFormat
from tastemaker.llm.formats.bfcl_prompt import BfclPromptFormat
from tastemaker.llm.formats.hermes import HermesFormat
from tastemaker.llm.formats.llama_json import LlamaJsonFormat
from tastemaker.llm.formats.mcp import McpFormat
from tastemaker.llm.formats.openai import OpenAIFormat
from tastemaker.llm.formats.pythonic import PythonicFormat

_FORMATS: tuple[CallFormat, ...] = (
    BfclPromptFormat(),
    HermesFormat(),
    LlamaJsonFormat(),
    McpFormat(),
    OpenAIFormat(),
    PythonicFormat(),
)


def names() -> list[str]:
    """The formats that there are."""
    return [form.name for form in _FORMATS]


def get(name: str) -> CallFormat:
    """The format of that name. Raises InputError when there is none."""
    for form in _FORMATS:
        if form.name == name:
            return form
    raise InputError(f"no call format {name!r}; there is: {', '.join(names())}")
