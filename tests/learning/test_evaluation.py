"""Figures of plays that were worked out by hand, and of runs against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tastemaker.errors import InputError
from tastemaker.learning.evaluation import FIGURES, Run, compare, evaluate, measures, task_id, transcript
from tastemaker.learning.tasks.function import FUNCTIONS
from tastemaker.learning.tasks.generate import TaskConfig, make_tasks
from tastemaker.learning.tasks.gold import play_gold
from tastemaker.learning.tasks.task import Expected, Kind, OfferedTool, ToolTask
from tastemaker.records import Outcome, Step, Task, ToolCall, Trajectory, Usage
from tastemaker.tools.loop import NOT_RUN, REPEATED


def offered(key: str) -> OfferedTool:
    return FUNCTIONS[key].wordings[0]


MANAGER, BORN, ROOM = map(offered, ("people.manager", "people.birthday", "people.department"))


def task(name: str = "t", kind: Kind = "chain", **changes: Any) -> ToolTask:
    return ToolTask(
        id=name,
        kind=kind,
        split="test",
        program="",
        question="When was the manager of *Ana* born?",
        tools=(MANAGER, BORN, ROOM),
        world={},
        gold=((call(MANAGER.spec.name),), (call(BORN.spec.name),)),
        answer=(Expected(sort="date", value="1970-05-04"),),
        reply="",
    ).model_copy(update=changes)


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(id="c", name=name, arguments=arguments or {"person": "Ana"})


def step(*calls: tuple[ToolCall, str], tokens: int = 3) -> Step:
    return Step(
        text="" if calls else "1970",
        calls=tuple(one for one, _ in calls),
        observations=tuple(text for _, text in calls),
        token_ids=tuple(range(tokens)),
    )


def play(
    steps: Sequence[Step], solved: float = 1, kind: Any = "answered", name: str = "t", sample: int = 0
) -> Trajectory:
    return Trajectory(
        id=f"{name}#{sample}",
        task=Task(kind="tool-task", id=f"{name}#{sample}", inputs={"task": name}),
        steps=tuple(steps),
        outcome=Outcome(kind=kind, answer="1970", scores={"solved": solved}),
        usage=Usage(output_tokens=77),
    )


GOOD = (call(MANAGER.spec.name), '{"manager":"Tom"}')
LATER = (call(BORN.spec.name, person="Tom"), '{"born":"1970-05-04"}')
ELSE = (call(ROOM.spec.name), '{"department":"Sales"}')
UNKNOWN = (call("no_such_tool"), "there is no call 'no_such_tool' now")
UNFIT = (call(MANAGER.spec.name, town="Oslo"), "error: unknown argument town")
FAILED = (call(MANAGER.spec.name, person="An"), "error: there is no person 'An'")


def test_a_right_play() -> None:
    found = measures(play([step(GOOD), step(LATER), step()]), task())
    assert found == {
        "pass_rate": 1,
        "tool_recall": 1,
        "tool_precision": 1,
        "call_success": 1,
        "invalid_calls": 0,
        "steps": 3,
        "tokens": 9,
    }


def test_a_play_with_everything_wrong() -> None:
    """Six calls, four steps that fail in some way, and one output without a call: of seven, three cannot be
    made (one output, one tool, one argument), and of six calls three go without an error."""
    steps = [step(GOOD, ELSE), step(UNKNOWN), step(UNFIT), step(FAILED), step(), step(GOOD)]
    found = measures(play(steps, solved=0.5, kind="limit"), task())
    assert found["pass_rate"] == 0.5
    assert found["tool_recall"] == 1 / 2
    assert found["tool_precision"] == 1 / 3
    assert found["call_success"] == 3 / 6
    assert found["invalid_calls"] == 3 / 7
    assert found["steps"] == 6


def test_an_answer_is_no_output_without_a_call() -> None:
    said = step((call("answer", text="1970"), "accepted"))
    for last in (step(), said):
        found = measures(play([step(GOOD), last]), task())
        assert (found["invalid_calls"], found["call_success"], found["tool_precision"]) == (0, 1, 1)


def test_a_call_that_was_not_run_brought_nothing() -> None:
    found = measures(play([step(GOOD), step((GOOD[0], REPEATED), (LATER[0], NOT_RUN)), step()]), task())
    assert (found["call_success"], found["invalid_calls"]) == (1 / 3, 0)


def test_what_has_no_meaning_is_no_number() -> None:
    declined = measures(play([step()]), task(kind="no tool", gold=(), answer=()))
    assert [name for name in FIGURES if math.isnan(declined[name])] == [
        "tool_recall",
        "tool_precision",
        "call_success",
        "invalid_calls",
    ]
    called = measures(play([step(GOOD), step()], solved=0), task(gold=()))
    assert called["tool_precision"] == 0
    hosted = play([Step(text="1970")])
    assert measures(hosted, task())["tokens"] == 77
    with pytest.raises(InputError, match="solved"):
        measures(hosted.model_copy(update={"outcome": Outcome(kind="answered")}), task())


def test_gold_plays_are_perfect() -> None:
    tasks = list(make_tasks(TaskConfig(split="test", count=40)))
    rows = evaluate("gold", map(play_gold, tasks), tasks).rows()
    assert [row["tasks"] for row in rows[1:]] == [
        sum(one.kind == row["kind"] for one in tasks) for row in rows[1:]
    ]
    for row in rows:
        assert row["pass_rate"]["mean"] == 1
        for figure, perfect in (("tool_recall", 1), ("tool_precision", 1), ("invalid_calls", 0)):
            assert row[figure] is None or row[figure]["mean"] == perfect
    assert [row["tool_recall"] for row in rows if row["kind"] == "no tool"] == [None]


def test_tries_at_a_task_count_by_their_mean() -> None:
    plays = [play([step()], solved, name="a", sample=n) for n, solved in enumerate((1, 0, 0))]
    plays.append(play([step(GOOD), step()], 1, name="b"))
    run = evaluate("run", plays, [task("a"), task("b", kind="single")])
    np.testing.assert_allclose(run.values["pass_rate"], [1 / 3, 1])
    everything, chain, single = run.rows()
    assert everything["pass_rate"]["mean"] == pytest.approx(2 / 3)
    assert everything["pass_rate"]["low"] < 2 / 3 < everything["pass_rate"]["high"]
    assert everything["tool_recall"]["mean"] == pytest.approx(1 / 4)
    assert (chain["kind"], chain["tasks"], chain["call_success"]) == ("chain", 1, None)
    assert (single["kind"], single["steps"]["mean"]) == ("single", 2)


def test_a_task_is_known_by_its_id() -> None:
    one = play([step()], name="x")
    assert task_id(one) == "x"
    assert task_id(one.model_copy(update={"task": Task(kind="tools", id="x#3")})) == "x"
    assert task_id(one.model_copy(update={"task": Task(kind="tools", id="x")})) == "x"
    with pytest.raises(InputError, match="task x is not among"):
        evaluate("run", [one], [task()])
    with pytest.raises(InputError, match="no play"):
        evaluate("run", [], [task()])


def scored(name: str, scores: dict[str, float]) -> Run:
    plays = [play([step()], solved, name=one) for one, solved in scores.items()]
    return evaluate(name, plays, [task(one) for one in scores])


def test_runs_are_compared_task_by_task() -> None:
    """Of three tasks in common one is won, one lost by half a point and one drawn."""
    after = scored("after", {"a": 1, "b": 0.5, "c": 1, "new": 0})
    before = scored("before", {"c": 1, "b": 1, "a": 0, "old": 1})
    row, _ = compare(after, before)
    assert (row["run"], row["tasks"]) == ("after − before", 3)
    assert row["win_rate"]["mean"] == pytest.approx(0.5)
    assert row["pass_rate"]["mean"] == pytest.approx(1 / 6)
    assert row["steps"] == {"mean": 0, "low": 0, "high": 0}
    assert row["tool_precision"] is None
    with pytest.raises(InputError, match="no task in common"):
        compare(scored("x", {"a": 1}), scored("y", {"b": 1}))


def test_a_paired_difference_is_surer_than_two_runs() -> None:
    """Runs that differ by the same on every task differ for sure, however much tasks differ."""
    rng = np.random.default_rng(0)
    base = {str(n): float(rng.integers(2)) / 2 for n in range(60)}
    better = scored("better", {name: score + 0.5 for name, score in base.items()})
    row = compare(better, scored("base", base))[0]
    assert row["pass_rate"] == pytest.approx({"mean": 0.5, "low": 0.5, "high": 0.5})
    assert row["win_rate"]["low"] == 1
    alone = better.rows()[0]["pass_rate"]
    assert alone["high"] - alone["low"] > 0.05


def test_transcripts_show_what_was_done() -> None:
    tick = call(MANAGER.spec.name, person="A`n``a")
    before = play(
        [step((tick, "error: no person\n\n# Not a heading")), Step(text="I *cannot* <b>say</b>")], 0
    )
    after = play([step(GOOD), step(LATER, UNKNOWN), step()])
    text = transcript(task(), {"before": before, "after": after})
    lines = text.splitlines()
    assert lines[0] == "### When was the manager of \\*Ana\\* born?"
    assert (
        '1. ```` manager_of(person="A`n``a") ```` → `error: no person # Not a heading`'.replace("````", "```")
        in lines
    )
    assert "2. I \\*cannot\\* \\<b\\>say\\</b\\>" in lines
    assert '1. `manager_of(person="Ana")` → `{"manager":"Tom"}`' in lines
    assert sum(line.startswith("2. ") for line in lines) == 3
    assert "**before**, scored 0" in lines
    assert "**after**, scored 1" in lines
