"""`tastemaker agents show` and `compare`: what agents did, from a run, and how they did, from results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, out, print_json, print_table
from tastemaker.app.steps import step
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.records import Trajectory
    from tastemaker.tools.loop import Event

LINES = 20
"""Lines of one step that are shown."""


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or a trajectories.jsonl.")],
    request: Annotated[
        str | None, typer.Option("--request", help="Only requests whose id contains this.")
    ] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Only requests without a valid answer.")] = False,
    n: Annotated[int, typer.Option("--n", min=1, help="How many requests.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Show what each agent did for the requests of a run, step by step.

    Example: tastemaker agents show runs/first --wrong --n 3
    """
    from tastemaker.records import read_jsonl

    path = run / "trajectories.jsonl" if run.is_dir() else run
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a run folder of `tastemaker agents evaluate`")
    shown = 0
    found: list[dict[str, Any]] = []
    asked: list[Trajectory] = []
    for one in read_jsonl(path):
        if one.parent is not None:
            asked.append(one)
            continue
        team, asked = [*(t for t in asked if t.parent == one.id), one], []
        if (request is not None and request not in one.task.id) or (wrong and one.outcome.kind == "answered"):
            continue
        if as_json:
            found.append({"request": one.task.id, "trajectories": [t.model_dump(mode="json") for t in team]})
        else:
            out.rule(one.task.id, style="dim")
            for trajectory in team:
                for event in events(trajectory):
                    out.print(step(event, LINES), soft_wrap=True)
        shown += 1
        if shown == n:
            break
    if as_json:
        print_json(found)
    elif not shown:
        raise InputError(f"{path}: no such request")


def events(trajectory: Trajectory) -> Iterator[Event]:
    """What an observer was told while the trajectory was made."""
    from tastemaker.records import canonical
    from tastemaker.tools.loop import Event

    agent = trajectory.agent
    yield Event(agent, "start", trajectory.messages[1].text if len(trajectory.messages) > 1 else "")
    answered = trajectory.outcome.kind == "answered"
    offered = {tool.name for tool in trajectory.tools}
    own = [step for step in trajectory.steps if any(call.name in offered for call in step.calls)]
    for taken in trajectory.steps:
        if not taken.calls:
            yield Event(agent, "rejected", taken.error or "")
        for call, result in zip(taken.calls, taken.observations, strict=True):
            if answered and taken is own[-1] and result == "accepted":
                yield Event(agent, "answer", canonical(trajectory.outcome.answer))
                break
            arguments = ", ".join(f"{name}={canonical(value)}" for name, value in call.arguments.items())
            yield Event(agent, "call", f"{call.name}({arguments})")
            yield Event(agent, "rejected" if result == taken.error else "observation", result)
    ended = trajectory.outcome.kind
    yield Event(agent, "end", ended if trajectory.error is None else f"{ended}: {trajectory.error}")


def compare(
    data: Annotated[str, typer.Option("--data", help="Data set by name.")] = "ml-100k",
    folder: Annotated[Path, typer.Option("--results", help="Folder of the results files.")] = Path("results"),
    as_json: JsonOption = False,
) -> None:
    """Print the stored tables of agents on a data set: every team beside the baselines, a table for each
    protocol.

    They are the files `agents-*.json` that `tastemaker agents evaluate --results` writes.

    Example: tastemaker agents compare --data ml-100k
    """
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(folder.glob("agents-*.json")):
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            rows = [dict(row) for row in stored["rows"] if row["data"] == data]
            table = tables.setdefault(stored["protocol"], {}) if rows else {}
            for row in rows:
                del row["data"]
                table[row["model"]] = row
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a file of results ({error})") from None
    if not tables:
        raise InputError(
            f"{folder}: no results of agents on {data}; measure with: "
            f"tastemaker agents evaluate --data {data} --results {folder}/agents-{data}.json"
        )
    if as_json:
        found = [{"protocol": protocol, "rows": list(table.values())} for protocol, table in tables.items()]
        print_json(found)
        return
    for protocol, table in tables.items():
        teams_last = sorted(table.values(), key=lambda row: "calls" in row)
        print_table(teams_last, title=f"Agents on {data}", caption=protocol)
