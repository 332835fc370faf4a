"""Towns, the distances between them, and timetables."""

from tastemaker.learning.tasks.function import look_up

look_up(
    "train",
    "travel",
    "route",
    "km",
    names="distance between, road distance, how far",
    doc="The distance between two towns in km.",
    says=("the distance from {origin} to {destination}", "the distance between {origin} and {destination}"),
)
look_up(
    "train",
    "travel",
    "route",
    "departs",
    names="next departure, train departure, departure time",
    doc="When the next train leaves.",
    gives="departure",
    says=("the departure time of the next train from {origin} to {destination}",),
)
look_up(
    "train",
    "weather",
    "town",
    "temperature",
    names="current temperature, temperature in, how warm",
    doc="The temperature in a town in degrees Celsius.",
    says=("the temperature in {town}", "the current temperature in {town}"),
)
look_up(
    "train",
    "travel",
    "town",
    "visit",
    names="twin town, partner town, twinned with",
    doc="The town that a town is twinned with.",
    gives="town",
    says=("the twin town of {town}",),
)
look_up(
    "valid",
    "travel",
    "route",
    "fare",
    names="ticket fare, fare between, bus fare",
    doc="The bus fare between two towns in euros.",
    says=(
        "the bus fare from {origin} to {destination}",
        "the fare of the bus between {origin} and {destination}",
    ),
)
look_up(
    "valid",
    "travel",
    "town",
    "elevation",
    names="elevation of, height above sea, altitude",
    doc="The elevation of a town in metres.",
    says=("the elevation of {town}", "the height of {town} above the sea"),
)
look_up(
    "valid",
    "weather",
    "town",
    "rainfall",
    names="monthly rain, rainfall in, rain amount",
    doc="This month's rain in a town, in mm.",
    says=("the rainfall in {town} this month", "this month's rain in {town}"),
)
look_up(
    "valid",
    "travel",
    "town",
    "market_day",
    names="market date, next market, when is market",
    doc="The date of a town's next market.",
    gives="date",
    says=("the date of the next market in {town}",),
)
look_up(
    "test",
    "travel",
    "route",
    "minutes",
    names="travel time, journey minutes, train duration",
    doc="Minutes by train between two towns.",
    says=(
        "the time by train from {origin} to {destination}",
        "the train journey time between {origin} and {destination}",
    ),
)
look_up(
    "test",
    "travel",
    "town",
    "population",
    names="population of, inhabitants, how many live in",
    doc="The population of a town.",
    says=("the population of {town}", "the number of people living in {town}"),
)
look_up(
    "test",
    "travel",
    "town",
    "mayor",
    names="mayor of, who is mayor, town mayor",
    doc="The mayor of a town.",
    says=("the mayor of {town}",),
)
look_up(
    "test",
    "travel",
    "town",
    "postcode",
    names="postcode of, postal code, zip of town",
    doc="The postcode of a town.",
    says=("the postcode of {town}", "the postal code of {town}"),
)
