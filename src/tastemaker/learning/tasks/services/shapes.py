"""Geometry."""

import math

from tastemaker.learning.tasks.function import Size, tool
from tastemaker.learning.tasks.services.numbers import KIN
from tastemaker.learning.tasks.world import World


@tool(
    "train",
    "geometry",
    names="circle area, area of circle, disc area",
    doc="The area of a circle.",
    says=("the area of a circle with radius {radius}",),
    gives="area",
    sort="number",
    kin=KIN,
    radius="radius, r, circle radius",
)
def circle_area(world: World, radius: Size) -> float:
    return math.pi * radius * radius


@tool(
    "train",
    "geometry",
    names="rectangle area, area of rectangle, floor area",
    doc="The area of a rectangle.",
    says=(
        "the area of a rectangle of {width} by {height}",
        "the area of a rectangle with sides {width} and {height}",
    ),
    gives="area",
    sort="number",
    kin=KIN,
    width="width, a, side a",
    height="height, b, side b",
)
def rectangle_area(world: World, width: Size, height: Size) -> float:
    return width * height


@tool(
    "valid",
    "geometry",
    names="rectangle perimeter, around rectangle, fence length",
    doc="The perimeter of a rectangle.",
    says=("the perimeter of a rectangle of {width} by {length}",),
    gives="perimeter",
    sort="number",
    kin=KIN,
    width="breadth, short side, w",
    length="length, long side, l",
)
def rectangle_perimeter(world: World, width: Size, length: Size) -> float:
    return 2 * (width + length)


@tool(
    "test",
    "geometry",
    names="hypotenuse, longest triangle side, right triangle diagonal",
    doc="The hypotenuse of a right triangle.",
    says=("the hypotenuse of a right triangle with legs {a} and {b}",),
    gives="hypotenuse",
    sort="number",
    kin=KIN,
    a="leg a, leg1, base leg",
    b="leg b, leg2, upright leg",
)
def hypotenuse(world: World, a: Size, b: Size) -> float:
    return math.hypot(a, b)


@tool(
    "test",
    "geometry",
    names="box volume, volume of cuboid, crate volume",
    doc="The volume of a box.",
    says=("the volume of a box of {length} by {width} by {height}",),
    gives="volume",
    sort="number",
    kin=KIN,
    length="depth, box length, d1",
    width="box width, wide, d2",
    height="box height, tall, d3",
)
def box_volume(world: World, length: Size, width: Size, height: Size) -> float:
    return length * width * height
