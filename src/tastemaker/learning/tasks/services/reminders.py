"""Reminders and a diary, by day."""

from bisect import insort
from typing import Annotated

from tastemaker.learning.tasks.function import SCRIPTS, Date, Script, tool
from tastemaker.learning.tasks.services.dates import read
from tastemaker.learning.tasks.world import World

Task = Annotated[str, "task"]


def _add(world: World, table: str, day: str, task: str) -> str:
    read(day)
    insort(world[table].setdefault(day, {"tasks": []})["tasks"], task)
    return day


def _on(world: World, table: str, day: str) -> list[str]:
    read(day)
    tasks: list[str] = world[table].get(day, {"tasks": []})["tasks"]
    return tasks


@tool(
    "train",
    "reminders",
    names="add reminder, remind me, set reminder",
    doc="Sets a reminder for a day (YYYY-MM-DD).",
    says=("set a reminder {task} for {day}", "remind me of {task} on {day}"),
    gives="set_for",
    needs=(("diary", ""),),
    kin="diary",
    task="task, text, about",
    day="day, date, on date",
)
def remind(world: World, task: Task, day: Date) -> str:
    return _add(world, "diary", day, task)


@tool(
    "train",
    "reminders",
    names="count reminders, reminders on day, number of reminders",
    doc="How many reminders there are on a day (YYYY-MM-DD).",
    says=("the number of reminders on {day}",),
    gives="reminders",
    sort="count",
    needs=(("diary", ""),),
    kin="diary",
    day="date, day, on day",
)
def count(world: World, day: Date) -> int:
    return len(_on(world, "diary", day))


@tool(
    "test",
    "agenda",
    names="list agenda, entries on, agenda of day",
    doc="The agenda's entries on a day (YYYY-MM-DD).",
    says=("the entries on the agenda of {day}", "everything that stands on the agenda of {day}"),
    gives="entries",
    sort="note",
    many=True,
    needs=(("agenda", ""),),
    kin="agenda",
    day="agenda day, which day, of day",
)
def entries(world: World, day: Date) -> list[str]:
    return list(_on(world, "agenda", day))


SCRIPTS.append(Script("train", ("reminders.remind",), "reminders.count", {"day": "day"}, repeats=(1, 2)))
