"""BFCL v4's single-turn rows, read from the installed package `bfcl-eval` (Patil et al., ICML 2025).

A row is a conversation, the functions on offer and, but for (ir)relevance, the answers that count as right.
Function documents become `ToolSpec`s: types are made JSON Schema's all the way down, and dots in names, which
hosted models refuse, become underscores (`Row.own_name` goes back). Java and JavaScript arguments are texts
of source code, as BFCL's checker wants them. Knows nothing of models or of scores.

Nothing in here may reach training data: only `benchmarks` may read it, which stands above `synthesis` and
`learning`, and imports run downwards only (see `contamination`).
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from tastemaker.errors import InputError
from tastemaker.records import Message, ToolSpec

PACKAGE = "bfcl-eval==2026.3.23"
"""Installed without its dependencies, which are large and pin an old numpy."""

COUNTS = {
    "simple_python": 400,
    "simple_java": 100,
    "simple_javascript": 50,
    "multiple": 200,
    "parallel": 200,
    "parallel_multiple": 200,
    "live_simple": 258,
    "live_multiple": 1053,
    "live_parallel": 16,
    "live_parallel_multiple": 24,
    "irrelevance": 240,
    "live_irrelevance": 884,
    "live_relevance": 16,
}
"""Rows of each category of that version."""

CATEGORIES = tuple(COUNTS)

Language = Literal["python", "java", "javascript"]

_LONGEST_NAME = 64
_TYPES = {
    "dict": "object",
    "object": "object",
    "array": "array",
    "list": "array",
    "tuple": "array",
    "string": "string",
    "integer": "integer",
    "float": "number",
    "number": "number",
    "boolean": "boolean",
    "bool": "boolean",
}
"""BFCL's types for Python as JSON Schema's; what is not here (`any`) may be anything."""
_KEPT = ("description", "enum", "default", "minimum", "maximum", "minItems", "maxItems")
_LANGUAGES = {"java": "Java", "javascript": "JavaScript"}


@dataclass(frozen=True)
class Row:
    """One row of the benchmark."""

    id: str
    category: str
    messages: tuple[Message, ...]
    """The conversation, system messages included; the last message is the user's."""
    functions: tuple[dict[str, Any], ...]
    """BFCL's own function documents, as its checker wants them."""
    answers: tuple[dict[str, Any], ...]
    """One for each call that is due: function name -> parameter -> values that count as right. Empty for
    (ir)relevance."""

    @property
    def language(self) -> Language:
        """The language that the functions' types are of."""
        language = self.category.removeprefix("simple_")
        return "java" if language == "java" else "javascript" if language == "javascript" else "python"

    @property
    def calls_due(self) -> bool:
        """Whether a right answer holds a call."""
        return "irrelevance" not in self.category

    @cached_property
    def offered(self) -> dict[str, ToolSpec]:
        """The functions as a model is offered them, by their own names."""
        specs: dict[str, ToolSpec] = {}
        taken: set[str] = set()
        for document in self.functions:
            name = _usable(document["name"], taken)
            taken.add(name)
            specs[document["name"]] = ToolSpec(
                name=name,
                description=document["description"],
                parameters=_parameters(document["parameters"], self.language),
            )
        return specs

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """What the model is offered."""
        return tuple(self.offered.values())

    def own_name(self, name: str) -> str:
        """The function's own name for the one that was offered; a name that was not offered stays."""
        return next((own for own, spec in self.offered.items() if spec.name == name), name)


def load(category: str) -> tuple[Row, ...]:
    """All rows of a category, in BFCL's order.

    Raises InputError when there is no such category, or bfcl-eval is missing or of another version.
    """
    if category not in COUNTS:
        raise InputError(f"no BFCL category {category!r}; there is: {', '.join(CATEGORIES)}")
    return _load(category)


def sample(category: str, limit: int | None, seed: int) -> tuple[Row, ...]:
    """`limit` rows of a category drawn without replacement (all where it has no more), in BFCL's order."""
    rows = load(category)
    if limit is None or limit >= len(rows):
        return rows
    drawn = random.Random(f"{seed}/{category}").sample(range(len(rows)), limit)
    return tuple(rows[index] for index in sorted(drawn))


@cache
def _load(category: str) -> tuple[Row, ...]:
    folder = _folder()
    file = f"BFCL_v4_{category}.json"
    questions = _lines(folder / file)
    answers: dict[str, Any] = {}
    if "relevance" not in category:
        answers = {line["id"]: line["ground_truth"] for line in _lines(folder / "possible_answer" / file)}
    if len(questions) != COUNTS[category] or (answers and answers.keys() != {q["id"] for q in questions}):
        raise InputError(f"{file} is not that of {PACKAGE}: {len(questions)} rows; {_how_to_install()}")
    return tuple(
        Row(
            id=question["id"],
            category=category,
            messages=tuple(Message(role=m["role"], text=m["content"]) for m in question["question"][0]),
            functions=tuple(question["function"]),
            answers=tuple(answers.get(question["id"], ())),
        )
        for question in questions
    )


def is_installed() -> bool:
    """Whether BFCL's package, with its data and checker, is here."""
    return importlib.util.find_spec("bfcl_eval") is not None


def _folder() -> Path:
    found = importlib.util.find_spec("bfcl_eval")
    if found is None or not found.submodule_search_locations:
        raise InputError(f"BFCL is not installed; {_how_to_install()}")
    return Path(found.submodule_search_locations[0]) / "data"


def _how_to_install() -> str:
    return f"pip install --no-deps {PACKAGE}"


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read ({error}); {_how_to_install()}") from None


def _usable(name: str, taken: set[str]) -> str:
    """A name of letters, digits, `_` and `-`, at most 64 long, that is not taken."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:_LONGEST_NAME]
    names = [plain, *(f"{plain[: _LONGEST_NAME - 3]}_{number}" for number in range(2, 100))]
    return next(free for free in names if free not in taken)


def _parameters(document: Mapping[str, Any], language: Language) -> dict[str, Any]:
    properties = document.get("properties", {})
    schema = json_schema if language == "python" else _as_source
    return {
        "type": "object",
        "properties": {name: schema(part, language) for name, part in properties.items()},
        "required": [name for name in document.get("required", ()) if name in properties],
    }


def json_schema(document: Mapping[str, Any], language: Language = "python") -> dict[str, Any]:
    """A Python parameter's document as JSON Schema, nested ones included.

    >>> json_schema({"type": "tuple", "items": {"type": "float"}, "optional": True})
    {'type': 'array', 'items': {'type': 'number'}}
    >>> json_schema({"type": "any", "description": "what you like"})
    {'description': 'what you like'}
    """
    kind = _TYPES.get(document.get("type", "any"))
    schema: dict[str, Any] = {} if kind is None else {"type": kind}
    schema |= {key: document[key] for key in _KEPT if key in document}
    if kind == "array" and isinstance(document.get("items"), dict):
        schema["items"] = json_schema(document["items"])
    if kind == "object" and isinstance(document.get("properties"), dict):
        schema["properties"] = {name: json_schema(part) for name, part in document["properties"].items()}
        required = document.get("required")
        if isinstance(required, Sequence) and not isinstance(required, str):
            schema["required"] = [name for name in required if name in schema["properties"]]
    return schema


def _as_source(document: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A Java or JavaScript parameter: source code in a text, its type told in the description."""
    kind = document.get("type", "any")
    told = "value" if kind == "any" else str(kind)
    if inner := document.get("items", {}).get("type"):
        told += f" of {inner}"
    if properties := document.get("properties"):
        told += " with " + ", ".join(
            f"{name}: {part.get('type', 'any')}" for name, part in properties.items()
        )
    description = f"{document.get('description', '')} ({_LANGUAGES[language]} {told}, as source code)".strip()
    return {"type": "string", "description": description}
