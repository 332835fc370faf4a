"""Any trajectory comes back from JSON Lines and Parquet exactly; lines that are none are refused with their
place.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemaker.errors import InputError
from tastemaker.records import (
    Message,
    Outcome,
    Provenance,
    Step,
    Task,
    ToolCall,
    ToolSpec,
    Trajectory,
    Usage,
    canonical,
    parse_line,
    read_jsonl,
    read_parquet,
    write_jsonl,
    write_parquet,
)

awkward = st.sampled_from(["", "\n", "\r\n", "\u2028\u2029", "\x85", "\x00", "\ufeff", '"\\', "é🎬", "{}"])
texts = st.text(max_size=8) | awkward
floats = st.floats(allow_nan=False, allow_infinity=False)
ints = st.integers(-(2**63), 2**63 - 1)
scalars = st.none() | st.booleans() | ints | floats | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)
named = st.dictionaries(texts, floats, max_size=3)
counts = st.integers(0, 2**40)
optional = st.none() | texts

calls = st.builds(ToolCall, id=texts, name=texts, arguments=objects)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


specs = st.builds(ToolSpec, name=texts, description=texts, parameters=objects, result=st.none() | objects)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    text=texts,
    calls=some(calls),
    call_id=optional,
)
steps = st.builds(
    Step,
    text=texts,
    calls=some(calls),
    observations=some(texts),
    error=optional,
    prompt_ids=some(ints),
    token_ids=some(ints),
    log_probs=some(floats),
    rewards=named,
    seconds=floats,
)
outcomes = st.builds(
    Outcome,
    kind=st.sampled_from(["answered", "invalid", "limit", "failed"]),
    answer=values,
    scores=named,
)
trajectories = st.builds(
    Trajectory,
    id=texts,
    parent=optional,
    agent=texts,
    task=st.builds(Task, kind=texts, id=texts, inputs=objects),
    tools=some(specs),
    messages=some(messages),
    steps=some(steps),
    outcome=outcomes,
    usage=st.builds(
        Usage, requests=counts, replayed=counts, input_tokens=counts, seconds=floats, cost=floats
    ),
    error=optional,
    provenance=st.builds(
        Provenance, dataset=texts, protocol=texts, seed=ints, model=texts, code_version=texts
    ),
)

quick = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@quick
@given(st.lists(trajectories, max_size=3))
def test_round_trip_is_exact(tmp_path: Path, drawn: list[Trajectory]) -> None:
    lines, table = tmp_path / "drawn.jsonl", tmp_path / "drawn.parquet"
    lines.unlink(missing_ok=True)
    write_jsonl(lines, drawn)
    write_parquet(table, drawn)
    for back in (list(read_jsonl(lines)), list(read_parquet(table))):
        assert back == drawn
        assert repr(back) == repr(
            drawn
        )  # equality takes -0.0 for 0.0, True for 1 and 1 for 1.0; the text does not


def simple(id: str = "t", **other: Any) -> Trajectory:
    return Trajectory(
        id=id, task=Task(kind="rating", id="1"), outcome=Outcome(kind="answered", answer=3), **other
    )


def test_appending_and_querying(tmp_path: Path) -> None:
    import polars as pl

    path = tmp_path / "t.jsonl"
    write_jsonl(path, [simple("a")])
    write_jsonl(path, [simple("b", usage=Usage(requests=2, output_tokens=7))])
    assert [t.id for t in read_jsonl(path)] == ["a", "b"]
    write_parquet(tmp_path / "t.parquet", read_jsonl(path))
    table = pl.read_parquet(tmp_path / "t.parquet")
    assert table.select("id", "task", "outcome", "requests", "output_tokens").rows() == [
        ("a", "rating", "answered", 0, 0),
        ("b", "rating", "answered", 2, 7),
    ]


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    write_jsonl(path, [simple("a"), simple("b")])
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        path.write_bytes(whole[:end])
        assert [t.id for t in read_jsonl(path)] == ["a"]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("junk", "line"),
        ("[]", "line"),
        ("{}", "id"),
        (simple().model_dump_json().replace('"version":1', '"version":2'), "version"),
        (simple().model_dump_json().replace('"kind":"answered"', '"kind":"won"'), "outcome.kind"),
        (simple().model_dump_json()[:-1] + ',"more":1}', "more"),
        (simple().model_dump_json().replace('"seconds":0.0', '"seconds":NaN'), "seconds"),
    ],
)
def test_other_lines_are_refused_with_their_place(tmp_path: Path, line: str, field: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f"{simple().model_dump_json()}\n{line}\n")
    with pytest.raises(InputError) as error:
        list(read_jsonl(path))
    assert str(error.value).startswith(f"{path}:2: not a trajectory of version 1: ")
    assert field in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text())
def test_no_text_crashes_the_reader(line: str) -> None:
    with pytest.raises(InputError, match="somewhere: not a trajectory"):
        parse_line(line, "somewhere")


@pytest.mark.parametrize(
    "wrong", [float("nan"), float("inf"), {1: "key"}, {"deep": [float("-inf")]}, object(), b""]
)
def test_what_json_cannot_hold_is_refused_when_made(wrong: Any) -> None:
    with pytest.raises(ValueError):
        Outcome(kind="answered", answer=wrong)


@given(objects)
def test_canonical_text_is_one_per_value(value: dict[str, Any]) -> None:
    turned = dict(reversed(list(value.items())))
    assert canonical(turned) == canonical(value)
    assert json.loads(canonical(value)) == value
