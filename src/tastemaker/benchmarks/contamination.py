"""Whether generated tools and dialogues hold anything of BFCL: word n-grams and schemas that both have.

Five kinds of overlap, each counted and shown by examples:

| kind | of | found where |
|---|---|---|
| question | user and system messages | 8 words in a row, or a shorter text, stand in a BFCL conversation |
| description | descriptions of tools and parameters | such words stand in a BFCL description |
| name | distinct tools | a BFCL function has the same name, letters and digits compared without case |
| parameters | distinct tools with two parameters or more | a BFCL function has the same set of names |
| schema | distinct tools | one BFCL function has both |

Names and small sets of parameters coincide by chance; `schema` and long runs of words hardly do. This is the
only module that sees both sides. `synthesis` and `learning` stand below `benchmarks`, and imports run
downwards only (import-linter holds that), so nothing that makes or takes training data can read BFCL.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tastemaker.benchmarks.bfcl_data import CATEGORIES, load
from tastemaker.records import ToolSpec, Trajectory, canonical

WORDS = 8
"""Length of a run of words."""

_FEW = 4
"""Texts of fewer words say nothing: they are not looked at."""

_EXAMPLES = 5
_WORD = re.compile(r"\w+")


@dataclass
class Overlap:
    """How many of one kind were looked at, how many of them BFCL has too, and some of those."""

    of: int = 0
    found: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)
    """`ours`, `theirs` (where in BFCL it first stands) and `shared`."""

    def count(self, ours: str, hit: tuple[str, str] | None) -> None:
        """Count one; `hit` is what is shared, and where it stands in BFCL."""
        self.of += 1
        if hit is not None:
            self.found += 1
            if len(self.examples) < _EXAMPLES:
                self.examples.append({"ours": ours[:300], "theirs": hit[1], "shared": hit[0]})


@dataclass(frozen=True)
class _Index:
    """What BFCL has, and where it first stands."""

    questions: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    schemas: dict[str, str] = field(default_factory=dict)


def overlap(specs: Iterable[ToolSpec] = (), trajectories: Iterable[Trajectory] = ()) -> dict[str, Overlap]:
    """Compare tools, and dialogues with the tools offered in them, to all rows of BFCL, by kind of overlap.

    Both are read once, in a stream; a tool that was seen before is not counted again. Raises InputError when
    bfcl-eval is not installed.
    """
    index = _bfcl()
    kinds = ("question", "description", "name", "parameters", "schema")
    report = {kind: Overlap() for kind in kinds}
    seen: set[str] = set()
    for spec in specs:
        _count_tool(spec, index, report, seen)
    for trajectory in trajectories:
        for spec in trajectory.tools:
            _count_tool(spec, index, report, seen)
        for message in trajectory.messages:
            if message.role in ("user", "system"):
                _count_text(message.text, index.questions, report["question"])
    return report


def _count_tool(spec: ToolSpec, index: _Index, report: Mapping[str, Overlap], seen: set[str]) -> None:
    told = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
    if told in seen:
        return
    seen.add(told)
    name, parameters = _name(spec.name), _parameter_names(spec.parameters)
    report["name"].count(spec.name, _known(name, index.names))
    report["schema"].count(spec.name, _known(f"{name} {parameters}", index.schemas))
    if "," in parameters:
        report["parameters"].count(spec.name, _known(parameters, index.parameters))
    for text in (spec.description, *_descriptions(spec.parameters)):
        _count_text(text, index.descriptions, report["description"])


def _count_text(text: str, index: Mapping[str, str], kind: Overlap) -> None:
    if runs := _runs(text):
        kind.count(text, next(((run, index[run]) for run in runs if run in index), None))


@cache
def _bfcl() -> _Index:
    index = _Index()
    seen: set[str] = set()
    for row in (row for category in CATEGORIES for row in load(category)):
        for message in row.messages:
            for run in _runs(message.text):
                index.questions.setdefault(run, row.id)
        for document in row.functions:
            told = canonical(document)
            if told in seen:
                continue
            seen.add(told)
            where = f"{row.id} {document['name']}"
            name, parameters = _name(document["name"]), _parameter_names(document["parameters"])
            index.names.setdefault(name, where)
            index.parameters.setdefault(parameters, where)
            index.schemas.setdefault(f"{name} {parameters}", where)
            for text in (document["description"], *_descriptions(document["parameters"])):
                for run in _runs(text):
                    index.descriptions.setdefault(run, where)
    return index


def _known(key: str, index: Mapping[str, str]) -> tuple[str, str] | None:
    return (key, index[key]) if key in index else None


def _runs(text: str) -> list[str]:
    """All runs of words, without case and punctuation; a shorter text is one run, but for a few words.

    >>> _runs("One, two three four five six seven EIGHT nine.")[-1]
    'two three four five six seven eight nine'
    >>> _runs("How tall is Everest?"), _runs("A city.")
    (['how tall is everest'], [])
    """
    words = _WORD.findall(text.lower())
    if len(words) < _FEW:
        return []
    return [" ".join(words[start : start + WORDS]) for start in range(max(1, len(words) - WORDS + 1))]


def _name(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _parameter_names(schema: Mapping[str, Any]) -> str:
    return ",".join(sorted(_name(name) for name in schema.get("properties", {})))


def _descriptions(schema: Any) -> Iterator[str]:
    """The descriptions in a schema, at any depth."""
    if isinstance(schema, list):
        for part in schema:
            yield from _descriptions(part)
    elif isinstance(schema, dict):
        for key, part in schema.items():
            if key == "description" and isinstance(part, str):
                yield part
            elif key not in ("enum", "default", "const"):
                yield from _descriptions(part)
