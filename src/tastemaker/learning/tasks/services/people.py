"""A directory of people."""

from tastemaker.learning.tasks.function import look_up

look_up(
    "train",
    "people",
    "person",
    "phone",
    names="get phone number, phone of, lookup phone",
    doc="The phone number of a person.",
    says=("the phone number of {person}", "{person}'s phone number"),
)
look_up(
    "train",
    "people",
    "person",
    "city",
    names="home town of, where lives, get home city",
    doc="The town where a person lives.",
    gives="town",
    says=("the home town of {person}", "the town where {person} lives", "{person}'s home town"),
)
look_up(
    "train",
    "people",
    "person",
    "supervisor",
    names="find supervisor, supervisor of, who supervises",
    doc="Who supervises a person.",
    says=("the supervisor of {person}", "{person}'s supervisor"),
)
look_up(
    "train",
    "people",
    "person",
    "hired",
    names="hiring date, when hired, start date of",
    doc="The date a person was hired.",
    says=("the date {person} was hired", "the hiring date of {person}"),
)
look_up(
    "train",
    "people",
    "person",
    "leave_days",
    names="leave days, vacation left, days off of",
    doc="Days of leave that a person has left.",
    gives="days",
    says=("the number of leave days {person} has left", "the number of days of leave left for {person}"),
)
look_up(
    "valid",
    "people",
    "person",
    "email",
    names="get email, mail address of, contact email",
    doc="The email address of a person.",
    says=("the email address of {person}", "{person}'s email address"),
)
look_up(
    "valid",
    "people",
    "person",
    "mentor",
    names="find mentor, mentor of, assigned mentor",
    doc="The mentor of a person.",
    says=("the mentor of {person}", "{person}'s mentor"),
)
look_up(
    "valid",
    "people",
    "person",
    "branch",
    names="branch town, branch of employee, works at branch",
    doc="The town of the branch a person works at.",
    says=("the town of the branch where {person} works", "the branch town of {person}"),
)
look_up(
    "valid",
    "people",
    "person",
    "room",
    names="office room, room of, desk location",
    doc="The office room of a person.",
    says=("the office room of {person}", "{person}'s office room"),
)
look_up(
    "test",
    "people",
    "person",
    "department",
    names="department of, which department, team name of",
    doc="The department a person works in.",
    says=("the department of {person}", "the department that {person} works in"),
)
look_up(
    "test",
    "people",
    "person",
    "manager",
    names="manager of, boss of, line manager",
    doc="The manager of a person.",
    says=("the manager of {person}", "{person}'s manager"),
)
look_up(
    "test",
    "people",
    "person",
    "birthday",
    names="birth date, date of birth, born on",
    doc="The date of birth of a person.",
    gives="born",
    says=("the date of birth of {person}", "{person}'s birth date"),
)
look_up(
    "test",
    "people",
    "person",
    "wished",
    names="wish of, wished gift, gift idea for",
    doc="The product a person wishes for.",
    gives="product",
    says=("the product that {person} wishes for", "the product on the wish list of {person}"),
)
