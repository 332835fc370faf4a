"""Calendar arithmetic. Dates are written YYYY-MM-DD."""

import re
from datetime import date, timedelta
from typing import Annotated

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.function import Date, Days, tool
from tastemaker.learning.tasks.sorts import SORTS
from tastemaker.learning.tasks.world import World

KIN = "dates"
Weeks = Annotated[int, "weeks"]
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read(text: str) -> date:
    """The date. Raises ToolError that says how to write one."""
    try:
        if _ISO.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        raise ToolError(f"there is no date {text!r}") from None
    raise ToolError(f"cannot read the date {text!r}; write it as YYYY-MM-DD")


def later(day: str, days: int) -> str:
    try:
        return (read(day) + timedelta(days)).isoformat()
    except OverflowError:
        raise ToolError("the date is out of range") from None


@tool(
    "train",
    "calendar",
    names="days between, count days, day difference",
    doc="Days between two dates (YYYY-MM-DD).",
    says=("the number of days from {start} to {end}", "the number of days between {start} and {end}"),
    gives="days",
    sort="days",
    kin=KIN,
    start="start, from date, first date",
    end="end, to date, second date",
)
def days_between(world: World, start: Date, end: Date) -> int:
    return abs((read(end) - read(start)).days)


@tool(
    "train",
    "calendar",
    names="add days, date after days, days later",
    doc="The date so many days later (YYYY-MM-DD).",
    says=("the date {days} days after {day}", "the date that comes {days} days later than {day}"),
    gives="date",
    sort="date",
    kin=KIN,
    day="date, start, day",
    days="days, count, n",
)
def add_days(world: World, day: Date, days: Days) -> str:
    return later(day, days)


@tool(
    "train",
    "calendar",
    names="weekday, day of week, name of day",
    doc="The weekday of a date (YYYY-MM-DD).",
    says=("the weekday of {day}", "the day of the week of {day}"),
    gives="weekday",
    sort="weekday",
    kin=KIN,
    day="date, day, when",
)
def weekday(world: World, day: Date) -> str:
    return SORTS["weekday"].whole[read(day).weekday()]


@tool(
    "valid",
    "calendar",
    names="subtract days, date before, days earlier",
    doc="The date so many days earlier (YYYY-MM-DD).",
    says=("the date {days} days before {day}",),
    gives="earlier",
    sort="date",
    kin=KIN,
    day="from day, reference, until",
    days="back, num days, offset",
)
def subtract_days(world: World, day: Date, days: Days) -> str:
    return later(day, -days)


@tool(
    "valid",
    "calendar",
    names="week number, iso week, calendar week",
    doc="The ISO week number of a date (YYYY-MM-DD).",
    says=("the ISO week number of {day}", "the calendar week of {day}"),
    gives="week",
    sort="number",
    kin=KIN,
    day="on, the date, given day",
)
def week_number(world: World, day: Date) -> int:
    return read(day).isocalendar().week


@tool(
    "test",
    "calendar",
    names="add weeks, date after weeks, weeks later",
    doc="The date so many weeks later (YYYY-MM-DD).",
    says=("the date {weeks} weeks after {day}", "the date that comes {weeks} weeks later than {day}"),
    gives="later",
    sort="date",
    kin=KIN,
    day="base date, begin, day0",
    weeks="weeks, num weeks, how many",
)
def add_weeks(world: World, day: Date, weeks: Weeks) -> str:
    return later(day, 7 * weeks)


@tool(
    "test",
    "calendar",
    names="day of year, ordinal day, yearday",
    doc="Which day of its year a date is (YYYY-MM-DD).",
    says=("the day number of {day} within its year", "the number of the day that {day} is in its year"),
    gives="number",
    sort="number",
    kin=KIN,
    day="of date, calendar date, d",
)
def day_of_year(world: World, day: Date) -> int:
    return read(day).timetuple().tm_yday


@tool(
    "test",
    "calendar",
    names="end of month, last day of month, month end",
    doc="The last date of the month of a date (YYYY-MM-DD).",
    says=("the last date of the month of {day}", "the date on which the month of {day} ends"),
    gives="end",
    sort="date",
    kin=KIN,
    day="in month of, some date, month date",
)
def month_end(world: World, day: Date) -> str:
    first = read(day).replace(day=1)
    return ((first + timedelta(31)).replace(day=1) - timedelta(1)).isoformat()
