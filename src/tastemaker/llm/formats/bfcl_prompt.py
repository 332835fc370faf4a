"""The form that the prompt of BFCL (Berkeley Function-Calling Leaderboard) asks for: pythonic calls that
Python itself could parse, and function documents with its own type names (`dict`, `float`, `tuple`, `any`).

Carried are names and arguments that are (dotted) Python names; others are refused when rendering. Reading
is the pythonic format's. Types are read into JSON Schema; `restored` gives the document as it was.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from typing import Any

from tastemaker.llm.formats.base import FormatError, dump
from tastemaker.llm.formats.pythonic import PythonicFormat
from tastemaker.llm.formats.schema import bfcl_types, restored
from tastemaker.llm.formats.tool_lists import Document
from tastemaker.records import ToolCall, ToolSpec


class BfclPromptFormat(PythonicFormat):
    """Pythonic calls and BFCL's documents; see the module."""

    name = "bfcl_prompt"

    def render_tools(self, tools: Sequence[ToolSpec]) -> str:
        """A JSON list of documents with BFCL's type names."""
        return dump([_document(tool, bfcl_types(tool.parameters)) for tool in tools])

    def _call(self, call: ToolCall) -> str:
        for part in (*call.name.split("."), *call.arguments):
            if not (part.isascii() and part.isidentifier()) or keyword.iskeyword(part):
                raise FormatError(f"BFCL's calls are Python: {part[:80]!r} is no name there")
        return super()._call(call)


def restored_document(document: Document) -> dict[str, Any]:
    """The function document with the types that it was read with."""
    return _document(document.spec, restored(document.spec.parameters, document.changes))


def _document(tool: ToolSpec, parameters: Any) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": parameters}
