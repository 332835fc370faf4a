"""Statistics of a list of numbers."""

import statistics

from tastemaker.learning.tasks.function import Numbers, tool
from tastemaker.learning.tasks.services.numbers import KIN
from tastemaker.learning.tasks.world import World


@tool(
    "train",
    "stats",
    names="mean, average of list, arithmetic mean",
    doc="The mean of a list of numbers.",
    says=("the mean of the numbers {values}", "the average of {values}"),
    gives="mean",
    sort="number",
    kin=KIN,
    values="values, numbers, data",
)
def mean(world: World, values: Numbers) -> float:
    return statistics.fmean(values)


@tool(
    "train",
    "stats",
    names="total of list, sum up, add all",
    doc="The sum of a list of numbers.",
    says=("the total of the numbers {values}", "the sum of all of {values}"),
    gives="total",
    sort="number",
    kin=KIN,
    values="numbers, values, entries",
)
def total(world: World, values: Numbers) -> float:
    return float(sum(values))


@tool(
    "valid",
    "stats",
    names="spread of list, value range, widest gap",
    doc="The largest number of a list less its smallest.",
    says=("the range of the numbers {values}", "the spread between the largest and smallest of {values}"),
    gives="range",
    sort="number",
    kin=KIN,
    values="series, list, readings",
)
def spread(world: World, values: Numbers) -> float:
    return float(max(values) - min(values))


@tool(
    "test",
    "stats",
    names="median, middle of list, middle value",
    doc="The median of a list of numbers.",
    says=("the median of {values}", "the middle value of {values} once sorted"),
    gives="median",
    sort="number",
    kin=KIN,
    values="observations, figures, sample",
)
def median(world: World, values: Numbers) -> float:
    return float(statistics.median(values))


@tool(
    "test",
    "stats",
    names="standard deviation, population deviation, std of list",
    doc="The population standard deviation of a list of numbers.",
    says=(
        "the standard deviation of {values} (whole population)",
        "the population standard deviation of {values}",
    ),
    gives="deviation",
    sort="number",
    kin=KIN,
    values="samples, points, measurements",
)
def deviation(world: World, values: Numbers) -> float:
    return statistics.pstdev(values)
