"""What every importer gives: the description of one API and its tools, as `ToolSpec`.

Knows nothing of files or formats.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from tastemaker.errors import InputError
from tastemaker.llm.formats.base import FormatError
from tastemaker.llm.formats.schema import normalised
from tastemaker.records import Record, ToolSpec

DESCRIPTION = 400
"""Characters of a description that are kept."""


class ApiDocument(Record):
    """One API as a document tells of it. `tools` is empty where the document only names and describes it."""

    name: str
    domain: str = ""
    """What it is about: the document's category; may be empty."""
    description: str = ""
    tools: tuple[ToolSpec, ...] = Field(default=())
    auth: str = ""
    """What it asks of callers (`apiKey`, `OAuth`), where the document says so."""


def one_line(text: Any, limit: int = DESCRIPTION) -> str:
    """A description as one line of at most `limit` characters, without HTML tags."""
    plain = " ".join(re.sub(r"<[^<>]{1,200}>", " ", str(text or "")).split())
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def trimmed(spec: ToolSpec) -> ToolSpec:
    """The specification without required parameters that it does not have."""
    known = spec.parameters.get("properties", {})
    required = [name for name in spec.parameters.get("required", ()) if name in known]
    if required == list(spec.parameters.get("required", ())):
        return spec
    return spec.model_copy(update={"parameters": {**spec.parameters, "required": required}})


def tool(
    name: str, description: str, parameters: dict[str, Any], result: dict[str, Any] | None, where: str
) -> ToolSpec:
    """A specification from what a document says, its schemas made plain JSON Schema.

    A result that cannot be understood is left out. Raises InputError where the parameters cannot.
    """
    try:
        plain, _ = normalised(parameters)
    except FormatError as error:
        raise InputError(f"{where}: {name}: {error}") from None
    returned = None
    if result:
        try:
            returned, _ = normalised(result)
        except FormatError:
            returned = None
    return ToolSpec(
        name=name,
        description=one_line(description),
        parameters=plain,
        result=returned if isinstance(returned, dict) else None,
    )
