"""Right answers of BFCL's rows, written out as calls: what the benchmark must give 100% for, with no model.

A row's answers list the values that count for each parameter. The first of them is taken, and a parameter
that may be left out is. For Java and JavaScript the value is written back as source code.

Six rows contradict themselves (`CONTRADICTORY`): the checker takes no answer to them. They are asked and
counted as wrong, as BFCL does, so that figures stay comparable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tastemaker.benchmarks.bfcl_data import Language, Row
from tastemaker.records import ToolCall

CONTRADICTORY = frozenset(
    {
        "simple_java_36",  # numbers are due in a list that the checker reads as texts
        "simple_java_65",
        "live_simple_106-63-0",  # a parameter is due for which no value counts
        "live_simple_112-68-0",
        "live_multiple_862-181-3",  # a parameter is due that the function does not have
        "live_multiple_964-207-0",  # the function requires a parameter that the answer does not have
    }
)
"""Rows without any right answer."""

_OPTIONAL = ""
"""Among the values of a parameter: it may be left out."""

_SUFFIX = {"float": "f", "long": "L"}
"""How Java tells these numbers from others."""


def gold_calls(row: Row) -> tuple[ToolCall, ...]:
    """Calls that BFCL's checker takes as right; for a relevance row, which has no answers, an empty call."""
    if not row.calls_due:
        return ()
    if not row.answers:
        return (ToolCall(id="call1", name=row.functions[0]["name"]),)
    documents = {document["name"]: document["parameters"] for document in row.functions}
    calls = []
    for number, answer in enumerate(row.answers, 1):
        ((name, values),) = answer.items()
        required, properties = documents[name].get("required", ()), documents[name]["properties"]
        arguments = {
            key: _value(options, properties.get(key, {}), row.language)
            for key, options in values.items()
            if _OPTIONAL not in options or key in required
        }
        calls.append(ToolCall(id=f"call{number}", name=name, arguments=arguments))
    return tuple(calls)


def _value(options: Sequence[Any], document: Mapping[str, Any], language: Language) -> Any:
    value = _open(next((option for option in options if option != _OPTIONAL), _OPTIONAL), document)
    if language == "python":
        return value
    return _source(value, document, language)


def _open(value: Any, document: Mapping[str, Any]) -> Any:
    """A value as it is: in an object, and in a list of objects, each key lists what counts for it."""
    if isinstance(value, dict):
        return {key: next(iter(some)) for key, some in value.items() if _OPTIONAL not in some}
    if isinstance(value, list) and document.get("items", {}).get("type") in ("dict", "HashMap"):
        return [_open(part, {}) for part in value]
    return value


def _source(value: Any, document: Mapping[str, Any], language: Language) -> str:
    """A value as source code; a text is taken to be code already, as BFCL's checker takes it."""
    if isinstance(value, str):
        return value
    kind, inner = str(document.get("type")), str(document.get("items", {}).get("type"))
    if language == "javascript":
        return json.dumps(value, ensure_ascii=False) + ("n" if kind == "Bigint" else "")
    if kind == "ArrayList":
        return f"new ArrayList<>(Arrays.asList({_list(value, inner, quoted=True)}))"
    if isinstance(value, list):
        return f"new {inner}[]{{{_list(value, inner, quoted=False)}}}"
    if isinstance(value, dict):
        puts = "".join(f"put({json.dumps(key)}, {json.dumps(some)}); " for key, some in value.items())
        return f"new HashMap<String, Object>() {{{{ {puts}}}}}"
    return json.dumps(value) + _SUFFIX.get(kind, "")


def _list(values: Sequence[Any], inner: str, *, quoted: bool) -> str:
    """Elements of a Java list; the checker takes the quotes off in an ArrayList only."""
    return ", ".join(
        (json.dumps(value) if quoted else value)
        if isinstance(value, str)
        else json.dumps(value) + _SUFFIX.get(inner, "")
        for value in values
    )
