"""Conversion of units, by the factors that define them."""

from typing import Annotated

from tastemaker.learning.tasks.function import Size, tool
from tastemaker.learning.tasks.services.numbers import KIN
from tastemaker.learning.tasks.world import World

MILE = 1.609344
POUND = 0.45359237
GALLON = 3.785411784
FOOT = 0.3048
INCH = 2.54
_SPEEDS = {"km/h": 1 / 3.6, "mph": MILE / 3.6, "m/s": 1.0}
_MINUTES = {"minutes": 1.0, "hours": 60.0, "days": 1440.0}

SpeedUnit = Annotated[str, "speed unit"]
TimeUnit = Annotated[str, "time unit"]


@tool(
    "train",
    "convert",
    names="km to miles, kilometres in miles, convert to miles",
    doc="Kilometres as miles.",
    says=("{km} in miles", "{km} converted to miles"),
    gives="miles",
    sort="miles",
    kin=KIN,
)
def km_to_miles(world: World, km: Annotated[float, "km"]) -> float:
    return km / MILE


@tool(
    "train",
    "convert",
    names="kg to pounds, kilograms in pounds, convert to pounds",
    doc="Kilograms as pounds.",
    says=("{kg} in pounds", "{kg} converted to pounds"),
    gives="pounds",
    sort="number",
    kin=KIN,
)
def kg_to_pounds(world: World, kg: Annotated[float, "kg"]) -> float:
    return kg / POUND


@tool(
    "train",
    "convert",
    names="celsius to fahrenheit, fahrenheit of, temperature in fahrenheit",
    doc="Degrees Celsius as Fahrenheit.",
    says=("{celsius} in Fahrenheit", "{celsius} on the Fahrenheit scale"),
    gives="fahrenheit",
    sort="number",
    kin=KIN,
)
def to_fahrenheit(world: World, celsius: Annotated[float, "celsius"]) -> float:
    return celsius * 9 / 5 + 32


@tool(
    "train",
    "convert",
    names="convert speed, change speed unit, speed as",
    doc="A speed in metres per second.",
    says=("the metres per second in {value} {unit}", "the speed of {value} {unit} in metres per second"),
    gives="metres_per_second",
    sort="number",
    kin=KIN,
    value="speed, value, v",
    unit="unit, from unit, given in",
)
def speed(world: World, value: Size, unit: SpeedUnit) -> float:
    return value * _SPEEDS[unit]


@tool(
    "valid",
    "convert",
    names="metres to feet, metres in feet, height in feet",
    doc="Metres as feet.",
    says=("{metres} in feet", "{metres} converted to feet"),
    gives="feet",
    sort="number",
    kin=KIN,
)
def metres_to_feet(world: World, metres: Annotated[float, "metres"]) -> float:
    return metres / FOOT


@tool(
    "valid",
    "convert",
    names="litres to gallons, litres in gallons, us gallons",
    doc="Litres as US gallons.",
    says=("{litres} in US gallons", "{litres} converted to US gallons"),
    gives="gallons",
    sort="number",
    kin=KIN,
)
def litres_to_gallons(world: World, litres: Annotated[float, "litres"]) -> float:
    return litres / GALLON


@tool(
    "test",
    "convert",
    names="miles to km, miles in kilometres, convert to kilometres",
    doc="Miles as kilometres.",
    says=("{miles} in kilometres", "{miles} converted to kilometres"),
    gives="km",
    sort="km",
    kin=KIN,
)
def miles_to_km(world: World, miles: Annotated[float, "miles"]) -> float:
    return miles * MILE


@tool(
    "test",
    "convert",
    names="inches to cm, inches in centimetres, convert to centimetres",
    doc="Inches as centimetres.",
    says=("{inches} in centimetres", "{inches} converted to centimetres"),
    gives="cm",
    sort="number",
    kin=KIN,
)
def inches_to_cm(world: World, inches: Annotated[float, "inches"]) -> float:
    return inches * INCH


@tool(
    "test",
    "convert",
    names="grams of, kg to grams, weight in grams",
    doc="Kilograms as grams.",
    says=("{kg} in grams", "{kg} converted to grams"),
    gives="grams",
    sort="number",
    kin=KIN,
    kg="weight, mass, in kg",
)
def kg_to_grams(world: World, kg: Annotated[float, "kg"]) -> float:
    return kg * 1000


@tool(
    "test",
    "convert",
    names="minutes to hours, hours of, time in hours",
    doc="Minutes as hours.",
    says=("{minutes} in hours", "{minutes} converted to hours"),
    gives="hours",
    sort="number",
    kin=KIN,
)
def minutes_to_hours(world: World, minutes: Annotated[float, "minutes"]) -> float:
    return minutes / 60


@tool(
    "test",
    "convert",
    names="to seconds, seconds of, duration in seconds",
    doc="A duration in seconds.",
    says=("the number of seconds in {value} {unit}", "the duration of {value} {unit} in seconds"),
    gives="seconds",
    sort="number",
    kin=KIN,
    value="value, length, how long",
    unit="time unit, measured in, given as",
)
def to_seconds(world: World, value: Size, unit: TimeUnit) -> float:
    return value * _MINUTES[unit] * 60
