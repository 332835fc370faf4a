"""Arithmetic with two numbers or one."""

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.function import Number, tool
from tastemaker.learning.tasks.world import World

KIN = "numbers"
"""Of all functions that calculate: several of them together may do what another does."""


@tool(
    "train",
    "math",
    names="add numbers, sum of two, plus",
    doc="Adds two numbers.",
    says=("the sum of {a} and {b}", "{a} plus {b}"),
    gives="sum",
    sort="number",
    kin=KIN,
    a="a, first, x",
    b="b, second, y",
)
def add(world: World, a: Number, b: Number) -> float:
    return a + b


@tool(
    "train",
    "math",
    names="divide numbers, quotient, divide by",
    doc="Divides one number by another.",
    says=("{a} divided by {b}", "the quotient of {a} and {b}"),
    gives="quotient",
    sort="number",
    kin=KIN,
    a="dividend, numerator, x",
    b="divisor, denominator, y",
)
def divide(world: World, a: Number, b: Number) -> float:
    if b == 0:
        raise ToolError("division by zero")
    return a / b


@tool(
    "train",
    "math",
    names="double number, twice, times two",
    doc="Twice a number.",
    says=("twice {a}", "the double of {a}", "{a} doubled"),
    gives="double",
    sort="number",
    kin=KIN,
    a="number, value, x",
)
def double(world: World, a: Number) -> float:
    return 2 * a


@tool(
    "valid",
    "math",
    names="subtract numbers, difference, minus",
    doc="Takes one number away from another.",
    says=("{a} minus {b}", "the rest when {b} is taken away from {a}"),
    gives="difference",
    sort="number",
    kin=KIN,
    a="minuend, first number, whole",
    b="subtrahend, second number, taken",
)
def subtract(world: World, a: Number, b: Number) -> float:
    return a - b


@tool(
    "valid",
    "math",
    names="square number, squared, second power",
    doc="The square of a number.",
    says=("the square of {a}", "{a} squared"),
    gives="square",
    sort="number",
    kin=KIN,
    a="base, number, n",
)
def square(world: World, a: Number) -> float:
    return a * a


@tool(
    "test",
    "math",
    names="multiply numbers, product of two, times",
    doc="Multiplies two numbers.",
    says=("{a} times {b}", "the product of {a} and {b}", "{a} multiplied by {b}"),
    gives="product",
    sort="number",
    kin=KIN,
    a="factor, p, left",
    b="other factor, q, right",
)
def multiply(world: World, a: Number, b: Number) -> float:
    return a * b


@tool(
    "test",
    "math",
    names="square root, root of number, sqrt of",
    doc="The square root of a number.",
    says=("the square root of {a}",),
    gives="root",
    sort="number",
    kin=KIN,
    a="radicand, of, value",
)
def square_root(world: World, a: Number) -> float:
    if a < 0:
        raise ToolError("there is no square root of a negative number")
    return float(a**0.5)
