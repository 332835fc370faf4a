"""Percentages."""

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.function import Number, Percent, tool
from tastemaker.learning.tasks.services.numbers import KIN
from tastemaker.learning.tasks.world import World


@tool(
    "train",
    "percent",
    names="percent of, percentage of amount, part by rate",
    doc="So many percent of an amount.",
    says=("{rate} percent of {amount}", "{rate}% of {amount}"),
    gives="part",
    sort="number",
    kin=KIN,
    rate="rate, percent, percentage",
    amount="amount, base, of",
)
def percent_of(world: World, rate: Percent, amount: Number) -> float:
    return rate * amount / 100


@tool(
    "train",
    "percent",
    names="percent change, relative change, growth rate",
    doc="The change from an old to a new value, in percent.",
    says=("the change from {old} to {new} in percent", "the percentage change from {old} to {new}"),
    gives="change",
    sort="number",
    kin=KIN,
    old="old, before, start value",
    new="new, after, end value",
)
def percent_change(world: World, old: Number, new: Number) -> float:
    if old == 0:
        raise ToolError("the old value must not be 0")
    return (new - old) / old * 100


@tool(
    "valid",
    "percent",
    names="apply discount, reduce by percent, discounted",
    doc="An amount less so many percent.",
    says=("{amount} less {rate} percent", "{amount} after a discount of {rate} percent"),
    gives="reduced",
    sort="number",
    kin=KIN,
    amount="full amount, from amount, gross",
    rate="discount, off, cut",
)
def discount(world: World, amount: Number, rate: Percent) -> float:
    return amount * (1 - rate / 100)


@tool(
    "test",
    "percent",
    names="raise by percent, add percent, marked up",
    doc="An amount raised by so many percent.",
    says=("{amount} plus {rate} percent", "{amount} after a rise of {rate} percent"),
    gives="raised",
    sort="number",
    kin=KIN,
    amount="net, starting amount, figure",
    rate="increase, markup, rise",
)
def increase(world: World, amount: Number, rate: Percent) -> float:
    return amount * (1 + rate / 100)


@tool(
    "test",
    "percent",
    names="share in percent, ratio as percent, fraction of total",
    doc="What percentage a part is of a whole.",
    says=("the percentage that {part} is of {whole}", "the share of {part} in {whole} as a percentage"),
    gives="share",
    sort="number",
    kin=KIN,
    part="part, portion, piece",
    whole="total, whole, out of",
)
def share(world: World, part: Number, whole: Number) -> float:
    if whole == 0:
        raise ToolError("the whole must not be 0")
    return part / whole * 100
