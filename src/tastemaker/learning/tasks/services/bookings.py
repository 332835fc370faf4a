"""Bookings: seats, places and tables that calls take."""

from typing import Annotated, Any

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.function import SCRIPTS, Quantity, Script, look_up, tool
from tastemaker.learning.tasks.world import World, find

Event = Annotated[str, "event"]
Course = Annotated[str, "course"]
Restaurant = Annotated[str, "restaurant"]


def _take(row: dict[str, Any], field: str, count: int) -> int:
    if count < 1:
        raise ToolError("at least 1 must be booked")
    if count > row[field]:
        raise ToolError(f"only {row[field]} are left")
    row[field] -= count
    return count


@tool(
    "train",
    "events",
    names="book seats, reserve seats, buy tickets",
    doc="Books seats for an event.",
    says=("book {seats} seats for the {event}", "reserve {seats} seats at the {event}"),
    gives="booked",
    needs=(("event", "seats"),),
    kin="seats",
    seats="seats, tickets, count",
)
def book_seats(world: World, event: Event, seats: Quantity) -> int:
    return _take(find(world, "event", event), "seats", seats)


look_up(
    "train",
    "events",
    "event",
    "seats",
    names="free seats, seats left, available seats",
    doc="How many seats are free at an event.",
    says=("the number of free seats at the {event}",),
    kin="seats",
)
look_up(
    "train",
    "events",
    "event",
    "when",
    names="event date, date of event, when takes place",
    doc="The date of an event.",
    gives="date",
    says=("the date of the {event}", "the date on which the {event} takes place"),
)


@tool(
    "valid",
    "courses",
    names="sign up, enrol, register for course",
    doc="Signs people up for a course.",
    says=("sign {people} people up for the {course} course", "enrol {people} people in the {course} course"),
    gives="enrolled",
    needs=(("course", "places"),),
    kin="course",
    people="people, how many people, participants",
)
def sign_up(world: World, course: Course, people: Quantity) -> int:
    return _take(find(world, "course", course), "places", people)


look_up(
    "valid",
    "courses",
    "course",
    "places",
    names="places left, open places, course capacity",
    doc="How many places are open in a course.",
    says=("the number of open places in the {course} course",),
    kin="course",
)


@tool(
    "test",
    "dining",
    names="reserve tables, take tables, table booking",
    doc="Reserves tables at a restaurant.",
    says=("reserve {tables} tables at the {restaurant}", "book {tables} tables in the {restaurant}"),
    gives="reserved",
    needs=(("restaurant", "tables"),),
    kin="tables",
    tables="tables, number of tables, table count",
)
def reserve(world: World, restaurant: Restaurant, tables: Quantity) -> int:
    return _take(find(world, "restaurant", restaurant), "tables", tables)


look_up(
    "test",
    "dining",
    "restaurant",
    "tables",
    names="unreserved tables, tables left, open tables",
    doc="How many tables of a restaurant are not taken.",
    says=("the number of open tables at the {restaurant}",),
    kin="tables",
)

SCRIPTS.append(Script("train", ("events.book_seats",), "events.seats", {"event": "event"}, repeats=(1, 2)))
SCRIPTS.append(Script("valid", ("courses.sign_up",), "courses.places", {"course": "course"}, repeats=(1, 2)))
SCRIPTS.append(
    Script("test", ("dining.reserve",), "dining.tables", {"restaurant": "restaurant"}, repeats=(1, 2))
)
