"""BFCL's checker takes the gold answers, refuses each way of spoiling one, and never faults."""

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.benchmarks.bfcl_checker import check, stand_in
from tastemaker.benchmarks.bfcl_data import CATEGORIES, Row, load
from tastemaker.benchmarks.bfcl_gold import CONTRADICTORY, gold_calls
from tastemaker.records import ToolCall


def answered() -> Iterator[tuple[Row, tuple[ToolCall, ...]]]:
    """The rows that have answers without contradiction, with the gold calls."""
    for category in CATEGORIES:
        if "relevance" not in category:
            for row in load(category):
                if row.id not in CONTRADICTORY:
                    yield row, gold_calls(row)


def test_gold_is_right_in_every_row_that_has_a_right_answer() -> None:
    rows = [row for category in CATEGORIES for row in load(category)]
    assert {row.id for row in rows if not check(row, gold_calls(row)).right} == CONTRADICTORY


def test_what_is_spoiled_is_wrong() -> None:
    tried = 0
    for row, (first, *others) in answered():
        arguments = first.arguments
        required = {f["name"]: f["parameters"]["required"] for f in row.functions}[first.name]
        spoiled = [
            [],
            [first, *others, first],
            [call(f"{first.name}_", arguments), *others],
            [call(first.name, {**arguments, "surely_no_parameter": 1}), *others],
        ]
        for key in required:
            spoiled.append([call(first.name, {k: v for k, v in arguments.items() if k != key}), *others])
            spoiled.append([call(first.name, {**arguments, key: other(arguments[key])}), *others])
        for calls in spoiled:
            tried += 1
            verdict = check(row, calls)
            assert not verdict.right, (row.id, calls)
            assert verdict.kind
            assert verdict.reason
    assert tried > 12_000


def call(name: str, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(id="x", name=name, arguments=arguments)


def other(value: Any) -> Any:
    """A value of the same type that no answer holds."""
    if isinstance(value, bool):
        return 2
    if isinstance(value, int | float):
        return value + 987_654_321
    if isinstance(value, str):
        return "qqzz"
    if isinstance(value, list):
        return [*value, "qqzz"]
    return {**value, "qqzz": 1}


def test_order_of_parallel_calls_is_free() -> None:
    for row in load("parallel_multiple"):
        assert check(row, gold_calls(row)[::-1]).right


def test_relevance_asks_only_for_a_call() -> None:
    fitting, unfitting = load("live_relevance")[0], load("irrelevance")[0]
    made = call("anything", {})
    assert check(fitting, [made]).right
    assert not check(unfitting, [made]).right
    assert check(unfitting, []).right
    assert check(fitting, []).kind == "relevance:no_call"


def test_sys_modules_stay_as_they_were() -> None:
    row = load("simple_python")[0]
    check(row, gold_calls(row))
    assert not any(name.startswith("bfcl_eval") for name in sys.modules)
    before = dict(sys.modules)
    with stand_in():
        table = importlib.import_module("bfcl_eval.constants.model_config")
        assert not table.MODEL_CONFIG_MAPPING["tastemaker"].underscore_to_dot
    assert dict(sys.modules) == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["simple_python", "simple_java", "simple_javascript"]), st.data())
def test_no_value_makes_the_checker_fault(category: str, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(load(category)))
    parameters = row.functions[0]["parameters"]["properties"]
    arguments = {name: data.draw(json_values) for name in parameters}
    verdict = check(row, [call(row.functions[0]["name"], arguments)])
    assert verdict.right or verdict.reason
